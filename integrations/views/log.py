"""The log of a connection: what was said to the provider, and who changed what here."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from accounts.middleware import WorkspaceRequest
from accounts.models import AuditEvent
from accounts.views.guards import admin_required
from accounts.views.requests import is_swap, with_query
from integrations.models import Connection, Exchange
from integrations.views.pages import live_connection_or_404, page_context
from integrations.views.runs import page_or_first

AUDIT = {
    "connection.enabled": _("enabled the integration"),
    "connection.connected": _("connected"),
    "connection.hook_key": _("made new addresses for calls"),
    "connection.imported": _("brought everything over"),
    "connection.settings": _("changed the settings"),
    "connection.paused": _("paused it"),
    "connection.resumed": _("resumed it"),
    "connection.disabled": _("disabled the integration"),
}
FAILED = 400


@require_GET
@admin_required
def log(request: WorkspaceRequest, pk: int) -> HttpResponse:
    connection = live_connection_or_404(request, pk)
    part = "audit" if request.GET.get("part") == "audit" else "calls"
    context = page_context(request, connection, "log") | (_audit(request, connection) if part == "audit" else _calls(request, connection))
    context |= {"part": part}
    return render(request, "integrations/_log.html" if is_swap(request) else "integrations/log.html", context)


def _calls(request: WorkspaceRequest, connection: Connection) -> dict[str, Any]:
    found = Exchange.objects.filter(workspace=request.workspace, connection_id=connection.pk)
    only_failed = request.GET.get("show") == "failed"
    if only_failed:
        found = found.exclude(status__lt=FAILED)
    listed = page_or_first(found, order=("-id",), cursor=request.GET.get("cursor"))
    return {"calls": listed.rows, "only_failed": only_failed} | _pages(request, listed.next_cursor)


def _audit(request: WorkspaceRequest, connection: Connection) -> dict[str, Any]:
    found = AuditEvent.objects.filter(workspace=request.workspace, target=f"connection:{connection.pk}").select_related("actor")
    listed = page_or_first(found, order=("-at", "-id"), cursor=request.GET.get("cursor"))
    events = [{"event": event, "label": AUDIT.get(event.action, event.action), "details": _details(event)} for event in listed.rows]
    return {"events": events} | _pages(request, listed.next_cursor)


def _details(event: AuditEvent) -> list[tuple[str, str]]:
    """Changed settings as "before → after"; the rest as it is."""
    data = {name: value for name, value in event.data.items() if name != "provider"}
    changed = data.pop("changed", None) or {}
    lines = [(name, f"{before} → {after}") for name, (before, after) in changed.items()]
    flat = data.pop("settings", None) or {}
    return [*lines, *((name, str(value)) for name, value in {**flat, **data}.items() if value not in ("", None))]


def _pages(request: WorkspaceRequest, cursor: str | None) -> dict[str, str]:
    return {
        "next_url": with_query(request, cursor=cursor) if cursor else "",
        "first_url": with_query(request, cursor=None) if request.GET.get("cursor") else "",
    }
