from __future__ import annotations

import datetime as dt
import zoneinfo

import pytest
from django.test import Client
from django.utils import timezone

from accounts.scoping import workspace_tx
from erp_history.domain.history import days_of, search
from erp_history.models import ErpRequest
from tests.erp_history.makers import company, post, push
from tests.fixtures import Cast

DAY = dt.date(2026, 8, 31)


def test_the_range_stays_within_the_days_that_are_kept_and_says_so() -> None:
    assert days_of(DAY, None, None) == (dt.date(2026, 8, 25), DAY, False)
    assert days_of(DAY, dt.date(2026, 8, 1), dt.date(2026, 9, 9)) == (dt.date(2026, 8, 25), DAY, True)
    assert days_of(DAY, dt.date(2026, 8, 30), DAY, kept=3) == (dt.date(2026, 8, 30), DAY, False)


def test_requests_are_found_by_table_outcome_and_key(cast: Cast, erp: Client) -> None:
    push(erp, "empresa", [company("C1")])
    push(erp, "empresa", [{"codigo_erp": "C2"}])
    post(erp, "vendedor", b"{")
    today = timezone.now().date()
    span = {"first": today - dt.timedelta(days=1), "last": today + dt.timedelta(days=1)}

    with workspace_tx(cast.workspace):
        newest = list(search(cast.workspace, **span))
        assert [row.table for row in newest] == ["vendedor", "empresa", "empresa"]
        assert list(search(cast.workspace, **span, tables=["empresa"])) == newest[1:]
        assert list(search(cast.workspace, **span, outcome="refused")) == newest[:1]
        assert list(search(cast.workspace, **span, outcome="rejected")) == newest[1:2]
        assert list(search(cast.workspace, **span, outcome="taken")) == newest[2:]
        assert list(search(cast.workspace, **span, key="C1")) == newest[2:]
        assert list(search(cast.workspace, **span, key="C2")) == newest[1:2]
        assert list(search(cast.workspace, first=span["last"], last=span["last"])) == []


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/Sao_Paulo", dt.date(2018, 11, 4), 23),  # begins at one
        ("America/Sao_Paulo", dt.date(2018, 2, 17), 25),  # its last hour comes twice
        ("Europe/London", dt.date(2026, 3, 29), 23),
        ("Europe/London", dt.date(2026, 10, 25), 25),
    ],
)
def test_a_day_on_which_the_clocks_change_is_whole_and_no_longer(cast: Cast, zone: str, day: dt.date, hours: int) -> None:
    cast.workspace.time_zone = zone
    cast.workspace.save()
    tz = zoneinfo.ZoneInfo(zone)
    first = dt.datetime.combine(day, dt.time(12), tzinfo=tz).astimezone(dt.UTC) - dt.timedelta(hours=40)
    moments = [first + dt.timedelta(minutes=30 * step) for step in range(160)]
    with workspace_tx(cast.workspace):
        ErpRequest.objects.bulk_create(
            ErpRequest(workspace=cast.workspace, at=at, method="POST", path="/", table="empresa", status=200) for at in moments
        )
        found = sorted(search(cast.workspace, first=day, last=day).values_list("at", flat=True))

    assert found == [at for at in moments if at.astimezone(tz).date() == day]
    assert len(found) == hours * 2
