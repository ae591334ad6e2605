"""Booked invoices, drafts, quotes, and the sums of a customer."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from integrations.engine.errors import SkipRecord
from integrations.engine.types import InvoiceKind, InvoiceState, Ref
from integrations.kit.paging import every_page
from integrations.providers.economic.invoices import invoice
from integrations.providers.economic.records import DRAFT, INVOICE, LIST, QUOTE
from integrations.providers.economic.sandbox import MAIN, Economic
from tests.providers.economic.samples import opened, payload, record, sandbox
from tests.sandboxes import Sandbox

__all__ = ["sandbox"]
BOOKED = payload("booked")


def test_booked() -> None:
    found = invoice(record(BOOKED, INVOICE))

    assert (found.ref, found.customer, found.number) == (Ref(INVOICE, "10007"), Ref("customer", "1"), "10007")
    assert (found.gross, found.outstanding, found.currency) == (Decimal("1250.00"), Decimal("250.55"), "DKK")
    assert (found.issued_on, found.due_on, found.state) == (date(2026, 10, 1), date(2026, 10, 15), InvoiceState.OPEN)


@pytest.mark.parametrize(
    ("kind", "change", "state", "outstanding", "shown_as"),
    [
        (INVOICE, {"remainder": 0}, InvoiceState.PAID, "0.00", InvoiceKind.INVOICE),
        (INVOICE, {"grossAmount": -50.0, "remainder": -50.0}, InvoiceState.OPEN, "-50.00", InvoiceKind.CREDIT_NOTE),
        (DRAFT, {"remainder": None}, InvoiceState.DRAFT, "1250.00", InvoiceKind.INVOICE),
        (QUOTE, {LIST: "sent"}, InvoiceState.OPEN, "0", InvoiceKind.QUOTE),
        (QUOTE, {LIST: "drafts"}, InvoiceState.DRAFT, "0", InvoiceKind.QUOTE),
    ],
)
def test_states(kind: str, change: dict[str, Any], state: InvoiceState, outstanding: str, shown_as: InvoiceKind) -> None:
    found = invoice(record(BOOKED | {"draftInvoiceNumber": 7, "quoteNumber": 8} | change, kind))

    assert (found.state, found.outstanding, found.kind) == (state, Decimal(outstanding), shown_as)


def test_day_that_is_not_told_is_not_worked_out() -> None:
    assert invoice(record(BOOKED | {"dueDate": None}, INVOICE)).due_on is None
    assert invoice(record(BOOKED | {"dueDate": "0000-00-00"}, INVOICE)).due_on is None


@pytest.mark.parametrize("change", [{"grossAmount": None}, {"currency": None}, {"currency": "kr"}, {"remainder": None}, {"remainder": "?"}])
def test_unknown_sum_is_worse_than_none(change: dict[str, Any]) -> None:
    with pytest.raises(SkipRecord) as caught:
        invoice(record(BOOKED | change, INVOICE))

    assert caught.value.reason.code == "bad_record"


@pytest.mark.parametrize(("number", "customer"), [(0, None), (None, None), (5, Ref("customer", "5"))])
def test_customer_of_an_invoice(number: Any, customer: Ref | None) -> None:
    assert invoice(record(BOOKED | {"customer": {"customerNumber": number}}, INVOICE)).customer == customer


def test_quotes_are_drafts_and_sent_ones_with_running_pages(sandbox: Sandbox) -> None:
    provider = opened(sandbox, env={"ECONOMIC_PAGE_SIZE": "2"})
    pages = list(every_page(lambda cursor: provider.page("quotes", cursor)))
    found = [record for page in pages for record in page.records]
    state = sandbox.state()["quotes"]

    assert [page.number for page in pages] == list(range(len(pages)))
    assert {raw.ref.id for raw in found} == {str(row["key"]) for row in state if row["list"] != "archived"}
    assert {raw.body[LIST] for raw in found} == {"drafts", "sent"}
    for raw in found:
        assert provider.get(raw.ref).version == raw.version


def test_payment_and_booking_are_seen(sandbox: Sandbox) -> None:
    provider = opened(sandbox)
    number = sandbox.control(bill=[{"customer": 2, "net": 1000.0}])["invoices"][0]
    draft = sandbox.control(bill=[{"customer": 2, "net": 500.0, "table": "drafts"}])["invoices"][0]
    before = provider.get(Ref(INVOICE, str(number)))
    booked = sandbox.control(pay=[number], book=[draft])["booked"][0]
    after = provider.get(Ref(INVOICE, str(number)))

    assert before.version != after.version
    assert (provider.invoice(before).state, provider.invoice(after).state) == (InvoiceState.OPEN, InvoiceState.PAID)
    assert provider.invoice(provider.get(Ref(INVOICE, str(booked)))).gross == Decimal("625.00")
    assert str(draft) not in {raw.ref.id for raw in provider.page("drafts", None).records}


def test_totals_are_those_of_the_books(sandbox: Sandbox) -> None:
    sandbox.control(reset=True, clients=3, invoices=0)
    provider = opened(sandbox)
    first, late, _ = sandbox.control(bill=[{"customer": 1, "net": net} for net in (1000.0, 200.0, -40.0)])["invoices"]
    sandbox.control(pay=[first], bill=[{"customer": 2, "net": 77.0}, {"customer": 1, "net": 10.0, "table": "drafts"}])
    assert isinstance(sandbox.vendor, Economic)
    sandbox.vendor.books[MAIN].invoices[late]["dueDate"] = str(sandbox.vendor.today() - timedelta(days=3))
    currency, found = provider.totals(Ref("customer", "1"))
    told = {total.key: (total.count, total.amount) for total in found}
    without, with_vat = ({total.key for total in found if total.label.endswith(words)} for words in (", without VAT", ", with VAT"))

    assert currency == "DKK"
    assert told["booked"] == (3, Decimal("1160.00"))
    assert told["paid"] == (1, Decimal("1000.00"))
    assert told["unpaid"] == (2, Decimal("200.00"))
    assert told["overdue"] == (1, Decimal("250.00"))
    assert told["not_due"] == (1, Decimal("-50.00"))
    assert told["drafts"] == (2, Decimal("1260.00"))
    assert told["quotes"] == (1, None)
    # A net sum of 10.00 stands above an invoice of 12.50: each of them says what it is.
    assert (without, with_vat) == ({"booked", "paid", "drafts"}, {"unpaid", "overdue", "not_due"})


def test_totals_do_without_what_is_not_allowed(sandbox: Sandbox) -> None:
    provider = opened(sandbox)
    sandbox.fail("403", path="/rest/quotes")
    sandbox.fail("404", path="/rest/invoices/totals/drafts")
    told = {total.key: total.count for total in provider.totals(Ref("customer", "1"))[1]}

    assert told["quotes"] is None
    assert told["drafts"] is None
    assert told["booked"]
