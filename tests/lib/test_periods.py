from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmsync.lib import periods

SAO_PAULO, LONDON, COPENHAGEN = ZoneInfo("America/Sao_Paulo"), ZoneInfo("Europe/London"), ZoneInfo("Europe/Copenhagen")
APIA, HAVANA = ZoneInfo("Pacific/Apia"), ZoneInfo("America/Havana")
ZONES = st.sampled_from([SAO_PAULO, LONDON, COPENHAGEN, APIA, HAVANA, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Asia/Kathmandu")])
CLOCKS = st.builds(time, st.integers(min_value=0, max_value=23), st.integers(min_value=0, max_value=59))
MOMENTS = st.integers(min_value=1_262_304_000, max_value=1_890_000_000).map(lambda second: datetime.fromtimestamp(second, UTC))  # 2010-2029
SKIPPED_MIDNIGHT, BACK_TO_11_PM = date(2017, 10, 15), date(2018, 2, 18)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "zone", "day"),
    [
        ("2026-11-21T02:59", SAO_PAULO, date(2026, 11, 20)),
        ("2026-11-21T03:00", SAO_PAULO, date(2026, 11, 21)),
        ("2026-07-01T23:00", LONDON, date(2026, 7, 2)),
        ("2026-11-20T23:00", COPENHAGEN, date(2026, 11, 21)),
    ],
)
def test_local_day(now: str, zone: ZoneInfo, day: date) -> None:
    assert periods.local_day(utc(now), zone) == day


@pytest.mark.parametrize(
    ("day", "zone", "begins"),
    [
        (date(2026, 11, 21), SAO_PAULO, "2026-11-21T03:00"),
        (SKIPPED_MIDNIGHT, SAO_PAULO, "2017-10-15T03:00"),  # clocks went from 00:00 to 01:00
        (BACK_TO_11_PM, SAO_PAULO, "2018-02-18T03:00"),  # clocks went from 00:00 back to 23:00
        (date(2026, 3, 29), LONDON, "2026-03-29T00:00"),
        (date(2026, 3, 30), LONDON, "2026-03-29T23:00"),
        (date(2026, 10, 26), COPENHAGEN, "2026-10-25T23:00"),
        (date(2025, 11, 2), HAVANA, "2025-11-02T04:00"),  # midnight comes twice: the first
        (date(2011, 12, 30), APIA, "2011-12-30T10:00"),  # a day that never was begins when the next one does
        (date(2011, 12, 31), APIA, "2011-12-30T10:00"),
    ],
)
def test_local_midnight(day: date, zone: ZoneInfo, begins: str) -> None:
    assert periods.local_midnight(day, zone) == utc(begins)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        (SAO_PAULO, SKIPPED_MIDNIGHT, 23),
        (SAO_PAULO, date(2018, 2, 17), 25),
        (LONDON, date(2026, 3, 29), 23),
        (LONDON, date(2026, 10, 25), 25),
        (COPENHAGEN, date(2026, 3, 29), 23),
        (COPENHAGEN, date(2026, 10, 25), 25),
        (COPENHAGEN, date(2026, 11, 21), 24),
    ],
)
def test_day_bounds(zone: ZoneInfo, day: date, hours: int) -> None:
    start, end = periods.day_bounds(day, zone)
    assert end - start == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("day", "at", "zone", "moment"),
    [
        (date(2026, 3, 29), time(1, 30), LONDON, "2026-03-29T01:00"),  # skipped: when the clocks jump
        (date(2026, 10, 25), time(1, 30), LONDON, "2026-10-25T00:30"),  # twice: the first
        (date(2026, 10, 25), time(2, 0), LONDON, "2026-10-25T02:00"),
    ],
)
def test_local_instant(day: date, at: time, zone: ZoneInfo, moment: str) -> None:
    assert periods.local_instant(day, at, zone) == utc(moment)


