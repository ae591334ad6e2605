"""Parts of a contact's page that ask a provider, loaded once the page is open so that it never waits: status, tickets, totals."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.middleware import WorkspaceRequest, outside_transaction
from accounts.scoping import workspace_tx
from accounts.views.requests import is_swap
from contacts.domain.visibility import visible_or_404
from contacts.models import Contact
from integrations import registry
from integrations.domain.look_up import status_of, tickets_of, totals_of
from integrations.engine.provider import Capability
from integrations.engine.types import Reason, Ticket, TicketState
from integrations.models import Connection
from integrations.views.pages import live_connection_or_404
from integrations.views.words import hint, manifest_text, sentence

STATES = {
    "not_there": ("gray", _("Not there")),
    "same": ("green", _("The same on both sides")),
    "different": ("amber", _("Different")),
    "gone": ("amber", _("Not there any more")),
    "unreachable": ("red", _("Cannot be reached")),
    "unasked": ("gray", _("Not checked")),
}
WAITS_FOR = 60  # seconds
TICKET_TONES = {
    TicketState.NEW: "blue",
    TicketState.IN_PROGRESS: "accent",
    TicketState.WAITING: "amber",
    TicketState.RESOLVED: "green",
    TicketState.CLOSED: "gray",
    TicketState.CANCELLED: "gray",
    TicketState.UNKNOWN: "gray",
}


@require_GET
@never_cache
@outside_transaction
def status(request: WorkspaceRequest, contact_id: int, pk: int) -> HttpResponse:
    """Whether both sides say the same; asked by the open page."""
    connection, contact = _both(request, contact_id, pk)
    if not registry.manifest(connection.provider).compare:
        raise Http404
    found = status_of(connection, contact, fresh="fresh" in request.GET)
    tone, label = STATES[found.state]
    context = _context(request, connection, contact) | {
        "status": found,
        "tone": tone,
        "label": label,
        **_said(connection, contact, found.reason),
    }
    return _rendered(request, "integrations/_status.html", context)


@require_GET
@never_cache
@outside_transaction
def tickets(request: WorkspaceRequest, contact_id: int, pk: int) -> HttpResponse:
    """The contact's tickets: the part of its page, or a page of its own that a link leads to."""
    connection, contact = _both(request, contact_id, pk)
    if not registry.manifest(connection.provider).can(Capability.TICKETS):
        raise Http404
    context = _context(request, connection, contact)
    if not is_swap(request):
        return _rendered(request, "integrations/tickets.html", context)
    found = tickets_of(connection, contact, fresh="fresh" in request.GET)
    context |= {"found": found, "rows": [_ticket(each) for each in found.tickets], "retry_in": _retry_in(found.again_at)}
    return _rendered(request, "integrations/_tickets.html", context | _said(connection, contact, found.reason))


@require_GET
@never_cache
@outside_transaction
def totals(request: WorkspaceRequest, contact_id: int, pk: int) -> HttpResponse:
    """Sums of the provider's own books, asked for when a person wants them."""
    connection, contact = _both(request, contact_id, pk)
    found = totals_of(connection, contact, fresh="fresh" in request.GET)
    sums = [{"label": manifest_text(each.label), "count": each.count, "amount": each.amount} for each in found.totals]
    context = _context(request, connection, contact) | {"found": found, "sums": sums, **_said(connection, contact, found.reason)}
    return _rendered(request, "integrations/_totals.html", context)


def _retry_in(at: datetime | None) -> int:
    """Seconds after which the open page asks again by itself; 0: it is too long to wait for."""
    seconds = math.ceil((at - timezone.now()).total_seconds()) if at else 0
    return max(seconds, 1) if at and seconds <= WAITS_FOR else 0


def _ticket(ticket: Ticket) -> dict[str, Any]:
    return {"ticket": ticket, "tone": TICKET_TONES[ticket.state]}


def _both(request: WorkspaceRequest, contact_id: int, pk: int) -> tuple[Connection, Contact]:
    with workspace_tx(request.workspace):
        connection = live_connection_or_404(request, pk)
        if not connection.is_live:
            raise Http404
        return connection, visible_or_404(request.membership, contact_id)


def _said(connection: Connection, contact: Contact, reason: Reason | None) -> dict[str, Any]:
    vendor = registry.manifest(connection.provider).label
    stored = {"code": reason.code, "params": {"name": contact.name, **reason.params}} if reason else {}
    return {"why": sentence(stored, vendor=vendor), "why_hint": hint(stored, vendor=vendor)}


def _context(request: WorkspaceRequest, connection: Connection, contact: Contact) -> dict[str, Any]:
    slug = request.workspace.slug
    return {
        "connection": connection,
        "contact": contact,
        "manifest": registry.manifest(connection.provider),
        "slug": slug,
        "contact_url": reverse("contacts:detail", kwargs={"slug": slug, "pk": contact.pk}),
    }


def _rendered(request: WorkspaceRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    with workspace_tx(request.workspace):
        return render(request, template, context)
