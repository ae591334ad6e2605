"""The arithmetic of a vendor's limits."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.engine.budget import allowed, block, pause, quiet_until
from integrations.engine.capabilities import Budget

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
BUDGET = Budget(10, setting="requests_per_minute", failures=3, blocks=(60.0, 120.0, 300.0))


@pytest.mark.parametrize(("told", "calls"), [(None, 8), (10, 8), (100, 80), (1, 1), (0, 8), (-5, 8), ("20", 8), (True, 8)])
def test_share_of_the_calls(told: object, calls: int) -> None:
    assert allowed(BUDGET, {"requests_per_minute": told}) == calls


@pytest.mark.parametrize(("made", "seconds"), [([], 0), ([99], 0), ([90, 95], 50), ([40, 41], 0), ([50, 90, 95], 50), ([41, 95], 1)])
def test_pause(made: list[float], seconds: float) -> None:
    assert pause(made, now=100, calls=2, per=60) == seconds


@given(st.lists(st.floats(0, 200), max_size=50), st.integers(1, 8))
def test_no_period_ever_sees_more_calls_than_allowed(arrivals: list[float], calls: int) -> None:
    made: list[float] = []
    for arrival in sorted(arrivals):
        now = max(arrival, made[-1] if made else 0.0)
        made.append(now + pause(made, now=now, calls=calls, per=60))

    assert all(later - earlier >= 60 - 1e-6 for earlier, later in zip(made, made[calls:], strict=False))


@pytest.mark.parametrize(("failed", "seconds"), [(0, 0), (1, 0), (2, 0), (3, 60), (4, 0), (6, 120), (7, 0), (9, 300), (12, 300), (30, 300)])
def test_blocks_grow(failed: int, seconds: float) -> None:
    assert block(BUDGET, failed) == seconds


def test_vendor_without_blocks_never_closes() -> None:
    assert block(Budget(10), 3) == 0
    assert block(Budget(10, failures=3), 3) == 0


@pytest.mark.parametrize(
    ("hours", "now", "end"),
    [
        ("22:00-06:00", "21T21:59", None),
        ("22:00-06:00", "21T22:00", "22T06:00"),
        ("22:00-06:00", "21T05:59", "21T06:00"),
        ("22:00-06:00", "21T06:00", None),
        ("12:00 - 13:30", "21T12:30", "21T13:30"),
        ("12:00-13:30", "21T13:30", None),
        ("08:00-08:00", "21T08:00", None),
        ("", "21T08:00", None),
        ("25:00-06:00", "21T01:00", None),
        ("at night", "21T01:00", None),
    ],
)
def test_quiet_hours(hours: str, now: str, end: str | None) -> None:
    found = quiet_until(hours, datetime.fromisoformat(f"2026-11-{now}:00").replace(tzinfo=SAO_PAULO))

    assert found == (datetime.fromisoformat(f"2026-11-{end}:00").replace(tzinfo=SAO_PAULO) if end else None)
