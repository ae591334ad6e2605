"""The parts of a contact's card that ask the provider once the page is open, and what a person chose on the compare page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.domain.audit import name_actions
from accounts.models import AuditEvent
from contacts import panels
from contacts.models import Contact
from integrations import registry
from integrations.domain.access import open_access
from integrations.domain.compare_save import ACTION
from integrations.domain.comparing import comparable
from integrations.domain.panel import ContactPanel
from integrations.domain.settling import OPEN
from integrations.engine.capabilities import ShowsTotals
from integrations.engine.provider import Capability
from integrations.engine.types import Kind
from integrations.enums import ConnectionStatus
from integrations.views.words import manifest_text

name_actions(
    {
        ACTION: gettext_lazy("Compared and saved on both sides"),
        "match.saved": gettext_lazy("Matched by hand"),
        "match.saved_exact": gettext_lazy("Exact matches saved"),
        "match.taken_back": gettext_lazy("Match taken back"),
    }
)


def asked_live(contact: Contact, panel: ContactPanel) -> dict[str, bool]:
    """The parts of the card that ask the provider once the page is open."""
    manifest, is_active = panel.manifest, panel.connection.status == ConnectionStatus.ACTIVE
    is_tied = any(link.state in OPEN for link in panel.links)
    is_kind = manifest.remote_kind(Kind(contact.kind)) == manifest.export_kind
    can_compare = comparable(manifest, panel.links) is not None
    has_books = is_active and can_compare and panel.shows_invoices
    return {
        "shows_status": is_active and bool(manifest.compare) and (can_compare or is_kind) and not panel.through_firm,
        "can_compare": is_active and can_compare,
        "has_tickets": is_active and is_tied and manifest.can(Capability.TICKETS),
        "has_totals": has_books and isinstance(open_access(panel.connection).provider, ShowsTotals),
    }


def compared_entries(_request: HttpRequest, contact: Contact, before: dt.datetime | None, limit: int) -> Sequence[panels.Entry]:
    """What was chosen where both sides said different things."""
    events = AuditEvent.objects.filter(workspace_id=contact.workspace_id, target=f"contact:{contact.pk}", action=ACTION)
    events = events.filter(at__lt=before) if before else events
    return [
        panels.Entry(at=event.at, html=format_html("{}", _words(event)), by=str(event.actor or ""))
        for event in events.select_related("actor").order_by("-at")[:limit]
    ]


def _words(event: AuditEvent) -> str:
    vendor = registry.manifest(str(event.data.get("provider", ""))).label
    parts = [_("Compared with %(vendor)s") % {"vendor": vendor}]
    sent, taken = (", ".join(map(manifest_text, event.data.get(name, []))) for name in ("sent", "taken"))
    if sent:
        parts.append(_("sent: %(fields)s") % {"fields": sent})
    if taken:
        parts.append(_("taken from there: %(fields)s") % {"fields": taken})
    return " · ".join(parts)
