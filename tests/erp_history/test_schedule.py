"""When nights run: once per local day whatever the clocks do, and somebody hears of it when none succeeds."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.domain.workspaces import change_workspace
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
        with workspace_tx(cast.workspace):
            slot = sources.due_slot(source, cast.workspace, now=now.astimezone(dt.UTC))
        if slot is not None:
            night.request_run(cast.workspace, slot=slot, now=now.astimezone(dt.UTC))
            with workspace_tx(cast.workspace):
                ErpRun.objects.update(status="done", outcome="success")
        now = (now.astimezone(dt.UTC) + dt.timedelta(minutes=50)).astimezone(tz)

    with workspace_tx(cast.workspace):
        days = list(ErpRun.objects.order_by("id").values_list("today", flat=True))
    assert days == [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]


def days_lived(
    workspace: Workspace, begin: dt.datetime, *, hours: int, changes: Mapping[int, Callable[[], object]], zone: str = "America/Sao_Paulo"
) -> list[tuple[int, int]]:
    """What a beat makes of these hours when something is changed in some of them: (day, hour) of every night, by the zone's clock."""
    with time_machine.travel(begin, tick=False):
        source = source_for(workspace, zone=zone, at=dt.time(3), since=begin)
        with workspace_tx(workspace):
            sources.plan_next(source, workspace)
    for half_hour in range(hours * 2):
        with time_machine.travel(begin + dt.timedelta(minutes=30 * half_hour), tick=False):
            if half_hour % 2 == 0 and half_hour // 2 in changes:
                changes[half_hour // 2]()
            for _workspace_id in sources.claim_due(now=timezone.now()):
                while attend.attend(Workspace.objects.get(pk=workspace.pk), now=timezone.now()):
                    pass
    with workspace_tx(workspace):
        zone = Workspace.objects.get(pk=workspace.pk).time_zone
        starts = [
            started.astimezone(zoneinfo.ZoneInfo(zone)) for started in ErpRun.objects.order_by("id").values_list("started_at", flat=True)
        ]
    return [(start.day, start.hour) for start in starts]


def at_six(day: int, *, zone: str = "America/Sao_Paulo") -> dt.datetime:
    return dt.datetime(2026, 6, day, 6, tzinfo=zoneinfo.ZoneInfo(zone))


def test_another_time_of_the_day_makes_no_second_night_and_leaves_none_out(cast: Cast) -> None:
    def run_at(hour: int) -> Callable[[], object]:
        return lambda: save(cast.workspace, schedule_time=dt.time(hour))

    # Begun on the 1st at six, after the time: the first night is that of the 2nd.
    assert days_lived(cast.workspace, at_six(1), hours=96, changes={}) == [(2, 3), (3, 3), (4, 3), (5, 3)]
    # On the 12th at eight, after its night, moved to the afternoon; on the 14th at eight moved to what is over: it is made up for at once.
    later, earlier = run_at(15), run_at(5)
    assert days_lived(cast.workspace, at_six(11), hours=96, changes={26: later, 74: earlier})[4:] == [(12, 3), (13, 15), (14, 8), (15, 5)]


def test_another_time_zone_makes_no_second_night_and_leaves_none_out(cast: Cast) -> None:
    def move_to(zone: str) -> Callable[[], object]:
        return lambda: change_workspace(Workspace.objects.get(pk=cast.workspace.pk), values={"time_zone": zone}, actor=cast.alice)

    # On the 2nd at noon in São Paulo it is the 3rd in Tokyo at midnight: the night of the 3rd comes at three of that clock.
    found = days_lived(cast.workspace, at_six(1), hours=96, changes={30: move_to("Asia/Tokyo")})
    assert found == [(2, 15), (3, 3), (4, 3), (5, 3)], "by Tokyo's clock"
    # And back: the night of the 13th was begun by Tokyo's clock on the 12th of São Paulo.
    tokyo = at_six(11, zone="Asia/Tokyo")
    found = days_lived(cast.workspace, tokyo, hours=96, changes={30: move_to("America/Sao_Paulo")}, zone="Asia/Tokyo")[4:]
    assert found == [(11, 15), (12, 3), (13, 3), (14, 3)], "by São Paulo's clock"


def test_a_pause_owes_nothing_and_makes_nothing_up(cast: Cast) -> None:
    def switch(*, active: bool) -> Callable[[], object]:
        def work() -> None:
            with workspace_tx(cast.workspace):
                sources.set_active(sources.source_of(cast.workspace), cast.workspace, active=active)

        return work

    # Off from the 2nd at eight to the 4th at eight, after its time.
    found = days_lived(cast.workspace, at_six(1), hours=120, changes={26: switch(active=False), 74: switch(active=True)})
    assert found == [(2, 3), (5, 3), (6, 3)]


def test_the_next_run_that_is_shown_is_the_one_that_comes(cast: Cast) -> None:
    with time_machine.travel(at_six(1), tick=False):
        source = source_for(cast.workspace, zone="America/Sao_Paulo", at=dt.time(3), since=START)
    with time_machine.travel(at_six(2), tick=False), workspace_tx(cast.workspace):
        assert sources.next_run_at(source, cast.workspace) == at_six(2).replace(hour=3), "it is owed"
        night.request_run(cast.workspace, slot=at_six(2).replace(hour=3))
        assert sources.next_run_at(source, cast.workspace) == at_six(3).replace(hour=3)
        source.schedule_time = dt.time(15)
        assert sources.next_run_at(source, cast.workspace) == at_six(3).replace(hour=15), "today had its night"


def save(workspace: Workspace, **values: Any) -> None:
    """As the form does it."""
    with workspace_tx(workspace):
        source = sources.source_of(workspace)
        for name, value in values.items():
            setattr(source, name, value)
        source.save()
        sources.plan_next(source, workspace)


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


@pytest.mark.django_db(transaction=True)
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
