"""What an invoice means today. `status` decides for one invoice, `STATUS` says the same in SQL (a test compares the two)."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Case, Count, F, Q, QuerySet, Sum, Value, When
from django.db.models.fields import CharField
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import Contact
from crmsync.lib.periods import local_day
from invoices.enums import InvoiceKind, Status, VendorState
from invoices.models import Invoice

ONE_YEAR = timedelta(days=365)
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Line:
    """The figures of one currency. Currencies are never added together."""

    currency: str
    count: int = 0
    bills: int = 0
    outstanding: Decimal = ZERO
    overdue: Decimal = ZERO
    overdue_count: int = 0
    paid_12m: Decimal = ZERO
    credit: Decimal = ZERO
    quotes: Decimal = ZERO
    quotes_count: int = 0


@dataclass(frozen=True, slots=True)
class Summary:
    lines: tuple[Line, ...] = ()
    count: int = 0
    worst: Status | None = None

    @property
    def overdue_count(self) -> int:
        return sum(line.overdue_count for line in self.lines)

    @property
    def bills(self) -> int:
        return sum(line.bills for line in self.lines)

    @property
    def quotes_count(self) -> int:
        return sum(line.quotes_count for line in self.lines)

    @property
    def has_credit(self) -> bool:
        return any(line.credit for line in self.lines)


def today_of(workspace: Workspace) -> date:
    """The workspace's own calendar day."""
    return local_day(timezone.now(), zoneinfo.ZoneInfo(workspace.time_zone))


def status(invoice: Invoice, today: date) -> Status:
    """Draft and written off as the provider says; for the rest the numbers decide."""
    is_late = invoice.due_on is not None and invoice.due_on < today
    return _status(invoice.kind, invoice.state, is_owed=invoice.outstanding > 0, is_late=is_late)


def _status(kind: str, state: str, *, is_owed: bool, is_late: bool) -> Status:
    if state == VendorState.DRAFT:
        return Status.DRAFT
    if state == VendorState.WRITTEN_OFF:
        return Status.WRITTEN_OFF
    if not is_owed:
        return Status.CREDITED if state == VendorState.CREDITED or kind == InvoiceKind.CREDIT_NOTE else Status.PAID
    return Status.OVERDUE if is_late else Status.DUE


def days_overdue(invoice: Invoice, today: date) -> int:
    return (today - invoice.due_on).days if invoice.due_on and status(invoice, today) is Status.OVERDUE else 0


BILL = ~Q(kind=InvoiceKind.QUOTE)
COUNTS = BILL & ~Q(state__in=[VendorState.DRAFT, VendorState.WRITTEN_OFF])  # in the totals
OWED = COUNTS & Q(outstanding__gt=0)
SETTLED = COUNTS & Q(outstanding__lte=0)
CREDITED = SETTLED & (Q(state=VendorState.CREDITED) | Q(kind=InvoiceKind.CREDIT_NOTE))
PAID = SETTLED & ~CREDITED
OPEN_QUOTE = Q(kind=InvoiceKind.QUOTE, state=VendorState.OPEN)


def having(value: str, today: date) -> Q:
    """The condition "its badge says `value` today", for bills (quotes have no badge of this kind)."""
    late = Q(due_on__lt=today, due_on__isnull=False)
    return {
        Status.DRAFT: BILL & Q(state=VendorState.DRAFT),
        Status.WRITTEN_OFF: BILL & Q(state=VendorState.WRITTEN_OFF),
        Status.OVERDUE: OWED & late,
        Status.DUE: OWED & ~late,
        Status.CREDITED: CREDITED,
        Status.PAID: PAID,
    }[Status(value)]


def badge_expression(today: date) -> Case:
    """The status as a column; for bills."""
    whens = [When(having(each, today), then=Value(each.value)) for each in Status]
    return Case(*whens, default=Value(""), output_field=CharField())


def shown(workspace: Workspace) -> QuerySet[Invoice]:
    """The invoices that people may see at all: their integration is on."""
    return Invoice.objects.filter(workspace=workspace, hidden=False)


def figures(invoices: QuerySet[Invoice], today: date) -> tuple[Line, ...]:
    """One line of totals per currency, in one query."""
    sums = {f"sum_{name}": expression for name, expression in _sums(today).items()}  # an aggregate may not shadow the column it reads
    rows = _with_paid_day(invoices).order_by().values("currency").annotate(**sums).order_by("currency")
    return tuple(_line(row) for row in rows)


def _line(row: dict[str, Any]) -> Line:
    values: dict[str, Any] = {name.removeprefix("sum_"): ZERO if value is None else value for name, value in row.items()}
    return Line(**values)


def _sums(today: date) -> dict[str, Any]:
    overdue = having(Status.OVERDUE, today)
    paid_lately = PAID & Q(paid_day__gt=today - ONE_YEAR, paid_day__lte=today)
    return {
        "count": Count("id"),
        "bills": Count("id", filter=BILL),
        "outstanding": Sum("outstanding", filter=OWED),
        "overdue": Sum("outstanding", filter=overdue),
        "overdue_count": Count("id", filter=overdue),
        "paid_12m": Sum("gross", filter=paid_lately),
        "credit": Sum(-F("outstanding"), filter=COUNTS & Q(outstanding__lt=0)),
        "quotes": Sum("gross", filter=OPEN_QUOTE),
        "quotes_count": Count("id", filter=OPEN_QUOTE),
    }


def _with_paid_day(invoices: QuerySet[Invoice]) -> QuerySet[Invoice]:
    """Providers that keep no day of payment: the day it was issued stands for it."""
    return invoices.alias(paid_day=Coalesce("paid_on", "issued_on", "due_on"))


def summary(contact: Contact, today: date, *, connection_id: int | None = None) -> Summary:
    """The four figures of a contact, per currency, in one query; quotes apart. Of one connection where it is named."""
    mine = Invoice.objects.filter(workspace_id=contact.workspace_id, hidden=False, contact=contact)
    lines = figures(mine.filter(connection_id=connection_id) if connection_id else mine, today)
    return Summary(lines=lines, count=sum(line.count for line in lines), worst=_worst(lines))


def _worst(lines: Iterable[Line]) -> Status | None:
    if any(line.overdue_count for line in lines):
        return Status.OVERDUE
    return Status.DUE if any(line.outstanding for line in lines) else None


FACTS = """
SELECT DISTINCT contact_id, kind, state, outstanding > 0, coalesce(due_on < %s, false) FROM invoices_invoice
WHERE workspace_id = %s AND NOT hidden AND kind <> %s AND contact_id = ANY(%s)
"""
WORST_FIRST = (Status.OVERDUE, Status.DUE, Status.DRAFT, Status.WRITTEN_OFF, Status.CREDITED, Status.PAID)


def worst_status(workspace: Workspace, contact_ids: Iterable[int], today: date) -> dict[int, Status]:
    """The status that matters most per contact (overdue before due before the rest), in one query; no invoice, no entry."""
    with connection.cursor() as cursor:  # every list of contacts asks: building so long a question anew costs more than its answer
        cursor.execute(FACTS, [today, workspace.pk, InvoiceKind.QUOTE.value, list(contact_ids)])
        facts = cursor.fetchall()
    found: dict[int, Status] = {}
    for contact_id, kind, state, is_owed, is_late in facts:
        status_here = _status(kind, state, is_owed=is_owed, is_late=is_late)
        known = found.get(contact_id, status_here)
        found[contact_id] = min(known, status_here, key=WORST_FIRST.index)
    return found
