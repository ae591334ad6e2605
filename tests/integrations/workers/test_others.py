"""Workers of one installation serve many workspaces, and PostgreSQL may hang up on them."""

from __future__ import annotations

import time

import pytest
from django.db import connection as database

from integrations.enums import Phase
from integrations.tasks import ring
from tests.fixtures import Cast
from tests.integrations.sync.ledger import violations
from tests.integrations.sync.world import World
from tests.integrations.workers.processes import Workers, finished, soon, soon_finished


def test_a_long_sync_of_one_workspace_does_not_keep_another_waiting(workers: Workers, world: World, cast: Cast) -> None:
    """F58, with one worker for both."""
    world.sandbox.control(reset=True, clients=12_000, suppliers=0, invoices=0)
    world.fail("slow", path="/clients/clients", seconds=1.0)
    world.connect(run=False)
    workers.start()
    ring(world.workspace.pk, world.connection.pk)
    soon(lambda: world.last_run().phase == Phase.FETCH and world.last_run().page >= 1, what="the long one")
    other = World(workspace=cast.elsewhere, user=cast.charlie, sandbox=world.sandbox)
    other.connect(run=False, company="second")
    ring(other.workspace.pk, other.connection.pk)
    soon(lambda: other.last_run().started_at, what="the start of the short one")
    assert not world.last_run().is_over
    soon(lambda: finished(other), what="the short one")
    assert not world.last_run().is_over
    assert violations(other) == [] or len(other.contacts()) == 12


@pytest.mark.parametrize("phase", [Phase.FETCH, Phase.APPLY])
def test_a_connection_to_postgresql_that_is_cut_costs_one_page(workers: Workers, world: World, phase: Phase) -> None:
    """F4."""
    world.sandbox.control(reset=True, clients=2000, suppliers=0, invoices=0)
    world.fail("slow", path="/clients/clients", seconds=0.5)  # ten pages: several stores of about a second each
    world.connect(run=False)
    workers.start()
    workers.beat()
    soon(lambda: world.last_run().phase == phase and world.last_run().done > 0, what=f"the phase {phase}")
    assert hang_up() >= 1
    time.sleep(1)
    run = soon_finished(world)
    assert (run.outcome, run.counters["created"]) == ("success", 2000)
    assert violations(world) == []


def hang_up() -> int:
    """End every other session on the test database."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])
