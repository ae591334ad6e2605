"""Days and clock times of a zone; the present moment is always an argument."""

import hashlib
import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from crmsync.lib.locales import parse_locale

ONE_DAY = timedelta(days=1)
ONE_SECOND = timedelta(seconds=1)
ONE_MILLISECOND = timedelta(milliseconds=1)
CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)
STEPS = (86400, 3600, 60, 1)
# Babel 2.18 has no short Portuguese hours ("1 horas") and minutes, so the symbols are ours.
SYMBOLS = {"da": ("d", "t", "min", "s"), "fr": ("j", "h", "min", "s")}
PLAIN_SYMBOLS = ("d", "h", "min", "s")


def local_day(now: datetime, tz: tzinfo) -> date:
    """Give the calendar day of this moment in the zone."""
    return _aware(now).astimezone(tz).date()


def local_instant(day: date, at: time, tz: tzinfo) -> datetime:
    """Give the moment (in UTC) of a clock time: the first of two when clocks go back, the end of the gap when they go forward."""
    wanted = datetime.combine(day, at.replace(tzinfo=None, fold=0))
    early = wanted.replace(tzinfo=tz).astimezone(UTC)
    if early.astimezone(tz).replace(tzinfo=None, fold=0) == wanted:
        return early
    return _end_of_gap(wanted, tz, before=wanted.replace(tzinfo=tz, fold=1).astimezone(UTC), after=early)


def local_midnight(day: date, tz: tzinfo) -> datetime:
    """Give the moment (in UTC) at which the day begins in the zone, also where clocks skip midnight."""
    return local_instant(day, time(0), tz)


def day_bounds(day: date, tz: tzinfo) -> tuple[datetime, datetime]:
    """Give the beginning of the day and of the next one, in UTC."""
    return local_midnight(day, tz), local_midnight(day + ONE_DAY, tz)


def next_local_time(now: datetime, tz: tzinfo, at: time) -> datetime:
    """Give the next moment after `now` (in UTC) that is this clock time; each local day has exactly one."""
    today = local_day(now, tz)
    return next(moment for moment in (local_instant(today + ONE_DAY * shift, at, tz) for shift in range(-1, 4)) if moment > now)


def last_local_time(now: datetime, tz: tzinfo, at: time) -> datetime:
    """Give the latest moment up to `now` (in UTC) that was this clock time: the slot that must have run."""
    today = local_day(now, tz)
    return next(moment for moment in (local_instant(today - ONE_DAY * shift, at, tz) for shift in range(-1, 4)) if moment <= now)


def clock_time(text: str) -> time:
    """Read "HH:MM"."""
    found = CLOCK.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text[:20]!r} is not a time like 07:30.")
    return time(int(found[1]), int(found[2]))


def is_between(now: datetime, tz: tzinfo, *, start: time, end: time) -> bool:
    """Tell whether the local clock stands in [start, end), over midnight when start is later; equal ends mean never."""
    clock = _aware(now).astimezone(tz).time()
    if start <= end:
        return start <= clock < end
    return clock >= start or clock < end


def spread(seconds: int, key: str) -> int:
    """Give the same number in [0, seconds) for the same key, evenly over keys: jitter without chance."""
    if seconds <= 0:
        return 0
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") % seconds


def human_duration(duration: timedelta, locale: str = "en") -> str:
    """Write a duration in its two largest units: "2 h 5 min"; less than a second is "430 ms"."""
    if timedelta(0) < duration < ONE_MILLISECOND:
        return "<\u00a01\u00a0ms"
    if ONE_MILLISECOND <= duration < ONE_SECOND:
        return f"{duration // ONE_MILLISECOND}\u00a0ms"
    left = max(0, int(duration.total_seconds()))
    parts: list[tuple[int, str]] = []
    for symbol, size in zip(SYMBOLS.get(parse_locale(locale).language, PLAIN_SYMBOLS), STEPS, strict=True):
        count, left = divmod(left, size)
        if count or parts:
            parts.append((count, symbol))
    shown = [part for part in parts[:2] if part[0]] or [(0, "s")]
    return " ".join(f"{count}\u00a0{symbol}" for count, symbol in shown)


def _aware(now: datetime) -> datetime:
    if now.utcoffset() is None:
        raise ValueError("A moment needs a time zone.")
    return now


def _end_of_gap(wanted: datetime, tz: tzinfo, *, before: datetime, after: datetime) -> datetime:
    """Find the second at which the zone's clock jumps over `wanted`."""
    low, high = 0, int((after - before).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        if (before + timedelta(seconds=middle)).astimezone(tz).replace(tzinfo=None) >= wanted:
            high = middle
        else:
            low = middle
    return before + timedelta(seconds=high)
