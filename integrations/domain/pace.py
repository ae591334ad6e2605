"""Pacing that all workers share: one clock per connection in Redis. Redis lost means no memory of a 429, never a wrong answer."""

from __future__ import annotations

import time
from contextlib import suppress

from django.core.cache import cache
from redis.exceptions import RedisError

from integrations.engine.errors import Retry
from integrations.engine.types import Reason

PATIENCE = 5.0
LOOK_AGAIN = 0.5  # seconds for which this worker trusts what Redis said


class SharedPace:
    """Waits briefly in the worker; a longer wait becomes Retry(after), which frees it."""

    def __init__(self, owner: str, *, per_second: float = 0.0) -> None:
        self._key = f"pace:{owner}"
        self._interval = 1 / per_second if per_second else 0.0
        self._blocked_until = 0.0
        self._looked_at = 0.0

    def wait(self) -> None:
        now = time.time()
        if self._interval or now - self._looked_at > LOOK_AGAIN:
            self._blocked_until, self._looked_at = self._recall(), now
        pause = self._blocked_until - now
        if pause > PATIENCE:
            raise Retry(Reason("rate_limited"), after=pause)
        if pause > 0:
            time.sleep(pause)
        if self._interval:
            self._note(time.time() + self._interval, seconds=60)

    def slow_down(self, seconds: float) -> None:
        """A longer rest that another worker was asked for stays."""
        self._blocked_until = max(self._recall(), time.time() + seconds)
        self._note(self._blocked_until, seconds=int(self._blocked_until - time.time()) + 60)

    def _recall(self) -> float:
        try:
            return float(cache.get(self._key) or 0.0)
        except RedisError:
            return self._blocked_until

    def _note(self, until: float, *, seconds: int) -> None:
        with suppress(RedisError):
            cache.set(self._key, until, timeout=seconds)
