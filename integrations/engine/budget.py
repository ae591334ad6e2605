"""Arithmetic of a vendor's limits: how many calls are ours, when the next one is free, how long a block lasts. No clock in here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any

from integrations.engine.capabilities import Budget

QUIET_HOURS = r"(?:[01]\d|2[0-3]):[0-5]\d\s*-\s*(?:[01]\d|2[0-3]):[0-5]\d"


def allowed(budget: Budget, settings: Mapping[str, Any]) -> int:
    """Our share of the calls in one period, at least one."""
    told = settings.get(budget.setting) if budget.setting else None
    calls = told if isinstance(told, int) and not isinstance(told, bool) and told > 0 else budget.calls
    return max(1, int(calls * budget.share))


def pause(made: Sequence[float], *, now: float, calls: int, per: float) -> float:
    """Seconds until another call fits, `made` being the moments of the calls so far, oldest first."""
    recent = [moment for moment in made if moment > now - per]
    return max(0.0, recent[-calls] + per - now) if len(recent) >= calls else 0.0


def block(budget: Budget, failed: int) -> float:
    """Seconds to stay away after `failed` failed requests in a row; 0 while the vendor minds none."""
    if not budget.failures or not budget.blocks or failed == 0 or failed % budget.failures:
        return 0.0
    return budget.blocks[min(failed // budget.failures, len(budget.blocks)) - 1]


def quiet_until(hours: str, now: datetime) -> datetime | None:
    """The end of the quiet hours ("22:00-06:00") if `now`, a local time with zone, is within them."""
    if not re.fullmatch(QUIET_HOURS, hours.strip()):
        return None
    begin, end = (time.fromisoformat(part.strip()) for part in hours.split("-"))
    at = now.time().replace(tzinfo=None)
    within = begin <= at < end if begin < end else at >= begin or at < end
    if begin == end or not within:
        return None
    day = now.date() if at < end else now.date() + timedelta(days=1)
    return datetime.combine(day, end, tzinfo=now.tzinfo)
