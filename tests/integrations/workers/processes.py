"""Real workers beside the tests: Celery processes on the test database, and a bell that rings every half second, not every minute."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.db import connection as database
from django.utils import timezone

from crmsync.embedded import ROOT
from integrations.models import Outbox, Run, Wake
from tests.ground.processes import descendants
from tests.integrations.sync.world import World

TICKING = """
import time, django
django.setup()
from django.db import Error, connection
from integrations.tasks import tick
while True:
    try:
        tick()
    except Error:
        pass  # as a worker's: the next minute's look is another one
    connection.close()
    time.sleep({pause})
"""


@dataclass
class Workers:
    """Everything that was started; ended with the test."""

    world: World
    redis_url: str = ""
    more: dict[str, str] = field(default_factory=dict)
    log: Path | None = None
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        parts = urlsplit(os.environ["DATABASE_URL"])
        url = urlunsplit(parts._replace(path=f"/{database.settings_dict['NAME']}"))
        redis = {"REDIS_URL": self.redis_url} if self.redis_url else {}
        return os.environ | self.world.sandbox.env | {"DATABASE_URL": url, "OUTBOUND_ALLOW_PRIVATE": "1"} | redis | self.more

    def start(self, *, pool: str = "prefork") -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "celery", "--app", "crmsync", "worker", "--pool", pool, "--concurrency", "1"]
        name = ["--queues", "default,sync", "--hostname", f"{uuid.uuid4().hex}@here", "--without-gossip", "--without-mingle"]
        return self._run([*command, *name, "--loglevel", "WARNING"])

    def beat(self, *, pause: float = 0.5) -> subprocess.Popen[bytes]:
        return self._run([sys.executable, "-c", TICKING.format(pause=pause)])

    def _run(self, command: list[str]) -> subprocess.Popen[bytes]:
        with open(self.log or os.devnull, "ab") as kept:
            out = kept if "SHOW_WORKERS" not in os.environ else None
            process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=out, stderr=out)
        self.running.append(process)
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """kill -9 it and everything that it has started."""
        for pid in (*descendants(process.pid), process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()

    def end(self) -> None:
        for process in self.running:
            if process.poll() is None:
                self.kill(process)


@contextmanager
def workers_of(world: World, **more: str) -> Iterator[Workers]:
    workers = Workers(world, more=more)
    try:
        yield workers
    finally:
        workers.end()


def time_passes(world: World) -> None:
    """The two minutes go by after which a dead worker's lease, and its row, are free."""
    past = timezone.now() - timedelta(seconds=1)
    with world.open():
        Run.objects.filter(connection=world.connection).exclude(lease="").update(lease_until=past)
        Outbox.objects.filter(connection=world.connection, state="SENDING").update(sending_since=past - timedelta(minutes=6))
        Wake.objects.filter(connection=world.connection).update(at=past)


def soon(so: Callable[[], Any], *, seconds: float = 240.0, what: str = "it") -> Any:
    """Wait until something is so and give it, or fail."""
    deadline = time.monotonic() + seconds
    while not (found := so()):
        assert time.monotonic() < deadline, f"{what} took more than {seconds} seconds"
        time.sleep(0.02)
    return found


def soon_finished(world: World, *, seconds: float = 240.0) -> Run:
    """Wait for the end of the run, with the clock of leases and bells put forward now and then."""
    deadline = time.monotonic() + seconds
    while not (run := world.last_run()).is_over:
        assert time.monotonic() < deadline, f"the sync took more than {seconds} seconds"
        time_passes(world)
        for _ in range(100):
            time.sleep(0.05)
            if world.last_run().is_over:
                break
    return run


def finished(world: World) -> Run | None:
    run = world.last_run()
    return run if run.is_over else None
