"""The page of a connection: how it is, and the buttons that drive it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Avg, F
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.middleware import WorkspaceRequest, outside_transaction
from accounts.scoping import workspace_tx
from accounts.views.guards import admin_required
from accounts.views.requests import is_swap
from integrations import registry
from integrations.domain import attention
from integrations.domain import connect as door
from integrations.domain.fields import flow_of, flows_of, mode_of, save_fields
from integrations.domain.health import counts
from integrations.domain.journal import reason_json
from integrations.domain.progress import progress
from integrations.domain.readings import remark
from integrations.domain.runs import cancel, open_runs, request_run
from integrations.domain.settings import InvalidSettings
from integrations.domain.transfer import can_transfer, request_transfer
from integrations.engine.errors import ProviderError
from integrations.engine.provider import Direction, Mode
from integrations.enums import ConnectionStatus, Outcome, RunKind, RunStatus
from integrations.models import Connection, Exchange, Run
from integrations.tasks import ring_after_commit
from integrations.views.pages import back_to, can_run, live_connection_or_404, page_context, run_or_404, url_of
from integrations.views.samples import sample_values
from integrations.views.words import DIRECTIONS, FLOWS, MODES, counter_tiles, duration, hint, manifest_text, sentence

RECENT = 4
TOP = 3


@require_GET
def detail(request: WorkspaceRequest, pk: int) -> HttpResponse:
    connection = live_connection_or_404(request, pk)
    return render(request, "integrations/detail.html", page_context(request, connection, "detail") | _live(request, connection))


@require_GET
@never_cache
def live(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The moving part of the overview, asked for every second or two while a sync runs. A run that ended loads the whole page anew."""
    connection = live_connection_or_404(request, pk)
    context = page_context(request, connection, "detail") | _live(request, connection)
    response = render(request, "integrations/_live.html", context)
    if request.GET.get("run", "") != context["watched"]:
        response["HX-Refresh"] = "true"
    return response


def _live(request: WorkspaceRequest, connection: Connection) -> dict[str, Any]:
    run = next(iter(open_runs(connection)), None)
    how_far = progress(run) if run else None
    vendor = registry.manifest(connection.provider).label
    is_admin = request.membership.is_admin
    is_deciding = bool(run and run.status == RunStatus.DECIDING)
    return {
        "run": run,
        "watched": f"{run.pk}{'?' if is_deciding else ''}" if run else "",
        "progress": how_far,
        "seconds_left": duration(how_far.seconds_left) if how_far and how_far.seconds_left else "",
        "run_reason": sentence(run.reason, vendor=vendor) if run else "",
        "run_hint": hint(run.reason, vendor=vendor) if run else "",
        "run_tiles": counter_tiles(run) if run and any(run.counters.values()) else [],
        "is_deciding": is_deciding,
        "counts": counts(connection),
        "top": attention.failing(connection, limit=TOP).rows[:TOP] if is_admin else [],
        "recent": Run.objects.filter(workspace=request.workspace, connection=connection)
        .select_related("requested_by", "connection")
        .order_by("-id")[:RECENT],
        **_trouble_of_last(connection, vendor=vendor),
        "notice": sentence(connection.notice, vendor=vendor),
        "notice_hint": hint(connection.notice, vendor=vendor),
        "remark": sentence(reason_json(remark(connection)), vendor=vendor),
        "denied": [(sentence(why, vendor=vendor), hint(why, vendor=vendor), bool(why.get("field"))) for why in connection.denied.values()],
        "facts": _facts(request, connection),
    }


def _trouble_of_last(connection: Connection, *, vendor: str) -> dict[str, str]:
    last = Run.objects.filter(workspace_id=connection.workspace_id, connection=connection).order_by("-id").first()
    if last is None or last.outcome != Outcome.FAILED or connection.status != ConnectionStatus.ACTIVE:
        return {}
    return {"last_trouble": sentence(last.reason, vendor=vendor), "last_hint": hint(last.reason, vendor=vendor)}


def _facts(request: WorkspaceRequest, connection: Connection) -> dict[str, Any]:
    day_ago = timezone.now() - timedelta(days=1)
    is_import = registry.manifest(connection.provider).one_time
    runs = Run.objects.filter(workspace=request.workspace, connection=connection, status=RunStatus.DONE, started_at__isnull=False)
    lately = runs.filter(outcome__in=[Outcome.SUCCESS, Outcome.PARTIAL], created_at__gt=timezone.now() - timedelta(days=30))
    average = lately.aggregate(length=Avg(F("finished_at") - F("started_at")))["length"]
    return {
        "average": duration(average),
        "calls": Exchange.objects.filter(workspace=request.workspace, connection_id=connection.pk, at__gt=day_ago).count(),
        "reconnect_by": connection.token_expires_at if not connection.can_refresh or is_import else None,
    }


@require_POST
@admin_required
def sync(request: WorkspaceRequest, pk: int) -> HttpResponse:
    return _start(request, pk, RunKind.MANUAL)


@require_POST
@admin_required
def preview(request: WorkspaceRequest, pk: int) -> HttpResponse:
    return _start(request, pk, RunKind.PREVIEW)


