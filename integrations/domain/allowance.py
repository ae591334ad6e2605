"""A vendor's budget of calls, shared by all workers through Redis. Redis lost: each process keeps the budget for itself."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from redis.exceptions import RedisError

from accounts.domain import shared
from integrations.engine import budget as arithmetic
from integrations.engine.capabilities import Budget
from integrations.engine.errors import Retry
from integrations.engine.types import Reason
from integrations.kit.budget import BudgetPace
from integrations.kit.http import Exchange

PATIENCE = 5.0  # seconds; a turn further away frees the worker
_REMEMBERED = 120  # seconds that keys outlive their last use

# Takes the next free turn and gives the seconds until then; a turn beyond the patience is not taken. The clock is Redis's own.
_TAKE = """
local told = redis.call('TIME')
local now = tonumber(told[1]) + tonumber(told[2]) / 1000000
local calls, per, patience = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - per)
local made = redis.call('ZCARD', KEYS[1])
local pause = 0
if made >= calls then
  local turn = redis.call('ZRANGE', KEYS[1], made - calls, made - calls, 'WITHSCORES')
  pause = tonumber(turn[2]) + per - now
end
local closed = tonumber(redis.call('GET', KEYS[2]) or '0') - now
if closed > pause then pause = closed end
if pause < 0 then pause = 0 end
if pause <= patience then
  redis.call('ZADD', KEYS[1], now + pause, ARGV[4])
  redis.call('EXPIRE', KEYS[1], math.ceil(per + pause) + tonumber(ARGV[5]))
end
return tostring(pause)
"""
# Closes the door until then, unless it is closed for longer already.
_CLOSE = """
local told = redis.call('TIME')
local till = tonumber(told[1]) + tonumber(told[2]) / 1000000 + tonumber(ARGV[1])
if till > tonumber(redis.call('GET', KEYS[1]) or '0') then
  redis.call('SET', KEYS[1], string.format('%.6f', till), 'EX', math.ceil(tonumber(ARGV[1])) + tonumber(ARGV[2]))
end
"""


class SharedBudget:
    """A `Pace`. `note` belongs behind `Http(record=...)`: failed requests in a row close the door before the vendor does."""

    def __init__(self, owner: str, budget: Budget, settings: Mapping[str, Any], *, zone: str, patience: float = PATIENCE) -> None:
        self._owner = owner
        self._budget = budget
        self._calls = arithmetic.allowed(budget, settings)
        self._quiet = str(settings.get(budget.quiet_setting) or "") if budget.quiet_setting else ""
        self._zone = ZoneInfo(zone)
        self._patience = patience
        self._keys = [shared.key(f"budget:{owner}:{name}") for name in ("made", "closed", "failed")]

    def wait(self) -> None:
        """Take the next free turn. Raises Retry when it is far away, or in the quiet hours."""
        self._respect_quiet_hours(datetime.now(self._zone))
        made, closed, _failed = self._keys
        turn = [self._calls, self._budget.per, self._patience, secrets.token_hex(8), _REMEMBERED]
        try:
            pause = float(shared.client().eval(_TAKE, 2, made, closed, *turn))  # type: ignore[arg-type]  # sync client
        except RedisError:
            self._alone().wait()
            return
        if pause > self._patience:
            raise Retry(Reason("rate_limited"), after=pause, detail="own budget")
        if pause > 0:
            time.sleep(pause)

    def slow_down(self, seconds: float) -> None:
        self._alone().slow_down(seconds)
        try:
            shared.client().eval(_CLOSE, 1, self._keys[1], seconds, _REMEMBERED)
        except RedisError:
            return

    def note(self, exchange: Exchange) -> None:
        """Count failed requests in a row; an answer that is none or a 429 says nothing about them."""
        if exchange.status is None or exchange.status == 429 or not self._budget.failures:
            return
        self._alone().note(exchange)
        try:
            block = arithmetic.block(self._budget, self._failed(is_failure=exchange.status >= 400))
        except RedisError:
            return
        if block:
            self.slow_down(block)

    def _failed(self, *, is_failure: bool) -> int:
        client, key = shared.client(), self._keys[2]
        if not is_failure:
            client.delete(key)
            return 0
        count = client.incr(key)
        client.expire(key, math.ceil(sum(self._budget.blocks)) + _REMEMBERED)
        return int(count)

    def _respect_quiet_hours(self, now: datetime) -> None:
        until = arithmetic.quiet_until(self._quiet, now) if self._quiet else None
        if until is not None:
            # Aware datetimes of one zone subtract as clocks on the wall, which is wrong in the night the clocks change.
            raise Retry(Reason("quiet_hours"), after=max(1.0, until.timestamp() - now.timestamp()), detail="quiet hours")

    def _alone(self) -> BudgetPace:
        return _in_process(self._owner, self._budget, self._calls, self._patience)


_kept: dict[str, tuple[int, BudgetPace]] = {}


def _in_process(owner: str, budget: Budget, calls: int, patience: float) -> BudgetPace:
    """What this process knows by itself, for the time without Redis."""
    known = _kept.get(owner)
    if known is None or known[0] != calls:
        # `calls` is our share already.
        known = _kept[owner] = (calls, BudgetPace(_whole(budget, calls), {}, patience=patience))
    return known[1]


def _whole(budget: Budget, calls: int) -> Budget:
    return Budget(calls, per=budget.per, share=1.0, failures=budget.failures, blocks=budget.blocks, attempts=budget.attempts)
