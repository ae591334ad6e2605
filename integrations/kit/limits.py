"""Pacing of calls to one vendor account."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from integrations.engine.errors import Retry
from integrations.engine.types import Reason


class Pace(Protocol):
    """Asked before every request. `wait` blocks for a short time or raises Retry(after=...) when the turn comes too late."""

    def wait(self) -> None: ...

    def slow_down(self, seconds: float) -> None:
        """The vendor said 429: no request before `seconds` have passed."""


class NoPace:
    """No limit at all (tests, vendors without one)."""

    def wait(self) -> None:
        return

    def slow_down(self, seconds: float) -> None:
        return


class MinInterval:
    """At least `seconds` between two requests of this process; a turn further away than `patience` is left to the caller."""

    def __init__(
        self,
        seconds: float,
        *,
        patience: float = 10.0,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._seconds = seconds
        self._patience = patience
        self._now = now
        self._sleep = sleep
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        with self._lock:
            now = self._now()
            turn = max(self._next, now)
            pause = turn - now
            if pause > self._patience:
                raise Retry(Reason("rate_limited"), after=pause, detail="own pace")
            self._next = turn + self._seconds
        if pause > 0:
            self._sleep(pause)

    def slow_down(self, seconds: float) -> None:
        with self._lock:
            self._next = max(self._next, self._now() + seconds)
