"""A night that failed is tried again by itself: a few times, later and later, and never into the next one."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Workspace
from accounts.scoping import workspace_tx
from erp_history.domain import attend, night, sources
from erp_history.enums import IntegrationType, Outcome
from erp_history.models import ErpDue, ErpRun, ErpSource
from tests.erp_history.makers import company, push
from tests.fixtures import Cast


@pytest.fixture
def failing(cast: Cast, erp: Client) -> Workspace:
    """The views of an ERP that does not answer."""
    push(erp, "empresa", [company("C1")])
    with workspace_tx(cast.workspace):
        source = sources.source_of(cast.workspace)
        source.integration, source.engine = IntegrationType.VIEW, "postgresql"
        source.schedule_time = clock(cast.workspace, hours=-3)  # the next one is far away
        source.save()
        sources.plan_next(source, cast.workspace)
    return cast.workspace


def clock(workspace: Workspace, **shift: float) -> dt.time:
    return (timezone.now() + dt.timedelta(**shift)).astimezone(sources.zone_of(workspace)).time()


def runs(workspace: Workspace) -> list[tuple[str, str]]:
    with workspace_tx(workspace):
        return list(ErpRun.objects.order_by("id").values_list("kind", "outcome"))


def ended_at(workspace: Workspace) -> dt.datetime:
    with workspace_tx(workspace):
        found = ErpRun.objects.order_by("-id").values_list("finished_at", flat=True)[0]
    assert found is not None
    return found


def test_three_times_later_and_later(failing: Workspace) -> None:
    night.request_run(failing)
    attend.attend(failing, now=timezone.now())
    assert runs(failing) == [("manual", Outcome.FAILED)]

    for number, wait in enumerate(sources.RETRIES, 1):
        due = ended_at(failing) + wait
        assert ErpDue.objects.get().at == due
        attend.attend(failing, now=due - dt.timedelta(seconds=5))
        assert len(runs(failing)) == number
        attend.attend(failing, now=due)
        assert runs(failing)[-1] == ("retry", Outcome.FAILED)
    attend.attend(failing, now=ended_at(failing) + dt.timedelta(hours=3))

    assert len(runs(failing)) == 1 + len(sources.RETRIES)
    assert ErpDue.objects.get().at > ended_at(failing) + dt.timedelta(hours=3)


def test_it_goes_on_where_it_stopped_with_the_same_day(failing: Workspace) -> None:
    night.request_run(failing, today=dt.date(2026, 8, 31))
    attend.attend(failing, now=timezone.now())
    with workspace_tx(failing):
        ErpSource.objects.update(integration=IntegrationType.API)
    attend.attend(failing, now=ended_at(failing) + sources.RETRIES[0])

    assert runs(failing) == [("manual", Outcome.FAILED), ("retry", Outcome.SUCCESS)]
    with workspace_tx(failing):
        assert set(ErpRun.objects.values_list("today", flat=True)) == {dt.date(2026, 8, 31)}


def test_not_when_the_next_night_comes_first_nor_when_cancelled_or_switched_off(failing: Workspace) -> None:
    night.request_run(failing)
    attend.attend(failing, now=timezone.now())
    with workspace_tx(failing):
        source = sources.source_of(failing)
        assert sources.next_retry(source, failing) is not None
        source.schedule_time = clock(failing, minutes=2)
        assert sources.next_retry(source, failing) is None
        source.refresh_from_db()
        source.active = False
        assert sources.next_retry(source, failing) is None
        source.refresh_from_db()
        ErpRun.objects.update(outcome=Outcome.CANCELLED)
        assert sources.next_retry(source, failing) is None
