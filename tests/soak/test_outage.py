"""F3: Redis is away for a whole minute in the middle of a sync."""

from __future__ import annotations

import pytest

from crmsync.embedded_redis import Redis
from tests.integrations.sync.world import World
from tests.integrations.workers.processes import Workers
from tests.integrations.workers.test_bell import bell
from tests.integrations.workers.test_outages import Outage, redis_goes_away

__all__ = ["bell"]


@pytest.mark.soak
def test_redis_away_for_a_minute(workers: Workers, world: World, bell: Redis) -> None:
    found, contact = redis_goes_away(workers, world, bell, seconds=60)
    assert found == Outage(told=200, told_in_time=True, waited=[contact.pk], outcome="success", waits=[], missing=[], violations=[])
