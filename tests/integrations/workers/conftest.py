from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integrations.sync.conftest import world
from tests.integrations.sync.world import World
from tests.integrations.workers.processes import Workers, workers_of
from tests.sandboxes import crunch_sandbox

__all__ = ["crunch_sandbox", "workers", "world"]


@pytest.fixture
def workers(transactional_db: None, world: World) -> Iterator[Workers]:
    with workers_of(world) as found:
        yield found
