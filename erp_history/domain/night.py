"""The night: a row with a lease, and steps that are each done once. Killed anywhere, the next start goes on with what was not done."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Mapping
from typing import Any

from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.models import User, Workspace
from accounts.scoping import Origin, workspace_tx
from crmsync.lib.periods import local_day
from crmsync.lib.text import clip
from erp_history.domain import abc, categories, companies, documents, figures, news, portfolios, publish, viewmode
from erp_history.domain.leases import holder_is_dead, new_lease
from erp_history.domain.run_log import line, words_of
from erp_history.domain.sources import plan_next, source_of, zone_of
from erp_history.domain.steps import Step, StepFailed
from erp_history.enums import Outcome, Phase, PhaseStatus, RunKind, RunStatus
from erp_history.models import ErpPhase, ErpRun, ErpSource

LEASE = dt.timedelta(minutes=10)
SLICE = 30.0  # seconds of work before others get their turn
MAX_ATTEMPTS = 5
ORIGIN = Origin(kind="sync", label="ERP")
Work = Callable[[Step], bool]
# Asked at every border, in one statement each.
HOLD = "UPDATE erp_history_erprun SET lease_until = %s, attempts = 0 WHERE id = %s AND lease = %s RETURNING cancel_requested"
COUNT = "UPDATE erp_history_erprun SET rows = rows + %(rows)s WHERE workspace_id = %(workspace)s AND id = %(run)s"
# Each does its step, or a page of it; True when the step is done.
STEPS: Mapping[str, Work] = {
    Phase.IMPORT: viewmode.step,
    Phase.COMPANIES: companies.step,
    Phase.DOCUMENTS: documents.step,
    Phase.FIGURES: figures.step,
    Phase.ABC: abc.step,
    Phase.CATEGORIES: categories.step,
    Phase.PORTFOLIOS: portfolios.step,
    Phase.CONTACTS: publish.step,
}


class LeaseLost(Exception):
    """Another worker took the night over."""


def request_run(
    workspace: Workspace,
    *,
    user: User | None = None,
    slot: dt.datetime | None = None,
    today: dt.date | None = None,
    now: dt.datetime | None = None,
    is_retry: bool = False,
) -> tuple[ErpRun, bool]:
    """The night to come: a new one, or the one under way. Of a slot there is one night only."""
    now = now or timezone.now()
    with workspace_tx(workspace):
        known = ErpRun.objects.filter(Q(slot=slot, slot__isnull=False) | ~Q(status=RunStatus.DONE), workspace=workspace).first()
        if known is not None:
            return known, False
        source_of(workspace)
        try:
            with transaction.atomic():
                day = today or local_day(now, zone_of(workspace))
                return _create(workspace, kind=_kind(slot, is_retry=is_retry), user=user, slot=slot, today=day), True
        except IntegrityError:
            return ErpRun.objects.filter(Q(slot=slot, slot__isnull=False) | ~Q(status=RunStatus.DONE), workspace=workspace).get(), False


def _kind(slot: dt.datetime | None, *, is_retry: bool) -> RunKind:
    if is_retry:
        return RunKind.RETRY
    return RunKind.MANUAL if slot is None else RunKind.SCHEDULED


def _create(workspace: Workspace, *, kind: RunKind, user: User | None, slot: dt.datetime | None, today: dt.date) -> ErpRun:
    run = ErpRun.objects.create(workspace=workspace, kind=kind, slot=slot, today=today, requested_by=user)
    failed = _failed_before(workspace, run)
    ErpPhase.objects.bulk_create([_phase(run, name, position, failed.get(name)) for position, name in enumerate(STEPS)])
    return run


def _failed_before(workspace: Workspace, run: ErpRun) -> dict[str, ErpPhase]:
    """The steps of the last night when it failed and was of the same day: this one goes on where that one stopped."""
    last = ErpRun.objects.filter(workspace=workspace, pk__lt=run.pk).order_by("-id").first()
    if last is None or last.outcome != Outcome.FAILED or last.today != run.today:
        return {}
    failed = {phase.name: phase for phase in ErpPhase.objects.filter(run=last)}
    return failed if viewmode.may_go_on(source_of(run.workspace), failed[Phase.IMPORT].cursor) else {}


def _phase(run: ErpRun, name: str, position: int, before: ErpPhase | None) -> ErpPhase:
    phase = ErpPhase(workspace_id=run.workspace_id, run=run, name=name, position=position)
    if before is not None:
        phase.cursor = before.cursor
        if before.status in {PhaseStatus.DONE, PhaseStatus.SKIPPED}:
            phase.status = PhaseStatus.SKIPPED
            phase.log = [line("done_before", {"run": str(before.run_id)}, at=timezone.now())]
    return phase


def cancel(run: ErpRun) -> None:
    """Stop after the current step; one that has not begun stops at once. Inside workspace_tx."""
    ErpRun.objects.filter(pk=run.pk).exclude(status=RunStatus.DONE).update(cancel_requested=True)
    if ErpRun.objects.filter(pk=run.pk, status=RunStatus.QUEUED, lease="").exists():
        _finish(run, Outcome.CANCELLED)


def advance(workspace: Workspace, *, until: float | None = None, on_step: Callable[[Step], None] | None = None) -> ErpRun | None:
    """Work on the open night until it is over or the time is up. None: there is none, or somebody else is at it."""
    run = claim(workspace)
    if run is None:
        return None
    until = time.monotonic() + SLICE if until is None else until
    last: Step | None = None
    try:
        with translation.override(workspace.language):  # what is wrong is kept in words
            while not run.is_over and time.monotonic() < until:
                last = _advance_once(workspace, run, on_step, last)
    except LeaseLost:
        return None
    finally:
        _release(workspace, run)
    return run


def claim(workspace: Workspace) -> ErpRun | None:
    """Take the open night if nobody holds it, or its holder is gone."""
    now, lease = timezone.now(), new_lease()
    with workspace_tx(workspace):
        run = (
            ErpRun.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(workspace=workspace)
            .exclude(status=RunStatus.DONE)
            .first()
        )
        if run is None or (run.lease and run.lease_until and run.lease_until > now and not holder_is_dead(run.lease)):
            return None
        run.workspace = workspace
        run.lease, run.lease_until, run.status, run.attempts = lease, now + LEASE, RunStatus.RUNNING, run.attempts + 1
        run.started_at = run.started_at or now
        run.save(update_fields=["lease", "lease_until", "status", "started_at", "attempts"])
        if run.attempts > MAX_ATTEMPTS:
            with translation.override(workspace.language):
                _finish(run, Outcome.FAILED, error=_("It was started several times and each time ended without a word."))
    return run


def _release(workspace: Workspace, run: ErpRun) -> None:
    with workspace_tx(workspace):
        ErpRun.objects.filter(pk=run.pk, lease=run.lease).update(lease="", lease_until=None)


def _advance_once(workspace: Workspace, run: ErpRun, on_step: Callable[[Step], None] | None, last: Step | None = None) -> Step | None:
    """One step, or one page of it, in one transaction together with its progress. Gives what it did; `last` is what was done before."""
    phase: ErpPhase | None = None
    try:
        fetched = _fetch(workspace, run) if _may_fetch(last) else None
        with workspace_tx(workspace, origin=ORIGIN):
            if not _may_go_on(run):
                return None
            phase = _next_phase(run)
            if phase is None:
                _finish(run, Outcome.SUCCESS)
                return None
            step = Step(workspace=workspace, source=source_of(workspace), run=run, phase=phase, origin=ORIGIN, fetched=fetched)
            _do(step)
        if on_step is not None:
            on_step(step)
        return step
    except OperationalError:
        raise  # the database itself is in trouble: the same step is tried again at the next ring
    except (StepFailed, DatabaseError) as error:
        _fail(workspace, run, phase, error)
        return None


def _may_fetch(last: Step | None) -> bool:
    """Whether the phase to come may be one of the first two, which want something before their transaction."""
    return last is None or last.phase.name == Phase.IMPORT or (last.phase.name == Phase.COMPANIES and last.phase.status != PhaseStatus.DONE)


def _may_go_on(run: ErpRun) -> bool:
    """Raises LeaseLost when the night is another worker's."""
    with connection.cursor() as cursor:
        cursor.execute(HOLD, [timezone.now() + LEASE, run.pk, run.lease])
        held = cursor.fetchone()
    if held is None:
        raise LeaseLost
    [cancel_requested] = held
    if cancel_requested:
        _finish(run, Outcome.CANCELLED)
        return False
    return True


