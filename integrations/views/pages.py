"""What all pages of a connection share: finding it, its head, its tabs."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.middleware import WorkspaceRequest
from integrations import registry
from integrations.domain.health import HealthInfo, health
from integrations.domain.matches import waits_for_start
from integrations.domain.settings import name_of
from integrations.domain.transfer import can_transfer, transferred
from integrations.engine.provider import Manifest
from integrations.enums import ConnectionStatus, RunKind
from integrations.models import Connection, Run
from integrations.views.words import cadence, local_clock, manifest_text


def connection_or_404(request: WorkspaceRequest, pk: int) -> Connection:
    """A connection of this workspace, with the facts that every page shows."""
    found = Connection.objects.select_related("connected_by", "workspace").filter(workspace=request.workspace, pk=pk).first()
    if found is None:
        raise Http404
    found.workspace = request.workspace
    return found


def live_connection_or_404(request: WorkspaceRequest, pk: int) -> Connection:
    """One that is not off: there is nothing to see or do on the others."""
    found = connection_or_404(request, pk)
    if found.status == ConnectionStatus.OFF:
        raise Http404
    return found


def run_or_404(connection: Connection, run_id: int) -> Run:
    found = (
        Run.objects.select_related("requested_by", "undone_by")
        .filter(workspace=connection.workspace, connection=connection, pk=run_id)
        .first()
    )
    if found is None:
        raise Http404
    found.connection = connection
    return found


def page_context(request: WorkspaceRequest, connection: Connection, active: str) -> dict[str, Any]:
    """The head of the page and its tabs."""
    is_withdrawn = not registry.is_installed(connection.provider)
    manifest = registry.manifest(connection.provider)
    state = health(connection)
    return {
        "connection": connection,
        "manifest": manifest,
        "name": name_of(connection),
        "health": state,
        "subtitle": _subtitle(connection, manifest, state),
        "is_admin": request.membership.is_admin,
        "tabs": _tabs(request, connection, manifest, active, state),
        "tab": active,
        "is_withdrawn": is_withdrawn,
        "waits_for_start": waits_for_start(connection),
        "transfer": manifest_text(transferred(connection)).lower() if request.membership.is_admin and can_transfer(connection) else "",
        "slug": request.workspace.slug,
    }


def _subtitle(connection: Connection, manifest: Manifest, state: HealthInfo) -> str:
    parts = [connection.account_name]
    is_scheduled = can_run(connection) and not manifest.one_time
    if is_scheduled:
        parts.append(cadence(manifest))
    text = " · ".join(part for part in parts if part)
    if state.next_at and is_scheduled:
        return _("%(what)s, next at %(time)s") % {"what": text, "time": local_clock(state.next_at)}
    return text


def _tabs(request: WorkspaceRequest, connection: Connection, manifest: Manifest, active: str, state: HealthInfo) -> list[dict[str, Any]]:
    listed = [
        ("detail", _("Overview"), False),
        *([("matches", _("Matching"), True)] if manifest.match_screen and connection.status != ConnectionStatus.SETUP else []),
        *([("settings", _("Settings"), True), ("fields", _("Fields"), False)] if registry.is_installed(manifest.key) else []),
        ("runs", _("Runs"), False),
        ("attention", _("Needs attention"), True),
        ("log", _("Log"), True),
    ]
    return [
        {
            "label": label,
            "url": url_of(f"integrations:{name}", connection),
            "active": name == active,
            "count": state.count if name == "attention" else 0,
            "tone": "amber",
        }
        for name, label, for_admins in listed
        if request.membership.is_admin or not for_admins
    ]


def url_of(name: str, connection: Connection, **more: Any) -> str:
    return reverse(name, kwargs={"slug": connection.workspace.slug, "pk": connection.pk, **more})


def back_to(name: str, connection: Connection, **more: Any) -> HttpResponse:
    return redirect(url_of(name, connection, **more))


def can_run(connection: Connection) -> bool:
    return connection.status == ConnectionStatus.ACTIVE and registry.is_installed(connection.provider)


STOPPABLE = frozenset({RunKind.INITIAL, RunKind.SCHEDULED, RunKind.MANUAL, RunKind.PREVIEW, RunKind.MATCH})
