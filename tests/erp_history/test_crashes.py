"""A night that is killed at any border ends, after the next start, where an undisturbed one ends."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import Workspace
from accounts.scoping import workspace_tx
from contacts.models import Contact, ContactChange
from crmsync.embedded import ROOT
from erp_history.domain import night
from erp_history.domain.sample import Sample, batches
from erp_history.domain.steps import Step, StepFailed
from erp_history.enums import Phase
from erp_history.models import (
    AbcResult,
    CategoryChange,
    ClassChange,
    CompanyFigures,
    ContactFigures,
    ErpLink,
    ErpPending,
    ErpRun,
    Portfolio,
)
from tests.accounts.api_client import api_client
from tests.erp_history.makers import TODAY, company, note, push, run_night
from tests.fixtures import Cast

SAMPLE = Sample(companies=30, months=6, today=TODAY, seed=3)
KEPT: Mapping[Any, tuple[str, ...]] = {
    Contact: ("name", "tax_id", "life_cycle", "version"),
    ContactChange: ("action", "version"),
    ErpLink: ("kind", "state", "reason"),
    CompanyFigures: ("revenue", "abc_class", "abc_rank", "category", "last_purchase_on", "open_receivables"),
    ContactFigures: ("abc_class", "category", "revenue_12m", "published"),
    AbcResult: ("grouping", "revenue", "rank", "abc_class", "before"),
    ClassChange: ("on", "old", "new"),
    CategoryChange: ("on", "old", "new"),
    Portfolio: ("code", "name"),
    ErpPending: ("table", "field", "code"),
}


class Killed(BaseException):
    """The worker is gone: nothing catches this."""


def state(workspace: Workspace) -> dict[str, list[str]]:
    with workspace_tx(workspace):
        return {model.__name__: sorted(map(str, model.objects.values_list(*names))) for model, names in KEPT.items()}


def load(client: Client) -> None:
    for table, rows in batches(SAMPLE):
        push(client, table, rows)
    push(client, "itens_nota", [{"codigo_nota": "unknown", "item": "1"}])


def kill_after(step_number: int) -> Any:
    done = 0

    def stop(_step: Step) -> None:
        nonlocal done
        done += 1
        if done == step_number:
            raise Killed

    return stop


def test_killed_after_every_step_it_ends_as_an_undisturbed_night(cast: Cast) -> None:
    load(api_client(cast.alice, cast.workspace))
    load(api_client(cast.charlie, cast.elsewhere))
    run_night(cast.workspace)
    night.request_run(cast.elsewhere, today=TODAY)
    kills = 0
    while True:
        try:
            over = night.advance(cast.elsewhere, until=float("inf"), on_step=kill_after(1))
        except Killed:
            kills += 1
            continue
        if over is not None and over.is_over:
            break
    assert kills >= 8
    assert state(cast.elsewhere) == state(cast.workspace)


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
        assert AbcResult.objects.get(grouping="company").revenue == 10
    run_night(cast.workspace)
    with workspace_tx(cast.workspace):
        assert AbcResult.objects.get(grouping="company").revenue == 100


@pytest.mark.django_db(transaction=True)
def test_a_killed_process_is_taken_over_at_once(cast: Cast) -> None:
    load(api_client(cast.alice, cast.workspace))
    load(api_client(cast.charlie, cast.elsewhere))
    run_night(cast.elsewhere)
    command = [sys.executable, "-c", SLEEPER, cast.workspace.slug, TODAY.isoformat()]
    environment = {**os.environ, "TEST_DATABASE": str(connection.settings_dict["NAME"]), "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"abc\n"
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()

    with workspace_tx(cast.workspace):
        [run] = ErpRun.objects.all()
        assert (run.status, bool(run.lease)) == ("running", True)
    since = time.monotonic()
    run_night(cast.workspace)
    assert time.monotonic() - since < 60
    assert state(cast.workspace) == state(cast.elsewhere)


# Runs a night and hangs after the curve, as a worker in the middle of its work.
SLEEPER = """
import os, sys, time, datetime as dt
import django
from django.conf import settings
os.environ["DJANGO_SETTINGS_MODULE"] = "crmsync.settings.test"
settings.DATABASES["default"]["NAME"] = os.environ["TEST_DATABASE"]
django.setup()
from accounts.models import Workspace
from erp_history.domain import night

def hang(step):
    if step.phase.name == "abc":
        print("abc", flush=True)
        time.sleep(600)

workspace = Workspace.objects.get(slug=sys.argv[1])
night.request_run(workspace, today=dt.date.fromisoformat(sys.argv[2]))
night.advance(workspace, until=float("inf"), on_step=hang)
"""
