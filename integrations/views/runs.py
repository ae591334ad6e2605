"""Runs of a connection: history, one run with its plan and its log, and taking a run back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.domain.keyset import BadCursor, Page, keyset_page
from accounts.middleware import WorkspaceRequest, outside_transaction
from accounts.scoping import workspace_tx
from accounts.views.guards import admin_required
from accounts.views.requests import is_swap, with_query
from crmsync.lib.sheets import guard
from integrations import registry
from integrations.domain import undo as taking_back
from integrations.domain.runs import confirm as let_through
from integrations.engine.provider import Manifest
from integrations.enums import ConnectionStatus, Level, Outcome, RunKind, RunStatus
from integrations.models import Connection, Run, RunLine
from integrations.tasks import ring_after_commit
from integrations.views.labels import field_labels
from integrations.views.pages import back_to, live_connection_or_404, page_context, run_or_404, url_of
from integrations.views.samples import shown_value
from integrations.views.words import counter_tiles, hint, sentence

PAGE = 50
BATCH = 1000
TROUBLED = (Outcome.FAILED, Outcome.PARTIAL, Outcome.NEEDS_RECONNECT, Outcome.NEEDS_DECISION)
SIDES = (
    ("create", gettext_lazy("New contacts here")),
    ("restore", gettext_lazy("Contacts brought back")),
    ("link", gettext_lazy("Linked to contacts that are here")),
    ("update", gettext_lazy("Contacts changed here")),
    ("hold", gettext_lazy("Wait for you")),
    ("skip", gettext_lazy("Left out")),
    ("fail", gettext_lazy("Cannot be read")),
)
HERE = (
    ("created", gettext_lazy("new")),
    ("linked", gettext_lazy("linked")),
    ("updated", gettext_lazy("changed")),
    ("unchanged", gettext_lazy("unchanged")),
    ("held", gettext_lazy("wait for you")),
    ("skipped", gettext_lazy("left out")),
    ("failed", gettext_lazy("cannot be read")),
)
HEADINGS = ("at", "level", "action", "kind", "id", "name", "contact", "fields", "reason", "detail")


@require_GET
def run_list(request: WorkspaceRequest, pk: int) -> HttpResponse:
    connection = live_connection_or_404(request, pk)
    found = Run.objects.filter(workspace=request.workspace, connection=connection).select_related("requested_by", "connection")
    only_trouble = request.GET.get("show") == "trouble"
    if only_trouble:
        found = found.filter(outcome__in=TROUBLED)
    listed = page_or_first(found, order=("-id",), cursor=request.GET.get("cursor"))
    context = page_context(request, connection, "runs") | {
        "runs": listed.rows,
        "only_trouble": only_trouble,
        "next_url": with_query(request, cursor=listed.next_cursor) if listed.next_cursor else "",
        "first_url": with_query(request, cursor=None) if request.GET.get("cursor") else "",
    }
    return render(request, "integrations/_runs.html" if is_swap(request) else "integrations/runs.html", context)


@require_GET
def run_detail(request: WorkspaceRequest, pk: int, run_id: int) -> HttpResponse:
    connection = live_connection_or_404(request, pk)
    run = run_or_404(connection, run_id)
    vendor = registry.manifest(connection.provider).label
    context = page_context(request, connection, "runs") | {
        "run": run,
        "tiles": counter_tiles(run),
        "reason": sentence(run.reason, vendor=vendor),
        "reason_hint": hint(run.reason, vendor=vendor),
        "is_deciding": run.status == RunStatus.DECIDING,
        "plan": _plan(run, manifest=registry.manifest(connection.provider)) if request.membership.is_admin else None,
        "can_undo": request.membership.is_admin and _can_undo(run),
    }
    if request.membership.is_admin:
        context |= _log(request, connection, run)
    return render(request, "integrations/_run_log.html" if is_swap(request) else "integrations/run.html", context)


@require_GET
def any_run(request: WorkspaceRequest, run_id: int) -> HttpResponse:
    """From a line of a contact's history, which knows the run alone."""
    run = Run.objects.select_related("connection").filter(workspace=request.workspace, pk=run_id).first()
    if run is None:
        raise Http404
    run.connection.workspace = request.workspace
    if run.connection.status == ConnectionStatus.OFF:
        messages.info(request, _("Run %(number)s belongs to a connection that is off.") % {"number": run.pk})
        return redirect("integrations:list", slug=request.workspace.slug)
    return back_to("integrations:run", run.connection, run_id=run.pk)


def _log(request: WorkspaceRequest, connection: Connection, run: Run) -> dict[str, Any]:
    found = _narrowed(run, request)
    listed = page_or_first(found, order=("id",), cursor=request.GET.get("cursor"))
    manifest = registry.manifest(connection.provider)
    query = with_query(request, cursor=None).partition("?")[2]
    return {
        "lines": [_shown(line, manifest=manifest) for line in listed.rows],
        "level": request.GET.get("level", ""),
        "q": request.GET.get("q", ""),
        "levels": Level.choices,
        "is_narrowed": bool(request.GET.get("level") or request.GET.get("q")),
        "next_url": with_query(request, cursor=listed.next_cursor) if listed.next_cursor else "",
        "first_url": with_query(request, cursor=None) if request.GET.get("cursor") else "",
        "log_url": f"{url_of('integrations:run_log', connection, run_id=run.pk)}?{query}",
    }


def _narrowed(run: Run, request: HttpRequest) -> QuerySet[RunLine]:
    found = RunLine.objects.filter(workspace_id=run.workspace_id, run=run)
    level, text = request.GET.get("level", ""), request.GET.get("q", "").replace("\0", "").strip()[:100]
    if level in Level.values:
        found = found.filter(level=level)
    return found.filter(name__icontains=text) if text else found


