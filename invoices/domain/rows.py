"""An invoice as a line of a table: with its status of today."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from invoices.domain.summarise import status
from invoices.enums import InvoiceKind, Status
from invoices.models import Invoice


@dataclass(frozen=True, slots=True)
class Row:
    """`days` counts from the due day: 71 = that late, -12 = due in 12 days, None = no day to count from."""

    invoice: Invoice
    status: Status
    days: int | None

    @property
    def is_overdue(self) -> bool:
        return self.status is Status.OVERDUE and not self.is_quote

    @property
    def is_quote(self) -> bool:
        return self.invoice.kind == InvoiceKind.QUOTE

    @property
    def is_credit_note(self) -> bool:
        return self.invoice.kind == InvoiceKind.CREDIT_NOTE

    @property
    def days_left(self) -> int | None:
        return None if self.days is None else -self.days


def rows(invoices: Iterable[Invoice], today: date) -> list[Row]:
    return [row_of(invoice, today) for invoice in invoices]


def row_of(invoice: Invoice, today: date) -> Row:
    return Row(invoice=invoice, status=status(invoice, today), days=(today - invoice.due_on).days if invoice.due_on else None)
