"""Advance a run for one slice of time. A slice that is killed costs the page it was at; everything before it is committed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from django.utils import timezone

from accounts.scoping import workspace_tx
from integrations.domain.access import Access, open_access
from integrations.domain.apply import apply_batch
from integrations.domain.batches import next_rows, provider_manifest
from integrations.domain.blame import weighed
from integrations.domain.exchanges import store_exchanges
from integrations.domain.fetch import current_resource, fetch_pages, skip_resource, start_over
from integrations.domain.imports import end_import, make_fields
from integrations.domain.invoicing import apply_invoices
from integrations.domain.journal import note, reason_json
from integrations.domain.leases import LeaseLost, Stopped, claim, page_tx, release, reload, save_progress
from integrations.domain.pairing import begin_pairing, pair_next
from integrations.domain.poison import POISON, words
from integrations.domain.preview import guard, plan_run, read_counts
from integrations.domain.reach import current_step
from integrations.domain.readings import keep_history, opened
from integrations.domain.runs import DEAD_LETTER, add_counters, decide_later, deny, finish, lose_permission, origin_of, wait
from integrations.domain.stream import read_step, read_whole_instead
from integrations.domain.sweep import check_empty, offer_duplicates, prove_books, sweep_invoices, sweep_links, take_census
from integrations.engine.errors import Denied, FilterRefused, ProviderError, Reconnect, Retry
from integrations.engine.provider import Resource, ResourceKind
from integrations.engine.types import Reason
from integrations.enums import Level, LinkState, Outcome, Phase, RunKind
from integrations.models import Link, Run, RunLine, Staged

SLICE = 5.0  # seconds of work before the worker is freed for others
BATCH = 500


def advance(run: Run, *, budget: float = SLICE, on_step: Callable[[Run], None] | None = None) -> bool:
    """Work on the run for about `budget` seconds. True when there is more to do at once.

    Claims the run first: whoever does not get the lease goes away. Provider errors end up in the run's row, never here.
    """
    if not claim(run):
        return False
    if run.attempts > DEAD_LETTER:
        return _dead(run)
    until = time.monotonic() + budget
    try:
        return _work(run, open_access(run.connection), until, on_step)
    except LeaseLost:
        return False
    except Stopped:
        return _stopped(run)
    finally:
        release(run)


def _work(run: Run, access: Access, until: float, on_step: Callable[[Run], None] | None) -> bool:
    _start(run, access)
    while not run.is_over and run.lease:
        try:
            _step(run, access)
        except ProviderError as error:
            _trouble(run, error, access)
        if on_step is not None:
            on_step(run)
        if time.monotonic() > until:
            break
    return not run.is_over and bool(run.lease)


def _start(run: Run, access: Access) -> None:
    if run.started_at is None:
        with page_tx(run, origin=origin_of(run)):
            cursor, way = opened(run, access.provider)
            save_progress(run, started_at=timezone.now(), cursor=cursor)
            note(run, "start", reason=way)


def _step(run: Run, access: Access) -> None:
    if run.phase == Phase.FETCH:
        step, resource = current_step(run), current_resource(run)
        if step is None:
            _read_all(run, access)
        elif resource is None:
            read_step(run, access, step, origin=origin_of(run))
        else:
            fetch_pages(run, access, resource, origin=origin_of(run))
    elif run.kind == RunKind.MATCH:
        pair_next(run, access.provider)
    elif run.phase == Phase.APPLY:
        _apply_next(run, access)
    else:
        _sweep(run)


def _read_all(run: Run, access: Access) -> None:
    """Everything is read; nothing is written yet. Here is the place to stop."""
    if run.kind == RunKind.MATCH:
        begin_pairing(run)
        return
    asked = run.kind == RunKind.PREVIEW or _shows_first(run)
    with page_tx(run, origin=origin_of(run)):
        take_census(run, provider_manifest(run.connection))
        if not _is_sound(run):
            return
        if not (asked or run.cursor["staged"] or run.cursor["lacking"] or run.cursor.get("gone")):
            _to_apply(run)  # nothing to guard against
            return
    if asked:
        _show_plan(run, access)
        return
    make_fields(run, access)
    stop = guard(run, access.provider)
    with page_tx(run, origin=origin_of(run)):
        if stop is not None:
            decide_later(run, reason=stop.reason, plan={})
            return
        _to_apply(run)


def _is_sound(run: Run) -> bool:
    """An empty list after a full one, or somebody else's books: the run ends before it can do harm."""
    stop = None if run.confirmed else check_empty(run, provider_manifest(run.connection))
    if stop is not None:
        finish(run, Outcome.FAILED, reason=stop.reason)
        return False
    if run.connection.restores_links and run.kind != RunKind.PREVIEW and not prove_books(run):
        error = Reconnect(Reason("other_books"))
        lose_permission(run.connection, error)
        finish(run, Outcome.NEEDS_RECONNECT, reason=error.reason)
        return False
    return True


