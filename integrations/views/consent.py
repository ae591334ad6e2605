"""Connecting: to the provider's consent page and back, or with keys."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.middleware import WorkspaceRequest, outside_transaction
from accounts.scoping import workspace_tx
from integrations import registry
from integrations.domain.connect import ConsentFailed, begin_consent, connect_with_secrets, finish_consent
from integrations.domain.matches import waits_for_start
from integrations.engine.errors import BadSettings, ProviderError
from integrations.engine.provider import Manifest
from integrations.forms import SecretsForm
from integrations.models import Connection
from integrations.tasks import ring_after_commit
from integrations.views.pages import admins_only, back_to, live_connection_or_404, url_of
from integrations.views.words import hint, sentence


@require_POST
@admins_only
def connect(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Go to the provider's consent page; where there is none, to the form for the keys."""
    connection = live_connection_or_404(request, pk)
    manifest = registry.manifest(connection.provider)
    if manifest.auth is None:
        return back_to("integrations:keys", connection)
    if not request.session.session_key:
        request.session.save()
    try:
        address = begin_consent(connection, user=request.user, session_key=str(request.session.session_key))
    except BadSettings as error:
        messages.error(request, _said(error, vendor=manifest.label))
        return back_to("integrations:detail", connection)
    return redirect(address)


@require_http_methods(["GET", "POST"])
@outside_transaction
@admins_only
def keys(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Keys of a provider without a consent page; they are tried before they are kept."""
    with workspace_tx(request.workspace):
        connection = live_connection_or_404(request, pk)
    manifest = registry.manifest(connection.provider)
    if not manifest.secrets:
        raise Http404
    form = SecretsForm(request.POST or None, manifest=manifest)
    if request.method == "POST" and form.is_valid():
        try:
            connect_with_secrets(connection, secrets=form.cleaned_data, user=request.user, match_first=True)
        except ProviderError as error:
            form.add_error(
                error.field if isinstance(error, BadSettings) and error.field in form.fields else None, _said(error, vendor=manifest.label)
            )
        else:
            ring_after_commit(connection)
            with workspace_tx(request.workspace):
                return _begun(request, connection, manifest)
    context = {"connection": connection, "manifest": manifest, "form": form, "back_url": url_of("integrations:detail", connection)}
    with workspace_tx(request.workspace):
        return render(request, "integrations/keys.html", context, status=422 if form.errors else 200)


def _begun(request: WorkspaceRequest, connection: Connection, manifest: Manifest) -> HttpResponse:
    """On to the first sync, or to matching, which comes before it where there is something to match."""
    if waits_for_start(connection):
        messages.success(request, _("Connected to %(name)s. Match its records before the first sync starts.") % {"name": manifest.label})
        return back_to("integrations:matches", connection)
    messages.success(request, _("Connected to %(name)s. The first sync has started.") % {"name": manifest.label})
    return back_to("integrations:detail", connection)


@require_GET
@never_cache
@login_required
def callback(request: HttpRequest, provider: str) -> HttpResponse:
    """The provider sends the person back here; the state says for which connection. Stands outside /w/, as it is registered once."""
    if provider not in registry.manifests():
        raise Http404
    params = {name: value for name, value in request.GET.items() if isinstance(value, str)}
    try:
        connection = finish_consent(user=request.user, session_key=str(request.session.session_key or ""), params=params)  # type: ignore[arg-type]
    except ConsentFailed as failed:
        return _refused(request, provider, failed)
    ring_after_commit(connection)
    label = registry.manifest(connection.provider).label
    messages.success(request, _("Connected to %(name)s. The first sync has started.") % {"name": label})
    return back_to("integrations:detail", connection)


def _refused(request: HttpRequest, provider: str, failed: ConsentFailed) -> HttpResponse:
    """One clear page for each way in which a consent can fail; nothing was stored."""
    manifest = registry.manifest(provider)
    stored = {"code": failed.reason.code, "params": dict(failed.reason.params)}
    context: dict[str, Any] = {
        "manifest": manifest,
        "sentence": sentence(stored, vendor=manifest.label),
        "hint": hint(stored, vendor=manifest.label),
        "detail": failed.detail,
        "again_url": _again(request, provider, failed),
    }
    return render(request, "integrations/consent_failed.html", context, status=400)


def _again(request: HttpRequest, provider: str, failed: ConsentFailed) -> str:
    """Back to the connection whose consent this was; unknown: to the front door."""
    if failed.workspace is None:
        return reverse("account_login") if not request.user.is_authenticated else "/"
    with workspace_tx(failed.workspace):
        found = Connection.objects.filter(workspace=failed.workspace, provider=provider).exclude(status="OFF").first()
    if found is None:
        return reverse("integrations:list", kwargs={"slug": failed.workspace.slug})
    return reverse("integrations:detail", kwargs={"slug": failed.workspace.slug, "pk": found.pk})


def _said(error: ProviderError, *, vendor: str) -> str:
    return sentence({"code": error.reason.code, "params": dict(error.reason.params)}, vendor=vendor)
