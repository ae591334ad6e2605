"""Movidesk's persons as the CRM understands them, and back."""

from __future__ import annotations

import re
from typing import Any

from crmsync.lib.text import exact_name
from integrations.engine.errors import Retry, SkipRecord
from integrations.engine.provider import FieldMap, gettext_noop
from integrations.engine.types import Base, Fields, Kind, Party, RawRecord, Reason, Ref, Remote
from integrations.kit.values import rows, table, text
from integrations.providers.movidesk import entries, records, rules
from integrations.providers.movidesk.records import COMPANY, PERSON

FIELDS = (
    FieldMap("name", "businessName", gettext_noop("Name"), required=True),
    FieldMap(
        "trade_name",
        "businessName",
        gettext_noop("Trade name"),
        note=gettext_noop("Movidesk keeps one name for organisations here: the trade name, or the name where there is none."),
    ),
    FieldMap("legal_name", "corporateName", gettext_noop("Legal name")),
    FieldMap("address", "addresses", gettext_noop("Address"), note=gettext_noop("The default address. All others stay as they are.")),
    FieldMap("phone", "contacts", gettext_noop("Phone"), note=gettext_noop("The default number. All others stay as they are.")),
    FieldMap("email", "emails", gettext_noop("E-mail"), note=gettext_noop("The default e-mail address. All others stay as they are.")),
    FieldMap("tax_id", "cpfCnpj", gettext_noop("CPF or CNPJ")),
    FieldMap("notes", "observations", gettext_noop("Notes")),
)
PERSON_FIELDS = tuple(each for each in FIELDS if each.ours != "trade_name")
KINDS = {COMPANY: Kind.ORGANISATION, PERSON: Kind.PERSON}
_NONE = Base(ours={}, theirs={})
# What a refusal speaks of, by the first word of `propertyName`.
_FIELD_OF = {
    "businessname": "name",
    "corporatename": "legal_name",
    "cpfcnpj": "tax_id",
    "observations": "notes",
    **dict.fromkeys(("emails", "email", "emailtype"), "email"),
    **dict.fromkeys(("contacts", "contact", "contacttype"), "phone"),
    **dict.fromkeys(("addresses", *(part.lower() for part in records.ADDRESS if part != "isDefault")), "address"),
}


def remote(raw: RawRecord) -> Remote:
    """Raises SkipRecord for a record without any name."""
    body = raw.body
    legal = text(body.get("corporateName"))
    name = text(body.get("businessName")) or legal
    if not name:
        raise SkipRecord(Reason("no_name", {"id": raw.ref.id}))
    is_company = raw.ref.kind == COMPANY
    fields = {
        "name": name,
        **({"trade_name": text(body.get("businessName"))} if is_company else {}),
        "legal_name": legal,
        **{field: entries.value_of(kind, body) for field, kind in entries.LISTS.items()},
        "tax_id": rules.tax_id_here(text(body.get("cpfCnpj"))),
        "notes": text(body.get("observations")),
    }
    initial = {
        "life_cycle": rules.SUSPECT,
        "emails": entries.further_values(entries.EMAILS, body),
        "phones": entries.further_values(entries.PHONES, body),
    }
    return Remote(raw.ref, Party(KINDS[raw.ref.kind], fields, initial=initial), raw.version, parent=parent(raw))


def parent(raw: RawRecord) -> Ref | None:
    """The organisation that a person belongs to here: the first one that did not come from here."""
    ids = records.organisations_of(raw.body) if raw.ref.kind == PERSON else []
    ours = [id for id in ids if rules.is_marked(id)]
    return next((Ref(COMPANY, id) for id in [*(id for id in ids if id not in ours), *ours]), None)


def standing(raw: RawRecord) -> rules.Standing:
    body = raw.body
    kind = records.kind_of(body) if body.get("personType") is not None else raw.ref.kind
    name = text(body.get("businessName")) or text(body.get("corporateName")) or raw.ref.id
    return rules.Standing(kind, name, raw.ref.id, records.is_active(body), tuple(records.organisations_of(body)))


