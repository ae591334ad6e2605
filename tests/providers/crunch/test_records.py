"""What Crunch sends is read with tolerance, and what cannot be used is named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.engine.errors import SkipRecord
from integrations.engine.types import RawRecord, Ref
from integrations.providers.crunch import records
from integrations.providers.crunch.records import CLIENT, INVOICE, SUPPLIER, Listing, listing
from tests.kit.test_values import JSON, TEXT
from tests.providers.crunch.samples import invoice_record, payload, record


def read(body: Any, *, kind: str = CLIENT, size: int = 200) -> Listing:
    found = listing(kind, body, size=size)
    assert found is not None
    return found


def test_page_of_clients() -> None:
    found = read(payload("clients_page"), size=2)

    assert [raw.ref for raw in found.records] == [Ref("client", "41"), Ref("client", "42")]
    assert (found.last, found.pages, found.total, found.bad) == (False, 2, 3, [])


def test_bare_array_is_the_whole_list() -> None:
    found = read(payload("clients_page")["content"])

    assert len(found.records) == 2
    assert (found.last, found.total) == (True, 2)


@pytest.mark.parametrize("body", [None, 1, "x", {}, {"content": None}, {"content": {}}, {"message": "fine"}])
def test_neither_page_nor_list(body: Any) -> None:
    assert listing(CLIENT, body, size=200) is None


@pytest.mark.parametrize(
    ("envelope", "last"),
    [
        ({"last": True}, True),
        ({"last": False}, False),
        ({"number": 0, "totalPages": 2}, False),
        ({"number": 1, "totalPages": 2}, True),
        ({"number": None, "totalPages": None}, True),
        ({"last": None}, True),
        ({"last": "no", "number": 0, "totalPages": 3}, False),
    ],
)
def test_end_of_the_list(envelope: dict[str, Any], last: bool) -> None:
    assert read({"content": [{"id": 1}], **envelope}, size=200).last is last


def test_full_page_without_envelope_fields_goes_on() -> None:
    assert read({"content": [{"id": 1}, {"id": 2}]}, size=2).last is False


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (None, "it is no object"),
        ("client", "it is no object"),
        ([], "it is no object"),
        ({}, "it has no id"),
        ({"id": None}, "it has no id"),
        ({"id": ""}, "it has no id"),
        ({"id": True}, "it has no id"),
        ({"id": 1.5}, "it has no id"),
    ],
)
def test_entry_that_is_no_record_is_named_by_its_place(entry: Any, problem: str) -> None:
    found = read({"content": [{"id": 1}, entry, {"id": 3}], "last": True})

    assert [raw.ref.id for raw in found.records] == ["1", "3"]
    assert [(bad.position, bad.reason.params["problem"]) for bad in found.bad] == [(1, problem)]


@pytest.mark.parametrize(("id", "wanted"), [(7, "7"), ("7", "7"), (7.0, "7"), (2**62, str(2**62))])
def test_ids_of_any_form(id: Any, wanted: str) -> None:
    assert read([{"id": id}]).records[0].ref.id == wanted


def test_version_changes_with_anything_in_the_record() -> None:
    body = payload("client")
    noted = {**body, "note": {"id": 1, "text": "Pays late."}}
    unknown = {**body, "newField": 1}

    assert len({record(each).version for each in (body, noted, unknown)}) == 3
    assert record(dict(reversed(list(body.items())))).version == record(body).version


def test_client() -> None:
    found = records.client(record(payload("client")))

    assert (found.id, found.name, found.email) == ("41", "Harrington & Cole Ltd", "accounts@harrington.example")
    assert found.address["line3"] == "York"


def test_odd_client() -> None:
    found = records.client(record(payload("client_odd")))

    assert (found.id, found.name, found.email) == ("43", "Nulls and  numbers", "7")
    assert set(found.address.values()) == {""}


def test_long_name_is_kept_whole() -> None:
    assert len(records.client(record({"name": "x" * 2000})).name) == 2000


@pytest.mark.parametrize("name", [None, "", "   ", [], {"a": 1}, True, "\x00"])
def test_client_without_name_is_skipped(name: Any) -> None:
    with pytest.raises(SkipRecord) as caught:
        records.client(record({"name": name}))

    assert caught.value.reason.code == "no_name"
    assert caught.value.reason.params == {"id": "1"}


def test_suppliers() -> None:
    found = read(payload("suppliers_page"), kind=SUPPLIER).records

    assert [records.supplier(raw).name for raw in found] == ["Albion Paper Supplies", "Ben Quinn"]
    with pytest.raises(SkipRecord):
        records.supplier(record({"companyName": None}, SUPPLIER))


def test_invoice() -> None:
    first, second = (records.sales_invoice(raw) for raw in read(payload("invoices_page"), kind=INVOICE).records)

    assert (first.number, first.customer_id, first.currency, first.state) == ("INV-0900", "41", "GBP", "OVERDUE")
    assert (first.gross, first.outstanding, first.paid) == (Decimal("1200.10"), Decimal("200.10"), Decimal("1000.00"))
    assert (first.issued_on, first.due_on, first.last_payment_on) == (date(2026, 10, 1), date(2026, 10, 31), date(2026, 10, 20))
    assert (second.number, second.credited, second.state) == ("#901", Decimal("60.00"), "")


@pytest.mark.parametrize(
    ("fields", "number"),
    [
        ({"invoiceNumber": "A1", "number": "B2"}, "A1"),
        ({"invoiceNumber": None, "number": 12}, "12"),
        ({"reference": "R-9"}, "R-9"),
        ({"invoiceNumber": " "}, "#1"),
    ],
)
def test_invoice_number(fields: dict[str, Any], number: str) -> None:
    assert records.sales_invoice(invoice_record(**fields)).number == number


@pytest.mark.parametrize(
    "fields", [{"currency": None}, {"currency": "£"}, {"currency": "POUNDS"}, {"grossAmount": None}, {"grossAmount": "much"}]
)
def test_invoice_without_amount_or_currency_is_skipped(fields: dict[str, Any]) -> None:
    with pytest.raises(SkipRecord) as caught:
        records.sales_invoice(invoice_record(**fields))

    assert caught.value.reason.code == "bad_record"


def test_currency_of_the_customer_helps_out() -> None:
    assert records.sales_invoice(invoice_record(currency=None, customer={"id": 1, "defaultCurrency": "eur"})).currency == "EUR"


@pytest.mark.parametrize(
    ("fields", "due"),
    [
        ({"dueDate": "2026-11-30"}, date(2026, 11, 30)),
        ({"dueDate": "0000-00-00"}, None),
        ({"issuedDate": "2026-11-01", "payment": {"paymentTerms": {"days": 14}}}, date(2026, 11, 15)),
        ({"issuedDate": "2026-11-01", "payment": {"paymentTerms": {"days": -1}}}, None),
        ({"issuedDate": "2026-11-01", "payment": {"paymentTerms": {"days": "14"}}}, None),
        ({"payment": {"paymentTerms": {"days": 14}}}, None),
        ({"issuedDate": "2026-11-01", "payment": None}, None),
    ],
)
def test_due_day(fields: dict[str, Any], due: date | None) -> None:
    assert records.sales_invoice(invoice_record(**fields)).due_on == due


def reason_of(understand: Callable[[RawRecord], object], raw: RawRecord) -> str:
    try:
        understand(raw)
    except SkipRecord as error:
        return error.reason.code
    return ""


@given(st.dictionaries(st.sampled_from(["name", "email", "billingAddress", "note", "companyName"]) | TEXT, JSON))
def test_no_client_makes_it_stumble(body: dict[str, Any]) -> None:
    raw = record({**body, "id": 1})

    assert reason_of(records.client, raw) in {"", "no_name"}
    assert reason_of(records.supplier, raw) in {"", "no_name"}


INVOICE_KEYS = [
    *("grossAmount", "outstandingBalance", "currency", "customer", "creditNotes"),
    *("payments", "payment", "dueDate", "issuedDate", "state"),
]


@given(st.dictionaries(st.sampled_from(INVOICE_KEYS), JSON))
def test_no_invoice_makes_it_stumble(body: dict[str, Any]) -> None:
    assert reason_of(records.sales_invoice, invoice_record(**body)) in {"", "bad_record"}
