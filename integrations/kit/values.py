"""Values as vendors send them, brought to the types that we mean. Tolerant of form, strict about meaning: no guess, no exception."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

_CENT, _FINE = Decimal("0.01"), Decimal("0.0001")
_HUGE = Decimal(10) ** 15


def text(value: Any) -> str:
    """Trimmed text; numbers as written; "" for null and for what is no text."""
    if isinstance(value, str):
        return value.replace("\x00", "").strip()
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def identity(value: Any) -> str:
    """An id as text: 7, 7.0 and "7" are the same; "" when there is none."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return text(value) if not isinstance(value, float) else ""


def amount(value: Any) -> Decimal | None:
    """Exact money out of a JSON number or text: cents, or four decimals where the vendor means them. None when it is no amount."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    if not found.is_finite() or abs(found) >= _HUGE:
        return None
    fine, cents = found.quantize(_FINE), found.quantize(_CENT)
    return cents if fine == cents else fine


def day(value: Any) -> date | None:
    """A day from "2026-11-21", with or without a time behind it, or [2026, 11, 21]; None for everything else."""
    try:
        if isinstance(value, str):
            return date.fromisoformat(value.strip()[:10])
        if isinstance(value, list) and len(value) >= 3:
            return date(*value[:3])
    except (ValueError, TypeError, OverflowError):
        return None
    return None


def table(value: Any) -> Mapping[str, Any]:
    """An object; an empty one where the vendor sends something else."""
    return value if isinstance(value, dict) else {}


def rows(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list; an empty list where the vendor sends something else."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
