from __future__ import annotations

import datetime as dt
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from accounts.models import Workspace
from accounts.scoping import workspace_tx
from crmsync.commands import JsonCommand
from erp_history.domain import night
from erp_history.domain.steps import Step
from erp_history.enums import Outcome
from erp_history.models import ErpRun

PATIENCE = 3600.0  # seconds to wait for a night that a worker has begun


class Command(JsonCommand):
    help = "Run the nightly job of a workspace's ERP data now, in the foreground."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workspace", metavar="SLUG", required=True, help="the workspace with the ERP data")
        parser.add_argument("--today", metavar="YYYY-MM-DD", help="the local day that figures are of (default: the real one)")

    def run(self, *, workspace: str, today: str | None, **_options: Any) -> dict[str, Any]:
        found = Workspace.objects.filter(slug=workspace).first()
        if found is None:
            raise CommandError(f"there is no workspace {workspace}")
        run, _is_new = night.request_run(found, today=_day(today) if today else None)
        _finish(found, run)
        with workspace_tx(found):
            return _result(ErpRun.objects.prefetch_related("phases").get(pk=run.pk))

    def say(self, result: dict[str, Any]) -> str:
        lines = [
            f"{phase['name']:<12} {phase['status']:<8} {phase['rows']:>9} rows {phase['seconds']:>8.2f} s" for phase in result["phases"]
        ]
        return "\n".join([*lines, f"Night {result['run']} of {result['today']}: {result['outcome']}. {result['error']}".strip()])

    def succeeded(self, result: dict[str, Any]) -> bool:
        return bool(result["outcome"] == Outcome.SUCCESS)


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"{text!r} is not a day like 2026-08-31") from error


def _finish(workspace: Workspace, run: ErpRun) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if night.advance(workspace, until=until, on_step=_show) is None:
            time.sleep(0.5)
        with workspace_tx(workspace):
            run.refresh_from_db()
        if run.is_over:
            return
    raise CommandError(f"night {run.pk} is still at work somewhere else")


def _show(step: Step) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{step.phase.name:<12} {step.phase.rows:>9} rows   ")
        sys.stderr.flush()


def _result(run: ErpRun) -> dict[str, Any]:
    return {
        "run": run.pk,
        "today": run.today,
        "outcome": run.outcome,
        "error": run.error,
        "rows": run.rows,
        "seconds": run.seconds,
        "phases": [
            {"name": phase.name, "status": phase.status, "rows": phase.rows, "seconds": phase.seconds, "counters": phase.counters}
            for phase in run.phases.all()
        ],
    }
