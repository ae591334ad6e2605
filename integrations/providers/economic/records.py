"""What e-conomic sends, read with tolerance: fields may be null, missing or of another type; only the number must be there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from integrations.engine.types import BadRecord, RawRecord, Ref
from integrations.kit.entries import split
from integrations.kit.fingerprint import fingerprint
from integrations.kit.values import identity, table, text

CUSTOMER, CONTACT, INVOICE, DRAFT, QUOTE = "customer", "contact", "invoice", "draft_invoice", "quote"
NUMBER = {
    CUSTOMER: "customerNumber",
    CONTACT: "number",
    INVOICE: "bookedInvoiceNumber",
    DRAFT: "draftInvoiceNumber",
    QUOTE: "quoteNumber",
}
LIST = "list"  # our note in a quote's body: the collection that it came from

# What a customer carries that nobody can write, or only by PATCH.
_NOT_WRITABLE = frozenset({"balance", "dueAmount", "lastUpdated", "self", "metaData", "eInvoicingDisabledByDefault"}) | {
    "contacts", "deliveryLocations", "templates", "totals", "invoices"
}  # fmt: skip
_INVOICE_PARTS = ("date", "dueDate", "currency", "grossAmount", "netAmount", "remainder", LIST)
CONTACT_TEXTS = ("name", "email", "phone", "notes", "eInvoiceId")
_NOTICES = {"invoices": "receiveInvoices", "orders": "receiveOrders", "quotations": "receiveQuotes", "reminders": "receiveReminders"}


@dataclass(frozen=True, slots=True)
class Listing:
    """A page's records and whether the list goes on."""

    records: Sequence[RawRecord]
    bad: Sequence[BadRecord]
    more: bool
    total: int | None = None


def raw_record(kind: str, body: Mapping[str, Any]) -> RawRecord | None:
    """None when the entry has no number."""
    id = identity(body.get(NUMBER[kind]))
    return RawRecord(Ref(kind, id), body, _VERSION[kind](body)) if id else None


def listing(kind: str, body: Any) -> Listing | None:
    """Read the envelope of a REST collection; None when it is none."""
    entries = body.get("collection") if isinstance(body, dict) else None
    if not isinstance(entries, list):
        return None
    records, bad = split(entries, partial(raw_record, kind))
    pagination = table(body.get("pagination"))
    return Listing(records, bad, more=bool(text(pagination.get("nextPage"))), total=_count(pagination.get("results")))


def writable(body: Mapping[str, Any]) -> dict[str, Any]:
    """Everything of a customer that a PUT must send again, lest it be cleared: all but read-only parts; null and empty stand for absent."""
    kept = {name: _reference(value) for name, value in body.items() if name not in _NOT_WRITABLE}
    # An omitted boolean is false.
    return {name: value for name, value in kept.items() if value is not False and value not in (None, "", {}, [])}


def _reference(value: Any) -> Any:
    """A reference by its number, or by its address where it has none: nobody knows which of the two would count."""
    if not isinstance(value, dict):
        return value
    numbers = {name: number for name, number in value.items() if name.endswith("Number") and number not in (None, 0)}
    return numbers or ({"self": value["self"]} if text(value.get("self")) else {})


def number_of(value: Any, name: str) -> str:
    """The number of a reference; "" where there is none. Zero is none."""
    found = identity(table(value).get(name))
    return "" if found == "0" else found


def contact_from_rest(body: Mapping[str, Any], customer: str) -> dict[str, Any]:
    """A customer contact of the REST surface in the words of customersapi."""
    notices = body.get("emailNotifications")
    wanted = notices if isinstance(notices, list) else []
    return {
        "number": body.get("customerContactNumber"),
        "customerNumber": int(customer),
        **{name: body[name] for name in CONTACT_TEXTS if body.get(name) is not None},
        **{there: here in wanted for here, there in _NOTICES.items()},
        "isDeleted": body.get("deleted") is True,
    }


def is_deleted(raw: RawRecord) -> bool:
    return raw.body.get("isDeleted") is True


def parent_of(raw: RawRecord) -> Ref | None:
    number = identity(raw.body.get("customerNumber"))
    return Ref(CUSTOMER, number) if number and number != "0" else None


def last_updated(record: RawRecord) -> str:
    """`2022-06-24T08:25:00Z`: such texts sort like times. "" for anything else."""
    stamp = text(record.body.get("lastUpdated"))
    return stamp if len(stamp) >= 20 and stamp[:4].isdigit() and stamp.endswith("Z") else ""


def _customer_version(body: Mapping[str, Any]) -> str:
    # Balances and times of change are left out: a payment is no change of the customer.
    return fingerprint(writable(body))


def _contact_version(body: Mapping[str, Any]) -> str:
    """Only what both surfaces tell, in one form."""
    texts = [text(body.get(name)) for name in CONTACT_TEXTS]
    return fingerprint([identity(body.get("customerNumber")), texts, [body.get(name) is True for name in _NOTICES.values()]])


def _invoice_version(body: Mapping[str, Any]) -> str:
    return fingerprint([number_of(body.get("customer"), "customerNumber"), [body.get(name) for name in _INVOICE_PARTS]])


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


_VERSION: dict[str, Callable[[Mapping[str, Any]], str]] = {
    CUSTOMER: _customer_version,
    CONTACT: _contact_version,
    INVOICE: _invoice_version,
    DRAFT: _invoice_version,
    QUOTE: _invoice_version,
}
