"""A run's life: asked for, claimed, advanced in slices, ended; and what a person may do to it."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from accounts.scoping import Origin, workspace_tx
from integrations import registry
from integrations.domain.fetch import start_cursor
from integrations.domain.journal import note, reason_json
from integrations.domain.leases import reload
from integrations.domain.seen import forget_seen
from integrations.domain.settings import audit, name_of
from integrations.domain.wake import wake_at
from integrations.engine.errors import BadSettings, ProviderError
from integrations.engine.schedule import backoff, next_due
from integrations.engine.types import Reason
from integrations.enums import ConnectionStatus, Level, Outcome, Phase, RunKind, RunStatus
from integrations.models import Connection, Run, Staged

COUNTERS = ("seen", "created", "updated", "linked", "pushed", "unchanged", "held", "skipped", "failed", "invoices")
NO_SYNC = frozenset({RunKind.PREVIEW, RunKind.MATCH})  # runs that read and propose, and bring nothing into sync
GIVE_UP = 8  # waits in a row without a page
DEAD_LETTER = 5  # slices in a row that died


def request_run(
    connection: Connection, *, kind: str, user: User | None = None, slot: datetime | None = None, whole: bool = False
) -> tuple[Run, bool]:
    """Ask for a run. One at a time: when one is under way it is given back with False. `whole`: not only what has changed."""
    with workspace_tx(connection.workspace):
        is_preview = kind == RunKind.PREVIEW
        found = current_run(connection, preview=is_preview)
        if found is not None:
            return found, False
        try:
            with transaction.atomic():
                run = Run.objects.create(
                    workspace_id=connection.workspace_id,
                    connection=connection,
                    kind=kind,
                    requested_by=user,
                    slot=slot,
                    cursor=start_cursor(connection, kind) | ({"whole": True} if whole else {}),
                    counters=dict.fromkeys(COUNTERS, 0),
                )
        except IntegrityError:
            return current_run(connection, preview=is_preview) or connection.runs.latest("pk"), False
        wake_at(connection)
        return run, True


def current_run(connection: Connection, *, preview: bool = False) -> Run | None:
    """The run that is under way or waits; a preview goes beside it."""
    rows = Run.objects.filter(workspace_id=connection.workspace_id, connection=connection).exclude(status=RunStatus.DONE)
    return (rows.filter(kind=RunKind.PREVIEW) if preview else rows.exclude(kind=RunKind.PREVIEW)).first()


def open_runs(connection: Connection) -> list[Run]:
    """A preview first: somebody is waiting for it."""
    return [run for run in (current_run(connection, preview=True), current_run(connection)) if run is not None]


def origin_of(run: Run) -> Origin:
    """Who the history names for this run's writes."""
    return Origin(kind="sync", run_id=run.pk, actor_id=run.requested_by_id, label=name_of(run.connection))


def cancel(run: Run, *, user: User | None = None) -> None:
    """Stop it: a run at work stops at its next page, one that waits at once. What is written stays written."""
    with workspace_tx(run.workspace):
        Run.objects.filter(pk=run.pk).update(cancel_requested=True)
        reload(run)
        if not run.is_over and (not run.lease or run.lease_until is None or run.lease_until < timezone.now()):
            finish(run, Outcome.CANCELLED, reason=Reason("cancelled"))
        audit(run.connection, "run.cancelled", user=user, data={"run": run.pk})


def confirm(run: Run, *, user: User | None = None) -> None:
    """A person has seen the preview or the mass change, and lets it happen."""
    with workspace_tx(run.workspace):
        changed = Run.objects.filter(pk=run.pk, status=RunStatus.DECIDING).update(
            status=RunStatus.QUEUED, confirmed=True, reason={}, finished_at=None, outcome=""
        )
        if changed:
            wake_at(run.connection)
            audit(run.connection, "run.confirmed", user=user, data={"run": run.pk})


def decide_later(run: Run, *, reason: Reason, plan: dict[str, Any]) -> None:
    """Stop before the first write until a person has decided."""
    Run.objects.filter(pk=run.pk).update(
        status=RunStatus.DECIDING, outcome=Outcome.NEEDS_DECISION, reason=reason_json(reason), plan=plan, lease="", lease_until=None
    )
    note(run, "decide", level=Level.WARNING, reason=reason)
    reload(run)


def add_counters(run: Run, more: Counter[str] | dict[str, int]) -> dict[str, int]:
    return {name: run.counters.get(name, 0) + more.get(name, 0) for name in COUNTERS}


