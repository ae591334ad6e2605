"""Decisions about e-conomic's records: what a new customer needs, who flows by itself, whether a number was reused, states of invoices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from crmsync.lib.taxids import check_tax_id
from crmsync.lib.text import exact_name
from integrations.engine.provider import Missing, gettext_noop
from integrations.engine.types import Fields, InvoiceKind, InvoiceState, Kind, Local, Party, Reason

CLIENT = "client"
CREATE_WHEN = (
    ("created", gettext_noop("When it is created here")),
    ("active", gettext_noop("When it becomes a client")),
    ("manual", gettext_noop("Only by hand")),
)
_LIFE_CYCLES = {
    "suspect": gettext_noop("suspect"),
    "prospect": gettext_noop("prospect"),
    "lead": gettext_noop("lead"),
    "related": gettext_noop("related contact"),
    "former": gettext_noop("former client"),
}
# Setting -> where it goes in a new customer: property and, for references, the name of the number.
DEMANDED = (
    ("customer_group", "customerGroup", "customerGroupNumber", gettext_noop("Customer group")),
    ("payment_terms", "paymentTerms", "paymentTermsNumber", gettext_noop("Payment terms")),
    ("vat_zone", "vatZone", "vatZoneNumber", gettext_noop("VAT zone")),
    ("currency", "currency", "", gettext_noop("Currency")),
)
_OPTIONAL = (("layout", "layout", "layoutNumber", ""),)


def same_name(one: str, other: str) -> bool:
    """Equal after NFC, trimming and collapsing of blanks; case counts."""
    return exact_name(one) == exact_name(other)


def defaults(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What the settings say about every new customer, in e-conomic's words. A number that is none is left out."""
    found: dict[str, Any] = {}
    for setting, name, number, _label in (*DEMANDED, *_OPTIONAL):
        value = str(settings.get(setting) or "").strip()
        if not number and len(value) == 3 and value.isascii() and value.isalpha():
            found[name] = value.upper()
        elif number and value.isascii() and value.isdigit() and 0 < int(value) < 10**9:
            found[name] = {number: int(value)}
    return found


def unanswered(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Settings without which nothing can be created: key and label."""
    known = defaults(settings)
    return [(setting, label) for setting, name, _number, label in DEMANDED if name not in known]


def missing(party: Party) -> Sequence[Missing]:
    """What e-conomic would refuse a contact for; the settings are another matter (`unanswered`)."""
    return [] if str(party.fields.get("name") or "").strip() else [Missing("name", gettext_noop("Name"))]


def why_not_out(create_when: str, local: Local, *, organisation: Local | None) -> Reason | None:
    """Why a contact without a link is not created there by itself; None = it is. People go where their organisation is."""
    who = {"name": str(local.fields.get("name") or "")}
    if local.kind is Kind.PERSON:
        return None if organisation is not None else Reason("person_by_hand", who)
    if create_when == "created":
        return Reason("brought_in", {**who, "source": local.brought_by}) if local.brought_by else None
    if create_when != "active":
        return Reason("by_hand", who)
    stage = str(local.fields.get("life_cycle") or "")
    return None if stage == CLIENT else Reason("not_client_yet", {**who, "life_cycle": _LIFE_CYCLES.get(stage, stage)})


def is_another(known: Fields, today: Fields) -> bool:
    """Whether a number now belongs to somebody else. A CVR number settles it; otherwise one thing in common is enough to be the same.

    Numbers are given again after a deletion, so a record that shares nothing with what was agreed is taken for another one.
    """
    before, after = (_tax_id(each) for each in (known, today))
    if before and after:
        return before != after and _name(known) != _name(today)
    return any(map(_filled, known.values())) and not any(_shared(name, known, today) for name in known)


def _shared(name: str, known: Fields, today: Fields) -> bool:
    if name == "name":
        return _name(known) == _name(today)
    if name == "address":
        parts, others = known.get(name) or {}, today.get(name) or {}
        return bool(parts.get("line1")) and all(parts.get(key) == others.get(key) for key in ("line1", "postcode"))
    return _filled(known.get(name)) and known.get(name) == today.get(name)


def _filled(value: Any) -> bool:
    return value not in (None, "", {}, [])


def _name(fields: Fields) -> str:
    return exact_name(str(fields.get("name") or "")).casefold()


def _tax_id(fields: Fields) -> str:
    return check_tax_id(str(fields.get("tax_id") or ""), "DK").compact


def invoice_kind(gross: Decimal) -> InvoiceKind:
    """Credit notes are booked with negative amounts."""
    return InvoiceKind.CREDIT_NOTE if gross < 0 else InvoiceKind.INVOICE


def booked_state(remainder: Decimal) -> InvoiceState:
    """Whether it is due is a matter of the day, and of whoever shows it."""
    return InvoiceState.PAID if remainder == 0 else InvoiceState.OPEN
