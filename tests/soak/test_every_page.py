"""kill -9 of the worker at every page and every batch of a first sync of 5,000 clients."""

from __future__ import annotations

import pytest

from integrations.enums import Phase
from tests.integrations.sync.ledger import violations
from tests.integrations.sync.world import World
from tests.integrations.workers.processes import Workers, finished, soon
from tests.integrations.workers.test_kills import CLIENTS, kill_when

PAGES = CLIENTS // 200
BATCHES = CLIENTS // 500


@pytest.mark.soak
def test_a_worker_dies_at_every_page(workers: Workers, world: World) -> None:
    world.sandbox.control(reset=True, clients=CLIENTS, suppliers=0, invoices=300)
    world.fail("slow", path="/clients/clients", seconds=0.5)
    there = world.clients()
    world.connect(run=False)
    workers.beat()
    for page in range(PAGES - 1):
        kill_when(world, workers, lambda run, page=page: run.page >= page or run.phase != Phase.FETCH, what=f"page {page}")  # type: ignore[misc]
    for batch in range(BATCHES - 1):
        moment = batch * 500 + 1
        kill_when(world, workers, lambda run, at=moment: run.phase != Phase.FETCH and run.done >= at, what=f"batch {batch}")  # type: ignore[misc]
    workers.start()
    run = soon(lambda: finished(world), what="the rest")
    assert run.outcome == "success"
    assert len(world.links(state="LINKED")) == len(world.contacts()) == run.counters["created"] == CLIENTS
    assert world.clients() == there
    assert world.writes() == []
    assert violations(world) == []