def finish(run: Run, outcome: str, *, reason: Reason | None = None, detail: str = "") -> None:
    """End the run in the open transaction, and say when the connection runs next."""
    now = timezone.now()
    counters = dict(run.counters)
    if outcome in {Outcome.SUCCESS, Outcome.PARTIAL}:
        counters["seen"] = sum(counters[name] for name in ("created", "updated", "linked", "unchanged", "held", "skipped", "failed"))
    values = {
        "status": RunStatus.DONE,
        "outcome": outcome,
        "reason": reason_json(reason),
        "detail": detail[:4000],
        "counters": counters,
        "finished_at": now,
        "lease": "",
        "lease_until": None,
        "phase": Phase.DONE,
    }
    Run.objects.filter(pk=run.pk).update(**values)
    for name, value in values.items():
        setattr(run, name, value)
    Staged.objects.filter(workspace_id=run.workspace_id, run=run).delete()
    forget_seen(run)
    note(run, "end", level=_level(outcome), reason=reason, detail=detail)
    _reschedule(run.connection, run, outcome, now)


def _level(outcome: str) -> Level:
    return Level.INFO if outcome in {Outcome.SUCCESS, Outcome.CANCELLED} else Level.WARNING if outcome == Outcome.PARTIAL else Level.ERROR


def _reschedule(connection: Connection, run: Run, outcome: str, now: datetime) -> None:
    connection.refresh_from_db()
    connection.last_attempt_at = now
    if run.kind in NO_SYNC:
        wake_at(connection, connection.next_due_at)
    elif outcome in {Outcome.SUCCESS, Outcome.PARTIAL}:
        connection.last_success_at, connection.failures = now, 0
        if connection.can_refresh:
            connection.notice = {}
    elif outcome in {Outcome.FAILED, Outcome.NEEDS_RECONNECT}:
        connection.failures += 1
    if registry.manifest(connection.provider).one_time:
        connection.next_due_at = None
    elif connection.status == ConnectionStatus.ACTIVE and run.kind not in NO_SYNC:
        connection.next_due_at = _next(connection, outcome, now)
        wake_at(connection, connection.next_due_at)
    connection.save(update_fields=["last_attempt_at", "last_success_at", "failures", "notice", "next_due_at"])


def _next(connection: Connection, outcome: str, now: datetime) -> datetime:
    cadence = registry.manifest(connection.provider).cadence
    due = next_due(cadence, key=str(connection.pk), after=now)
    if outcome != Outcome.FAILED:
        return due
    # After a failure sooner than the cadence at first, then back to it.
    return min(due, now + backoff(connection.failures + 3, key=str(connection.pk)))


def wait(run: Run, error: ProviderError, *, after: float | None) -> None:
    """The provider asks for patience: free the worker, remember when to go on. Too many waits without a page in between fail the run."""
    tries = run.cursor.get("tries", 0) + 1
    with workspace_tx(run.workspace):
        if tries > GIVE_UP:
            finish(run, Outcome.FAILED, reason=error.reason, detail=error.detail)
            return
        if Run.objects.filter(pk=run.pk, cancel_requested=True).exists():
            finish(run, Outcome.CANCELLED, reason=Reason("cancelled"))
            return
        pause = timedelta(seconds=after) if after is not None else min(backoff(tries), timedelta(minutes=15))
        resume_at = timezone.now() + pause
        run.cursor = {**run.cursor, "tries": tries}
        Run.objects.filter(pk=run.pk, lease=run.lease).update(
            status=RunStatus.WAITING,
            resume_at=resume_at,
            cursor=run.cursor,
            reason=reason_json(error.reason),
            detail=error.detail[:4000],
            lease="",
            lease_until=None,
            attempts=0,
        )
        run.status, run.resume_at, run.lease = RunStatus.WAITING, resume_at, ""
        note(run, "wait", level=Level.WARNING, reason=error.reason, detail=error.detail)
        wake_at(run.connection, resume_at)


def lose_permission(connection: Connection, error: ProviderError) -> None:
    """Only a person can connect again; until then nothing is tried, and what waits is kept."""
    Connection.objects.filter(pk=connection.pk, status=ConnectionStatus.ACTIVE).update(
        status=ConnectionStatus.RECONNECT, notice=reason_json(error.reason), next_due_at=None
    )
    connection.refresh_from_db()


def deny(connection: Connection, ability: str, error: ProviderError) -> None:
    """One kind of call is refused: that ability is off until the next connect, with its reason."""
    connection.refresh_from_db(fields=["denied"])
    connection.denied = {**connection.denied, ability: reason_json(error.reason) | {"detail": error.detail[:500]}}
    connection.save(update_fields=["denied"])


def pause_creating(connection: Connection, error: BadSettings) -> None:
    """A setting must be answered before anything can be created there; all else goes on. New settings end it."""
    connection.refresh_from_db(fields=["denied"])
    why = reason_json(error.reason) | {"detail": error.detail[:500], "field": error.field}
    connection.denied = {**connection.denied, "create": why}
    connection.save(update_fields=["denied"])