def payload(party: Party, *, code: str = "") -> dict[str, Any]:
    """What `create` sends: filled fields only. Raises SkipRecord for a tax id that is none."""
    fields = party.fields
    is_company = party.kind is Kind.ORGANISATION
    found: dict[str, Any] = {
        "id": code,
        "isActive": True,
        "personType": records.TYPE_OF[COMPANY if is_company else PERSON],
        "profileType": 2,
        "businessName": _business_name(party),
        "corporateName": _said(fields, "legal_name"),
        "cpfCnpj": _tax_id(party),
        "observations": _said(fields, "notes"),
        **{kind.key: entries.new_list(kind, fields.get(field)) for field, kind in entries.LISTS.items()},
        "relationships": [{"id": party.parent.id}] if party.parent and not is_company else [],
    }
    return {key: value for key, value in found.items() if value not in ("", [])}


def changed_body(current: RawRecord, changes: Fields, party: Party, *, agreed: Base = _NONE) -> dict[str, Any]:
    """What `update` sends: only the parts that change; lists whole. Raises SkipRecord for a tax id that is none."""
    body = current.body
    found: dict[str, Any] = {}
    name = _changed_name(current, changes, party, agreed)
    if name and exact_name(name) != exact_name(text(body.get("businessName"))):
        found["businessName"] = name
    for field, key in (("legal_name", "corporateName"), ("notes", "observations")):
        if field in changes:
            found[key] = _said(changes, field)
    if "tax_id" in changes:
        found["cpfCnpj"] = _tax_id(party, given=changes)
    for field, kind in entries.LISTS.items():
        if field in changes:
            found[kind.key] = entries.replaced(kind, body, changes[field] or "", agreed=agreed.theirs.get(field))
    if party.parent and current.ref.kind == PERSON and party.parent.id not in records.organisations_of(body):
        found["relationships"] = entries.with_organisation(body, party.parent.id)
    return found


def refused(error: SkipRecord, *, name: str) -> SkipRecord | Retry:
    """The vendor's refusal, with each complaint at the field that it speaks of."""
    told = error.told if isinstance(error.told, list) else [error.told]
    complaints = [(text(one.get("propertyName")), text(one.get("errorMessage")) or text(one.get("message"))) for one in rows(told)]
    if any("organization" in message.lower() and "no match" in message.lower() for _place, message in complaints):
        return Retry(Reason("parent_not_there", {"name": name}), detail=error.detail, after=120.0)
    fields = {field: message for place, message in complaints if (field := _field_of(place))}
    words = "; ".join(message for _place, message in complaints if message) or str(error.reason.params.get("message", ""))
    found = SkipRecord(Reason("refused", {"name": name, "message": words}), detail=error.detail, fields=fields)
    found.told = error.told
    return found


def exists_already(error: SkipRecord) -> bool:
    """Whether the code that we chose is in use."""
    told = error.told if isinstance(error.told, list) else [error.told]
    return any(
        text(table(one).get("propertyName")).lower() in ("id", "") and "already exist" in text(table(one).get("errorMessage")).lower()
        for one in told
    )


def _field_of(place: str) -> str:
    words = re.findall(r"[A-Za-z]+", place)
    return next((_FIELD_OF[word.lower()] for word in words if word.lower() in _FIELD_OF), "")


def _business_name(party: Party) -> str:
    own = _said(party.fields, "trade_name") if party.kind is Kind.ORGANISATION else ""
    return own or _said(party.fields, "name")


def _changed_name(current: RawRecord, changes: Fields, party: Party, agreed: Base) -> str:
    """ "" = it stays. An organisation with a trade name of its own is called by that; otherwise both names move together."""
    name = _said(changes, "name")
    if current.ref.kind != COMPANY:
        return name
    if "trade_name" in changes:
        return _said(changes, "trade_name") or _said(party.fields, "name")
    before = agreed.ours if agreed.ours.get("name") else party.fields
    own = exact_name(_said(before, "trade_name"))
    return "" if own and own != exact_name(_said(before, "name")) else name


def _tax_id(party: Party, *, given: Fields | None = None) -> str:
    try:
        return rules.tax_id_there({**party.fields, **(given or {})})
    except ValueError as error:
        words = {"name": _said(party.fields, "name"), "tax_id": str(error)}
        raise SkipRecord(Reason("bad_tax_id", words), fields={"tax_id": str(error)}) from None


def _said(fields: Fields, name: str) -> str:
    return str(fields.get(name) or "").strip()
