"""When nights run: once per local day whatever the clocks do, and somebody hears of it when none succeeds."""

from __future__ import annotations

import datetime as dt
import zoneinfo

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.models import Workspace
from accounts.scoping import workspace_tx
from erp_history.domain import attend, night, sources
from erp_history.enums import Deployment
from erp_history.models import ErpDue, ErpRun, ErpSource
from erp_history.tasks import tick
from tests.erp_history.makers import company, push, run_night
from tests.fixtures import Cast

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def source_for(workspace: Workspace, *, zone: str, at: dt.time, since: dt.datetime = START) -> ErpSource:
    workspace.time_zone = zone
    workspace.save()
    with workspace_tx(workspace):
        source = sources.source_of(workspace)
        source.schedule_time, source.active_since, source.deployment = at, since, Deployment.IN_PROGRESS
        source.save()
    return source


@pytest.mark.parametrize(
    ("zone", "at", "first", "last"),
    [
        ("Europe/London", dt.time(1, 30), dt.date(2026, 3, 27), dt.date(2026, 3, 31)),
        ("Europe/London", dt.time(1, 30), dt.date(2026, 10, 23), dt.date(2026, 10, 27)),
        ("America/Sao_Paulo", dt.time(0), dt.date(2018, 11, 2), dt.date(2018, 11, 7)),
        ("America/Sao_Paulo", dt.time(0), dt.date(2018, 2, 16), dt.date(2018, 2, 20)),
        ("Pacific/Auckland", dt.time(2, 30), dt.date(2026, 4, 3), dt.date(2026, 4, 7)),
    ],
)
def test_every_local_day_has_one_night_across_the_change_of_clocks(
    cast: Cast, zone: str, at: dt.time, first: dt.date, last: dt.date
) -> None:
    tz = zoneinfo.ZoneInfo(zone)
    begin = dt.datetime.combine(first, dt.time(), tzinfo=tz)
    source = source_for(cast.workspace, zone=zone, at=at, since=begin.astimezone(dt.UTC))
    now = begin
    end = dt.datetime.combine(last, dt.time(23, 59), tzinfo=tz)
    while now.astimezone(dt.UTC) < end.astimezone(dt.UTC):
        slot = sources.due_slot(source, cast.workspace, now=now.astimezone(dt.UTC))
        if slot is not None:
            night.request_run(cast.workspace, slot=slot, now=now.astimezone(dt.UTC))
            with workspace_tx(cast.workspace):
                ErpRun.objects.update(status="done", outcome="success")
        now = (now.astimezone(dt.UTC) + dt.timedelta(minutes=50)).astimezone(tz)

    with workspace_tx(cast.workspace):
        days = list(ErpRun.objects.order_by("id").values_list("today", flat=True))
    assert days == [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]


def test_the_first_push_starts_the_schedule_and_a_beat_runs_it_once(cast: Cast, erp: Client) -> None:
    with workspace_tx(cast.workspace):
        assert sources.next_run_at(sources.source_of(cast.workspace), cast.workspace) is None
    assert not ErpDue.objects.exists()
    push(erp, "empresa", [company("C1")])

    with workspace_tx(cast.workspace):
        source = sources.source_of(cast.workspace)
        at = sources.next_run_at(source, cast.workspace)
    assert (source.deployment, ErpDue.objects.get().at) == ("in_progress", at)
    assert at is not None
    assert attend.attend(cast.workspace, now=timezone.now()) is False
    with workspace_tx(cast.workspace):
        assert not ErpRun.objects.exists()
    later = at + dt.timedelta(minutes=1)
    for _ in range(3):
        attend.attend(cast.workspace, now=later)
    with workspace_tx(cast.workspace):
        [run] = ErpRun.objects.all()
        assert (run.kind, run.slot, run.outcome) == ("scheduled", at, "success")
    assert ErpDue.objects.get().at > later


def test_a_night_by_hand_does_not_swallow_the_scheduled_one(cast: Cast, erp: Client) -> None:
    push(erp, "empresa", [company("C1")])
    with workspace_tx(cast.workspace):
        at = sources.next_run_at(sources.source_of(cast.workspace), cast.workspace)
    assert at is not None
    night.request_run(cast.workspace)
    later = at + dt.timedelta(minutes=1)
    while attend.attend(cast.workspace, now=later):
        pass
    with workspace_tx(cast.workspace):
        assert list(ErpRun.objects.order_by("id").values_list("kind", "outcome")) == [("manual", "success"), ("scheduled", "success")]


def test_switched_off_nothing_is_due(cast: Cast, erp: Client) -> None:
    push(erp, "empresa", [company("C1")])
    with workspace_tx(cast.workspace):
        source = sources.source_of(cast.workspace)
        sources.set_active(source, cast.workspace, active=False)
        assert sources.next_run_at(source, cast.workspace) is None
    assert not ErpDue.objects.exists()
    attend.attend(cast.workspace, now=timezone.now() + dt.timedelta(days=3))
    with workspace_tx(cast.workspace):
        assert not ErpRun.objects.exists()


def test_silence_is_told_once_and_so_is_its_end(cast: Cast, erp: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    push(erp, "empresa", [company("C1")])
    late = timezone.now() + dt.timedelta(hours=30)
    with monkeypatch.context() as patch:
        patch.setattr(night, "advance", lambda _workspace: None)
        for minutes in range(3):
            attend.attend(cast.workspace, now=late + dt.timedelta(minutes=minutes))
    [told] = mail.outbox
    assert told.to == ["alice@example.com"]
    assert "no success for 24 hours" in told.subject
    with workspace_tx(cast.workspace):
        assert ErpSource.objects.get().alerted_at is not None
    with workspace_tx(cast.workspace):
        ErpRun.objects.all().delete()
    run_night(cast.workspace)
    for _ in range(2):
        attend.attend(cast.workspace, now=timezone.now())
    assert ["working again" in message.subject for message in mail.outbox] == [False, True]


def test_the_beat_claims_each_workspace_for_a_minute(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[int] = []
    monkeypatch.setattr("erp_history.tasks.ring", rung.append)
    sources.look_at(cast.workspace, timezone.now() - dt.timedelta(seconds=1))
    sources.look_at(cast.elsewhere, timezone.now() + dt.timedelta(hours=1))

    assert [tick(), tick()] == [1, 0]
    assert rung == [cast.workspace.pk]


def test_requests_go_after_their_days(cast: Cast, erp: Client) -> None:
    push(erp, "empresa", [company("C1")])
    attend.tidy(cast.workspace, now=timezone.now() + dt.timedelta(days=6))
    assert len(erp.get("/api/v1/erp/requests/").json()["results"]) == 1
    attend.tidy(cast.workspace, now=timezone.now() + dt.timedelta(days=8))
    assert erp.get("/api/v1/erp/requests/").json()["results"] == []
