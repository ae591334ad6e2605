"""Crunch's records as the CRM understands them, and back."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from crmsync.lib.countries import country_code, country_name
from integrations.engine.provider import FieldMap, gettext_noop
from integrations.engine.types import Fields, Invoice, InvoiceKind, Kind, Party, RawRecord, Ref, Remote
from integrations.kit.values import text
from integrations.providers.crunch import records, rules
from integrations.providers.crunch.counties import is_county
from integrations.providers.crunch.records import CLIENT, LINES

FIELDS = (
    FieldMap("name", "name", gettext_noop("Name"), required=True),
    FieldMap("email", "email", gettext_noop("E-mail"), note=gettext_noop("The first e-mail address of the contact.")),
    FieldMap("address", "billingAddress", gettext_noop("Address"), required=True, note=gettext_noop("The first address of the contact.")),
)
SUPPLIER_TAG = "Supplier"
_STREET = ("line1", "line2", "city", "region")
_country = lru_cache(maxsize=512)(country_code)


def remote_client(raw: RawRecord) -> Remote:
    client = records.client(raw)
    fields = {"name": client.name, "email": client.email, "address": address_here(client.address)}
    return Remote(raw.ref, Party(Kind.ORGANISATION, fields), raw.version)


def remote_supplier(raw: RawRecord) -> Remote:
    """A supplier's only known field is its name; what is not in the map is not in sync."""
    return Remote(raw.ref, Party(Kind.ORGANISATION, {"name": records.supplier(raw).name}, tags=(SUPPLIER_TAG,)), raw.version)


def invoice(raw: RawRecord) -> Invoice:
    found = records.sales_invoice(raw)
    state = rules.invoice_state(found)
    return Invoice(
        ref=raw.ref,
        customer=Ref(CLIENT, found.customer_id) if found.customer_id else None,
        number=found.number,
        kind=InvoiceKind.INVOICE,
        state=state,
        currency=found.currency,
        gross=found.gross,
        outstanding=rules.outstanding(found),
        issued_on=found.issued_on,
        due_on=found.due_on,
        paid_on=found.last_payment_on if state == "paid" else None,
    )


def address_here(theirs: Mapping[str, str]) -> dict[str, str]:
    """Crunch's four free lines as street, town and county: the reverse of `address_there` as far as the lines tell.

    A third line that is a county follows a town; otherwise it is the town itself. A second line alone is the town.
    """
    first, second, third, fourth = (theirs.get(line, "") for line in LINES)
    if fourth:
        found = {"line1": first, "line2": second, "city": third, "region": fourth}
    elif third and is_county(third):
        found = {"line1": first, "city": second, "region": third}
    elif third:
        found = {"line1": first, "line2": second, "city": third}
    else:
        found = {"line1": first, "city": second}
    found |= {"postcode": theirs.get("postCode", ""), "country": _country(theirs.get("country", ""))}
    return {key: value for key, value in found.items() if value}


def address_there(ours: Mapping[str, Any], *, country: str = "code") -> dict[str, str]:
    """Street, town and county as Crunch's lines. The second line is obligatory there, so the town moves up where there is none."""
    first, second, city, region = (str(ours.get(key) or "").strip() for key in _STREET)
    if not second and city:
        second, city, region = city, region, ""
    lines = (first, second, city, region)
    code = country_code(str(ours.get("country") or "")) or str(ours.get("country") or "")
    there = country_name(code, "en") if country == "name" and code else code
    return {**dict(zip(LINES, lines, strict=True)), "postCode": str(ours.get("postcode") or "").strip(), "country": there}


def payload(party: Party, *, country: str = "code") -> dict[str, Any]:
    """What `create` sends: filled fields only."""
    address = {key: value for key, value in address_there(party.fields.get("address") or {}, country=country).items() if value}
    found = {"name": str(party.fields.get("name") or "").strip(), "email": party.fields.get("email") or "", "billingAddress": address}
    return {key: value for key, value in found.items() if value}


def changed_body(current: RawRecord, changes: Fields, *, country: str = "code") -> dict[str, Any]:
    """The record as read with our changes put in; the note and whatever else Crunch keeps stay as they are."""
    body = dict(current.body)
    if "name" in changes and not rules.same_name(str(body.get("name") or ""), str(changes["name"])):
        body["name"] = str(changes["name"]).strip()
    if "email" in changes:
        body["email"] = changes["email"] or ""
    if "address" in changes:
        body["billingAddress"] = _changed_address(body.get("billingAddress"), changes["address"] or {}, country=country)
    return body


def _changed_address(theirs: Any, ours: Mapping[str, Any], *, country: str) -> dict[str, Any]:
    """New address values; lines that say the same already stay as Crunch has them, and so does a country that we cannot read."""
    raw = dict(theirs) if isinstance(theirs, dict) else {}
    before = address_here({key: text(raw.get(key)) for key in records.ADDRESS})
    fresh = address_there(ours, country=country)
    if all((ours.get(key) or "") == before.get(key, "") for key in _STREET):
        fresh = {key: value for key, value in fresh.items() if key not in LINES}
    if (ours.get("country") or "") == before.get("country", ""):
        fresh.pop("country", None)
    return raw | fresh
