"""The door for a vendor's calls: a burst of 1,000, two at a time, each answered before anything is done about it."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from django.db import connections
from django.test import Client

from accounts.models import Workspace
from accounts.scoping import workspace_tx
from crmsync.lib.crypto import digest
from integrations.enums import ConnectionStatus
from integrations.models import Connection, Hint, HookDoor
from integrations.providers.economic.manifest import MANIFEST
from tests.bench.report import Figure, Report

CALLS, AT_ONCE = 1_000, 2
BAR = 50.0  # milliseconds


def measure(report: Report) -> None:
    connection = prepared()
    took = call_all(f"/hooks/{connection.provider}/{connection.hook_key}/")
    with workspace_tx(connection.workspace):
        noted = Hint.objects.filter(connection=connection).count()
    note = f"{CALLS:,} calls about {noted:,} customers, {AT_ONCE} at a time, {CALLS / (sum(took) / AT_ONCE):,.0f} a second"
    report.add(Figure("webhook answered, p95", statistics.quantiles(took, n=20)[-1] * 1000, "ms", BAR, note=note))


def prepared() -> Connection:
    workspace = Workspace.objects.create(name="Hooks", slug=f"hooks-{time.time_ns()}")
    with workspace_tx(workspace):
        connection = Connection.objects.create(workspace=workspace, provider=MANIFEST.key, status=ConnectionStatus.PAUSED)
        HookDoor.objects.create(connection=connection, workspace=workspace, key_digest=digest(connection.hook_key))
    connection.workspace = workspace
    return connection


def call_all(address: str) -> list[float]:
    numbers = range(1, CALLS + 1)
    shares = [list(itertools.islice(numbers, at, None, AT_ONCE)) for at in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [each for share in pool.map(lambda mine: list(call(address, mine)), shares) for each in share]


def call(address: str, numbers: list[int]) -> Iterator[float]:
    client = Client()
    for number in numbers:
        started = time.perf_counter()
        answer = client.get(f"{address}?old={number % 700}&new={number % 700}")
        yield time.perf_counter() - started
        assert answer.status_code == 200
    connections.close_all()
