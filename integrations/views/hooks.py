"""Where vendors call, and what a person sees and does about it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from accounts.domain.shared import counted, first_within
from accounts.middleware import WorkspaceRequest, outside_transaction
from accounts.scoping import workspace_tx
from accounts.views.guards import admin_required
from crmsync.lib.crypto import digest
from integrations import registry
from integrations.domain import hooks
from integrations.engine.errors import ProviderError
from integrations.engine.hooks import HookCall
from integrations.models import Connection
from integrations.tasks import ring
from integrations.views.pages import back_to, live_connection_or_404
from integrations.views.words import manifest_text, sentence

LARGEST = 64 * 1024
A_MINUTE = 6000  # calls of one address that are taken in
RING_AGAIN = 1000  # milliseconds


@csrf_exempt
def receive(request: HttpRequest, provider: str, key: str, rest: str = "") -> HttpResponse:
    """Note the hint and say thanks. No session, no parsing beyond the provider's own, nothing told to strangers."""
    if _length(request) > LARGEST:
        return _plain(413)
    if counted(f"hook:{digest(key)[:32]}", seconds=60) > A_MINUTE:
        return _plain(429)
    call = HookCall(
        method=str(request.method),
        path=rest,
        query=request.META.get("QUERY_STRING", ""),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=request.body,
    )
    found = hooks.take_call(provider, key, call)
    if found is None:
        return _plain(404)
    # One ring for a burst: whoever answers it looks at all that has come.
    if first_within(f"hook-ring:{found[1]}", milliseconds=RING_AGAIN):
        ring(*found)
    return _plain(200)


def _length(request: HttpRequest) -> int:
    told = request.META.get("CONTENT_LENGTH") or "0"
    return int(told) if told.isascii() and told.isdigit() and len(told) < 10 else LARGEST + 1


def _plain(status: int) -> HttpResponse:
    response = HttpResponse("" if status == 200 else f"{status}\n", status=status, content_type="text/plain")
    if status == 429:
        response["Retry-After"] = "60"
    return response


@require_GET
@never_cache
@outside_transaction
@admin_required
def panel(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The addresses, and which of them the vendor calls; a fragment that is loaded after the page."""
    connection = _connection(request, pk)
    manifest = registry.manifest(connection.provider)
    try:
        state = hooks.hook_state(connection)
    except ProviderError as error:
        state = hooks.HookState(trouble=error.reason)
    labels = {each.event: manifest_text(each.label) for each in state.addresses}
    working = {each.event for each in state.subscriptions if not each.broken}
    rows = [{"label": labels[each.event], "url": each.url, "works": each.event in working} for each in state.addresses]
    trouble = state.trouble
    context = {
        "connection": connection,
        "manifest": manifest,
        "slug": request.workspace.slug,
        "rows": rows,
        "all_work": bool(rows) and all(row["works"] for row in rows),
        "some_work": any(row["works"] for row in rows),
        "reachable": state.reachable,
        "problem": sentence({"code": trouble.code, "params": dict(trouble.params)}, vendor=manifest.label) if trouble else "",
        "not_https": sentence({"code": "hooks_need_https"}, vendor=manifest.label),
    }
    with workspace_tx(request.workspace):
        return render(request, "integrations/_hooks.html", context)


@require_POST
@outside_transaction
@admin_required
def change(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Have the vendor call, or call no more; or make new addresses."""
    connection = _connection(request, pk)
    vendor = registry.manifest(connection.provider).label
    wish = request.POST.get("wish", "")
    try:
        if wish == "subscribe":
            hooks.subscribe(connection)
            messages.success(request, _("%(vendor)s tells of changes at once from now on.") % {"vendor": vendor})
        elif wish == "unsubscribe":
            hooks.unsubscribe(connection)
            messages.info(request, _("%(vendor)s calls no more. Changes are still looked for regularly.") % {"vendor": vendor})
        elif wish == "renew":
            hooks.renew_key(connection, user=request.user)
            messages.warning(request, _("The old addresses lead nowhere now. Enter the new ones in %(vendor)s.") % {"vendor": vendor})
    except ProviderError as error:
        messages.error(request, sentence({"code": error.reason.code, "params": dict(error.reason.params)}, vendor=vendor))
    return back_to("integrations:settings", connection)


def _connection(request: WorkspaceRequest, pk: int) -> Connection:
    with workspace_tx(request.workspace):
        return live_connection_or_404(request, pk)
