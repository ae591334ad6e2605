"""Who flows, what is missing, whose number it is."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from integrations.engine.reasons import RULES, sentence
from integrations.engine.types import InvoiceKind, InvoiceState, Kind, Local, Party
from integrations.providers.economic import rules

KNOWN = {
    "name": "Bager Sørensen",
    "email": "hej@soen.example",
    "phone": "12345678",
    "tax_id": "",
    "website": "",
    "address": {"line1": "Torvet 1", "postcode": "8000"},
}


def local(kind: Kind = Kind.ORGANISATION, stage: str = "", brought_by: str = "") -> Local:
    return Local(1, kind, {"name": "Bager Sørensen", "life_cycle": stage}, version=1, brought_by=brought_by)


@pytest.mark.parametrize("stage", ["", "suspect", "prospect", "lead", "client", "related", "former"])
@pytest.mark.parametrize("when", ["created", "active", "manual", "", "else"])
@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("has_organisation", [True, False])
@pytest.mark.parametrize("source", ["", "Crunch"])
def test_who_goes_there_by_itself(stage: str, when: str, kind: Kind, has_organisation: bool, source: str) -> None:
    organisation = local() if has_organisation else None
    reason = rules.why_not_out(when, local(kind, stage, source), organisation=organisation)

    if kind is Kind.PERSON:
        wanted = "" if has_organisation else "person_by_hand"
    else:
        active = "" if stage == "client" else "not_client_yet"
        wanted = {"created": "brought_in" if source else "", "active": active}.get(when, "by_hand")
    assert (reason.code if reason else "") == wanted
    if reason:
        assert reason.code in RULES
        assert "Bager Sørensen" in sentence(reason, vendor="e-conomic")
        assert "\u2026" not in sentence(reason, vendor="e-conomic")


@pytest.mark.parametrize(
    ("settings", "lacking", "known"),
    [
        ({}, ["customer_group", "payment_terms", "vat_zone", "currency"], {}),
        (
            {"customer_group": "1", "payment_terms": "2", "vat_zone": "1", "currency": "dkk"},
            [],
            {
                "customerGroup": {"customerGroupNumber": 1},
                "paymentTerms": {"paymentTermsNumber": 2},
                "vatZone": {"vatZoneNumber": 1},
                "currency": "DKK",
            },
        ),
        ({"customer_group": "0", "payment_terms": "x", "vat_zone": "-1", "currency": "kroner"}, 4, {}),
        (
            {"customer_group": 1, "payment_terms": "²", "vat_zone": None, "currency": "€€€"},
            3,
            {"customerGroup": {"customerGroupNumber": 1}},
        ),
        ({"layout": "18"}, 4, {"layout": {"layoutNumber": 18}}),
    ],
)
def test_settings_in_their_words(settings: dict[str, Any], lacking: Any, known: dict[str, Any]) -> None:
    found = [key for key, _ in rules.unanswered(settings)]

    assert (found if isinstance(lacking, list) else len(found)) == lacking
    assert rules.defaults(settings) == known


def test_missing() -> None:
    assert [one.field for one in rules.missing(Party(Kind.ORGANISATION, {"name": "  "}))] == ["name"]
    assert rules.missing(Party(Kind.ORGANISATION, {"name": "A"})) == []


@pytest.mark.parametrize(
    ("known", "today", "another"),
    [
        # One thing in common is enough ...
        ({}, {}, False),
        ({}, {"email": "", "phone": "", "address": {}}, False),
        ({}, {"name": "Ny ApS"}, False),
        ({}, {"name": "BAGER SØRENSEN", "email": "x@y.dk", "phone": "", "address": {}}, False),
        ({}, {"name": "Ny ApS", "email": "", "phone": ""}, False),
        # ... and none makes it another one.
        ({}, {"name": "Ny ApS", "email": "ny@ny.example", "phone": "", "address": {"line1": "Algade 2", "postcode": "4000"}}, True),
        ({}, {"name": "Ny ApS", "email": "", "phone": "", "address": {}}, True),
        # A CVR number settles it.
        ({"tax_id": "13585628"}, {"tax_id": "DK13585628", "name": "Ny ApS", "email": "", "phone": "", "address": {}}, False),
        ({"tax_id": "13585628"}, {"tax_id": "10150817", "name": "Ny ApS"}, True),
        ({"tax_id": "13585628"}, {"tax_id": "10150817"}, False),  # a number corrected under the same name
        ({"tax_id": "13585628"}, {"tax_id": "", "name": "Ny ApS", "email": "", "phone": "", "address": {}}, True),
        ({"tax_id": "13585628"}, {"tax_id": ""}, False),
    ],
)
def test_reused_number(known: dict[str, Any], today: dict[str, Any], another: bool) -> None:
    before = {**KNOWN, **known}

    assert rules.is_another(before, {**before, **today}) is another


def test_nothing_known_is_no_proof() -> None:
    assert not rules.is_another({}, KNOWN)
    assert not rules.is_another({"name": "", "address": {}}, KNOWN)


@pytest.mark.parametrize(
    ("gross", "remainder", "kind", "state"),
    [
        ("100", "100", InvoiceKind.INVOICE, InvoiceState.OPEN),
        ("100", "0", InvoiceKind.INVOICE, InvoiceState.PAID),
        ("100", "0.00", InvoiceKind.INVOICE, InvoiceState.PAID),
        ("100", "0.01", InvoiceKind.INVOICE, InvoiceState.OPEN),
        ("-100", "-100", InvoiceKind.CREDIT_NOTE, InvoiceState.OPEN),
        ("-100", "0", InvoiceKind.CREDIT_NOTE, InvoiceState.PAID),
        ("0", "0", InvoiceKind.INVOICE, InvoiceState.PAID),
    ],
)
def test_invoices(gross: str, remainder: str, kind: InvoiceKind, state: InvoiceState) -> None:
    assert rules.invoice_kind(Decimal(gross)) == kind
    assert rules.booked_state(Decimal(remainder)) == state
