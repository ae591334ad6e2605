"""A vendor's limits as runs meet them: they wait, say until when, and leave the worker to others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from accounts.scoping import workspace_tx
from integrations.domain.access import open_access
from integrations.domain.allowance import SharedBudget
from integrations.domain.attend import attend
from integrations.domain.runs import request_run
from integrations.domain.settings import save_settings
from integrations.engine.errors import Retry
from integrations.engine.hooks import OffersHooks
from integrations.enums import RunKind, RunStatus
from integrations.models import Run
from integrations.registry import manifest
from tests.integrations.setup.place import Place


def connected(client: Client, desk: Place) -> None:
    assert desk.send(client, requests_per_minute="10").status_code == 302


def spend_everything(desk: Place) -> None:
    found = desk.connection()
    budget = manifest(found.provider).budget
    assert budget is not None
    pace = SharedBudget(str(found.pk), budget, found.settings, zone="UTC")
    until_refused(pace.wait)


def until_refused(act: Callable[[], object]) -> None:
    for _ in range(20):
        try:
            act()
        except Retry:
            return
    raise AssertionError("there is no end of turns")


def test_a_run_without_turns_waits_and_says_until_when(alice: Client, desk: Place) -> None:
    connected(alice, desk)
    spend_everything(desk)
    asked = len(desk.sandbox.log())
    attend(desk.workspace, desk.connection().pk)
    run = desk.runs()[-1]
    assert (run.status, run.reason["code"]) == (RunStatus.WAITING, "rate_limited")
    assert run.resume_at is not None
    # Nobody has slept until the minute is over.
    assert timedelta(0) < run.resume_at - timezone.now() <= timedelta(seconds=61)
    assert len(desk.sandbox.log()) == asked
    page = alice.get(desk.page()).text
    assert "asks to wait before the next call" in page
    assert "It goes on" in page


def test_in_quiet_hours_nothing_is_asked(alice: Client, desk: Place, cast: object) -> None:
    connected(alice, desk)
    now = timezone.now()
    local = timezone.localtime(now, ZoneInfo(desk.workspace.time_zone))
    hours = f"{local - timedelta(hours=1):%H:%M}-{local + timedelta(hours=2):%H:%M}"
    with workspace_tx(desk.workspace):
        save_settings(desk.connection(), {"quiet_hours": hours}, user=None)
        Run.objects.all().delete()
        request_run(desk.connection(), kind=RunKind.MANUAL)
    asked = len(desk.sandbox.log())
    attend(desk.workspace, desk.connection().pk)
    run = desk.runs()[-1]
    assert (run.status, run.reason["code"]) == (RunStatus.WAITING, "quiet_hours")
    assert run.resume_at is not None
    assert timedelta(minutes=100) < run.resume_at - now <= timedelta(hours=2)
    assert len(desk.sandbox.log()) == asked
    assert "These are quiet hours" in alice.get(desk.page()).text


def test_a_key_is_tried_within_the_budget_as_well(alice: Client, desk: Place) -> None:
    connected(alice, desk)
    spend_everything(desk)
    answer = alice.post(desk.page("keys/"), {"token": "sandbox-movidesk"})
    assert answer.status_code == 422
    assert "asks to wait before the next call" in answer.text


def test_two_hosts_of_one_vendor_share_the_rest_that_it_asks_for(alice: Client, books: Place) -> None:
    books.connect(alice)
    books.sandbox.control(switches={"limit": 10, "cost": 1})
    one, other = (open_access(books.connection()).provider for _ in range(2))
    until_refused(one.check)
    asked = len(books.sandbox.log())
    assert isinstance(other, OffersHooks)
    with pytest.raises(Retry) as caught:
        other.subscriptions()
    assert caught.value.reason.code == "rate_limited"
    assert (caught.value.after or 0) > 5
    assert len(books.sandbox.log()) == asked, "the other host is not even asked"
