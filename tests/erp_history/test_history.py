from __future__ import annotations

import datetime as dt

from django.test import Client
from django.utils import timezone

from accounts.scoping import workspace_tx
from erp_history.domain.history import days_of, search
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