@require_POST
@admin_required
def transfer(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Read everything, and show what would happen before anything is written."""
    connection = live_connection_or_404(request, pk)
    if not can_transfer(connection):
        messages.warning(request, _("This connection is not active, so nothing was started."))
        return back_to("integrations:detail", connection)
    run, is_new = request_transfer(connection, user=request.user)
    if is_new:
        ring_after_commit(connection)
        messages.info(request, _("Everything is being read. You see what would happen before anything is written."))
    else:
        messages.warning(request, _("A sync is running already: %(kind)s.") % {"kind": run.get_kind_display()})
    return back_to("integrations:detail", connection)


def _start(request: WorkspaceRequest, pk: int, kind: RunKind) -> HttpResponse:
    connection = live_connection_or_404(request, pk)
    if not can_run(connection):
        messages.warning(request, _("This connection is not active, so nothing was started."))
        return back_to("integrations:detail", connection)
    if registry.manifest(connection.provider).one_time and kind is RunKind.MANUAL:
        kind = RunKind.INITIAL  # an import is looked at before it writes, each time
    run, is_new = request_run(connection, kind=kind, user=request.user)
    if is_new:
        ring_after_commit(connection)
        messages.info(request, _("The preview has started. Nothing is written.") if kind is RunKind.PREVIEW else _("The sync has started."))
    else:
        messages.warning(request, _("A sync is running already: %(kind)s.") % {"kind": run.get_kind_display()})
    return back_to("integrations:detail", connection)


@require_POST
@admin_required
def stop(request: WorkspaceRequest, pk: int, run_id: int) -> HttpResponse:
    connection = live_connection_or_404(request, pk)
    run = run_or_404(connection, run_id)
    if not run.is_over:
        cancel(run, user=request.user)
        messages.info(request, _("The sync stops at its next page. What it has done stays."))
    return back_to("integrations:detail", connection)


@require_POST
@outside_transaction
@admin_required
def test(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """One cheap call, and its result in words."""
    with workspace_tx(request.workspace):
        connection = live_connection_or_404(request, pk)
    vendor = registry.manifest(connection.provider).label
    context: dict[str, Any] = {"vendor": vendor, "at": timezone.now()}
    try:
        context["account"] = door.test_connection(connection)
    except ProviderError as error:
        stored = {"code": error.reason.code, "params": dict(error.reason.params)}
        context |= {"problem": sentence(stored, vendor=vendor), "hint": hint(stored, vendor=vendor), "detail": error.detail}
    if not is_swap(request):
        messages.add_message(
            request, messages.ERROR if "problem" in context else messages.SUCCESS, context.get("problem") or _("The connection works.")
        )
        return back_to("integrations:detail", connection)
    with workspace_tx(request.workspace):
        return render(request, "integrations/_test_result.html", context)


@require_POST
@admin_required
def pause(request: WorkspaceRequest, pk: int) -> HttpResponse:
    connection = live_connection_or_404(request, pk)
    if connection.status == ConnectionStatus.ACTIVE:
        door.pause(connection, user=request.user)
        messages.info(request, _("Paused. Nothing is read or sent; what waits is kept."))
    return back_to("integrations:detail", connection)


@require_POST
@admin_required
def resume(request: WorkspaceRequest, pk: int) -> HttpResponse:
    connection = live_connection_or_404(request, pk)
    if connection.status == ConnectionStatus.PAUSED:
        door.resume(connection, user=request.user)
        ring_after_commit(connection)
        messages.success(request, _("Resumed. It catches up now."))
    return back_to("integrations:detail", connection)


@require_http_methods(["GET", "POST"])
def fields(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """What is in sync with what: directions, who wins, an example."""
    connection = live_connection_or_404(request, pk)
    manifest = registry.manifest(connection.provider)
    rule = next((spec for spec in manifest.settings if spec.key == "conflict"), None)
    labels = {value: manifest_text(label) for value, label in rule.choices} if rule else {}
    here = labels.get(connection.settings.get("conflict", rule.default if rule else ""), "")
    sample = sample_values(connection, request.membership)
    if request.method == "POST":
        return _save_fields(request, connection)
    rows = [
        {
            "name": each.ours,
            "flows": [(flow, FLOWS[flow]) for flow in flows_of(each)],
            "flow": flow_of(connection, each),
            "wins": mode_of(connection, each),
            "label": manifest_text(each.label),
            "theirs": each.theirs,
            "icon": DIRECTIONS[each.direction][0],
            "direction": FLOWS[flow_of(connection, each)],
            "mode": here if each.mode is Mode.CONNECTION else MODES[each.mode],
            "is_own_mode": each.mode is not Mode.CONNECTION,
            "has_mode": each.direction is Direction.BOTH,
            "required": each.required,
            "note": manifest_text(each.note),
            "sample": sample.values.get(each.ours, ""),
        }
        for each in manifest.fields
    ]
    context = page_context(request, connection, "fields") | {
        "rows": rows,
        "rules": [(Mode.CONNECTION.value, here), *((mode.value, text) for mode, text in MODES.items())],
        "sample": sample,
        "settings_url": url_of("integrations:settings", connection),
    }
    return render(request, "integrations/fields.html", context)


def _save_fields(request: WorkspaceRequest, connection: Connection) -> HttpResponse:
    if not request.membership.is_admin:
        raise PermissionDenied
    names = [each.ours for each in registry.manifest(connection.provider).fields]
    given = {name: {"flow": request.POST.get(f"flow:{name}", ""), "mode": request.POST.get(f"mode:{name}", "")} for name in names}
    try:
        changed = save_fields(connection, given, user=request.user)
    except InvalidSettings as refused:
        messages.error(request, str(refused))
        return back_to("integrations:fields", connection)
    if changed and connection.status == ConnectionStatus.ACTIVE:
        request_run(connection, kind=RunKind.MANUAL, user=request.user)
        ring_after_commit(connection)
    messages.success(request, _("Saved. Every record is compared again now.") if changed else _("Nothing was changed."))
    return back_to("integrations:fields", connection)
