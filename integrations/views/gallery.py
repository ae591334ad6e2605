"""Settings > Integrations: what can be connected, and the questions before it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from accounts.middleware import WorkspaceRequest, outside_transaction
from accounts.scoping import workspace_tx
from accounts.views.guards import admin_required
from integrations import registry
from integrations.domain.choices import asked_of_vendor
from integrations.domain.connect import enable, other_of_group, set_up
from integrations.domain.health import HealthInfo, health
from integrations.domain.settings import InvalidSettings, name_of
from integrations.engine.errors import ProviderError
from integrations.engine.provider import Manifest
from integrations.enums import ConnectionStatus
from integrations.forms import SecretsForm, SettingsForm
from integrations.models import Connection
from integrations.views.pages import back_to, url_of
from integrations.views.secrets import begun, mark_refused, secret_hints
from integrations.views.words import manifest_text

GROUPS = {"helpdesk": gettext_lazy("Helpdesk")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Further:
    """An integration that is not a provider's: another app brings its own pages and adds itself here when the apps are ready."""

    label: str | Promise
    tagline: str | Promise
    url_name: str


further: list[Further] = []


@dataclass(frozen=True, slots=True)
class Offer:
    """One provider in the gallery, with the connection that there is, or the reason why there can be none."""

    manifest: Manifest
    name: str
    tagline: str
    group: str
    connection: Connection | None
    health: HealthInfo | None
    url: str
    blocked_by: str


@require_GET
def integration_list(request: WorkspaceRequest) -> HttpResponse:
    live = {each.provider: each for each in _connections(request)}
    withdrawn = [registry.manifest(key) for key in live if not registry.is_installed(key)]
    offers = [_offer(request, manifest, live) for manifest in [*registry.manifests().values(), *withdrawn]]
    context = {
        "offers": offers,
        "further": [(each, reverse(each.url_name, kwargs={"slug": request.workspace.slug})) for each in further],
        "is_admin": request.membership.is_admin,
    }
    return render(request, "integrations/list.html", context)


@require_http_methods(["GET", "POST"])
@outside_transaction
@admin_required
def setup(request: WorkspaceRequest, provider: str) -> HttpResponse:
    """The questions before the first connect; answered once more under Settings. Keys are tried before anything is stored."""
    manifest = registry.manifests().get(provider)
    if manifest is None:
        raise Http404
    data = request.POST if request.method == "POST" else None
    with workspace_tx(request.workspace):
        mine = Connection.objects.filter(workspace=request.workspace, provider=provider)
        known = mine.exclude(status=ConnectionStatus.OFF).first()
        if known is not None:
            return redirect(reverse("integrations:detail", kwargs={"slug": request.workspace.slug, "pk": known.pk}))
        form = SettingsForm(data, manifest=manifest, workspace=request.workspace)
        keys = SecretsForm(data, manifest=manifest, hints=secret_hints(manifest), prefix="secret") if asks_for_keys(manifest) else None
        other = other_of_group(request.workspace, manifest)
        is_whole = form.is_valid() & (keys is None or keys.is_valid())
        context: dict[str, Any] = {
            "manifest": manifest,
            "tagline": manifest_text(manifest.tagline),
            "form": form,
            "keys": keys,
            "blocked_by": name_of(other) if other else "",
            "asked_later": bool(asked_of_vendor(manifest)),
            "was_off": mine.filter(status=ConnectionStatus.OFF).exists(),
        }
    if data is not None and is_whole and other is None:
        answer = _set_up(request, manifest, form, keys)
        if answer is not None:
            return answer
    with workspace_tx(request.workspace):
        is_wrong = form.is_bound and bool(form.errors or (keys and keys.errors) or other)
        return render(request, "integrations/setup.html", context, status=422 if is_wrong else 200)


def asks_for_keys(manifest: Manifest) -> bool:
    """Keys are asked for together with the settings, unless there is a page of the vendor that gives them."""
    return bool(manifest.secrets) and manifest.auth is None and manifest.grant is None


def _set_up(request: WorkspaceRequest, manifest: Manifest, form: SettingsForm, keys: SecretsForm | None) -> HttpResponse | None:
    """None: the vendor or somebody who was quicker said no, and the form says why."""
    place, answers = request.workspace, form.cleaned_data
    try:
        if keys is not None:
            secrets = keys.cleaned_data
            return begun(request, set_up(place, manifest.key, settings=answers, secrets=secrets, user=request.user, match_first=True))
        connection = enable(place, manifest.key, settings=answers, user=request.user)
    except InvalidSettings as refused:
        for key, text in refused.errors.items():
            form.add_error(key if key in form.fields else None, text)
        return None
    except ProviderError as error:
        mark_refused(keys or form, error, manifest)
        return None
    connection.workspace = place
    messages.success(request, _("%(name)s is enabled. One step is left: connect to it.") % {"name": name_of(connection)})
    return back_to("integrations:detail", connection)


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
        name=name_of(connection) if connection else manifest.label,
        tagline=manifest_text(manifest.tagline),
        group=str(GROUPS.get(manifest.exclusive_group, "")),
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
    return next((name_of(live[each.key]) for each in others if each.exclusive_group == manifest.exclusive_group), "")
