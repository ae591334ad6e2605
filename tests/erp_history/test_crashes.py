"""A night that fails, is cancelled, is shared or is overtaken by a push. Killed ones: test_killed_nights."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone

from accounts.scoping import workspace_tx
from contacts.models import Contact
from erp_history.domain import night
from erp_history.domain.steps import Step, StepFailed
from erp_history.enums import Phase
from erp_history.models import (
    AbcResult,
    CompanyFigures,
    ErpRun,
)
from tests.erp_history.makers import TODAY, company, note, push, run_night
from tests.fixtures import Cast


@pytest.mark.parametrize("name", list(night.STEPS))
def test_a_step_that_fails_keeps_the_others_and_the_next_night_goes_on_there(
    cast: Cast, erp: Client, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    push(erp, "empresa", [company("C1")])
    push(erp, "nota", [note("N1", "C1", "10.00")])

    def fail(step: Step) -> bool:
        step.execute("DELETE FROM erp_history_nota WHERE workspace_id = %(workspace)s")
        raise StepFailed("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(night, "STEPS", {**night.STEPS, name: fail})
        night.request_run(cast.workspace, today=TODAY)
        night.advance(cast.workspace, until=float("inf"))
    with workspace_tx(cast.workspace):
        failed = ErpRun.objects.get()
        assert (failed.outcome, failed.error) == ("failed", "The disk is full.")
        statuses = {phase.name: phase.status for phase in failed.phases.all()}
    position = list(night.STEPS).index(name)
    assert list(statuses.values()) == ["done"] * position + ["failed"] + ["waiting"] * (7 - position)

    run = run_night(cast.workspace)
    assert [phase.status for phase in run.phases.all()] == ["skipped"] * position + ["done"] * (8 - position)
    with workspace_tx(cast.workspace):
        assert CompanyFigures.objects.get().abc_class == "A"


def test_a_cancelled_night_stops_and_keeps_what_it_did(cast: Cast, erp: Client) -> None:
    push(erp, "empresa", [company("C1")])
    run, _new = night.request_run(cast.workspace, today=TODAY)

    def cancel(step: Step) -> None:
        if step.phase.name == Phase.COMPANIES:
            with workspace_tx(cast.workspace):
                night.cancel(run)

    over = night.advance(cast.workspace, until=float("inf"), on_step=cancel)
    assert over is not None
    assert over.outcome == "cancelled"
    with workspace_tx(cast.workspace):
        assert Contact.objects.count() == 1
        assert not AbcResult.objects.exists()


def test_two_workers_do_not_share_a_night(cast: Cast, erp: Client) -> None:
    night.request_run(cast.workspace, today=TODAY)
    first = night.claim(cast.workspace)
    assert first is not None
    assert night.claim(cast.workspace) is None
    with workspace_tx(cast.workspace):
        ErpRun.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    second = night.claim(cast.workspace)
    assert second is not None
    with pytest.raises(night.LeaseLost):
        night._advance_once(cast.workspace, first, None)


def test_a_push_while_the_night_runs_is_not_lost(cast: Cast, erp: Client) -> None:
    push(erp, "empresa", [company("C1")])
    push(erp, "nota", [note("N1", "C1", "10.00")])
    night.request_run(cast.workspace, today=TODAY)

    def late(step: Step) -> None:
        if step.phase.name == Phase.FIGURES:
            push(erp, "nota", [note("N2", "C1", "90.00")])

    night.advance(cast.workspace, until=float("inf"), on_step=late)
    with workspace_tx(cast.workspace):
        assert CompanyFigures.objects.get().revenue == 10
    run_night(cast.workspace)
    with workspace_tx(cast.workspace):
        assert CompanyFigures.objects.get().revenue == 100
