"""Movidesk keeps lists where the CRM keeps one value, and a list that is sent replaces the whole list.

So the list is read, the one entry that is ours is changed, and all entries are sent again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from integrations.kit.values import rows, text
from integrations.providers.movidesk.addresses import address_here, changed_address
from integrations.providers.movidesk.records import without_read_only

Entry = Mapping[str, Any]
_PHONE = re.compile(r"(?=(?:\D*\d){6})[\d\s()+./\-]+(?:\s*(?:r|ramal|ext)\.?\s*\d{1,6})?", re.IGNORECASE)
_NO_PHONE = re.compile(r"skype|e-?mail|site|instagram|facebook|linkedin", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ListOf:
    """One of the lists: how the value of an entry is read and put in, and what a new entry is called."""

    key: str
    read: Callable[[Entry], Any]  # the canonical value, empty where the entry is of no use to us
    write: Callable[[Entry, Any], dict[str, Any]]
    fresh: Entry


def _read_email(entry: Entry) -> str:
    found = text(entry.get("email"))
    return found if "@" in found else ""


def _read_phone(entry: Entry) -> str:
    found = text(entry.get("contact"))
    return found if _PHONE.fullmatch(found) and not _NO_PHONE.search(text(entry.get("contactType"))) else ""


EMAILS = ListOf("emails", _read_email, lambda entry, value: {**entry, "email": value}, {"emailType": "Profissional"})
PHONES = ListOf("contacts", _read_phone, lambda entry, value: {**entry, "contact": value}, {"contactType": "Telefone"})
ADDRESSES = ListOf("addresses", address_here, changed_address, {"addressType": "Comercial"})
LISTS = {"email": EMAILS, "phone": PHONES, "address": ADDRESSES}


def value_of(kind: ListOf, body: Mapping[str, Any]) -> Any:
    """The value of the entry that counts: the default one, else the first that is of use."""
    entries = rows(body.get(kind.key))
    at = _chosen(kind, entries)
    return kind.read(entries[at]) if at is not None else kind.read({})


def further_values(kind: ListOf, body: Mapping[str, Any]) -> list[Any]:
    """The values of all other entries."""
    first = value_of(kind, body)
    found = [value for entry in rows(body.get(kind.key)) if (value := kind.read(entry)) and value != first]
    return [value for position, value in enumerate(found) if value not in found[:position]]


def replaced(kind: ListOf, body: Mapping[str, Any], value: Any, *, agreed: Any = None) -> list[dict[str, Any]]:
    """The whole list with our value in the entry that has the agreed one, else in the one that counts; an empty value takes it out."""
    entries = [without_read_only(kind.key, entry) for entry in rows(body.get(kind.key))]
    at = _ours(kind, entries, agreed)
    twin = next((position for position, entry in enumerate(entries) if value and kind.read(entry) == value), None)
    if twin is not None:
        ours = entries[twin]
        kept = [entry for position, entry in enumerate(entries) if position in {twin} or position != at]
        return _counting(kind, kept, kept.index(ours))
    if not value:
        return [entry for position, entry in enumerate(entries) if position != at]
    if at is None:
        return _counting(kind, [*entries, kind.write(kind.fresh, value)], len(entries))
    entries[at] = kind.write(entries[at], value)
    return _counting(kind, entries, at)


def new_list(kind: ListOf, value: Any) -> list[dict[str, Any]]:
    return [{**kind.write(kind.fresh, value), "isDefault": True}] if value else []


def with_organisation(body: Mapping[str, Any], id: str) -> list[dict[str, Any]]:
    """The relationships, and one to this organisation if there is none."""
    known = [without_read_only("relationships", entry) for entry in rows(body.get("relationships"))]
    ids = {text(entry.get("id")).rpartition("/")[2].casefold() for entry in known}
    return known if id.casefold() in ids else [*known, {"id": id}]


def _ours(kind: ListOf, entries: list[dict[str, Any]], agreed: Any) -> int | None:
    chosen = _chosen(kind, entries)
    if not agreed or (chosen is not None and kind.read(entries[chosen]) == agreed):
        return chosen
    return next((position for position, entry in enumerate(entries) if kind.read(entry) == agreed), chosen)


def _chosen(kind: ListOf, entries: list[Any]) -> int | None:
    useful = [position for position, entry in enumerate(entries) if kind.read(entry)]
    return next((position for position in useful if entries[position].get("isDefault") is True), useful[0] if useful else None)


def _counting(kind: ListOf, entries: list[dict[str, Any]], at: int) -> list[dict[str, Any]]:
    """Make sure that this entry is the one that counts. Only one may be the default."""
    if _chosen(kind, entries) == at and any(entry.get("isDefault") is True for entry in entries):
        return entries
    return [{**entry, "isDefault": position == at} for position, entry in enumerate(entries)]
