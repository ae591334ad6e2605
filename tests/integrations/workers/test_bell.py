"""Redis is only the bell: forgetting, dying or ringing twice, it loses nothing and doubles nothing."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from crmsync.embedded_redis import Redis
from integrations.enums import Phase
from integrations.tasks import ring
from tests.integrations.sync.ledger import missing, violations
from tests.integrations.sync.world import World
from tests.integrations.workers.processes import Workers, finished, soon, soon_finished, time_passes

CLIENTS = 1000


@pytest.fixture
def bell(tmp_path: Path) -> Iterator[Redis]:
    """A Redis of this test alone."""
    server = Redis(tmp_path / "redis")
    yield server
    server.stop()


def slow_sync(world: World, **fault: Any) -> None:
    world.sandbox.control(reset=True, clients=CLIENTS, suppliers=0, invoices=0)
    world.fail("slow", path="/clients/clients", seconds=0.3, **fault)
    world.connect(run=False)


def reading(world: World) -> bool:
    run = world.last_run()
    return run.phase == Phase.FETCH and run.page >= 1


def all_there(world: World) -> None:
    run = soon(lambda: finished(world), what="the sync")
    assert run.outcome == "success"
    assert run.counters["created"] == len(world.links(state="LINKED")) == CLIENTS
    assert violations(world) == []


def test_a_flushed_redis_in_the_middle_of_a_run_loses_nothing(workers: Workers, world: World, bell: Redis) -> None:
    workers.redis_url = bell.ensure()
    slow_sync(world)
    workers.start()
    workers.beat()
    soon(lambda: reading(world), what="the first page")
    client = redis.Redis.from_url(workers.redis_url)
    for _ in range(5):
        client.flushall()
        time.sleep(0.1)
    client.close()
    all_there(world)


def test_a_redis_that_dies_and_comes_back_loses_nothing(workers: Workers, world: World, bell: Redis) -> None:
    """Edits made while it is away are in PostgreSQL, and go out when the bell rings again."""
    workers.redis_url = bell.ensure()
    slow_sync(world)
    workers.start()
    workers.beat()
    soon(lambda: reading(world), what="the first page")
    os.kill(json.loads(bell.state.read_text())["pid"], signal.SIGKILL)
    time.sleep(1)
    assert bell.ensure() == workers.redis_url
    time.sleep(2)
    soon_finished(world)  # Celery may have ended the slice when it lost its connection
    all_there(world)
    os.kill(json.loads(bell.state.read_text())["pid"], signal.SIGKILL)
    world.edit(world.contact("Bluebell Joinery"), emails=[{"label": "", "email": "while@away.example"}])
    time.sleep(1)
    bell.ensure()
    time_passes(world)
    soon(lambda: world.clients()[1002]["email"] == "while@away.example", what="the edit")
    assert missing(world, {(1002, "email"): "while@away.example"}) == []


def test_an_edit_here_is_there_within_a_minute(workers: Workers, world: World) -> None:
    """With the bell alone (no beat), as it rings after the commit."""
    world.connect()
    workers.start()
    contact = world.contact("Bluebell Joinery")
    world.edit(contact, emails=[{"label": "", "email": "first@bluebell.example"}])
    soon(lambda: world.clients()[1002]["email"] == "first@bluebell.example", what="the first edit, with the worker's start")
    world.edit(contact, emails=[{"label": "", "email": "second@bluebell.example"}])
    soon(lambda: world.clients()[1002]["email"] == "second@bluebell.example", seconds=60, what="the edit")
    soon(lambda: not world.outbox(), what="the end")
    assert violations(world) == []


def test_a_lost_ring_costs_a_minute_at_most(workers: Workers, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """F5: the worker died between the commit and the bell. The next tick rings."""
    world.connect()
    monkeypatch.setattr("integrations.tasks.ring", lambda workspace_id, connection_id: None)
    world.edit(world.contact("Bluebell Joinery"), emails=[{"label": "", "email": "found@bluebell.example"}])
    workers.start()
    workers.beat()
    soon(lambda: world.clients()[1002]["email"] == "found@bluebell.example", what="the edit")


def test_two_workers_never_work_on_one_connection_at_once(workers: Workers, world: World) -> None:
    """F8: they get every ring twice and more, and still no page is asked for twice, nor anything written twice."""
    slow_sync(world)
    for _ in range(2):
        workers.start()
        workers.beat(pause=0.1)
    while not world.last_run().is_over:
        ring(world.workspace.pk, world.connection.pk)
        time.sleep(0.4)
    all_there(world)
    lists = [one for one in world.requests("GET", path="/clients/clients") if one["query"]["size"] == "200"]
    assert sorted(int(one["query"]["page"]) for one in lists) == list(range(CLIENTS // 200))
    for number in range(3):
        for name in ("Bluebell Joinery", "Saltmarsh Books"):
            world.edit(world.contact(name), emails=[{"label": "", "email": f"edit{number}@us.example"}])
            ring(world.workspace.pk, world.connection.pk)
            ring(world.workspace.pk, world.connection.pk)
    soon(lambda: not world.outbox(), what="the edits")
    assert violations(world) == []
    assert missing(world, {(1002, "email"): "edit2@us.example", (1006, "email"): "edit2@us.example"}) == []
    assert len(world.writes()) <= 6
