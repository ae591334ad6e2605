"""When next. No clock in here: the moment counted from is an argument."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, time, timedelta, tzinfo

LEEWAY = 20  # a connection may run a twentieth of its cadence early or late
DAILY = timedelta(days=1)
BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 30, 60, 120, 240, 240, 240, 240, 240))
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def next_due(cadence: timedelta, *, key: str, after: datetime) -> datetime:
    """Say when a connection runs next: one cadence later, pulled by at most 5 % towards its own place in the cadence.

    So connections that started together drift apart, and one that has found its place keeps its rhythm to the second.
    """
    due = after + cadence
    place = _share(key) * cadence
    late = (due - _EPOCH - place) % cadence
    pull = -late if late <= cadence / 2 else cadence - late
    return due + max(-cadence / LEEWAY, min(cadence / LEEWAY, pull))


def backoff(tries: int, *, key: str = "") -> timedelta:
    """Say how long to wait after the given number of failed tries in a row: a minute, growing to four hours, then daily.

    With a key the wait is up to a tenth longer, so that those who failed together do not return together.
    """
    wait = BACKOFF[max(tries, 1) - 1] if tries <= len(BACKOFF) else DAILY
    return wait + wait / 10 * _share(f"{key}:{tries}") if key else wait


def next_local_time(at: time, *, zone: tzinfo, after: datetime) -> datetime:
    """Give the first moment later than `after` at which the clock in `zone` shows `at`: once per local day, whatever its hours.

    A time that the clock skips counts when it has been skipped, one that comes twice counts the first time.
    """
    today = after.astimezone(zone).date()
    moments = (_moment(datetime.combine(today + timedelta(days=days), at), zone) for days in range(3))
    return next(moment for moment in moments if moment > after)


def _moment(wall: datetime, zone: tzinfo) -> datetime:
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)


def _share(key: str) -> float:
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:6]) / 2**48
