"""What contacts' screens show of invoices. `invoice_panel` is drawn by the app that owns the connection, inside its own card."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.middleware import WorkspaceRequest
from accounts.models import Workspace
from contacts.models import Contact
from contacts.panels import Column, register_column
from invoices.domain.queries import newest_first
from invoices.domain.rows import rows
from invoices.domain.summarise import shown, summary, today_of, worst_status
from invoices.enums import InvoiceKind, Status

NEWEST = 5
TONES = {Status.OVERDUE: "red", Status.DUE: "amber", Status.PAID: "green"}


def invoice_panel(
    request: WorkspaceRequest,
    contact: Contact,
    *,
    connection_id: int | None = None,
    has_quotes: bool = False,
    as_of: dt.datetime | None = None,
    is_stale: bool = False,
) -> SafeString:
    """Figures, newest invoices and quotes of a contact, from our own tables; nothing here waits for a vendor."""
    today = today_of(request.workspace)
    mine = shown(request.workspace).filter(contact=contact)
    if connection_id:
        mine = mine.filter(connection_id=connection_id)
    figures = summary(contact, today, connection_id=connection_id)
    is_quote = {"kind": InvoiceKind.QUOTE}
    context = {
        "contact": contact,
        "summary": figures,
        "rows": rows(newest_first(mine.exclude(**is_quote))[:NEWEST], today) if figures.count else [],
        "quotes": rows(newest_first(mine.filter(**is_quote))[:NEWEST], today) if has_quotes and figures.count else [],
        "bills_count": figures.bills,
        "has_quotes": has_quotes,
        "as_of": as_of,
        "is_stale": is_stale,
    }
    return SafeString(render_to_string("invoices/_panel.html", context, request=request))


def column_values(workspace: Workspace, contacts: Sequence[Contact]) -> Mapping[int, str]:
    """The badge that matters most per contact, in one query."""
    found = worst_status(workspace, [contact.pk for contact in contacts], today_of(workspace))
    badge = '<span class="badge badge-soft-{}">{}</span>'
    return {pk: format_html(badge, TONES.get(status, "gray"), status.label) for pk, status in found.items()}


def register() -> None:
    register_column(Column(key="invoices", label=_("Invoices"), values=column_values, order=60))
