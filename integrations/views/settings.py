"""Settings of a connection: its questions, its keys, the addresses for the vendor's calls, and the way out."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.middleware import WorkspaceRequest, outside_transaction
from accounts.scoping import workspace_tx
from accounts.views.guards import admin_required
from integrations import registry
from integrations.domain import connect as door
from integrations.domain.choices import Offered, forget_choices, load_choices, nothing_chosen
from integrations.domain.hooks import SETTING, follow_setting
from integrations.domain.runs import current_run
from integrations.domain.settings import InvalidSettings, name_of, save_settings
from integrations.engine.types import Reason
from integrations.enums import ConnectionStatus
from integrations.forms import SettingsForm
from integrations.models import Connection
from integrations.tasks import ring_after_commit
from integrations.views.pages import back_to, live_connection_or_404, page_context
from integrations.views.secrets import shown_secrets
from integrations.views.words import hint, sentence
from invoices.domain.summarise import shown


@require_http_methods(["GET", "POST"])
@outside_transaction
@admin_required
def settings(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """What the vendor's account has to choose from is loaded first, and some minutes old at most."""
    with workspace_tx(request.workspace):
        connection = live_connection_or_404(request, pk)
    before = connection.settings.get(SETTING)
    if "again" in request.GET:
        forget_choices(connection)
    offered = load_choices(connection) if connection.status != ConnectionStatus.SETUP else None
    data = request.POST if request.method == "POST" else None
    with workspace_tx(request.workspace, origin=request.origin):
        form = _form(connection, data, offered)
        if data is None or not form.is_valid() or not _saved(request, connection, form):
            return _page(request, connection, form, offered)
    if connection.settings.get(SETTING) != before:
        _tell_trouble(request, connection, follow_setting(connection))
    return back_to("integrations:settings", connection)


def _form(connection: Connection, data: Any, offered: Offered | None) -> SettingsForm:
    """What the vendor said about an answer stands beside it."""
    manifest = registry.manifest(connection.provider)
    said = {str(why["field"]): sentence(why, vendor=manifest.label) for why in connection.denied.values() if why.get("field")}
    known = connection.settings
    return SettingsForm(data, manifest=manifest, workspace=connection.workspace, offered=offered, known=known, remarks=said)


def _saved(request: WorkspaceRequest, connection: Connection, form: SettingsForm) -> bool:
    try:
        changed = save_settings(connection, form.cleaned_data, user=request.user)
    except InvalidSettings as refused:
        for key, text in refused.errors.items():
            form.add_error(key if key in form.fields else None, text)
        return False
    if changed:
        ring_after_commit(connection)
    messages.success(request, _("Saved. The next sync follows the new settings."))
    return True


def _page(request: WorkspaceRequest, connection: Connection, form: SettingsForm, offered: Offered | None) -> HttpResponse:
    manifest = registry.manifest(connection.provider)
    trouble = offered.trouble if offered else {}
    context = page_context(request, connection, "settings") | {
        "form": form,
        "run": current_run(connection),
        "secrets": shown_secrets(connection),
        "has_hooks": manifest.hints is not None and connection.is_live,
        "trouble": sentence(trouble, vendor=manifest.label) if trouble else "",
        "trouble_hint": hint(trouble, vendor=manifest.label) if trouble else "",
        "open_questions": offered is not None and not trouble and nothing_chosen(connection),
    }
    return render(request, "integrations/settings.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@outside_transaction
@admin_required
def disable(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Says what goes and what stays before it does anything. The vendor is asked to call no more while we still may."""
    with workspace_tx(request.workspace, origin=request.origin):
        connection = live_connection_or_404(request, pk)
        if request.method != "POST":
            context = page_context(request, connection, "settings") | {
                "effect": door.disable_effect(connection),
                "invoices": shown(request.workspace).filter(connection_id=connection.pk).count(),
            }
            return render(request, "integrations/disable.html", context)
    follow_setting(connection, leaving=True)
    door.disable(connection, user=request.user)
    messages.success(request, _("%(name)s is off. Your contacts are all still here.") % {"name": name_of(connection)})
    return redirect("integrations:list", slug=request.workspace.slug)


def _tell_trouble(request: WorkspaceRequest, connection: Connection, trouble: Reason | None) -> None:
    if trouble is not None:
        vendor = registry.manifest(connection.provider).label
        messages.warning(request, sentence({"code": trouble.code, "params": dict(trouble.params)}, vendor=vendor))
