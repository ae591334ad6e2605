"""Tab "Connection": the addresses and tokens of the API, or the database behind the views."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.domain.audit import record
from accounts.domain.errors import Refused
from accounts.domain.tokens import create_token, revoke_token
from accounts.enums import TokenScope
from accounts.middleware import WorkspaceRequest, outside_transaction
from accounts.models import ApiToken
from accounts.scoping import workspace_tx
from accounts.views.guards import admin_required, reauthentication_required
from accounts.views.requests import is_swap
from crmsync.lib.crypto import SecretError
from erp_history.domain.complaints import CannotRead
from erp_history.domain.sources import source_of
from erp_history.domain.tables import TABLES
from erp_history.domain.vault import read_secrets, seal_secrets
from erp_history.domain.viewmode import test_connection
from erp_history.forms import TokenForm, ViewForm
from erp_history.models import ErpSource
from erp_history.views.pages import back_to, page_context


@require_GET
@admin_required
def connection(request: WorkspaceRequest) -> HttpResponse:
    context = page_context(request, "settings_connection") | {
        "source": source_of(request.workspace),
        "address": f"{settings.PUBLIC_URL}/api/v1/erp/",
        "tables": TABLES.values(),
        "tokens": _tokens(request),
    }
    return render(request, "erp_history/connection.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@admin_required
@reauthentication_required
def database(request: WorkspaceRequest) -> HttpResponse:
    """The database behind the views. Whoever sets it decides where a stored password goes and what comes in: as with a token."""
    source = source_of(request.workspace)
    has_address = bool(source.secrets)
    form = ViewForm(request.POST or None, instance=source)
    if request.method == "POST" and form.is_valid():
        _store(request, source, form)
        messages.success(request, _("Saved. The next run reads from this database, everything anew."))
        return back_to(request, "settings_connection")
    context = page_context(request, "settings_connection") | {"form": form, "has_address": has_address}
    return render(request, "erp_history/database.html", context, status=422 if form.errors else 200)


def _store(request: WorkspaceRequest, source: ErpSource, form: ViewForm) -> None:
    """Another database has other moments of change, so everything is read again."""
    source.secrets = seal_secrets(source, form.secrets)
    source.watermarks = {}
    source.save(update_fields=["engine", "view_schema", "secrets", "watermarks"])
    record(request.workspace, actor=request.user, action="erp.connection", target=str(source), data={"engine": source.engine})


def _tokens(request: WorkspaceRequest) -> list[dict[str, Any]]:
    now = timezone.now()
    found = ApiToken.objects.filter(workspace=request.workspace, scopes__contains=[TokenScope.ERP.value]).select_related("user")
    return [
        {"token": token, "is_expired": token.expires_at is not None and token.expires_at <= now}
        for token in found.order_by("revoked_at", "-pk")[:50]
    ]


@require_POST
@outside_transaction
@admin_required
def test(request: WorkspaceRequest) -> HttpResponse:
    """Try what stands in the form, or what is stored when the form is empty. No transaction waits for the other side."""
    with workspace_tx(request.workspace):
        source = source_of(request.workspace)
    context = _tried(request, source)
    with workspace_tx(request.workspace):
        if is_swap(request):
            return render(request, "erp_history/_test_result.html", context)
        if "views" in context:
            messages.success(request, _("The database answers."))
        else:
            messages.error(request, context.get("problem") or _("Fill in the address first."))
        return back_to(request, "settings_connection")


def _tried(request: WorkspaceRequest, source: ErpSource) -> dict[str, Any]:
    is_filled = any(request.POST.get(name, "").strip() for name in ("host", "database", "user", "password"))
    form = ViewForm(request.POST, instance=source)
    if (is_filled or not source.secrets) and not form.is_valid():
        return {"form_errors": [(form[name].label, errors) for name, errors in form.errors.items()]}
    try:
        secrets = form.secrets if is_filled else read_secrets(source)
        return {"views": _shown(test_connection(source, secrets))}
    except (CannotRead, SecretError) as error:
        return {"problem": str(error)}


def _shown(found: dict[str, str]) -> list[dict[str, Any]]:
    return [{"name": f"vw_crm_{name}", "label": TABLES[name].label, "complaint": complaint} for name, complaint in found.items()]


@never_cache
@require_http_methods(["GET", "POST"])
@admin_required
@reauthentication_required
def token_create(request: WorkspaceRequest) -> HttpResponse:
    """The answer to the post shows the token: it is kept nowhere, so there is nothing to redirect to."""
    form = TokenForm(request.POST or None)
    context = page_context(request, "settings_connection")
    if request.method == "POST" and form.is_valid():
        days = form.cleaned_data["days"]
        expires_at = timezone.now() + dt.timedelta(days=int(days)) if days else None
        try:
            token, text = create_token(request.membership, name=form.cleaned_data["name"], scopes=[TokenScope.ERP], expires_at=expires_at)
        except Refused as error:
            form.add_error(None, error.message)
        else:
            return render(request, "erp_history/token_created.html", context | {"token": token, "text": text})
    return render(request, "erp_history/token.html", context | {"form": form}, status=422 if form.errors else 200)


@require_POST
@admin_required
def token_revoke(request: WorkspaceRequest, pk: int) -> HttpResponse:
    tokens = ApiToken.objects.select_related("workspace").filter(workspace=request.workspace, scopes__contains=[TokenScope.ERP.value])
    token = get_object_or_404(tokens, pk=pk)
    revoke_token(token, actor=request.membership, now=timezone.now())
    messages.success(request, _("The token “%(name)s” is revoked.") % {"name": token.name})
    return back_to(request, "settings_connection")
