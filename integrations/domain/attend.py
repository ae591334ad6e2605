"""Look at one connection: start or go on with its run, tell its provider what waits, and say when to look again."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from accounts.models import Workspace
from accounts.scoping import workspace_tx
from integrations import registry
from integrations.domain.access import open_access
from integrations.domain.advance import SLICE, advance
from integrations.domain.alerts import alert_if_needed
from integrations.domain.backlinks import write_back_links
from integrations.domain.blame import weighed
from integrations.domain.by_rule import ask_again, queue_all
from integrations.domain.inbox import drain_hints, next_hint
from integrations.domain.outbox import backlog, claim_next, hold_back
from integrations.domain.push import send
from integrations.domain.reach import changes_only
from integrations.domain.runs import NO_SYNC, add_counters, current_run, deny, lose_permission, open_runs, pause_creating, request_run
from integrations.domain.wake import sleep_until, take_up
from integrations.engine.errors import BadSettings, Denied, ProviderError, Reconnect, Retry
from integrations.enums import ConnectionStatus, OutboxOperation, Outcome, RunKind, RunStatus
from integrations.models import Connection, Outbox, Run, Wake

SOON = timedelta(seconds=60)
WITHDRAWN = timedelta(hours=1)  # until we look whether the operator has brought the provider back
PUSHING = 2.0  # seconds at least for what waits to be sent, also after a slice of a long run


def attend(workspace: Workspace, connection_id: int, *, budget: float = SLICE) -> bool:
    """One slice of work for the connection. True when there is more to do at once."""
    with workspace_tx(workspace):
        connection = Connection.objects.select_related("workspace").filter(pk=connection_id).first()
        if connection is None:
            Wake.objects.filter(connection_id=connection_id).delete()
            return False
        if not registry.is_installed(connection.provider):
            sleep_until(connection, timezone.now() + WITHDRAWN, rung_at=None)
            return False
        preview, run = current_run(connection, preview=True), _due_run(connection)
        rung_at = take_up(connection)
    until = time.monotonic() + budget
    slices = [advance(each, budget=budget) for each in (preview, run) if each is not None]
    more = any(slices)
    _look_for_new(connection, run)
    # A long run leaves edits, and what the vendor tells, their turn in every slice.
    hinted = drain_hints(connection, until=max(until, time.monotonic() + PUSHING))
    drained = drain(connection, until=max(until, time.monotonic() + PUSHING))
    more = more or drained.more or hinted
    with workspace_tx(workspace):
        if not reload(connection):
            return False
        count_pushed(run, drained.sent)
        if drained.sent or (run is not None and run.is_over):
            write_back_links(connection)
        alert_if_needed(connection)
        sleep_until(connection, None if connection.status == ConnectionStatus.OFF else _next_look(connection, more), rung_at=rung_at)
    return more


def _look_for_new(connection: Connection, run: Run | None) -> None:
    """A run that has compared everything is over: whoever may go out and is not there goes now."""
    if run is None or not run.is_over or run.kind in NO_SYNC or run.outcome not in {Outcome.SUCCESS, Outcome.PARTIAL}:
        return
    if not changes_only(run):
        with workspace_tx(connection.workspace):
            if reload(connection) and connection.status == ConnectionStatus.ACTIVE:
                queue_all(connection)


def reload(connection: Connection) -> bool:
    """Read the connection anew. False when it was deleted with its workspace meanwhile."""
    if not Connection.objects.filter(pk=connection.pk).exists():
        return False
    connection.refresh_from_db()
    return True


def _due_run(connection: Connection) -> Run | None:
    """The run under way, or a new one when the connection is due. After downtime one catch-up run, not one per missed slot."""
    if connection.status != ConnectionStatus.ACTIVE:
        return None
    run = current_run(connection)
    if run is not None:
        return run if run.status != RunStatus.DECIDING else None
    now = timezone.now()
    if connection.next_due_at is None or connection.next_due_at > now:
        return None
    slot = connection.next_due_at
    new, is_new = request_run(connection, kind=RunKind.SCHEDULED, slot=slot)
    if is_new or not new.is_over:
        return new
    connection.refresh_from_db(fields=["next_due_at"])
    if connection.next_due_at != slot:
        return None  # another worker was quicker, and has done it
    # The clock was put back: a run of this very moment ended before it came again.
    return request_run(connection, kind=RunKind.SCHEDULED, slot=now)[0]


@dataclass
class Drained:
    """How many records were written at the provider, and whether time ran out before the rows did."""

    sent: int = 0
    more: bool = False


def drain(connection: Connection, *, until: float) -> Drained:
    """Send what waits, one contact after the other."""
    done = Drained()
    with workspace_tx(connection.workspace):
        if not reload(connection) or connection.status != ConnectionStatus.ACTIVE:
            return done
        ask_again(connection)
    access = None
    while (row := claim_next(connection)) is not None:
        access = access or open_access(connection)
        try:
            done.sent += send(row, access)
        except ProviderError as error:
            if not _goes_on(connection, row, error):
                return done
        if time.monotonic() > until:
            return Drained(sent=done.sent, more=True)
    return done


def _goes_on(connection: Connection, row: Outbox, error: ProviderError) -> bool:
    """Note what a row's trouble means for the others. False: nothing more can be sent now."""
    error = weighed(connection, error)
    with workspace_tx(connection.workspace):
        if isinstance(error, Denied):
            deny(connection, row.operation, error)
            return True
        if isinstance(error, BadSettings) and row.operation == OutboxOperation.CREATE and error.field:
            pause_creating(connection, error)
            return True
        if isinstance(error, Retry):
            hold_back(connection, timezone.now() + timedelta(seconds=error.after or SOON.total_seconds()))
        if isinstance(error, Reconnect):
            lose_permission(connection, error)
    return False


def count_pushed(run: Run | None, sent: int) -> None:
    """What a run found to be told over there is counted with it."""
    if run is not None and sent:
        run.refresh_from_db()
        run.counters = add_counters(run, {"pushed": sent})
        run.save(update_fields=["counters"])


def _next_look(connection: Connection, more: bool) -> datetime:
    now = timezone.now()
    moments = [now + timedelta(hours=6)]
    if more:
        moments.append(now + SOON)
    if connection.status == ConnectionStatus.ACTIVE:
        runs = open_runs(connection)
        moments += [run.resume_at or run.lease_until or now + SOON for run in runs if run.status != RunStatus.DECIDING]
        if not any(run.kind != RunKind.PREVIEW for run in runs):
            moments.append(connection.next_due_at or moments[0])
        moments.append(backlog(connection).next_at or moments[0])
        moments.append(next_hint(connection) or moments[0])
    return max(min(moments), now + timedelta(seconds=1))
