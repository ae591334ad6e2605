"""Connecting: to the provider's page and back, or with keys."""

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
from accounts.views.guards import admin_required
from integrations import registry
from integrations.domain.connect import ConsentFailed, begin_consent, connect_with_secrets, finish_consent
from integrations.domain.grants import begin_grant, paste_token
from integrations.engine.capabilities import GrantToken
from integrations.engine.errors import BadSettings, ProviderError, SkipRecord
from integrations.forms import SecretsForm
from integrations.models import Connection
from integrations.tasks import ring_after_commit
from integrations.views.pages import back_to, live_connection_or_404, url_of
from integrations.views.secrets import begun, connected_words, mark_refused, secret_hints
from integrations.views.words import hint, sentence


@require_POST
@admin_required
def connect(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Go to the provider's page; where there is none, to the form for the keys."""
    connection = live_connection_or_404(request, pk)
    manifest = registry.manifest(connection.provider)
    if manifest.auth is None and manifest.grant is None:
        return back_to("integrations:keys", connection)
    begin = begin_consent if manifest.auth else begin_grant
    try:
        address = begin(connection, user=request.user, session_key=session_of(request))
    except BadSettings as error:
        messages.error(request, _said(error, vendor=manifest.label))
        return back_to("integrations:detail", connection)
    return redirect(address)


@require_http_methods(["GET", "POST"])
@outside_transaction
@admin_required
def keys(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Keys of a provider without a consent page, or a token that its page has shown; they are tried before they are kept."""
    with workspace_tx(request.workspace):
        connection = live_connection_or_404(request, pk)
    manifest = registry.manifest(connection.provider)
    if not manifest.secrets:
        raise Http404
    form = SecretsForm(request.POST or None, manifest=manifest, hints=secret_hints(manifest))
    if request.method == "POST" and form.is_valid():
        try:
            return _pasted(request, connection, manifest.grant, form) if manifest.grant else _tried(request, connection, form)
        except SkipRecord:
            form.add_error(next(iter(form.fields)), _("This is no token: it is too short, or has blanks in it."))
        except ProviderError as error:
            mark_refused(form, error, manifest)
    context = {"connection": connection, "manifest": manifest, "form": form, "back_url": url_of("integrations:detail", connection)}
    with workspace_tx(request.workspace):
        return render(request, "integrations/keys.html", context, status=422 if form.errors else 200)


def _tried(request: WorkspaceRequest, connection: Connection, form: SecretsForm) -> HttpResponse:
    connect_with_secrets(connection, secrets=form.cleaned_data, user=request.user, match_first=True)
    return begun(request, connection)


def _pasted(request: WorkspaceRequest, connection: Connection, grant: GrantToken, form: SecretsForm) -> HttpResponse:
    """The next page says whose token it is."""
    attempt = paste_token(connection, form.cleaned_data[grant.secret], user=request.user, session_key=session_of(request))
    return back_to("integrations:grant", connection, attempt_id=attempt.pk)


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
        return failure_page(request, provider, failed)
    ring_after_commit(connection)
    messages.success(request, connected_words(connection))
    return back_to("integrations:detail", connection)


def session_of(request: HttpRequest) -> str:
    """What binds a permission to this browser."""
    if not request.session.session_key:
        request.session.save()
    return str(request.session.session_key)


def failure_page(request: HttpRequest, provider: str, failed: ConsentFailed) -> HttpResponse:
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
