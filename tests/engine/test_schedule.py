from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.engine.schedule import backoff, next_due, next_local_time

CADENCE = timedelta(hours=2)
START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
MOMENTS = st.integers(min_value=0, max_value=10**9).map(lambda seconds: START + timedelta(seconds=seconds))


@given(st.timedeltas(min_value=timedelta(minutes=1), max_value=timedelta(days=2)), st.text(max_size=20), MOMENTS)
def test_next_run_is_one_cadence_later_give_or_take_a_twentieth(cadence, key, after):
    due = next_due(cadence, key=key, after=after)

    assert abs(due - after - cadence) <= cadence / 20
    assert due == next_due(cadence, key=key, after=after)


def test_connection_finds_its_rhythm_and_keeps_it():
    moment = START
    for _ in range(12):
        moment = next_due(CADENCE, key="a connection", after=moment)
    steps = []
    for _ in range(5):
        later = next_due(CADENCE, key="a connection", after=moment)
        steps.append(later - moment)
        moment = later

    assert all(abs(step - CADENCE) < timedelta(seconds=1) for step in steps)


def test_connections_that_started_together_spread_over_the_cadence():
    moments = [START] * 200
    for _ in range(12):
        moments = [next_due(CADENCE, key=f"connection {number}", after=moment) for number, moment in enumerate(moments)]
    minutes = {int((moment - START) % CADENCE / timedelta(minutes=10)) for moment in moments}

    assert minutes == set(range(12))
    assert len({next_due(CADENCE, key=f"connection {number}", after=START) for number in range(200)}) > 15


def test_backoff_grows_to_four_hours_and_then_is_daily():
    waits = [backoff(tries) for tries in range(1, 20)]

    assert waits[0] == timedelta(minutes=1)
    assert waits == sorted(waits)
    assert waits[8:12] == [timedelta(hours=4)] * 4
    assert set(waits[12:]) == {timedelta(days=1)}
    assert backoff(0) == backoff(1)


@given(st.integers(min_value=0, max_value=100), st.text(min_size=1, max_size=20))
def test_backoff_with_a_key_is_at_most_a_tenth_longer(tries, key):
    assert backoff(tries) <= backoff(tries, key=key) <= backoff(tries) * 1.1


@pytest.mark.parametrize(
    ("zone", "after", "expected"),
    [
        ("Europe/London", datetime(2026, 1, 5, 12, tzinfo=UTC), datetime(2026, 1, 6, 0, tzinfo=UTC)),
        ("Europe/London", datetime(2026, 1, 6, 0, tzinfo=UTC), datetime(2026, 1, 7, 0, tzinfo=UTC)),
        ("Europe/London", datetime(2026, 3, 28, 23, 59, tzinfo=UTC), datetime(2026, 3, 29, 0, tzinfo=UTC)),
        ("Europe/London", datetime(2026, 3, 29, 12, tzinfo=UTC), datetime(2026, 3, 29, 23, tzinfo=UTC)),
        ("America/Sao_Paulo", datetime(2018, 11, 3, 12, tzinfo=UTC), datetime(2018, 11, 4, 3, tzinfo=UTC)),
        ("Pacific/Auckland", datetime(2026, 6, 1, 11, tzinfo=UTC), datetime(2026, 6, 1, 12, tzinfo=UTC)),
    ],
)
def test_midnight_in_the_zone(zone, after, expected):
    assert next_local_time(time(0), zone=ZoneInfo(zone), after=after) == expected


@pytest.mark.parametrize("zone", ["Europe/London", "Europe/Copenhagen", "America/Sao_Paulo", "UTC"])
@pytest.mark.parametrize("at", [time(0), time(1, 30), time(2, 30)])
def test_night_comes_once_per_local_day_all_year(zone, at):
    moment = datetime(2018, 1, 1, 12, tzinfo=UTC)
    days = []
    for _ in range(366):
        moment = next_local_time(at, zone=ZoneInfo(zone), after=moment)
        days.append(moment.astimezone(ZoneInfo(zone)).date())

    assert len(set(days)) == 366
    assert (days[-1] - days[0]).days == 365
