"""The synchroniser against the sandbox over HTTP: a first sync, syncs without changes, and memory."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings

from accounts.models import Workspace
from accounts.scoping import workspace_tx
from integrations.domain.advance import advance
from integrations.domain.connect import connect_with_secrets, enable
from integrations.domain.runs import current_run, request_run
from integrations.enums import Outcome, RunKind
from integrations.models import Connection, Run
from tests.bench.floor import bare_inserts, elsewhere
from tests.bench.report import Figure, Report, median, seconds

CLIENTS = 10_000
ROUNDS = 7
MEMORY_BAR = 150.0  # MiB


def measure(report: Report) -> None:
    """First sync and no-change sync of 10,000 clients; memory from 1,000 to 50,000."""
    with sandbox(CLIENTS) as url:
        token = control(url, token=True)["token"]
        connection = connected(url, token)
        began = time.perf_counter()
        run = run_to_the_end(connection)
        took = time.perf_counter() - began
        bare = bare_inserts(connection, elsewhere(connection), run.pk)
        note = f"history, links, search words on; {took / bare:.1f} x the bare inserts of the same rows"
        report.add(Figure("first sync of 10,000 clients", CLIENTS / took, "records/s", 1000, at_least=True, note=note))
        pairs = [(seconds(lambda: download(url, token)), seconds(lambda: resync(connection))) for _ in range(ROUNDS)]
        ratio = median([sync / floor for floor, sync in pairs])
        floor, sync = median([p[0] for p in pairs]), median([p[1] for p in pairs])
        note = f"{sync:.3f} s against {floor:.3f} s to download and parse the pages"
        report.add(Figure("no-change sync of 10,000 clients", ratio, "x download", 2.0, note=note))
    for clients in (1_000, 50_000):
        used = memory_of_a_first_sync(clients)
        report.add(Figure(f"memory of a first sync of {clients:,} clients", used, "MiB", MEMORY_BAR, note="a worker process of its own"))


@contextmanager
def sandbox(clients: int) -> Iterator[str]:
    """The sandbox as a process of its own, as in the demo."""
    port = free_port()
    command = [sys.executable, "-m", "integrations.kit.sandbox", "--port", str(port), "--clients", str(clients)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}/crunch/books")
        yield f"http://127.0.0.1:{port}/crunch"
    finally:
        process.terminate()
        process.wait(10)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str) -> None:
    for _ in range(200):
        try:
            requests.get(url, timeout=5)
        except requests.ConnectionError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(url)


def control(url: str, **commands: Any) -> dict[str, Any]:
    answer = requests.post(f"{url}/_control", json=commands, timeout=60)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def connected(url: str, token: dict[str, Any]) -> Connection:
    names = {"CRUNCH_API_URL": f"{url}/v1", "CRUNCH_AUTHORIZE_URL": f"{url}/oauth/authorize", "CRUNCH_TOKEN_URL": f"{url}/oauth/token"}
    settings.ENVIRON.update(names | {"CRUNCH_CLIENT_ID": "sandbox", "CRUNCH_CLIENT_SECRET": "sandbox"})
    workspace = Workspace.objects.create(name="Bench", slug=f"bench-{time.time_ns()}")
    connection = enable(workspace, "crunch", settings={}, user=None)
    secrets = {"access_token": token["access_token"], "refresh_token": token["refresh_token"]}
    connect_with_secrets(connection, secrets=secrets, user=None)
    return connection


def resync(connection: Connection) -> None:
    request_run(connection, kind=RunKind.MANUAL)
    run = run_to_the_end(connection)
    if run.counters["unchanged"] != run.counters["seen"]:
        raise AssertionError(f"the sync without changes changed something: {run.counters}")


def run_to_the_end(connection: Connection) -> Run:
    with workspace_tx(connection.workspace):
        run = current_run(connection)
    if run is None:
        raise AssertionError("there is no run")
    while advance(run):
        pass
    if run.outcome not in {Outcome.SUCCESS, Outcome.PARTIAL}:
        raise AssertionError(f"{run.outcome}: {run.reason} {run.detail}")
    return run


def download(url: str, token: dict[str, Any]) -> None:
    """The floor: the same pages with the same HTTP library, parsed and thrown away."""
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token['access_token']}"
        for path in ("clients/clients", "invoices/"):
            page, last = 0, False
            while not last:
                body = session.get(f"{url}/v1/{path}", params={"page": page, "size": 200}, timeout=30).json()
                page, last = page + 1, body["last"]


def memory_of_a_first_sync(clients: int) -> float:
    """Peak MiB of a process that does nothing but a first sync."""
    with sandbox(clients) as url:
        environment = os.environ | {"BENCH_URL": url, "DATABASE_URL": database_url()}
        command = [sys.executable, "-m", "tests.bench.first_sync"]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout.strip().rpartition("\n")[2])


def database_url() -> str:
    """The benchmark's database, for a process that connects as to any other."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    # Put together by hand: urlunsplit drops the empty host of a socket's address.
    return f"{parts.scheme}://{parts.netloc}/{settings.DATABASES['default']['NAME']}?{parts.query}"


def peak_memory() -> float:
    """Of this process alone: getrusage would also remember the process that started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024
