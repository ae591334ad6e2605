"""A workspace's ERP settings: made at first use, and when its data want to be looked at next."""

from __future__ import annotations

import datetime as dt
import functools
import zoneinfo
from dataclasses import dataclass

from django.db import connection
from django.utils import timezone

from accounts.domain.fetching import columns_of, fetch_built
from accounts.models import Workspace
from crmsync.lib.periods import last_local_time, local_day, local_midnight, next_local_time
from erp_history.domain.formats import Formats
from erp_history.enums import Deployment, Outcome, RunKind
from erp_history.models import ErpDue, ErpRun, ErpSource

CHECK_AGAIN = dt.timedelta(seconds=60)
AVERAGED = 10
# After a night that failed, it is tried again after these times, unless the next one is due before.
RETRIES = (dt.timedelta(minutes=5), dt.timedelta(minutes=20), dt.timedelta(minutes=60))


def source_of(workspace: Workspace) -> ErpSource:
    """The settings; inside workspace_tx."""
    found = fetch_built(_of_workspace(), [workspace.pk], ErpSource)
    if found is not None:
        source: ErpSource = found[0]
        return source
    ErpSource.objects.bulk_create([ErpSource(workspace=workspace)], ignore_conflicts=True)
    return ErpSource.objects.get(workspace=workspace)


@functools.cache
def _of_workspace() -> str:
    return f"SELECT {columns_of(ErpSource, 's')} FROM {ErpSource._meta.db_table} s WHERE s.workspace_id = %s"


def zone_of(workspace: Workspace) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(workspace.time_zone)


def formats_of(source: ErpSource, workspace: Workspace) -> Formats:
    return Formats(
        date=source.date_format,
        decimal=source.decimal_sign,
        one_is_true=source.blocked_flag != "one_is_false",
        zone=zone_of(workspace),
    )


def note_arrival(source: ErpSource, workspace: Workspace) -> None:
    """The first data came: the deployment is on its way and the nights begin."""
    if source.deployment != Deployment.NOT_STARTED:
        return
    ErpSource.objects.filter(pk=source.pk, deployment=Deployment.NOT_STARTED).update(deployment=Deployment.IN_PROGRESS)
    source.deployment = Deployment.IN_PROGRESS
    plan_next(source, workspace)


def is_scheduled(source: ErpSource) -> bool:
    return source.active and source.deployment != Deployment.NOT_STARTED


def next_run_at(source: ErpSource, workspace: Workspace, *, now: dt.datetime | None = None) -> dt.datetime | None:
    """When the next night starts, or should have started; None when none is scheduled."""
    if not is_scheduled(source):
        return None
    now = now or timezone.now()
    at = due_slot(source, workspace, now=now) or next_local_time(now, zone_of(workspace), source.schedule_time)
    return next_local_time(at, zone_of(workspace), source.schedule_time) if _has_night(workspace, at) else at


def due_slot(source: ErpSource, workspace: Workspace, *, now: dt.datetime) -> dt.datetime | None:
    """The slot that must have run by now; a source that was switched on later owes nothing for the time before."""
    if not is_scheduled(source):
        return None
    slot = last_local_time(now, zone_of(workspace), source.schedule_time)
    return slot if slot >= source.active_since and not _has_night(workspace, slot) else None


def _has_night(workspace: Workspace, slot: dt.datetime) -> bool:
    """Every local day has one night, also when its time or the workspace's zone was changed; a later one does for those before it."""
    zone = zone_of(workspace)
    return ErpRun.objects.filter(workspace=workspace, slot__gte=local_midnight(local_day(slot, zone), zone)).exists()


def silent_at(source: ErpSource) -> dt.datetime:
    """When the maximum time without success is over."""
    return max(source.last_success_at or source.active_since, source.active_since) + dt.timedelta(hours=source.max_silence_hours)


@dataclass(frozen=True, slots=True)
class Retry:
    """A night that failed is tried again at this moment, for the same day."""

    at: dt.datetime
    today: dt.date


def next_retry(source: ErpSource, workspace: Workspace) -> Retry | None:
    """When the last night is tried again; None when it did not fail, was tried often enough, or the next one is due before."""
    if not is_scheduled(source):
        return None
    last = list(ErpRun.objects.filter(workspace=workspace).order_by("-id")[: len(RETRIES) + 1])
    tries = next((position for position, run in enumerate(last) if run.kind != RunKind.RETRY), len(last))
    if not last or last[0].outcome != Outcome.FAILED or last[0].finished_at is None or tries >= len(RETRIES):
        return None
    at = last[0].finished_at + RETRIES[tries]
    is_in_time = at < next_local_time(last[0].finished_at, zone_of(workspace), source.schedule_time)
    return Retry(at, last[0].today) if is_in_time else None


def plan_next(source: ErpSource, workspace: Workspace, *, now: dt.datetime | None = None) -> None:
    """Tell the beat when to look again."""
    now = now or timezone.now()
    at = next_run_at(source, workspace, now=now)
    if at is None:
        ErpDue.objects.filter(workspace=workspace).delete()
        return
    silence, retry = silent_at(source), next_retry(source, workspace)
    moments = [at, *([silence] if source.alerted_at is None and silence > now else []), *([max(retry.at, now)] if retry else [])]
    look_at(workspace, min(moments))


def look_at(workspace: Workspace, at: dt.datetime) -> None:
    ErpDue.objects.update_or_create(workspace=workspace, defaults={"at": at})


def look_again(workspace_id: int) -> None:
    """What the beat was told may be wrong now: it looks at once. Nothing when nothing is scheduled."""
    ErpDue.objects.filter(workspace_id=workspace_id).update(at=timezone.now())


def claim_due(*, now: dt.datetime, limit: int = 500) -> list[int]:
    """Workspaces that are due. Each is due again a minute later, until its work says otherwise."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH due AS (SELECT workspace_id FROM erp_history_erpdue WHERE at <= %s ORDER BY at LIMIT %s FOR UPDATE SKIP LOCKED)"
            " UPDATE erp_history_erpdue d SET at = %s FROM due WHERE d.workspace_id = due.workspace_id RETURNING d.workspace_id",
            [now, limit, now + CHECK_AGAIN],
        )
        return [row[0] for row in cursor.fetchall()]


def set_active(source: ErpSource, workspace: Workspace, *, active: bool) -> None:
    """Switch the nights on or off."""
    if active and not source.active:
        source.active_since = timezone.now()
    source.active = active
    source.save(update_fields=["active", "active_since"])
    plan_next(source, workspace)


def average_seconds(workspace: Workspace) -> float | None:
    """Of the last successful nights."""
    recent = ErpRun.objects.filter(workspace=workspace, outcome=Outcome.SUCCESS, started_at__isnull=False, finished_at__isnull=False)
    spans = recent.order_by("-id").values_list("started_at", "finished_at")[:AVERAGED]
    seconds = [(end - start).total_seconds() for start, end in spans if start and end]
    return sum(seconds) / len(seconds) if seconds else None
