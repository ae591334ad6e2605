"""ERP data at size: ingest over HTTP, the night, the curve; the floor is COPY of the same rows into plain logged tables."""

from __future__ import annotations

import datetime as dt
import http.client
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from queue import Empty, SimpleQueue

import orjson
from django.db import connection, connections

from accounts.domain.tokens import create_token
from accounts.enums import Role
from accounts.models import Membership, User, Workspace
from accounts.scoping import workspace_tx
from crmsync.embedded import ROOT
from erp_history.domain import abc, night
from erp_history.domain.batch import check_batch, copy_text
from erp_history.domain.formats import Formats
from erp_history.domain.reading import parse
from erp_history.domain.sample import Sample, batches
from erp_history.domain.sources import source_of
from erp_history.domain.tables import TABLES
from erp_history.models import ErpRun
from tests.bench.report import Figure, Report, seconds

COMPANIES = int(os.environ.get("BENCH_COMPANIES", "5000"))
TODAY = dt.date(2026, 8, 31)
BATCH = 5000
CLIENTS = 2
Body = tuple[str, bytes]


def measure(report: Report) -> None:
    workspace, token = _workspace()
    bodies = [(table, orjson.dumps(rows)) for table, rows in batches(Sample(COMPANIES, 12, TODAY), size=BATCH)]
    ready = [_encoded(body) for body in bodies]
    rows = sum(text.count(b"\n") for _table, _names, text in ready)
    floor = min(_copy(ready) for _lap in range(3))
    with _server() as port:
        taken = {lap: _push(port, token, bodies) for lap in ("all new", "unchanged")}
    for lap, spent in taken.items():
        note = f"{rows:,} rows, {CLIENTS} clients, batches of {BATCH}: {rows / spent:,.0f} rows/s; COPY {rows / floor:,.0f}"
        report.add(Figure(f"ERP ingest over HTTP, {lap}: share of COPY's speed", floor / spent, "x", 0.5, at_least=True, note=note))
    for lap, bar in (("all new", 4.0), ("unchanged", 1.0)):
        note = _night(workspace)
        report.add(Figure(f"ERP night, {lap}", note[0] / floor, "x COPY", bar, note=note[1]))
    _curve(report, workspace)


def _workspace() -> tuple[Workspace, str]:
    user = User.objects.create_user("erp@bench.example", "correct horse battery", name="ERP")
    workspace = Workspace.objects.create(name="ERP", slug="erp", country="BR", time_zone="America/Sao_Paulo")
    member = Membership.objects.create(workspace=workspace, user=user, role=Role.OWNER)
    _token, text = create_token(member, name="Bench", scopes=["erp"])
    return workspace, text


def _encoded(body: Body) -> tuple[str, list[str], bytes]:
    batch = check_batch(TABLES[body[0]], parse(body[1], kind="json"), Formats())
    return body[0], list(batch.columns), copy_text(list(batch.columns.values()))


def _copy(ready: Sequence[tuple[str, list[str], bytes]]) -> float:
    with connection.cursor() as cursor:
        for table in TABLES.values():
            columns = ", ".join(f"{column.name} {column.db_type}" for column in table.columns)
            cursor.execute(f"DROP TABLE IF EXISTS bench_{table.name}; CREATE TABLE bench_{table.name} ({columns})")
        began = time.perf_counter()
        for name, names, text in ready:
            with cursor.copy(f"COPY bench_{name} ({', '.join(names)}) FROM STDIN") as copy:
                copy.write(text)
        return time.perf_counter() - began


@contextmanager
def _server() -> Iterator[int]:
    """Two web workers on the benchmark's database."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    name = str(connection.settings_dict["NAME"])
    url = re.sub(r"/[^/?]+(\?|$)", rf"/{name}\1", os.environ["DATABASE_URL"], count=1)
    environment = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "crmsync.settings.base", "API_RATE": "100000/min"}
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "--workers",
        str(CLIENTS),
        "--bind",
        f"127.0.0.1:{port}",
        "--timeout",
        "300",
        "crmsync.wsgi",
    ]
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(port)
        yield port
    finally:
        server.terminate()
        server.wait()


def _wait(port: int) -> None:
    for _try in range(600):
        try:
            http.client.HTTPConnection("127.0.0.1", port, timeout=5).request("GET", "/healthz")
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the web server did not start")


def _push(port: int, token: str, bodies: Sequence[Body]) -> float:
    waiting: SimpleQueue[Body] = SimpleQueue()
    for body in bodies:
        waiting.put(body)
    faults: list[str] = []

    def client() -> None:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        while True:
            try:
                table, body = waiting.get_nowait()
            except Empty:
                line.close()
                return
            line.request("POST", f"/api/v1/erp/{table}/", body, {"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
            answer = line.getresponse()
            text = answer.read()
            if answer.status != 200:
                faults.append(text.decode(errors="replace")[:300])

    threads = [threading.Thread(target=client) for _number in range(CLIENTS)]
    spent = seconds(lambda: [*(thread.start() for thread in threads), *(thread.join() for thread in threads)])
    if faults:
        raise RuntimeError(faults[0])
    return spent


def _night(workspace: Workspace) -> tuple[float, str]:
    run, _new = night.request_run(workspace, today=TODAY)
    spent = seconds(lambda: night.advance(workspace, until=float("inf")))
    with workspace_tx(workspace):
        run = ErpRun.objects.get(pk=run.pk)
        if run.outcome != "success":
            raise RuntimeError(run.error)
        return spent, ", ".join(f"{phase.name} {phase.seconds:.1f} s" for phase in run.phases.all() if phase.seconds >= 0.1)


def _curve(report: Report, workspace: Workspace) -> None:
    with workspace_tx(workspace), connection.cursor() as cursor:
        scan = "SELECT sum(valor_total) FROM erp_history_itensnota WHERE workspace_id = %s"
        floor = min(seconds(lambda: cursor.execute(scan, [workspace.pk])) for _lap in range(3))
        source = source_of(workspace)
        spent = {
            brand: min(seconds(lambda name=brand: abc.curve(workspace, source, TODAY, brand=name)) for _lap in range(3))
            for brand in ("", "Kappa")
        }
    for brand, bar in (("", 2.0), ("Kappa", 4.0)):
        name = "ABC curve of one brand, from the lines" if brand else "ABC curve of all companies, from the invoices"
        report.add(Figure(f"{name}, against a scan of all lines", spent[brand] / floor, "x", bar, note=f"{spent[brand] * 1000:.0f} ms"))
    connections.close_all()
