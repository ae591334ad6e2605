"""Booked invoices, drafts and quotes as the CRM shows them, and the sums of a customer's account."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from integrations.engine.capabilities import Total
from integrations.engine.errors import Denied, Gone, SkipRecord
from integrations.engine.provider import gettext_noop
from integrations.engine.types import Invoice, InvoiceKind, InvoiceState, RawRecord, Reason, Ref
from integrations.kit.values import amount, day, table, text
from integrations.providers.economic import filters, rules
from integrations.providers.economic.client import OPEN_QUOTES, Client, checked_number
from integrations.providers.economic.records import CUSTOMER, DRAFT, INVOICE, LIST, QUOTE, number_of

Table = Mapping[str, Any]


def invoice(raw: RawRecord) -> Invoice:
    """Raises SkipRecord when amount or currency cannot be told: a wrong sum is worse than a missing one."""
    body = raw.body
    gross, currency = amount(body.get("grossAmount")), text(body.get("currency")).upper()
    if gross is None:
        raise SkipRecord(Reason("bad_record", {"problem": gettext_noop("it has no gross amount")}))
    if not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
        raise SkipRecord(Reason("bad_record", {"problem": gettext_noop("it has no currency")}))
    customer = number_of(body.get("customer"), "customerNumber")
    state, outstanding = _state(raw, gross)
    return Invoice(
        ref=raw.ref,
        customer=Ref(CUSTOMER, customer) if customer else None,
        number=raw.ref.id if raw.ref.kind != DRAFT else f"#{raw.ref.id}",
        kind=InvoiceKind.QUOTE if raw.ref.kind == QUOTE else rules.invoice_kind(gross),
        state=state,
        currency=currency,
        gross=gross,
        outstanding=outstanding,
        issued_on=day(body.get("date")),
        due_on=day(body.get("dueDate")),
    )


def _state(raw: RawRecord, gross: Decimal) -> tuple[InvoiceState, Decimal]:
    if raw.ref.kind == INVOICE:
        remainder = amount(raw.body.get("remainder"))
        if remainder is None:
            raise SkipRecord(Reason("bad_record", {"problem": gettext_noop("it does not say what is still to be paid")}))
        return rules.booked_state(remainder), remainder
    if raw.ref.kind == QUOTE and raw.body.get(LIST) == "sent":
        return InvoiceState.OPEN, Decimal(0)
    return InvoiceState.DRAFT, Decimal(0) if raw.ref.kind == QUOTE else gross


def totals(client: Client, customer: Ref) -> tuple[str, Sequence[Total]]:
    """Read from e-conomic's own sums, in the currency of the agreement; quotes are only counted.

    Its sums are without VAT, but for what is still to be paid; the invoices that we list are with it. So each sum says which it is.
    """
    number = checked_number(customer)
    links = table(client.table(f"/customers/{number}").get("totals"))
    booked = _sums(client, text(links.get("booked")), f"/invoices/totals/booked/customers/{number}")
    drafts = _sums(client, text(links.get("drafts")), f"/invoices/totals/drafts/customers/{number}")
    unpaid = table(booked.get("unpaid"))
    found = [
        _total("booked", gettext_noop("Booked, without VAT"), booked, "netAmountInBaseCurrency"),
        _total("paid", gettext_noop("Paid, without VAT"), table(booked.get("paid")), "netAmountInBaseCurrency"),
        _total("unpaid", gettext_noop("Unpaid, with VAT"), unpaid, "grossRemainderInBaseCurrency"),
        _total("overdue", gettext_noop("Overdue, with VAT"), table(unpaid.get("overdue")), "grossRemainderInBaseCurrency"),
        _total("not_due", gettext_noop("Not due yet, with VAT"), table(unpaid.get("notOverdue")), "grossRemainderInBaseCurrency"),
        _total("drafts", gettext_noop("Drafts, without VAT"), drafts, "netAmountInBaseCurrency"),
        Total("quotes", gettext_noop("Quotes"), _quotes(client, number)),
    ]
    return text(table(client.agreement().get("settings")).get("baseCurrency")).upper(), found


def _sums(client: Client, link: str, path: str) -> Table:
    """By the customer's own link where it leads to the same host, else by the path that such links have."""
    shown = _path_of(link)
    for address in filter(None, (shown, path if path != shown else "")):
        try:
            body = client.table(address)
        except (Gone, SkipRecord):
            continue
        # The sums of one kind may come wrapped in its name.
        return table(body.get("booked")) or table(body.get("drafts")) or body
    return {}


def _path_of(link: str) -> str:
    at = link.find("/invoices/totals/")
    path = link[at:] if at >= 0 else ""
    return path if path and all(char.isalnum() or char in "/-" for char in path) else ""


def _total(key: str, label: str, sums: Table, money: str) -> Total:
    count = sums.get("invoiceCount")
    return Total(key, label, count if isinstance(count, int) else None, amount(sums.get(money)))


def _quotes(client: Client, number: str) -> int | None:
    condition = filters.clause("customer.customerNumber", "eq", int(number))
    counts = _allowed(lambda: [client.count(f"/quotes/{at}", condition=condition) for at in OPEN_QUOTES])
    return None if counts is None or None in counts else sum(filter(None, counts))


def _allowed(read: Callable[[], Iterable[int | None]]) -> list[int | None] | None:
    try:
        return list(read())
    except (Denied, SkipRecord, Gone):
        return None
