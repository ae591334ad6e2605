"""Lists of invoices: who may see which, filters, and pages that cost the same however deep."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from django.db.models import Q, QuerySet

from accounts.domain.keyset import BadCursor, Page
from accounts.models import Membership
from contacts.domain.visibility import visible_to
from crmsync.lib.text import row_number
from invoices.domain.summarise import having, shown
from invoices.enums import InvoiceKind, Status
from invoices.models import Invoice

QUOTES = "quotes"  # in the place of a status
PAGE = 50
UNDATED = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a list is narrowed to; empty values narrow nothing. `text` is looked for in the number and in the customer's name."""

    text: str = ""
    status: str = ""
    currency: str = ""
    contact_id: int | None = None
    connection_id: int | None = None
    kind: str = ""


def seen_by(membership: Membership) -> QuerySet[Invoice]:
    """Invoices of the contacts that this member may see; those of no contact are for administrators."""
    invoices = shown(membership.workspace)
    if membership.is_admin:
        return invoices.filter(Q(contact=None) | Q(contact__deleted_at=None))
    return invoices.filter(contact__in=visible_to(membership))


def narrowed(invoices: QuerySet[Invoice], filters: Filters, *, today: date) -> QuerySet[Invoice]:
    """Quotes stay out unless they are asked for."""
    conditions = [_kind(filters)]
    if filters.status in Status.values:
        conditions.append(having(filters.status, today))
    if filters.text:
        conditions.append(Q(number__icontains=filters.text) | Q(contact__name__icontains=filters.text))
    exact = {"currency": filters.currency, "contact_id": filters.contact_id, "connection_id": filters.connection_id}
    return invoices.filter(*conditions, **{name: value for name, value in exact.items() if value})


def _kind(filters: Filters) -> Q:
    if filters.kind:
        return Q(kind=filters.kind)
    is_quote = Q(kind=InvoiceKind.QUOTE)
    return is_quote if filters.status == QUOTES else ~is_quote


def newest_first(invoices: QuerySet[Invoice]) -> QuerySet[Invoice]:
    """By day of issue; those without one (drafts) stand first."""
    return invoices.select_related("contact").order_by("-issued_on", "-id")


def page(invoices: QuerySet[Invoice], *, cursor: str | None = None, limit: int = PAGE) -> Page[Invoice]:
    """Raises BadCursor."""
    ordered = newest_first(invoices)
    rows = list((ordered.filter(_after(cursor)) if cursor else ordered)[: limit + 1])
    more = len(rows) > limit
    rows = rows[:limit]
    return Page(rows=rows, next_cursor=_cursor(rows[-1]) if more else None)


def batches(invoices: QuerySet[Invoice], *, cursor: str | None = None, limit: int = 1000) -> Iterator[list[Invoice]]:
    """All of them, a batch at a time."""
    while True:
        found = page(invoices, cursor=cursor, limit=limit)
        yield found.rows
        if found.next_cursor is None:
            return
        cursor = found.next_cursor


def currencies(invoices: QuerySet[Invoice]) -> list[str]:
    return list(invoices.order_by("currency").values_list("currency", flat=True).distinct())


def _cursor(invoice: Invoice) -> str:
    return f"{invoice.issued_on.isoformat() if invoice.issued_on else UNDATED}_{invoice.pk}"


def _after(cursor: str) -> Q:
    day, _line, text = cursor.partition("_")
    number = row_number(text)
    if number is None:
        raise BadCursor
    if day == UNDATED:
        return Q(issued_on=None, id__lt=number) | Q(issued_on__isnull=False)
    try:
        issued_on = date.fromisoformat(day)
    except ValueError as error:
        raise BadCursor from error
    return Q(issued_on__lte=issued_on) & (Q(issued_on__lt=issued_on) | Q(issued_on=issued_on, id__lt=number))
