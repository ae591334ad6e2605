"""What Crunch sends, read with tolerance: fields may be null, missing or of another type; only a missing id makes a record unusable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from integrations.engine.errors import SkipRecord
from integrations.engine.provider import gettext_noop
from integrations.engine.types import BadRecord, RawRecord, Reason, Ref
from integrations.kit.entries import split
from integrations.kit.fingerprint import fingerprint
from integrations.kit.values import amount, day, identity, rows, table, text

CLIENT, SUPPLIER, INVOICE = "client", "supplier", "invoice"
LINES = ("line1", "line2", "line3", "line4")
ADDRESS = (*LINES, "postCode", "country")
_NUMBER_KEYS = ("invoiceNumber", "number", "reference")
_NOT_ISSUED = {"DRAFT", "VOID", "CANCELLED"}


@dataclass(frozen=True, slots=True)
class Client:
    """CustomerDto. The note and the payment terms stay in the raw body: they are never ours."""

    id: str
    name: str
    email: str
    address: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Supplier:
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class SalesInvoice:
    """SalesInvoiceDto, as much as the invoice panel shows."""

    id: str
    number: str
    customer_id: str
    state: str
    currency: str
    gross: Decimal
    outstanding: Decimal | None
    credited: Decimal
    paid: Decimal
    issued_on: date | None
    due_on: date | None
    last_payment_on: date | None


@dataclass(frozen=True, slots=True)
class Listing:
    """A page's records and where the list goes on."""

    records: Sequence[RawRecord]
    bad: Sequence[BadRecord]
    last: bool
    pages: int | None = None
    total: int | None = None


def raw_record(kind: str, body: Mapping[str, Any]) -> RawRecord | None:
    """None when the entry has no id."""
    id = identity(body.get("id"))
    return RawRecord(Ref(kind, id), body, fingerprint(body)) if id else None


def listing(kind: str, body: Any, *, size: int) -> Listing | None:
    """Read a page envelope or a bare array; None when it is neither."""
    if isinstance(body, list):
        records, bad = split(body, partial(raw_record, kind))
        return Listing(records, bad, last=True, pages=1, total=len(body))
    content = body.get("content") if isinstance(body, dict) else None
    if not isinstance(content, list):
        return None
    records, bad = split(content, partial(raw_record, kind))
    pages, total = _count(body.get("totalPages")), _count(body.get("totalElements"))
    return Listing(records, bad, last=_is_last(body, len(content), pages, size), pages=pages, total=total)


def _is_last(body: Mapping[str, Any], count: int, pages: int | None, size: int) -> bool:
    if isinstance(body.get("last"), bool):
        return bool(body["last"])
    number = _count(body.get("number"))
    if pages is not None and number is not None:
        return number + 1 >= pages
    return count < size


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def client(raw: RawRecord) -> Client:
    """Raises SkipRecord for a client without a name."""
    name = text(raw.body.get("name"))
    if not name:
        raise SkipRecord(Reason("no_name", {"id": raw.ref.id}))
    address = table(raw.body.get("billingAddress"))
    return Client(raw.ref.id, name, text(raw.body.get("email")), {key: text(address.get(key)) for key in ADDRESS})


def supplier(raw: RawRecord) -> Supplier:
    """Raises SkipRecord for a supplier without any name."""
    name = next(filter(None, (text(raw.body.get(key)) for key in ("companyName", "name", "contactName"))), "")
    if not name:
        raise SkipRecord(Reason("no_name", {"id": raw.ref.id}))
    return Supplier(raw.ref.id, name)


def sales_invoice(raw: RawRecord) -> SalesInvoice:
    """Raises SkipRecord when amount or currency cannot be told: a wrong sum is worse than a missing one."""
    body = raw.body
    customer = table(body.get("customer"))
    gross = amount(body.get("grossAmount"))
    currency = (text(body.get("currency")) or text(customer.get("defaultCurrency"))).upper()
    if gross is None:
        raise _unusable(gettext_noop("it has no gross amount"))
    if not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
        raise _unusable(gettext_noop("it has no currency"))
    payments = rows(body.get("payments"))
    issued_on = day(body.get("issuedDate"))
    return SalesInvoice(
        id=raw.ref.id,
        number=next(filter(None, (text(body.get(key)) for key in _NUMBER_KEYS)), f"#{raw.ref.id}"),
        customer_id=identity(customer.get("id")),
        state=text(body.get("state")).upper().replace(" ", "_").replace("-", "_"),
        currency=currency,
        gross=gross,
        outstanding=amount(body.get("outstandingBalance")),
        credited=_sum(note for note in rows(body.get("creditNotes")) if text(note.get("state")).upper() not in _NOT_ISSUED),
        paid=_sum(payments),
        issued_on=issued_on,
        due_on=day(body.get("dueDate")) or _due(issued_on, body),
        last_payment_on=max(filter(None, (day(payment.get("date")) for payment in payments)), default=None),
    )


def _unusable(problem: str) -> SkipRecord:
    return SkipRecord(Reason("bad_record", {"problem": problem}))


def _sum(parts: Any) -> Decimal:
    return sum((abs(amount(part.get("amount")) or Decimal(0)) for part in parts), Decimal(0))


def _due(issued_on: date | None, body: Mapping[str, Any]) -> date | None:
    days = table(table(body.get("payment")).get("paymentTerms")).get("days")
    known = issued_on is not None and isinstance(days, int) and not isinstance(days, bool) and 0 <= days <= 3650
    return issued_on + timedelta(days=days) if known and issued_on and isinstance(days, int) else None
