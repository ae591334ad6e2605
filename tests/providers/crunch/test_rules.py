"""Same names, states of invoices, what a new client needs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from integrations.engine.types import InvoiceState
from integrations.providers.crunch import records, rules
from tests.providers.crunch.samples import invoice_record

NOTE = {"amount": 100.0, "state": "ISSUED"}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Zoë Ltd", "Zoe\u0308 Ltd", True),
        ("  Zoë   Ltd ", "Zoë Ltd", True),
        ("Zoë\u00a0Ltd", "Zoë\tLtd", True),
        ("Zoë Ltd", "zoë ltd", False),
        ("Zoë Ltd", "Zoe Ltd", False),
        ("Zoë Ltd", "Zoë Ltd.", False),
        ("Zoë", "Zoë Ltd", False),
    ],
)
def test_same_name(one: str, other: str, same: bool) -> None:
    assert rules.same_name(one, other) is same


@pytest.mark.parametrize(
    ("fields", "state", "outstanding"),
    [
        ({}, InvoiceState.OPEN, "100.00"),
        ({"state": "DRAFT"}, InvoiceState.DRAFT, "100.00"),
        ({"state": "draft", "outstandingBalance": 0}, InvoiceState.DRAFT, "0.00"),
        ({"state": "WRITTEN_OFF"}, InvoiceState.WRITTEN_OFF, "0"),
        ({"state": "Written_Off"}, InvoiceState.WRITTEN_OFF, "0"),
        ({"state": "written off", "creditNotes": [NOTE]}, InvoiceState.WRITTEN_OFF, "0"),
        ({"outstandingBalance": 0.0}, InvoiceState.PAID, "0.00"),
        ({"outstandingBalance": 0.0, "state": "DUE"}, InvoiceState.PAID, "0.00"),
        ({"outstandingBalance": -5.5}, InvoiceState.PAID, "-5.50"),
        ({"outstandingBalance": 0.01, "state": "SETTLED"}, InvoiceState.OPEN, "0.01"),
        ({"outstandingBalance": 100.0, "state": "OVERDUE"}, InvoiceState.OPEN, "100.00"),
        ({"outstandingBalance": 0.0, "creditNotes": [NOTE]}, InvoiceState.CREDITED, "0.00"),
        ({"outstandingBalance": 0.0, "creditNotes": [{"amount": -60, "state": "ISSUED"}, {"amount": 40}]}, InvoiceState.CREDITED, "0.00"),
        ({"outstandingBalance": 40.0, "creditNotes": [{"amount": 60}]}, InvoiceState.OPEN, "40.00"),
        ({"outstandingBalance": 0.0, "creditNotes": [{"amount": 100, "state": "DRAFT"}]}, InvoiceState.PAID, "0.00"),
        ({"grossAmount": 0, "outstandingBalance": 0}, InvoiceState.PAID, "0.00"),
        ({"outstandingBalance": None}, InvoiceState.OPEN, "100.00"),
        ({"outstandingBalance": None, "state": "SETTLED"}, InvoiceState.PAID, "0"),
        ({"outstandingBalance": None, "payments": [{"amount": 30}, {"amount": 70.0}]}, InvoiceState.PAID, "0.00"),
        ({"outstandingBalance": None, "payments": [{"amount": 30}, None, {"amount": "x"}]}, InvoiceState.OPEN, "70.00"),
        ({"state": "SOMETHING_NEW"}, InvoiceState.OPEN, "100.00"),
        ({"state": 7}, InvoiceState.OPEN, "100.00"),
    ],
)
def test_invoice_state(fields: dict[str, Any], state: InvoiceState, outstanding: str) -> None:
    found = records.sales_invoice(invoice_record(**fields))

    assert rules.invoice_state(found) == state
    assert rules.outstanding(found) == Decimal(outstanding)


WHOLE = {"name": "A", "billingAddress": {"line1": "1 Road", "line2": "Leeds", "country": "GB"}}


@pytest.mark.parametrize(
    ("payload", "fields"),
    [
        (WHOLE, []),
        ({**WHOLE, "name": ""}, ["name"]),
        ({"name": "A"}, ["address.line1", "address.line2", "address.country"]),
        ({"name": "A", "billingAddress": {"line1": "1 Road", "country": "GB"}}, ["address.line2"]),
        ({}, ["name", "address.line1", "address.line2", "address.country"]),
    ],
)
def test_missing(payload: dict[str, Any], fields: list[str]) -> None:
    assert [one.field for one in rules.missing(payload)] == fields