@pytest.mark.parametrize(
    ("zone", "first", "last"),
    [
        (SAO_PAULO, date(2017, 10, 12), date(2017, 10, 18)),
        (SAO_PAULO, date(2018, 2, 15), date(2018, 2, 21)),
        (LONDON, date(2026, 3, 26), date(2026, 4, 2)),
        (LONDON, date(2026, 10, 22), date(2026, 10, 29)),
        (COPENHAGEN, date(2026, 3, 26), date(2026, 4, 2)),
        (COPENHAGEN, date(2026, 10, 22), date(2026, 10, 29)),
    ],
)
@pytest.mark.parametrize("at", [time(0), time(0, 30), time(1, 30), time(2, 30), time(23, 30)])
def test_a_clock_asked_every_minute_rings_once_per_local_day(zone: ZoneInfo, first: date, last: date, at: time) -> None:
    now, end = periods.local_midnight(first, zone) - timedelta(minutes=1), periods.local_midnight(last, zone) - timedelta(minutes=1)
    due, days = periods.next_local_time(now, zone, at), []
    while now < end:
        now += timedelta(minutes=1)
        if now >= due:
            days.append(periods.local_day(due, zone))
            due = periods.next_local_time(now, zone, at)
    assert days == [first + timedelta(days=shift) for shift in range((last - first).days)]


@given(MOMENTS, ZONES, CLOCKS)
def test_next_and_last_local_time_fit_together(now: datetime, zone: ZoneInfo, at: time) -> None:
    following, previous = periods.next_local_time(now, zone, at), periods.last_local_time(now, zone, at)
    assert previous <= now < following
    assert periods.last_local_time(following, zone, at) == following
    assert periods.next_local_time(previous, zone, at) == following
    assert following - previous <= timedelta(hours=26)


@given(st.dates(min_value=date(2010, 1, 1), max_value=date(2029, 12, 1)), ZONES)
def test_the_moment_before_midnight_is_another_day(day: date, zone: ZoneInfo) -> None:
    begins = periods.local_midnight(day, zone)
    assert periods.local_day(begins, zone) >= day
    assert periods.local_day(begins - timedelta(seconds=1), zone) < day


@pytest.mark.parametrize(("text", "read"), [("07:30", time(7, 30)), ("7:30", time(7, 30)), (" 23:59 ", time(23, 59)), ("00:00", time(0))])
def test_clock_time(text: str, read: time) -> None:
    assert periods.clock_time(text) == read


@pytest.mark.parametrize("text", ["", "24:00", "12:60", "12", "12:3", "noon", "12:30:00"])
def test_no_clock_time(text: str) -> None:
    with pytest.raises(ValueError, match="not a time"):
        periods.clock_time(text)


@pytest.mark.parametrize(
    ("clock", "start", "end", "inside"),
    [
        ("12:00", "09:00", "17:00", True),
        ("09:00", "09:00", "17:00", True),
        ("17:00", "09:00", "17:00", False),
        ("23:30", "22:00", "06:00", True),
        ("05:59", "22:00", "06:00", True),
        ("06:00", "22:00", "06:00", False),
        ("12:00", "12:00", "12:00", False),
    ],
)
def test_is_between(clock: str, start: str, end: str, inside: bool) -> None:
    now = datetime.combine(date(2026, 11, 21), periods.clock_time(clock), tzinfo=SAO_PAULO).astimezone(UTC)
    assert periods.is_between(now, SAO_PAULO, start=periods.clock_time(start), end=periods.clock_time(end)) is inside


def test_a_moment_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        periods.local_day(datetime.fromisoformat("2026-01-01"), LONDON)


@given(st.integers(min_value=1, max_value=86400), st.text(st.characters(exclude_categories=["Cs"])))
def test_spread_stays_inside_and_is_settled(seconds: int, key: str) -> None:
    assert 0 <= periods.spread(seconds, key) < seconds
    assert periods.spread(seconds, key) == periods.spread(seconds, key)


def test_spread_is_even() -> None:
    counts = [0] * 10
    for number in range(10_000):
        counts[periods.spread(10, f"connection-{number}")] += 1
    assert min(counts) > 850
    assert max(counts) < 1150
    assert periods.spread(0, "x") == 0


@pytest.mark.parametrize(
    ("seconds", "locale", "written"),
    [
        (0, "en", "0 s"),
        (0.0004, "en", "< 1 ms"),
        (0.4, "en", "400 ms"),
        (0.999, "da", "999 ms"),
        (1.9, "en", "1 s"),
        (-5, "en", "0 s"),
        (65, "en", "1 min 5 s"),
        (7500, "en", "2 h 5 min"),
        (90_000, "en", "1 d 1 h"),
        (86_460, "en", "1 d"),
        (7500, "da", "2 t 5 min"),
        (90_000, "fr-fr", "1 j 1 h"),
        (90_000, "pt-br", "1 d 1 h"),
    ],
)
def test_human_duration(seconds: float, locale: str, written: str) -> None:
    assert periods.human_duration(timedelta(seconds=seconds), locale).replace("\u00a0", " ") == written
