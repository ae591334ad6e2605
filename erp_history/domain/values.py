"""Values as databases give them -> values as JSON would bring them, so that the checks of the API read both."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils import timezone

from crmsync.lib.paging import CursorValue
from erp_history.domain.tables import Column

PLAIN = frozenset([str, int, bool, type(None)])


@dataclass(frozen=True, slots=True)
class Writing:
    """How a source writes: the zone of its clock, and the encoding of columns that are bytes."""

    zone: dt.tzinfo
    encoding: str = "utf-8"


def as_json_brings(value: Any, column: Column, writing: Writing) -> Any:
    """Amounts stay exact, whole numbers become such, moments in columns of days become their day, bits become flags."""
    if type(value) in PLAIN:
        return value
    if isinstance(value, dt.date):
        return _day_or_moment(value, column, writing)
    if isinstance(value, Decimal | float):
        return int(value) if column.kind != "decimal" and math.isfinite(value) and value == int(value) else value
    if isinstance(value, bytes | bytearray | memoryview):
        return _of_bytes(bytes(value), column, writing)
    return str(value)


def _day_or_moment(value: dt.date, column: Column, writing: Writing) -> str:
    if not isinstance(value, dt.datetime):
        return value.isoformat()
    if column.kind == "date":
        return (value.astimezone(writing.zone) if value.tzinfo else value).date().isoformat()
    return value.date().isoformat() if value.time() == dt.time() and value.tzinfo is None else value.isoformat()


def _of_bytes(value: bytes, column: Column, writing: Writing) -> str | bool:
    if column.kind == "boolean" and value in {b"\0", b"\1"}:  # BIT(1)
        return value == b"\1"
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode(writing.encoding, errors="replace")


def for_cursor(value: Any) -> CursorValue:
    """A value of a key as it can be kept between two pages."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", errors="replace")
    if isinstance(value, float):
        return Decimal(repr(value))
    return value if value is None or isinstance(value, str | int | Decimal | dt.date) else str(value)


def newest_moment(values: Sequence[Any], writing: Writing) -> str:
    """The newest of them; texts are none, and a moment of the next century does not stop everything until then."""
    latest = timezone.now() + dt.timedelta(days=1)
    known = [value for value in values if isinstance(value, dt.date) and _comparable(value, writing) <= latest]
    return max(known).isoformat() if known else ""


def _comparable(value: dt.date, writing: Writing) -> dt.datetime:
    moment = value if isinstance(value, dt.datetime) else dt.datetime.combine(value, dt.time(), tzinfo=writing.zone)
    return moment if moment.tzinfo else moment.replace(tzinfo=writing.zone)
