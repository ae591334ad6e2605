"""Keyset cursors: the sort values of the last row of a page, as text for a URL. Not secret, but checked."""

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

CursorValue = str | int | bool | None | date | datetime | Decimal | UUID

CURSOR_LIMIT = 2000
BIGGEST = 2**63


class CursorError(ValueError):
    """A cursor was not made by this list."""

    def __init__(self) -> None:
        super().__init__("The cursor is not valid: take it from the previous page as it is.")


def encode_cursor(values: Sequence[CursorValue]) -> str:
    """Write sort values as URL-safe text; their types come back."""
    body = json.dumps([_packed(value) for value in values], separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(body.encode()).rstrip(b"=").decode()


def decode_cursor(text: str, *kinds: type | tuple[type, ...]) -> tuple[CursorValue, ...]:
    """Read sort values back, or raise CursorError; with `kinds` (one per value) also when they are of other types."""
    values = tuple(_unpacked(item) for item in _items(text))
    if kinds and (len(values) != len(kinds) or not all(_is_kind(value, kind) for value, kind in zip(values, kinds, strict=True))):
        raise CursorError
    return values


def _packed(value: CursorValue) -> object:
    match value:
        case datetime():
            return {"t": value.isoformat()}
        case date():
            return {"d": value.isoformat()}
        case Decimal():
            return {"n": str(value)}
        case UUID():
            return {"u": value.hex}
    return value


def _items(text: str) -> list[Any]:
    if not text or len(text) > CURSOR_LIMIT or not text.isascii():
        raise CursorError
    try:
        blob = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        items = json.loads(blob.decode(), parse_float=_refuse, parse_constant=_refuse)
    except (binascii.Error, ValueError, RecursionError) as error:
        raise CursorError from error
    if not isinstance(items, list):
        raise CursorError
    return items


def _unpacked(item: object) -> CursorValue:
    if item is None or isinstance(item, bool):
        return item
    if isinstance(item, int):
        return _checked(item, fits=-BIGGEST <= item < BIGGEST)
    if isinstance(item, str):
        return _checked(item, fits="\x00" not in item and _is_encodable(item))
    if isinstance(item, dict) and len(item) == 1:
        [(kind, text)] = item.items()
        return _typed(kind, text)
    raise CursorError


def _typed(kind: str, text: object) -> CursorValue:
    if not isinstance(text, str):
        raise CursorError
    try:
        match kind:
            case "t":
                return datetime.fromisoformat(text)
            case "d":
                return date.fromisoformat(text)
            case "u":
                return UUID(hex=text)
            case "n":
                number = Decimal(text)
                return _checked(number, fits=number.is_finite())
    except (ValueError, InvalidOperation) as error:
        raise CursorError from error
    raise CursorError


def _checked(value: CursorValue, *, fits: bool) -> CursorValue:
    if not fits:
        raise CursorError
    return value


def _is_kind(value: CursorValue, kind: type | tuple[type, ...]) -> bool:
    # bool is an int and datetime is a date for Python, but not for a sort column.
    return type(value) in (kind if isinstance(kind, tuple) else (kind,))


def _is_encodable(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _refuse(literal: str) -> None:
    raise ValueError(literal)
