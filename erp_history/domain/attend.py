"""Look at a workspace: start the night that is due, work on the open one, tell when nothing has worked for too long."""

from __future__ import annotations

import datetime as dt

from accounts.models import Workspace
from accounts.scoping import workspace_tx
from erp_history.domain import alerts, exports, night
from erp_history.domain.sources import CHECK_AGAIN, due_slot, look_at, next_retry, plan_next, source_of
from erp_history.enums import RunStatus
from erp_history.models import ErpPhase, ErpRequest, ErpRun, ErpSource

KEEP_RUNS = dt.timedelta(days=400)


def attend(workspace: Workspace, *, now: dt.datetime) -> bool:
    """One slice of work; True when there is more."""
    with workspace_tx(workspace):
        if not ErpSource.objects.filter(workspace=workspace).exists():
            return False
        source = source_of(workspace)
        slot = due_slot(source, workspace, now=now)
        retry = next_retry(source, workspace)
    if slot is not None:
        night.request_run(workspace, slot=slot, now=now)
    if retry is not None and retry.at <= now:
        night.request_run(workspace, today=retry.today, now=now, is_retry=True)
    run = night.advance(workspace)
    with workspace_tx(workspace):
        source = source_of(workspace)
        alerts.alert_if_needed(source, workspace, now=now)
        is_open = ErpRun.objects.filter(workspace=workspace).exclude(status=RunStatus.DONE).exists()
        # A night started by hand was in the way of the one that is due.
        owed = slot is not None and not is_open and not ErpRun.objects.filter(workspace=workspace, slot=slot).exists()
        if exports.is_waiting(workspace):
            look_at(workspace, now + CHECK_AGAIN)
        elif not is_open and not owed:
            plan_next(source, workspace, now=now)
    return owed or (run is not None and not run.is_over)


def tidy(workspace: Workspace, *, now: dt.datetime) -> None:
    """Requests go after the days that the source keeps them, nights after more than a year."""
    with workspace_tx(workspace):
        source = ErpSource.objects.filter(workspace=workspace).first()
        if source is None:
            return
        ErpRequest.objects.filter(workspace=workspace, at__lt=now - dt.timedelta(days=source.retention_days)).delete()
        old = ErpRun.objects.filter(workspace=workspace, finished_at__lt=now - KEEP_RUNS)
        ErpPhase.objects.filter(workspace=workspace, run__in=old.values("pk")).delete()
        old.delete()
        exports.tidy(workspace, now=now)
