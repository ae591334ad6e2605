"""Settings > Integrations: what can be connected, and the questions before it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.middleware import WorkspaceRequest
from integrations import registry
from integrations.domain.connect import enable
from integrations.domain.health import HealthInfo, health
from integrations.engine.provider import Manifest
from integrations.enums import ConnectionStatus
from integrations.forms import SettingsForm
from integrations.models import Connection
from integrations.views.pages import admins_only, back_to, url_of
from integrations.views.words import manifest_text


@dataclass(frozen=True, slots=True)
class Offer:
    """One provider in the gallery, with the connection that there is, or the reason why there can be none."""

    manifest: Manifest
    tagline: str
    connection: Connection | None
    health: HealthInfo | None
    url: str
    blocked_by: str


@require_GET
def integration_list(request: WorkspaceRequest) -> HttpResponse:
    live = {each.provider: each for each in _connections(request)}
    offers = [_offer(request, manifest, live) for manifest in registry.manifests().values()]
    context = {"offers": offers, "is_admin": request.membership.is_admin}
    return render(request, "integrations/list.html", context)


@require_http_methods(["GET", "POST"])
@admins_only
def setup(request: WorkspaceRequest, provider: str) -> HttpResponse:
    """The questions before the first connect; answered once more under Settings."""
    manifest = registry.manifests().get(provider)
    if manifest is None:
        raise Http404
    known = Connection.objects.filter(workspace=request.workspace, provider=provider).exclude(status=ConnectionStatus.OFF).first()
    if known is not None:
        return redirect(reverse("integrations:detail", kwargs={"slug": request.workspace.slug, "pk": known.pk}))
    blocked_by = _blocked_by(manifest, {each.provider: each for each in _connections(request)})
    form = SettingsForm(request.POST or None, manifest=manifest, workspace=request.workspace)
    if request.method == "POST" and not blocked_by and form.is_valid():
        connection = enable(request.workspace, provider, settings=form.cleaned_data, user=request.user)
        messages.success(request, _("%(name)s is enabled. One step is left: connect to it.") % {"name": manifest.label})
        connection.workspace = request.workspace
        return back_to("integrations:detail", connection)
    context: dict[str, Any] = {
        "manifest": manifest,
        "tagline": manifest_text(manifest.tagline),
        "form": form,
        "blocked_by": blocked_by,
        "was_off": Connection.objects.filter(workspace=request.workspace, provider=provider, status=ConnectionStatus.OFF).exists(),
    }
    return render(request, "integrations/setup.html", context, status=422 if form.is_bound and form.errors else 200)


def _connections(request: WorkspaceRequest) -> list[Connection]:
    found = list(Connection.objects.filter(workspace=request.workspace).exclude(status=ConnectionStatus.OFF))
    for each in found:
        each.workspace = request.workspace
    return found


def _offer(request: WorkspaceRequest, manifest: Manifest, live: dict[str, Connection]) -> Offer:
    connection = live.get(manifest.key)
    slug = request.workspace.slug
    return Offer(
        manifest=manifest,
        tagline=manifest_text(manifest.tagline),
        connection=connection,
        health=health(connection) if connection else None,
        url=url_of("integrations:detail", connection)
        if connection
        else reverse("integrations:setup", kwargs={"slug": slug, "provider": manifest.key}),
        blocked_by="" if connection else _blocked_by(manifest, live),
    )


def _blocked_by(manifest: Manifest, live: dict[str, Connection]) -> str:
    """Some systems exclude each other: two of one group in a workspace would fight over the same contacts."""
    if not manifest.exclusive_group:
        return ""
    others = (each for key, each in registry.manifests().items() if key in live and key != manifest.key)
    return next((each.label for each in others if each.exclusive_group == manifest.exclusive_group), "")
