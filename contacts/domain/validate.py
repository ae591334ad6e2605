"""What a contact may hold, for form and API alike: clean values in, or every fault named by its field."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from babel import Locale
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.utils.translation import gettext as _

from contacts.domain.custom import clean_custom
from contacts.domain.faults import FieldError, Invalid
from contacts.domain.values import one_line, paragraphs, web_address
from contacts.enums import Kind, LifeCycle
from contacts.models import Contact, CustomField
from crmsync.lib.text import digits, fold

__all__ = ["FIELDS", "FieldError", "Invalid", "clean_contact"]

MAX_ROWS = 50
MAX_NOTES = 50_000
LIMITS = {
    "name": 300,
    "first_name": 150,
    "last_name": 150,
    "legal_name": 300,
    "trade_name": 300,
    "tax_id": 40,
    "job_title": 150,
}
ROWS = {
    "emails": {"label": 40, "email": 254},
    "phones": {"label": 40, "number": 60},
    "addresses": {"label": 40, "line1": 200, "line2": 200, "city": 100, "region": 100, "postcode": 20, "country": 2},
}
REFERENCES = {"organisation": "organisation_id", "owner": "owner_id", "team": "team_id"}
FIELDS = ("kind", *LIMITS, "website", "notes", "life_cycle", *ROWS, "tags", "custom_fields", *REFERENCES)
NO_COUNTRIES = frozenset(["EU", "EZ", "UN", "ZZ", "XA", "XB", "QO"])
COUNTRIES = frozenset(code for code in map(str, Locale("en").territories) if len(code) == 2 and code.isalpha()) - NO_COUNTRIES
_check_email = EmailValidator()


@dataclass(slots=True)
class _Cleaning:
    data: Mapping[str, Any]
    clean: dict[str, Any] = field(default_factory=dict)
    errors: list[FieldError] = field(default_factory=list)

    def fault(self, name: str, code: str, message: str) -> None:
        self.errors.append(FieldError(name, code, message))

    def take(self, name: str, clean: Callable[[Any], Any], *, into: str = "") -> None:
        """Clean the value of `name`; a ValueError's text becomes the fault."""
        try:
            self.clean[into or name] = clean(self.data[name])
        except ValueError as fault:
            self.fault(name, "invalid", str(fault))


def clean_contact(
    data: Mapping[str, Any], *, custom_fields: Sequence[CustomField], partial: bool, current: Contact | None = None
) -> dict[str, Any]:
    """Give clean `Contact` field values for what `data` holds, or raise `Invalid` with all faults.

    `data` speaks as the API does (`custom_fields`, `organisation`). `partial` asks for no required fields;
    `current` is the contact being changed.
    """
    work = _Cleaning(data)
    for name in data:
        if name not in FIELDS:
            work.fault(str(name)[:100], "unknown", _("There is no such field."))
    kind = _clean_kind(work, current=current, partial=partial)
    _clean_texts(work)
    for name, parts in ROWS.items():
        if name in data:
            _clean_rows(work, name, parts)
    if "tags" in data:
        _clean_tags(work)
    if "custom_fields" in data:
        held = current.custom if current else {}
        values, faults = clean_custom(data["custom_fields"], fields=custom_fields, kind=kind, held=held)
        work.clean["custom"] = values
        work.errors += faults
    for name, column in REFERENCES.items():
        if name in data:
            work.take(name, _reference, into=column)
    _settle_name(work, kind=kind, current=current, partial=partial)
    _check_organisation(work, kind=kind, current=current)
    if work.errors:
        raise Invalid(work.errors)
    return work.clean


def _clean_kind(work: _Cleaning, *, current: Contact | None, partial: bool) -> str:
    given = work.data.get("kind", current.kind if current else None)
    if given in Kind.values:
        if "kind" in work.data:
            work.clean["kind"] = str(given)
        return str(given)
    if "kind" in work.data or not partial:
        work.fault("kind", "invalid" if "kind" in work.data else "required", _("Say person or organisation."))
    return current.kind if current else ""


def _clean_texts(work: _Cleaning) -> None:
    for name, limit in LIMITS.items():
        if name in work.data:
            work.take(name, partial(one_line, limit=limit))
    if "website" in work.data:
        work.take("website", partial(web_address, limit=300))
    if "notes" in work.data:
        work.take("notes", partial(paragraphs, limit=MAX_NOTES))
    if "life_cycle" in work.data:
        work.take("life_cycle", _life_cycle)


def _life_cycle(value: Any) -> str:
    if value is None or (isinstance(value, str) and value in LifeCycle.values):
        return str(value or "")
    raise ValueError(_("Choose one of: %(choices)s.") % {"choices": ", ".join(filter(None, LifeCycle.values))})


def _reference(value: Any) -> int | None:
    if isinstance(value, Mapping):
        value = value.get("id")
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | str) or not str(value).isascii() or not str(value).isdecimal():
        raise ValueError(_("Give the id as a whole number."))
    if len(str(value)) > 18:
        raise ValueError(_("There is no such record."))
    return int(value)


