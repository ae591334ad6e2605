"""kill -9 in the middle of a first sync of 5,000 clients: everything is there once, on both sides."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from integrations.enums import Phase
from integrations.models import Run
from integrations.tasks import ring
from tests.fixtures import Cast
from tests.integrations.sync.ledger import digest, violations
from tests.integrations.sync.world import World, full_contact
from tests.integrations.workers.processes import Workers, finished, soon, time_passes

CLIENTS = 5000


def kill_when(world: World, workers: Workers, moment: Callable[[Run], bool], *, what: str) -> None:
    worker = workers.start()
    soon(lambda: moment(world.last_run()), what=what)
    time.sleep(random.random() / 4)
    workers.kill(worker)
    time_passes(world)


def test_5000_clients_and_six_dead_workers(workers: Workers, world: World, cast: Cast) -> None:
    world.sandbox.control(reset=True, clients=CLIENTS, suppliers=0, invoices=300)
    world.fail("slow", path="/clients/clients", seconds=0.15)
    elsewhere, there = digest(cast.elsewhere), world.clients()
    world.connect(run=False)
    workers.beat()
    for page in (2, 9, 17):
        kill_when(world, workers, lambda run, page=page: run.page >= page or run.phase != Phase.FETCH, what=f"page {page}")  # type: ignore[misc]
    assert world.last_run().phase == Phase.FETCH
    for part in (1, 1500, 3500):
        kill_when(world, workers, lambda run, part=part: run.phase != Phase.FETCH and run.done >= part, what=f"record {part}")  # type: ignore[misc]
    assert not world.last_run().is_over
    workers.start()
    run = soon(lambda: finished(world), what="the rest")
    assert run.outcome == "success"
    assert (run.counters["seen"], run.counters["created"], run.counters["invoices"]) == (CLIENTS, CLIENTS, 300)
    assert len(world.links(state="LINKED")) == len(world.contacts()) == CLIENTS
    assert world.clients() == there
    assert world.writes() == []
    assert violations(world) == []
    assert digest(cast.elsewhere) == elsewhere


def test_a_worker_that_dies_after_the_vendor_made_the_record(workers: Workers, world: World) -> None:
    """F6: the record exists, its number never reached us. The next worker finds it instead of making another."""
    world.connect()
    contact = world.add("Brand New Ltd", **full_contact())
    world.fail("lost_timeout", method="POST", path="/v1/", times=1, seconds=18)
    worker = workers.start()
    workers.beat()
    world.export(contact)
    ring(world.workspace.pk, world.connection.pk)
    soon(lambda: world.named("Brand New Ltd"), what="the record")
    workers.kill(worker)
    assert world.outbox()[0].in_doubt
    time_passes(world)
    workers.start()
    soon(lambda: not world.outbox(), what="the look-up")
    assert len(world.named("Brand New Ltd")) == 1
    assert violations(world, exported=[contact]) == []
