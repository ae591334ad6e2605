"""A vendor's budget kept within one process: the model of what workers share through Redis."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from integrations.engine import budget as arithmetic
from integrations.engine.capabilities import Budget
from integrations.engine.errors import Retry
from integrations.engine.types import Reason
from integrations.kit.http import Exchange

PATIENCE = 10.0


class BudgetPace:
    """A `Pace`. `note` belongs behind `Http(record=...)`: failed requests in a row close the door before the vendor does."""

    def __init__(
        self,
        budget: Budget,
        settings: Mapping[str, Any],
        *,
        patience: float = PATIENCE,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._budget = budget
        self._calls = arithmetic.allowed(budget, settings)
        self._patience = patience
        self._now = now
        self._sleep = sleep
        self._made: deque[float] = deque(maxlen=self._calls)
        self._closed_until = 0.0
        self._failed = 0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Take the next free turn. Raises Retry when it is further away than `patience`."""
        with self._lock:
            now = self._now()
            free = arithmetic.pause(list(self._made), now=now, calls=self._calls, per=self._budget.per)
            pause = max(free, self._closed_until - now)
            if pause > self._patience:
                raise Retry(Reason("rate_limited"), after=pause, detail="own budget")
            self._made.append(now + max(pause, 0.0))
        if pause > 0:
            self._sleep(pause)

    def slow_down(self, seconds: float) -> None:
        with self._lock:
            self._closed_until = max(self._closed_until, self._now() + seconds)

    def note(self, exchange: Exchange) -> None:
        """Count failed requests in a row; an answer that is none or a 429 says nothing about them."""
        if exchange.status is None or exchange.status == 429:
            return
        with self._lock:
            self._failed = self._failed + 1 if exchange.status >= 400 else 0
            block = arithmetic.block(self._budget, self._failed)
        if block:
            self.slow_down(block)