def _shown(line: RunLine, *, manifest: Manifest) -> dict[str, Any]:
    words = {"name": line.name} if line.name else {}
    return {
        "line": line,
        "fields": field_labels(manifest, line.fields),
        "sentence": sentence(line.reason, vendor=manifest.label, **words),
        "hint": hint(line.reason, vendor=manifest.label, **words),
    }


def _plan(run: Run, *, manifest: Manifest) -> dict[str, Any] | None:
    """What would happen at both sides, with the first rows of each kind."""
    counts = run.plan.get("counts")
    if not counts:
        return None
    first = run.plan.get("first", {})
    parts = [
        {"key": key, "label": label, "rows": [_plan_row(row, manifest) for row in first[key]]} for key, label in SIDES if first.get(key)
    ]
    return {
        "here": [(counts.get(name, 0), label) for name, label in HERE],
        "pushed": counts.get("pushed", 0),
        "gone": counts.get("gone", 0),
        "parts": parts,
    }


def _plan_row(row: dict[str, Any], manifest: Manifest) -> dict[str, Any]:
    changes = [(field_labels(manifest, [name])[0], shown_value(value)) for name, value in row.get("changes", {}).items()]
    return {**row, "changes": changes, "sentence": sentence(row.get("reason"), vendor=manifest.label, name=row.get("name", ""))}


def _can_undo(run: Run) -> bool:
    wrote = any(run.counters.get(name) for name in ("created", "updated", "linked"))
    return run.is_over and wrote and run.undone_by_id is None and run.kind not in {RunKind.PREVIEW, RunKind.UNDO}


def page_or_first(found: QuerySet[Any], *, order: tuple[str, ...], cursor: str | None) -> Page[Any]:
    """An address that was cut short by a mail program shows the first page."""
    try:
        return keyset_page(found, order=order, cursor=cursor, limit=PAGE)
    except BadCursor:
        return keyset_page(found, order=order, cursor=None, limit=PAGE)


@require_POST
@admin_required
def confirm(request: WorkspaceRequest, pk: int, run_id: int) -> HttpResponse:
    """The person has seen what would happen: go on."""
    connection = live_connection_or_404(request, pk)
    run = run_or_404(connection, run_id)
    if run.status == RunStatus.DECIDING:
        let_through(run, user=request.user)
        ring_after_commit(connection)
        messages.success(request, _("The sync goes on."))
    return back_to("integrations:detail", connection)


@require_http_methods(["GET", "POST"])
@admin_required
def undo(request: WorkspaceRequest, pk: int, run_id: int) -> HttpResponse:
    """Says what comes back, what is removed and what cannot be undone; then does it."""
    connection = live_connection_or_404(request, pk)
    run = run_or_404(connection, run_id)
    if not _can_undo(run):
        messages.warning(request, _("There is nothing to undo in this run."))
        return back_to("integrations:run", connection, run_id=run.pk)
    if request.method == "POST":
        return _undone(request, connection, run)
    context = page_context(request, connection, "runs") | _effect(run)
    return render(request, "integrations/undo.html", context)


def _undone(request: WorkspaceRequest, connection: Connection, run: Run) -> HttpResponse:
    try:
        back = taking_back.undo(run, user=request.user)
    except taking_back.CannotUndo:
        messages.warning(request, _("A sync is running. Wait until it has finished, then undo."))
        return back_to("integrations:run", connection, run_id=run.pk)
    messages.success(request, _("The run is undone. This page lists what was done."))
    return back_to("integrations:run", connection, run_id=back.pk)


def _effect(run: Run) -> dict[str, Any]:
    """What Undo would do, with the first of what it leaves alone."""
    effect = taking_back.undo_effect(run)
    manifest = registry.manifest(run.connection.provider)
    left = [
        {"contact_id": pk, "name": name, "field": ", ".join(field_labels(manifest, [what] if what else []))}
        for pk, name, what, _why in effect.left[:PAGE]
    ]
    return {
        "run": run,
        "restored": len(effect.restored),
        "removed": len(effect.removed),
        "left": left,
        "left_count": len(effect.left),
    }


@require_GET
@outside_transaction
@admin_required
def run_log(request: WorkspaceRequest, pk: int, run_id: int) -> StreamingHttpResponse:
    """The log as it is narrowed, as a file."""
    with workspace_tx(request.workspace):
        run = run_or_404(live_connection_or_404(request, pk), run_id)
    response = StreamingHttpResponse(_csv(request, run), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="run-{run.pk}.csv"'
    return response


def _csv(request: WorkspaceRequest, run: Run) -> Iterator[str]:
    vendor = registry.manifest(run.connection.provider).label
    yield "\ufeff" + _csv_lines([HEADINGS])
    after = 0
    while True:
        with workspace_tx(request.workspace):
            lines = list(_narrowed(run, request).filter(pk__gt=after).order_by("pk")[:BATCH])
        yield _csv_lines([_cells(line, vendor=vendor) for line in lines])
        if len(lines) < BATCH:
            return
        after = lines[-1].pk


def _cells(line: RunLine, *, vendor: str) -> tuple[Any, ...]:
    words = sentence(line.reason, vendor=vendor, **({"name": line.name} if line.name else {}))
    texts = map(guard, (line.remote_id, line.name, str(line.contact_id or ""), " ".join(line.fields), words, line.detail))
    return (line.at.isoformat(), line.level, line.action, line.remote_kind, *texts)


def _csv_lines(rows: list[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue()
