"""Redis or PostgreSQL are away for a while. People who edit meanwhile notice at most a pause, and afterwards nothing is missing."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from django.db import connection as database
from psycopg import sql

from accounts.domain.tokens import create_token
from accounts.models import Membership
from contacts.models import Contact
from crmsync.embedded import ROOT
from crmsync.embedded_redis import Redis
from integrations.enums import Phase
from integrations.models import Outbox
from tests.integrations.sync.ledger import missing, violations
from tests.integrations.sync.world import World
from tests.integrations.workers.processes import Workers, soon, soon_finished, time_passes
from tests.integrations.workers.test_bell import CLIENTS, bell, reading, slow_sync

__all__ = ["bell"]
log = logging.getLogger(__name__)
AWAY = 8.0
EMAIL = "while@away.example"
# A person waits no longer for an edit; without an outage it takes a fraction of a second.
PATIENCE_SECONDS = 15.0
# Somebody's browser and its web process, which has the Redis of the workers.
EDIT = """
import sys, time, django
django.setup()
from django.test import Client
client = Client(headers={"Authorization": "Bearer " + sys.argv[1]})
body = '{"emails": [{"label": "", "email": "%s"}]}' % sys.argv[3]
since = time.monotonic()
answer = client.patch(f"/api/v1/contacts/{sys.argv[2]}/", body, content_type="application/json")
print(answer.status_code, time.monotonic() - since)
"""


def edit_in_another_process(workers: Workers, contact_id: int, email: str) -> tuple[int, float]:
    """The answer, and the seconds until it came."""
    world = workers.world
    with world.open():
        membership = Membership.objects.select_related("workspace", "user").get(user=world.user, workspace=world.workspace)
        _row, token = create_token(membership, name="Test", scopes=["read", "write"])
    command = [sys.executable, "-c", EDIT, token, str(contact_id), email]
    environment = workers.environment | {"DJANGO_SETTINGS_MODULE": "crmsync.settings.test"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    status, seconds = done.stdout.split()
    return int(status), float(seconds)


@dataclass(frozen=True)
class Outage:
    """What somebody was told who edited meanwhile, what waited then, and what it came to."""

    told: int
    told_in_time: bool
    waited: list[int | None]
    outcome: str
    waits: list[Outbox]
    missing: list[str]
    violations: list[str]


def redis_goes_away(workers: Workers, world: World, bell: Redis, *, seconds: float) -> tuple[Outage, Contact]:
    """In the middle of a sync; a contact that is here already is edited meanwhile. Nothing brings Redis back before that is answered."""
    workers.redis_url = bell.ensure()
    world.connect()
    contact = world.contact("Bluebell Joinery")
    world.sandbox.control(reset=True, clients=CLIENTS, suppliers=0, invoices=0)
    world.fail("slow", path="/clients/clients", seconds=0.3)
    world.sync_soon()
    workers.start()
    workers.beat()
    soon(lambda: reading(world), what="the first page")
    os.kill(json.loads(bell.state.read_text())["pid"], signal.SIGKILL)
    gone = time.monotonic()
    told, took = edit_in_another_process(workers, contact.pk, EMAIL)
    log.info("answered after %.1f s", took)
    waited = [row.contact_id for row in world.outbox()]
    time.sleep(max(0.0, seconds - (time.monotonic() - gone)))
    bell.ensure()
    outcome = soon_finished(world).outcome
    time_passes(world)
    soon(lambda: world.clients()[1002]["email"] == EMAIL, what="the edit")
    soon(lambda: not world.outbox(), what="its answer")
    return Outage(
        told, took < PATIENCE_SECONDS, waited, outcome, world.outbox(), missing(world, {(1002, "email"): EMAIL}), violations(world)
    ), contact


def test_redis_away_for_a_while(workers: Workers, world: World, bell: Redis) -> None:
    """F3. For a minute: tests/soak."""
    found, contact = redis_goes_away(workers, world, bell, seconds=AWAY)
    assert found == Outage(told=200, told_in_time=True, waited=[contact.pk], outcome="success", waits=[], missing=[], violations=[])


def test_postgresql_away_for_a_while(workers: Workers, world: World) -> None:
    """F4: as at a restart, everybody is thrown out and nobody gets in."""
    slow_sync(world)
    workers.start()
    workers.beat()
    soon(lambda: world.last_run().phase == Phase.FETCH and world.last_run().page >= 1, what="the first page")
    with closed_database():
        time.sleep(AWAY)
    run = soon_finished(world)
    assert (run.outcome, run.counters["created"]) == ("success", CLIENTS)
    assert len(world.links(state="LINKED")) == len(world.contacts()) == CLIENTS
    assert violations(world) == []


@contextmanager
def closed_database() -> Iterator[None]:
    """Closed from the database beside it; the session of the test itself stays."""
    name, mine = str(database.settings_dict["NAME"]), database.connection.info.backend_pid
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as beside:
        beside.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
        try:
            beside.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND usename = current_user AND pid <> %s",
                [name, mine],
            )
            yield
        finally:
            beside.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(sql.Identifier(name)))