def _shows_first(run: Run) -> bool:
    manifest = provider_manifest(run.connection)
    is_asked = manifest.one_time or (run.kind == RunKind.INITIAL and bool(run.connection.settings.get("preview_first")))
    return (is_asked or bool(run.cursor.get("shows_first"))) and not run.confirmed


def _show_plan(run: Run, access: Access) -> None:
    plan, _impact = plan_run(run, access.provider)
    with page_tx(run, origin=origin_of(run)):
        if run.kind == RunKind.PREVIEW:
            save_progress(run, plan=plan, counters={**run.counters, **plan["counts"]})
            finish(run, Outcome.SUCCESS)
        else:
            decide_later(run, reason=Reason("transfer_ready" if run.cursor.get("shows_first") else "preview_ready"), plan=plan)


def _to_apply(run: Run) -> None:
    manifest = provider_manifest(run.connection)
    counters = add_counters(run, read_counts(run, manifest))
    todo = run.cursor["staged"]
    phase = Phase.APPLY if todo else Phase.SWEEP
    save_progress(run, phase=phase, cursor={**run.cursor, "at": 0, "after": 0}, counters=counters, done=0, total=todo, page=0, pages=0)


def _apply_next(run: Run, access: Access) -> None:
    resource = current_resource(run)
    if resource is None:
        with page_tx(run, origin=origin_of(run)):
            save_progress(run, phase=Phase.SWEEP)
        return
    before = Place(run)
    try:
        _apply(run, access, resource, limit=BATCH)
    except POISON as error:
        before.restore()
        _one_by_one(run, access, resource, error)


