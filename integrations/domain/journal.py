"""The run's log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from integrations.engine.types import Action, Decision, Reason
from integrations.enums import Level
from integrations.models import Run, RunLine

LEVELS = {"fail": Level.ERROR, "hold": Level.WARNING, "gone": Level.WARNING}


def reason_json(reason: Reason | None) -> dict[str, Any]:
    return {"code": reason.code, "params": {k: str(v) for k, v in reason.params.items()}} if reason else {}


def write_lines(lines: Sequence[RunLine]) -> None:
    RunLine.objects.bulk_create(lines, batch_size=1000)


def line_of(run: Run, decision: Decision, *, contact_id: int | None, name: str, detail: str = "") -> dict[str, Any]:
    """A log line about one record, as a row for `insert_rows`."""
    return {
        "workspace_id": run.workspace_id,
        "run_id": run.pk,
        "at": timezone.now(),
        "level": LEVELS.get(decision.action, Level.INFO),
        "action": decision.action.value,
        "remote_kind": decision.ref.kind,
        "remote_id": decision.ref.id[:100],
        "name": name[:300],
        "contact_id": contact_id,
        "fields": sorted(decision.changes) if decision.action is not Action.CREATE else [],
        "reason": reason_json(decision.reason),
        "detail": detail[:4000],
    }


def note(run: Run, action: str, *, level: Level = Level.INFO, reason: Reason | None = None, detail: str = "") -> None:
    """An event of the run itself."""
    RunLine.objects.create(
        workspace_id=run.workspace_id,
        run=run,
        at=timezone.now(),
        level=level,
        action=action,
        reason=reason_json(reason),
        detail=detail[:4000],
    )