def _next_phase(run: ErpRun) -> ErpPhase | None:
    return ErpPhase.objects.filter(run=run).exclude(status__in=[PhaseStatus.DONE, PhaseStatus.SKIPPED]).order_by("position").first()


def _fetch(workspace: Workspace, run: ErpRun) -> viewmode.Page | None:
    """What belongs before the step's own transaction: a page of a view (the ERP's database may take its time), fresh statistics."""
    with workspace_tx(workspace):
        phase = _next_phase(run)
        source = source_of(workspace)
    if phase is not None and phase.name == Phase.COMPANIES and companies.refresh_statistics(phase):
        with workspace_tx(workspace):
            ErpPhase.objects.filter(pk=phase.pk).update(cursor={**phase.cursor, "analysed": phase.counters["created"]})
    return viewmode.fetch(source, phase.cursor) if phase is not None and phase.name == Phase.IMPORT else None


def _do(step: Step) -> None:
    phase, since = step.phase, time.monotonic()
    # Work and progress are one commit: what a crash of the database takes away is done again. Whoever sends it out commits for good first,
    # and with that all that was committed before.
    step.execute("SET LOCAL synchronous_commit TO off")
    done = STEPS[phase.name](step)
    phase.seconds = round(phase.seconds + time.monotonic() - since, 3)
    phase.status = PhaseStatus.DONE if done else PhaseStatus.RUNNING
    phase.error = ""
    if done:
        phase.finished_at = timezone.now()
        step.say("done", rows=phase.rows, seconds=phase.seconds)
    phase.save()
    if step.new_rows:
        step.execute(COUNT, {"run": step.run.pk, "rows": step.new_rows})


def _fail(workspace: Workspace, run: ErpRun, phase: ErpPhase | None, error: Exception) -> None:
    """What was done stays; the next start goes on here."""
    text = clip(str(error).strip() or type(error).__name__, 2000)
    with workspace_tx(workspace):
        phase = phase or _next_phase(run)
        if phase is not None:
            ErpPhase.objects.filter(pk=phase.pk).update(status=PhaseStatus.FAILED, error=text)
        _finish(run, Outcome.FAILED, error=text)


def _finish(run: ErpRun, outcome: str, *, error: str = "") -> None:
    now = timezone.now()
    run.status, run.outcome, run.error, run.finished_at = RunStatus.DONE, outcome, error, now
    run.save(update_fields=["status", "outcome", "error", "finished_at"])
    source = source_of(run.workspace)
    if outcome == Outcome.SUCCESS:
        ErpSource.objects.filter(pk=source.pk).update(last_success_at=now)
        source.last_success_at = now
        news.forget(run.workspace)
    plan_next(source, run.workspace, now=now)


def log_lines(run: ErpRun) -> list[dict[str, Any]]:
    """The log of a night, to view and to download, in the reader's language."""
    return [{"at": each["at"], "phase": phase.name, "text": words_of(each)} for phase in run.phases.all() for each in phase.log]