def _clean_rows(work: _Cleaning, name: str, parts: Mapping[str, int]) -> None:
    rows = work.data[name]
    if not isinstance(rows, list | tuple):
        work.fault(name, "invalid", _("Give a list."))
        return
    if len(rows) > MAX_ROWS:
        work.fault(name, "too_many", _("At most %(limit)s entries fit.") % {"limit": MAX_ROWS})
        return
    kept = [row for row in (_clean_row(work, f"{name}[{index}]", row, parts) for index, row in enumerate(rows)) if row]
    work.clean[name] = _without_repeats(name, kept)


def _clean_row(work: _Cleaning, path: str, row: Any, parts: Mapping[str, int]) -> dict[str, str] | None:
    """One entry, or None when nothing but a label is in it."""
    if not isinstance(row, Mapping):
        work.fault(path, "invalid", _("Give an object with these keys: %(keys)s.") % {"keys": ", ".join(parts)})
        return None
    for key in row:
        if key not in parts:
            work.fault(f"{path}.{str(key)[:100]}", "unknown", _("There is no such field."))
    clean: dict[str, str] = {}
    for part, limit in parts.items():
        try:
            clean[part] = PART_RULES.get(part, one_line)(row.get(part), limit=limit)
        except ValueError as fault:
            work.fault(f"{path}.{part}", "invalid", str(fault))
    return clean if any(value for part, value in clean.items() if part != "label") else None


def _email(value: Any, *, limit: int) -> str:
    text = one_line(value, limit=limit)
    if text:
        try:
            _check_email(text)
        except ValidationError:
            raise ValueError(_("This is not an e-mail address.")) from None
    return text


def _phone(value: Any, *, limit: int) -> str:
    text = one_line(value, limit=limit)
    if text and len(digits(text)) < 3:
        raise ValueError(_("A phone number has at least three digits."))
    return text


def _country(value: Any, *, limit: int) -> str:
    code = one_line(value, limit=limit + 100).upper()  # a country's name gets the message below, not "too long"
    code = {"UK": "GB", "EL": "GR"}.get(code, code)
    if code and code not in COUNTRIES:
        raise ValueError(_("Give the country as its two-letter code, such as GB."))
    return code


PART_RULES: dict[str, Callable[..., str]] = {"email": _email, "number": _phone, "country": _country}


def _without_repeats(name: str, rows: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    """Drop an e-mail or number that stands there already."""
    kept: dict[Any, dict[str, str]] = {}
    for row in rows:
        same = row["email"].lower() if name == "emails" else row["number"] if name == "phones" else tuple(row.items())
        kept.setdefault(same, row)
    return list(kept.values())


def _clean_tags(work: _Cleaning) -> None:
    given = work.data["tags"]
    if not isinstance(given, list | tuple):
        work.fault("tags", "invalid", _("Give a list."))
        return
    if len(given) > MAX_ROWS:
        work.fault("tags", "too_many", _("At most %(limit)s entries fit.") % {"limit": MAX_ROWS})
        return
    kept: dict[str, str] = {}
    for index, value in enumerate(given):
        try:
            tag = one_line(value, limit=60)
        except ValueError as fault:
            work.fault(f"tags[{index}]", "invalid", str(fault))
            continue
        if tag:
            kept.setdefault(fold(tag), tag)
    work.clean["tags"] = list(kept.values())


def _settle_name(work: _Cleaning, *, kind: str, current: Contact | None, partial: bool) -> None:
    """A person's name follows first and last name, unless it was given or had been written otherwise."""
    given = work.clean.get("name", "")
    held = current.name if current else ""
    if kind == Kind.PERSON and (not given or given == held) and {"first_name", "last_name"} & set(work.clean):
        was = f"{current.first_name} {current.last_name}".strip() if current else ""
        parts = (work.clean.get(part, getattr(current, part, "")) for part in ("first_name", "last_name"))
        joined = " ".join(filter(None, parts))
        if joined and (not held or held == was or ("name" in work.clean and not given)):
            work.clean["name"] = joined
    faulty = {error.field for error in work.errors}
    missing = not work.clean.get("name") and ("name" in work.clean or not partial)
    if missing and "name" not in faulty:
        work.fault("name", "required", _("Give a name."))
    if len(work.clean.get("name", "")) > LIMITS["name"]:
        work.fault("name", "invalid", _("At most %(limit)s characters fit.") % {"limit": LIMITS["name"]})


def _check_organisation(work: _Cleaning, *, kind: str, current: Contact | None) -> None:
    chosen = work.clean.get("organisation_id", current.organisation_id if current else None)
    if chosen is None:
        return
    if kind == Kind.ORGANISATION:
        if work.clean.get("organisation_id") is not None:
            work.fault("organisation", "invalid", _("Only a person belongs to an organisation."))
        else:
            work.clean["organisation_id"] = None
    elif current is not None and chosen == current.pk:
        work.fault("organisation", "invalid", _("A contact cannot belong to itself."))
