from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from accounts.domain.keyset import BadCursor, Page
from accounts.middleware import WorkspaceRequest, outside_transaction
from accounts.scoping import workspace_tx
from accounts.views.requests import is_swap
from contacts.domain.visibility import visible_to
from crmsync.lib.sheets import guard
from crmsync.nav import link
from invoices.domain.queries import currencies, narrowed, page, seen_by
from invoices.domain.rows import Row, row_of, rows
from invoices.domain.summarise import figures, today_of
from invoices.enums import InvoiceKind
from invoices.forms import InvoiceFilterForm
from invoices.models import Invoice

BATCH = 1000
HEADINGS = ("number", "customer", "kind", "status", "issued", "due", "paid", "currency", "amount", "outstanding", "url")


@require_GET
@vary_on_headers("HX-Request")
def invoice_list(request: WorkspaceRequest) -> HttpResponse:
    membership = request.membership
    mine, today = seen_by(membership), today_of(request.workspace)
    form = _form(request)
    found = narrowed(mine, filters := form.filters(), today=today)
    listed = _page_or_first(found, request.GET.get("cursor"))
    lines = figures(found, today)
    context: dict[str, Any] = {
        "form": form,
        "rows": rows(listed.rows, today),
        "lines": lines,
        "count": sum(line.count for line in lines),
        "is_narrowed": any(request.GET.get(name) for name in form.fields),
        "contact": visible_to(membership).filter(pk=filters.contact_id).first() if filters.contact_id else None,
        "next_url": _with_cursor(request, listed.next_cursor) if listed.next_cursor else "",
        "first_url": _with_cursor(request, None) if request.GET.get("cursor") else "",
        "export_query": _query(request, None),
        "connections_url": link("integrations:list", slug=request.workspace.slug),
    }
    return render(request, "invoices/_list.html" if is_swap(request) else "invoices/list.html", context)


@require_GET
@outside_transaction
def export(request: WorkspaceRequest) -> StreamingHttpResponse:
    """The list as it is narrowed, as a file. Read batch by batch, each in a transaction of its own, so that it holds up nothing."""
    response = StreamingHttpResponse(_csv(request), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="invoices.csv"'
    return response


def _csv(request: WorkspaceRequest) -> Iterator[str]:
    yield "\ufeff" + _csv_lines([HEADINGS])
    today, cursor = today_of(request.workspace), None
    while True:
        with workspace_tx(request.workspace):
            found = narrowed(seen_by(request.membership), _form(request).filters(), today=today)
            listed = page(found, cursor=cursor, limit=BATCH)
            lines = _csv_lines([_cells(row_of(invoice, today)) for invoice in listed.rows])
        yield lines
        cursor = listed.next_cursor
        if cursor is None:
            return


def _page_or_first(found: QuerySet[Invoice], cursor: str | None) -> Page[Invoice]:
    """An address that was cut short by a mail program shows the first page."""
    try:
        return page(found, cursor=cursor)
    except BadCursor:
        return page(found)


def _form(request: WorkspaceRequest) -> InvoiceFilterForm:
    mine = seen_by(request.membership)
    return InvoiceFilterForm(request.GET, currencies=currencies(mine), has_quotes=mine.filter(kind=InvoiceKind.QUOTE).exists())


def _with_cursor(request: WorkspaceRequest, cursor: str | None) -> str:
    return f"{request.path}?{_query(request, cursor)}"


def _query(request: WorkspaceRequest, cursor: str | None) -> str:
    query = request.GET.copy()
    query.pop("cursor", None)
    if cursor:
        query["cursor"] = cursor
    return query.urlencode()


def _cells(row: Row) -> tuple[object, ...]:
    invoice = row.invoice
    return (
        guard(invoice.number), guard(_customer(invoice)), invoice.kind, "" if row.is_quote else row.status.value, invoice.issued_on,
        invoice.due_on, invoice.paid_on, invoice.currency, f"{invoice.gross:.2f}", f"{invoice.outstanding:.2f}", guard(invoice.url),
    )  # fmt: skip


def _customer(invoice: Invoice) -> str:
    return invoice.contact.name if invoice.contact else ""


def _csv_lines(lines: list[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(lines)
    return buffer.getvalue()
