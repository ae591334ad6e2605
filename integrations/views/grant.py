"""The way back from a vendor's page that hands over a token in our own address: strip it, show whose it is, ask."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from accounts.middleware import WorkspaceRequest, outside_transaction
from accounts.models import Workspace
from accounts.scoping import workspace_tx
from accounts.views.guards import admin_required
from integrations import registry
from integrations.domain.choices import nothing_chosen
from integrations.domain.connect import ConsentFailed, key_of
from integrations.domain.grants import account_of, confirm_grant, drop_grant, take_grant, waiting_grant
from integrations.domain.hooks import follow_setting
from integrations.engine import reasons
from integrations.engine.errors import ProviderError
from integrations.engine.types import Reason
from integrations.models import OAuthAttempt
from integrations.tasks import ring_after_commit
from integrations.views.consent import failure_page, session_of
from integrations.views.pages import back_to, live_connection_or_404, url_of
from integrations.views.secrets import connected_words
from integrations.views.words import hint, sentence

View = Callable[..., HttpResponse]


def without_referrer(view: View) -> View:
    """The address has a token in it: no page may be told where the browser comes from."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response["Referrer-Policy"] = "no-referrer"
        return response

    return guarded


@require_GET
@never_cache
@without_referrer
def callback(request: HttpRequest, provider: str, state: str) -> HttpResponse:
    """Whatever becomes of it, the next address has no token in it: not even the log-in's `next`."""
    if provider not in registry.manifests() or registry.manifest(provider).grant is None:
        raise Http404
    if not request.user.is_authenticated:
        return _sorry(provider, "consent_other_session")
    params = {name: value for name, value in request.GET.items() if isinstance(value, str)}
    try:
        attempt = take_grant(provider, state, user=request.user, session_key=str(request.session.session_key or ""), params=params)
    except ConsentFailed as failed:
        return _sorry(provider, failed.reason.code, workspace=failed.workspace)
    return back_to("integrations:grant", attempt.connection, attempt_id=attempt.pk)


def _sorry(provider: str, code: str, *, workspace: Workspace | None = None) -> HttpResponse:
    kwargs = {"provider": provider, "code": code} | ({"workspace": workspace.slug} if workspace else {})
    return redirect(reverse("connect_failed" if workspace is None else "connect_failed_in", kwargs=kwargs))


@require_GET
@never_cache
def failed(request: HttpRequest, provider: str, code: str, workspace: str = "") -> HttpResponse:
    """One clear page for each way in which it can fail."""
    if provider not in registry.manifests() or not code.startswith("consent_") or code not in reasons.REASONS:
        raise Http404
    mine = Workspace.objects.filter(slug=workspace, memberships__user_id=request.user.pk or 0).first() if workspace else None
    return failure_page(request, provider, ConsentFailed(Reason(code), workspace=mine, provider=provider))


@require_http_methods(["GET", "POST"])
@never_cache
@outside_transaction
@admin_required
def confirm(request: WorkspaceRequest, pk: int, attempt_id: int) -> HttpResponse:
    """Whose account it is; connected is only what a person has said yes to."""
    with workspace_tx(request.workspace):
        connection = live_connection_or_404(request, pk)
        attempt = waiting_grant(request.workspace, attempt_id, user=request.user, session_key=session_of(request))
    if attempt is None or attempt.connection_id != connection.pk:
        messages.warning(request, _("That permission is not waiting any more. Start again."))
        return back_to("integrations:detail", connection)
    attempt.connection = connection
    if request.method == "POST" and request.POST.get("answer") != "yes":
        drop_grant(attempt)
        messages.info(request, _("Not connected. Nothing was stored."))
        return back_to("integrations:detail", connection)
    manifest = registry.manifest(connection.provider)
    context: dict[str, Any] = {"connection": connection, "manifest": manifest, "back_url": url_of("integrations:detail", connection)}
    try:
        if request.method == "POST":
            return _connected(request, attempt)
        account = account_of(attempt)
        context |= {"account": account, "account_key": key_of(account)}
    except ProviderError as error:
        stored = {"code": error.reason.code, "params": dict(error.reason.params)}
        if error.reason.code == "unauthorised":
            stored = {"code": "secret_refused", "params": {}}
        context |= {"problem": sentence(stored, vendor=manifest.label), "hint": hint(stored, vendor=manifest.label), "detail": error.detail}
    with workspace_tx(request.workspace):
        return render(request, "integrations/grant.html", context, status=422 if "problem" in context else 200)


def _connected(request: WorkspaceRequest, attempt: OAuthAttempt) -> HttpResponse:
    connection = confirm_grant(attempt, user=request.user, shown=request.POST.get("account"))
    connection.workspace = request.workspace
    ring_after_commit(connection)
    messages.success(request, connected_words(connection))
    trouble = follow_setting(connection)
    if trouble is not None:
        vendor = registry.manifest(connection.provider).label
        messages.warning(request, sentence({"code": trouble.code, "params": dict(trouble.params)}, vendor=vendor))
    return back_to("integrations:settings" if nothing_chosen(connection) else "integrations:detail", connection)