class Place:
    """Where the run stands: a commit that fails leaves the row as it was, and so must the copy in memory."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._values = {name: getattr(run, name) for name in ("phase", "cursor", "counters", "done")}

    def restore(self) -> None:
        for name, value in self._values.items():
            setattr(self._run, name, value)


def _apply(run: Run, access: Access, resource: Resource, *, limit: int) -> None:
    with page_tx(run, origin=origin_of(run)):
        rows = next_rows(run, resource=resource.key, after=run.cursor["after"], limit=limit)
        if not rows:
            save_progress(run, cursor={**run.cursor, "at": run.cursor["at"] + 1, "after": 0})
            return
        if resource.kind is ResourceKind.INVOICES:
            counters: Counter[str] = apply_invoices(run, access.provider, rows)
        else:
            counters = apply_batch(run, access.provider, rows, origin=origin_of(run)).counters
        cursor = {**run.cursor, "after": rows[-1].pk}
        save_progress(run, cursor=cursor, counters=add_counters(run, counters), done=run.done + len(rows))


def _one_by_one(run: Run, access: Access, resource: Resource, error: Exception) -> None:
    """One record poisons the batch: find it, put it aside with its reason, and go on with the others."""
    with page_tx(run, origin=origin_of(run)):
        rows = next_rows(run, resource=resource.key, after=run.cursor["after"], limit=BATCH)
        note(run, "careful", level=Level.WARNING, detail=words(error))
    for row in rows:
        before = Place(run)
        try:
            _apply(run, access, resource, limit=1)
        except POISON as poison:
            before.restore()
            _put_aside(run, row, poison)


def _put_aside(run: Run, row: Staged, error: Exception) -> None:
    reason = Reason("bad_record", {"id": row.remote_id, "problem": type(error).__name__})
    with page_tx(run, origin=origin_of(run)):
        RunLine.objects.create(
            workspace_id=run.workspace_id,
            run=run,
            at=timezone.now(),
            level=Level.ERROR,
            action="fail",
            remote_kind=row.remote_kind,
            remote_id=row.remote_id,
            name=row.match_key,
            reason=reason_json(reason),
            detail=words(error),
        )
        Link.objects.update_or_create(
            workspace_id=run.workspace_id,
            connection=run.connection,
            remote_kind=row.remote_kind,
            remote_id=row.remote_id,
            defaults={"state": LinkState.FAILING, "reason": reason_json(reason), "detail": words(error), "version": ""},
        )
        save_progress(run, cursor={**run.cursor, "after": row.pk}, counters=add_counters(run, {"failed": 1}), done=run.done + 1)


def _sweep(run: Run) -> None:
    if run.counters["created"] and not run.cursor.get("offered"):
        with page_tx(run, origin=origin_of(run)):
            offer_duplicates(run)
            save_progress(run, cursor={**run.cursor, "offered": True})
        return
    manifest = provider_manifest(run.connection)
    with page_tx(run, origin=origin_of(run)):
        sweep_links(run, manifest)
        keep_history(run)
        sweep_invoices(run, manifest)
        counters = run.counters
        faults = RunLine.objects.filter(workspace_id=run.workspace_id, run=run, level=Level.ERROR)
        whole = not (counters["held"] or counters["failed"] or run.cursor.get("partial") or faults.exists())
        finish(run, Outcome.SUCCESS if whole else Outcome.PARTIAL)
        end_import(run)


def _trouble(run: Run, error: ProviderError, access: Access) -> None:
    error = weighed(run.connection, error)
    with page_tx(run, origin=origin_of(run)):
        store_exchanges(run.connection, access.recorder.take(), run_id=run.pk)
        if error.reason.code == "loop" and not start_over(run):
            finish(run, Outcome.FAILED, reason=error.reason, detail=error.detail)
            return
    if isinstance(error, Retry):
        wait(run, error, after=error.after)
        return
    with page_tx(run, origin=origin_of(run)):
        if isinstance(error, FilterRefused):
            read_whole_instead(run, error)
            return
        key = current_step(run)
        if isinstance(error, Denied) and run.phase == Phase.FETCH and key is not None and key in run.cursor["resources"]:
            deny(run.connection, key, error)
            note(run, "denied", level=Level.WARNING, reason=error.reason, detail=error.detail)
            skip_resource(run)
            return
        if isinstance(error, Reconnect):
            lose_permission(run.connection, error)
        finish(run, _outcome(error), reason=error.reason, detail=error.detail)


def _outcome(error: ProviderError) -> Outcome:
    return Outcome.NEEDS_RECONNECT if isinstance(error, Reconnect) else Outcome.FAILED


def _stopped(run: Run) -> bool:
    """A person stopped it, or the integration went off or lost its permission meanwhile."""
    with workspace_tx(run.workspace):
        reload(run)
        if not run.is_over:
            finish(run, Outcome.CANCELLED, reason=Reason("cancelled"))
    return False


def _dead(run: Run) -> bool:
    """It has killed or outlived its worker too often in a row: that helps nobody."""
    with workspace_tx(run.workspace, origin=origin_of(run)):
        finish(run, Outcome.FAILED, reason=Reason("worker_lost"))
    return False
