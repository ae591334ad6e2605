"""Contacts as the engine sees them, and the engine's changes as contacts are written."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any

from contacts.models import Contact
from crmsync.lib.text import strip_nul
from integrations.engine.errors import SkipRecord
from integrations.engine.provider import gettext_noop
from integrations.engine.types import Kind, Local, Party, Reason, Ref, Remote

PLAIN = ("name", "first_name", "last_name", "legal_name", "trade_name", "tax_id", "website", "notes", "life_cycle")
ADDRESS = ("line1", "line2", "city", "region", "postcode", "country")
LIMITS = {f.name: f.max_length for f in Contact._meta.concrete_fields if f.name in PLAIN and f.max_length} | {"email": 254, "phone": 60}
LABELS = {
    "name": gettext_noop("Name"),
    "first_name": gettext_noop("First name"),
    "last_name": gettext_noop("Last name"),
    "legal_name": gettext_noop("Legal name"),
    "trade_name": gettext_noop("Trade name"),
    "tax_id": gettext_noop("Tax id"),
    "website": gettext_noop("Website"),
    "notes": gettext_noop("Notes"),
    "life_cycle": gettext_noop("Life cycle"),
    "email": gettext_noop("E-mail"),
    "phone": gettext_noop("Phone"),
    "address": gettext_noop("Address"),
}
ONCE = {"life_cycle": 12, "job_title": 150}
ADDRESS_LIMIT = 300
MOBILE = "Mobile"  # the label of a phone that is one


def local_of(contact: Contact) -> Local:
    """The canonical view: the first e-mail, phone and address are the ones other systems get."""
    fields: dict[str, Any] = {name: getattr(contact, name) for name in PLAIN}
    address = contact.first_address
    fields["email"] = contact.first_email
    fields["phone"] = contact.first_phone
    fields["address"] = {name: address[name] for name in ADDRESS if address.get(name)}
    return Local(
        id=contact.pk,
        kind=Kind(contact.kind),
        fields=fields,
        version=contact.version,
        deleted=contact.deleted_at is not None,
        organisation_id=contact.organisation_id,
    )


def party_of(contact: Contact, *, kind: Kind | None = None, parent: Ref | None = None) -> Party:
    """`parent`: the record that the contact's organisation is linked to."""
    local = local_of(contact)
    return Party(kind=kind or local.kind, fields=local.fields, parent=parent, contact_id=contact.pk)


def new_row(remote: Remote, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The row of a contact that comes from a provider."""
    row = row_changes(None, changes)
    return {"kind": remote.party.kind.value, "tags": list(remote.party.tags), **row, **_initial(remote.party.initial, row)}


def _initial(initial: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """What a record says once, when its contact is made; further addresses and numbers go behind the first."""
    found: dict[str, Any] = {name: _text(initial[name])[:limit] for name, limit in ONCE.items() if initial.get(name)}
    for name, key, limit in (("emails", "email", LIMITS["email"]), ("phones", "number", LIMITS["phone"])):
        held = list(row.get(name, []))
        known = {entry[key] for entry in held}
        given = dict.fromkeys(map(_text, initial.get(name) or ()))
        more = [value for value in given if value and value not in known and len(value) <= limit]
        if more:
            found[name] = [*held, *({"label": "", key: value} for value in more)]
    phones, mobile = found.get("phones", row.get("phones", [])), _text(initial.get("mobile") or "")
    if mobile and len(mobile) <= LIMITS["phone"] and mobile not in {entry["number"] for entry in phones}:
        found["phones"] = [*phones, {"label": MOBILE, "number": mobile}]
    return found


def row_changes(contact: Contact | None, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Canonical changes as `Contact` fields; the other e-mails, phones and addresses stay."""
    row: dict[str, Any] = {name: _text(changes[name]) for name in PLAIN if name in changes}
    if "email" in changes:
        row["emails"] = _first(contact.emails if contact else [], "email", _text(changes["email"]))
    if "phone" in changes:
        row["phones"] = _first(contact.phones if contact else [], "number", _text(changes["phone"]))
    if "address" in changes:
        row["addresses"] = _first_address(contact.addresses if contact else [], changes["address"] or {})
    return row


def with_values(contact: Contact, row: Mapping[str, Any]) -> Contact:
    """The contact with a row of changes in place, not stored."""
    after = copy(contact)
    for name, value in row.items():
        setattr(after, name, value)
    return after


def checked(remote: Remote) -> Remote:
    """Refuse what the CRM cannot keep whole. Raises SkipRecord naming the field."""
    for name, limit in LIMITS.items():
        value = remote.party.fields.get(name) or ""
        if len(value) > limit:
            raise _too_long(remote, name, limit=limit, length=str(len(value)))
    if any(len(part or "") > ADDRESS_LIMIT for part in (remote.party.fields.get("address") or {}).values()):
        raise _too_long(remote, "address", limit=ADDRESS_LIMIT, length="-")
    return remote


def _too_long(remote: Remote, name: str, *, limit: int, length: str) -> SkipRecord:
    return SkipRecord(Reason("too_long", {"id": remote.ref.id, "field": LABELS[name], "limit": str(limit), "length": length}))


def _text(value: Any) -> str:
    return strip_nul(str(value or ""))


def _first(entries: list[dict[str, Any]], key: str, value: str) -> list[dict[str, Any]]:
    """Put the value first: an entry that has it moves up, else the first one is replaced; empty takes the first one away."""
    known = [entry for entry in entries if entry.get(key) == value]
    if known:
        return [known[0], *(entry for entry in entries if entry is not known[0])]
    rest = entries[1:]
    return [{"label": entries[0].get("label", "") if entries else "", key: value}, *rest] if value else rest


def _first_address(entries: list[dict[str, Any]], value: Mapping[str, Any]) -> list[dict[str, Any]]:
    clean = {name: _text(value.get(name)) for name in ADDRESS if value.get(name)}
    label = entries[0].get("label", "") if entries else ""
    return [{"label": label, **clean}, *entries[1:]] if clean else entries[1:]
