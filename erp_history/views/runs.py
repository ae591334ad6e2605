"""Runs of the ERP data: start one, stop it, its steps, its log to view and to download."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.domain.audit import record
from accounts.middleware import WorkspaceRequest
from accounts.views.guards import admin_required
from erp_history.domain import night
from erp_history.domain.run_log import COUNTERS
from erp_history.enums import Outcome, Phase, PhaseStatus
from erp_history.models import ErpPhase, ErpRequest, ErpRun
from erp_history.tasks import ring_after_commit
from erp_history.views.pages import back_to, page_context
from integrations.views.words import duration

TONES = {Outcome.SUCCESS: "green", Outcome.FAILED: "red", Outcome.CANCELLED: "gray"}
OVER = {PhaseStatus.DONE, PhaseStatus.SKIPPED}


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as lists show it."""

    run: ErpRun
    tone: str
    label: str
    took: str
    steps_done: int
    steps: int
    failed_step: str


def run_row(run: ErpRun) -> RunRow:
    phases = list(run.phases.all())
    failed = next((str(Phase(phase.name).label) for phase in phases if phase.status == PhaseStatus.FAILED), "")
    return RunRow(
        run=run,
        tone=TONES.get(Outcome(run.outcome), "gray") if run.outcome else "blue",
        label=_status(run),
        took=_took(run),
        steps_done=sum(phase.status in OVER for phase in phases),
        steps=len(phases),
        failed_step=failed,
    )


def _status(run: ErpRun) -> str:
    if run.cancel_requested and not run.is_over:
        return _("Stopping")
    return str(run.get_outcome_display() or run.get_status_display())


def _took(run: ErpRun) -> str:
    if run.started_at is None:
        return ""
    return duration((run.finished_at or timezone.now()) - run.started_at)


def progress_of(run: ErpRun) -> dict[str, Any]:
    """Which step an open run is at."""
    phases = list(run.phases.all())
    at = next((phase for phase in phases if phase.status not in OVER), None)
    return {
        "done": sum(phase.status in OVER for phase in phases),
        "total": len(phases),
        "label": str(Phase(at.name).label) if at else "",
        "rows": run.rows,
        "took": _took(run),
    }


@require_POST
@admin_required
def start(request: WorkspaceRequest) -> HttpResponse:
    """Run now instead of waiting for the night."""
    run, is_new = night.request_run(request.workspace, user=request.user)
    if is_new:
        record(request.workspace, actor=request.user, action="erp.run_started", target=f"erp_run:{run.pk}")
        ring_after_commit(request.workspace)
        messages.info(request, _("The run has started."))
    else:
        messages.warning(request, _("A run is under way already."))
    return back_to(request, "settings")


@require_POST
@admin_required
def cancel(request: WorkspaceRequest, pk: int) -> HttpResponse:
    run = _run_or_404(request, pk)
    if run.is_over:
        messages.warning(request, _("This run is over already."))
        return back_to(request, "settings")
    night.cancel(run)
    record(request.workspace, actor=request.user, action="erp.run_cancelled", target=f"erp_run:{run.pk}")
    messages.info(request, _("The run stops after its current step. What it has done stays."))
    return back_to(request, "settings")


@require_GET
@admin_required
def detail(request: WorkspaceRequest, pk: int) -> HttpResponse:
    run = _run_or_404(request, pk)
    context = page_context(request, "settings") | {
        "row": run_row(run),
        "run": run,
        "phases": [_phase_row(phase) for phase in run.phases.all()],
        "lines": [{**line, "at": parse_datetime(line["at"])} for line in _lines(run)],
        "requests": ErpRequest.objects.filter(workspace=request.workspace, run_id=run.pk).count(),
    }
    return render(request, "erp_history/run.html", context)


def _phase_row(phase: ErpPhase) -> dict[str, Any]:
    counters = [(COUNTERS.get(name, name), value) for name, value in phase.counters.items() if isinstance(value, int) and value]
    return {"phase": phase, "label": Phase(phase.name).label, "took": duration(phase.seconds), "counters": counters}


def _lines(run: ErpRun) -> list[dict[str, Any]]:
    return [{**line, "phase": Phase(line["phase"]).label} for line in night.log_lines(run)]


@require_GET
@admin_required
def log(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The log as a text file."""
    run = _run_or_404(request, pk)
    head = f"{_('Run')} {run.pk} · {run.get_kind_display()} · {run.today.isoformat()} · {_status(run)}"
    lines = [head, *(f"{line['at']}  {line['phase']}: {line['text']}" for line in _lines(run)), *([run.error] if run.error else [])]
    response = HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="erp-run-{run.pk}.txt"'
    return response


def _run_or_404(request: WorkspaceRequest, pk: int) -> ErpRun:
    runs = ErpRun.objects.select_related("requested_by").prefetch_related("phases")
    found: ErpRun = get_object_or_404(runs, workspace=request.workspace, pk=pk)
    found.workspace = request.workspace
    return found
