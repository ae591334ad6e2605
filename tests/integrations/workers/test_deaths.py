"""Processes of a worker die, are asked to stop, or get messages of another version. Whoever else waits does not notice."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from crmsync.celery import app
from integrations.domain.runs import DEAD_LETTER
from integrations.enums import Phase
from integrations.models import Run
from integrations.tasks import ring
from tests.fixtures import Cast
from tests.ground.processes import descendants
from tests.integrations.sync.ledger import violations
from tests.integrations.sync.world import World, counted
from tests.integrations.workers.processes import Workers, finished, soon, time_passes

CLIENTS = 1000


def kill_children(worker: subprocess.Popen[bytes]) -> None:
    """What the kernel does when memory runs out: the pool's process dies, its parent lives."""
    for pid in descendants(worker.pid):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def killed_in_every_slice(world: World, worker: subprocess.Popen[bytes]) -> Run:
    """Until the run is over. (The first slice notes that the run has begun, which counts as getting on.)"""
    slices: set[str] = set()
    deadline = time.monotonic() + 300
    while not (run := world.last_run()).is_over:
        assert time.monotonic() < deadline, f"not over after {len(slices)} dead slices: {run.status}, {run.attempts} tries"
        if run.started_at and run.lease and run.lease not in slices and run.attempts <= DEAD_LETTER:
            slices.add(run.lease)
            kill_children(worker)
            time_passes(world)
        time.sleep(0.02)
    assert len(slices) >= DEAD_LETTER
    return run


def test_a_sync_that_kills_its_process_each_time_is_given_up_and_others_go_on(workers: Workers, world: World, cast: Cast) -> None:
    """F2."""
    world.connect(run=False)
    world.fail("slow", path="/clients/clients", seconds=5)
    other = World(workspace=cast.elsewhere, user=cast.charlie, sandbox=world.sandbox)
    other.connect(run=False, company="second")
    worker = workers.start()
    workers.beat()
    run = killed_in_every_slice(world, worker)
    assert (run.outcome, run.reason.get("code")) == ("failed", "worker_lost")
    assert worker.poll() is None
    assert world.contacts() == []
    time_passes(other)
    assert soon(lambda: finished(other), what="the other workspace").outcome == "success"

    world.repair()
    world.sync_soon()
    ring(world.workspace.pk, world.connection.pk)

    counted(soon(lambda: finished(world), what="the next sync"), seen=12, created=12)
    assert violations(world) == []


def test_a_worker_that_is_asked_to_stop_hands_its_work_over_at_once(workers: Workers, world: World) -> None:
    """F10: as at a deployment. No page is read twice, and nobody waits for the lease to run out."""
    world.sandbox.control(reset=True, clients=CLIENTS, suppliers=0, invoices=0)
    world.fail("slow", path="/clients/clients", seconds=1.5)
    world.connect(run=False)
    old = workers.start()
    workers.beat()
    soon(lambda: world.last_run().phase == Phase.FETCH and world.last_run().page >= 1, what="the first page")
    old.send_signal(signal.SIGTERM)
    assert old.wait(timeout=180) == 0
    run = world.last_run()
    assert (run.is_over, run.lease) == (False, "")

    workers.start()

    run = soon(lambda: finished(world), what="the sync")
    assert (run.outcome, run.counters["created"]) == ("success", CLIENTS)
    lists = [one for one in world.requests("GET", path="/clients/clients") if one["query"]["size"] == "200"]
    assert sorted(int(one["query"]["page"]) for one in lists) == list(range(CLIENTS // 200))
    assert violations(world) == []


def test_messages_of_another_version_lose_nothing(workers: Workers, world: World, tmp_path: Path) -> None:
    """F10: a message is only a bell. A task that nobody knows here is complained of, an argument that nobody knows is passed over."""
    workers.log = tmp_path / "worker.log"
    world.connect(run=False)
    ids = {"workspace_id": world.workspace.pk, "connection_id": world.connection.pk}
    app.send_task("integrations.attend_of_tomorrow", kwargs=ids, queue="sync")
    workers.start()
    soon(lambda: "integrations.attend_of_tomorrow" in (tmp_path / "worker.log").read_text(), what="the complaint")
    assert not world.last_run().is_over

    app.send_task("integrations.attend", kwargs=ids | {"of_tomorrow": True}, queue="sync")

    counted(soon(lambda: finished(world), what="the sync"), seen=12, created=12)
