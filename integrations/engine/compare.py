"""Both sides of one contact beside each other, field by field, as a person reads them. Values are texts; "" is empty."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol, runtime_checkable

from integrations.engine.types import RawRecord

TRUE = "true"


class CompareKind(enum.StrEnum):
    """How a value is shown and when two of them say the same."""

    TEXT = "text"
    LINES = "lines"  # several lines of text
    EMAILS = "emails"  # several, separated by blanks
    PHONE = "phone"
    NUMBER = "number"  # what counts is how much it is: 1, 1.0 and 01
    NUMBER_CODE = "number_code"  # tax ids and the like: punctuation does not count
    COUNTRY = "country"  # ISO code, or the vendor's text where it is no country that we know
    CHOICE = "choice"  # `choices` names the setting whose choices have the labels
    BOOLEAN = "boolean"  # "true" or ""


@dataclass(frozen=True, slots=True)
class CompareField:
    """One row of the compare page.

    `ours` is where the contact has it: a canonical field, "address.city", "emails" (all of them, joined by blanks), "mobile" (the first
    phone labelled so) or "custom.<key>" (a custom field of the workspace; without such a field only the vendor's value is shown).
    """

    key: str
    label: str
    ours: str
    kind: CompareKind = CompareKind.TEXT
    choices: str = ""
    writable: bool = True
    required: bool = False


@runtime_checkable
class Compares(Protocol):
    """`Manifest.compare` has the rows."""

    def compared(self, raw: RawRecord) -> Mapping[str, str]:
        """The vendor's values by row key."""

    def put_compared(self, current: RawRecord, values: Mapping[str, str]) -> RawRecord:
        """Write these rows, all else as it is there. Raises Conflict when the record is not the one that was compared any more."""


def our_values(rows: Sequence[CompareField], fields: Mapping[str, Any], custom: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Our values by row key; a custom field that does not exist here has no entry."""
    found = {row.key: _ours(row.ours, fields, custom or {}) for row in rows}
    return {key: value for key, value in found.items() if value is not None}


def differing(rows: Sequence[CompareField], ours: Mapping[str, str], theirs: Mapping[str, str]) -> tuple[str, ...]:
    """Keys of the rows that differ. A row that we have no place for never does."""
    return tuple(row.key for row in rows if row.key in ours and not same(row.kind, ours[row.key], theirs.get(row.key, "")))


def same(kind: CompareKind, one: str, other: str) -> bool:
    """Whether two values of a row say the same."""
    plain = _PLAIN.get(kind, _text)
    return plain(one) == plain(other)


def _ours(path: str, fields: Mapping[str, Any], custom: Mapping[str, Any]) -> str | None:
    name, _, part = path.partition(".")
    if name == "custom":
        return _said(custom[part]) if part in custom else None
    value = fields.get(name)
    if part:
        value = value.get(part) if isinstance(value, Mapping) else ""
    return _said(value)


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return TRUE if value else ""
    return "" if value is None else str(value).strip()


def _text(value: str) -> str:
    return " ".join(value.split())


def _lines(value: str) -> str:
    return "\n".join(filter(None, map(_text, value.splitlines())))


def _emails(value: str) -> str:
    return " ".join(value.casefold().split())


def _phone(value: str) -> str:
    # "+45 12 34 56 78" and "0045 12345678"
    return "".join(char for char in value if char.isdigit()).removeprefix("00")


def _number(value: str) -> str:
    """What is no number is compared as it is written."""
    plain = "".join(value.split())
    try:
        found = Decimal(plain)
    except InvalidOperation:
        return plain
    if not found.is_finite():
        return plain
    return f"{found.normalize():f}" if found else "0"


def _code(value: str) -> str:
    return "".join(char for char in value.casefold() if char.isalnum())


def _country(value: str) -> str:
    return _text(value).casefold()


_PLAIN: dict[CompareKind, Callable[[str], str]] = {
    CompareKind.LINES: _lines,
    CompareKind.EMAILS: _emails,
    CompareKind.PHONE: _phone,
    CompareKind.NUMBER: _number,
    CompareKind.NUMBER_CODE: _code,
    CompareKind.COUNTRY: _country,
}
