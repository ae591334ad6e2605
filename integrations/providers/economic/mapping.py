"""e-conomic's customers and customer contacts as the CRM understands them, and back."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from crmsync.lib.countries import country_code, country_name
from crmsync.lib.taxids import check_tax_id
from integrations.engine.errors import SkipRecord
from integrations.engine.provider import FieldMap, gettext_noop
from integrations.engine.types import Fields, Kind, Party, RawRecord, Reason, Ref, Remote
from integrations.kit.values import text
from integrations.providers.economic import rules
from integrations.providers.economic.records import parent_of, writable

FIELDS = (
    FieldMap("name", "name", gettext_noop("Name"), required=True),
    FieldMap("email", "email", gettext_noop("E-mail"), note=gettext_noop("The first address of the contact; further ones there stay.")),
    FieldMap("phone", "telephoneAndFaxNumber", gettext_noop("Phone"), note=gettext_noop("The first phone number of the contact.")),
    FieldMap("website", "website", gettext_noop("Website")),
    FieldMap("tax_id", "corporateIdentificationNumber", gettext_noop("CVR number")),
    FieldMap("address", "address, zip, city, country", gettext_noop("Address"), note=gettext_noop("The first address of the contact.")),
)
CONTACT_FIELDS = (
    FieldMap("name", "name", gettext_noop("Name"), required=True),
    FieldMap("email", "email", gettext_noop("E-mail")),
    FieldMap("phone", "phone", gettext_noop("Phone")),
    FieldMap("notes", "notes", gettext_noop("Notes")),
)
_PLAIN = {"name": "name", "phone": "telephoneAndFaxNumber", "website": "website", "tax_id": "corporateIdentificationNumber"}
_CONTACT = {"name": "name", "email": "email", "phone": "phone", "notes": "notes"}
_ADDRESS_PARTS = {"postcode": "zip", "city": "city"}
_READ_ONLY_CONTACT = frozenset({"userInterfaceNumber", "lastUpdated", "isDeleted", "active", "self", "metaData"})
_country = lru_cache(maxsize=512)(country_code)


def remote_customer(raw: RawRecord, *, url: str = "") -> Remote:
    """Raises SkipRecord for a customer without a name."""
    fields: dict[str, Any] = {ours: text(raw.body.get(theirs)) for ours, theirs in _PLAIN.items()}
    if not fields["name"]:
        raise SkipRecord(Reason("no_name", {"id": raw.ref.id}))
    fields["email"] = first_email(text(raw.body.get("email")))
    fields["tax_id"] = tax_id_here(fields["tax_id"])
    fields["address"] = address_here(raw.body)
    further = {"emails": emails(text(raw.body.get("email")))[1:], "mobile": text(raw.body.get("mobilePhone"))}
    initial = {name: value for name, value in further.items() if value}
    return Remote(raw.ref, Party(Kind.ORGANISATION, fields, initial=initial), raw.version, url=url)


def remote_contact(raw: RawRecord, *, url: str = "") -> Remote:
    """Raises SkipRecord for a contact without a name, or marked as deleted."""
    fields = {ours: text(raw.body.get(theirs)) for ours, theirs in _CONTACT.items()}
    if not fields["name"]:
        raise SkipRecord(Reason("no_name", {"id": raw.ref.id}))
    fields["email"] = first_email(fields["email"])
    parent = parent_of(raw)
    return Remote(raw.ref, Party(Kind.PERSON, fields, parent=parent), raw.version, url=url, parent=parent)


def first_email(theirs: str) -> str:
    """e-conomic keeps several addresses in one text, separated by blanks (people also write ; and ,)."""
    return next(iter(emails(theirs)), "")


def emails(theirs: str) -> list[str]:
    return theirs.replace(";", " ").replace(",", " ").split()


def emails_there(ours: str, theirs: str) -> str:
    """The first address replaced by ours, the others as they are."""
    others = [each for each in emails(theirs)[1:] if each.casefold() != ours.strip().casefold()]
    return " ".join([*([ours.strip()] if ours.strip() else []), *others])


def tax_id_here(theirs: str) -> str:
    """A Danish CVR number in its compact form ("DK 12 34 56 78"), anything else as written."""
    found = check_tax_id(theirs, "DK")
    return found.compact if found.valid else theirs


def address_here(body: Mapping[str, Any]) -> dict[str, str]:
    """Lines of the address, postcode, city, and the ISO code of the country, which is free text there."""
    lines = [line.strip() for line in text(body.get("address")).splitlines() if line.strip()]
    found = {"line1": lines[0] if lines else "", "line2": ", ".join(lines[1:])}
    found |= {ours: text(body.get(theirs)) for ours, theirs in _ADDRESS_PARTS.items()}
    found["country"] = _country(text(body.get("country")))
    return {name: value for name, value in found.items() if value}


def country_there(ours: str) -> str:
    """The Danish name of a country."""
    code = country_code(ours)
    return country_name(code, "da") if code else ours


def address_there(ours: Mapping[str, Any]) -> dict[str, str]:
    """A region has no place in e-conomic."""
    lines = [str(ours.get(name) or "").strip() for name in ("line1", "line2")]
    found = {"address": "\n".join(filter(None, lines)), "country": country_there(str(ours.get("country") or "").strip())}
    return found | {theirs: str(ours.get(name) or "").strip() for name, theirs in _ADDRESS_PARTS.items()}


def new_customer(party: Party, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """What `create` sends: filled fields, and what e-conomic demands besides (`rules.defaults`)."""
    found: dict[str, Any] = {theirs: str(party.fields.get(ours) or "").strip() for ours, theirs in _PLAIN.items()}
    found["email"] = str(party.fields.get("email") or "").strip()
    found |= address_there(party.fields.get("address") or {})
    return {name: value for name, value in found.items() if value} | dict(defaults)


def changed_customer(current: RawRecord, changes: Fields) -> dict[str, Any]:
    """The customer as read with our changes put in; everything else that can be written is sent again."""
    body = writable(current.body)
    for ours, theirs in _PLAIN.items():
        if ours in changes and not _same(ours, text(body.get(theirs)), str(changes[ours] or "")):
            body[theirs] = str(changes[ours] or "").strip()
    if "email" in changes:
        body["email"] = emails_there(str(changes["email"] or ""), text(body.get("email")))
    if "address" in changes:
        body |= _changed_address(body, changes["address"] or {})
    return without_empty(body)


def without_empty(body: Mapping[str, Any]) -> dict[str, Any]:
    """Null is refused: what is to be cleared is left out."""
    return {name: value for name, value in body.items() if value is not None and value != ""}


def _same(ours: str, there: str, here: str) -> bool:
    if ours == "name":
        return rules.same_name(there, here)
    return ours == "tax_id" and tax_id_here(there) == tax_id_here(here)


def _changed_address(body: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, str]:
    """Only parts that say something else: a country that we cannot read and the way lines were broken stay as they are."""
    before, fresh = address_here(body), address_there(ours)
    if all((ours.get(name) or "") == before.get(name, "") for name in ("line1", "line2")):
        fresh.pop("address")
    if (ours.get("country") or "") == before.get("country", ""):
        fresh.pop("country")
    return fresh


def new_contact(party: Party, customer: Ref) -> dict[str, Any]:
    found = {theirs: str(party.fields.get(ours) or "").strip() for ours, theirs in _CONTACT.items()}
    return {"customerNumber": int(customer.id), **{name: value for name, value in found.items() if value}}


def changed_contact(current: RawRecord, changes: Fields) -> dict[str, Any]:
    """Every field again, with the version as read; customersapi sets to empty what does not come."""
    body = {name: value for name, value in current.body.items() if name not in _READ_ONLY_CONTACT and value is not None}
    for ours, theirs in _CONTACT.items():
        if ours in changes:
            body[theirs] = str(changes[ours] or "").strip()
    if "email" in changes:
        body["email"] = emails_there(str(changes["email"] or ""), text(current.body.get("email")))
    return without_empty(body)
