"""ERP data at size: ingest over HTTP, the night, the curve; the floor is COPY of the same rows into logged tables:
for ingest, which must know its keys, with a primary key; for the night without."""

from __future__ import annotations

import csv
import datetime as dt
import http.client
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import orjson
from django.db import connection, connections
from django.utils import timezone

from accounts.domain.tokens import create_token
from accounts.enums import Role
from accounts.models import Membership, User, Workspace
from accounts.scoping import workspace_tx
from crmsync.embedded import ROOT
from crmsync.lib.periods import local_day
from crmsync.lib.workbook import Column, Kind, Workbook
from erp_history.domain import night, windows
from erp_history.domain.abc import CLASS, LOWEST, REVENUE
from erp_history.domain.batch import check_batch, copy_text
from erp_history.domain.dashboard import fetch
from erp_history.domain.days import NET
from erp_history.domain.exports import request_export
from erp_history.domain.formats import Formats
from erp_history.domain.reading import parse
from erp_history.domain.sample import Sample, batches
from erp_history.domain.sources import source_of, zone_of
from erp_history.domain.tables import TABLES, Table
from erp_history.models import ErpRun
from tests.bench.report import Figure, Report, seconds

COMPANIES = int(os.environ.get("BENCH_COMPANIES", "5000"))
TODAY = dt.date(2026, 8, 31)
BATCH = 5000
CLIENTS = 2
CLASSES = f"SELECT {CLASS}, count(*), sum(revenue) FROM unit LEFT JOIN lowest ON true GROUP BY 1 ORDER BY 1"
FROM_INVOICES = REVENUE.format(net=NET, lines="")
Body = tuple[str, bytes]
Copied = tuple[str, list[str], bytes]  # table, columns, text


LAPS = 3
PUSHES = ("all new", "unchanged")


@dataclass(frozen=True, slots=True)
class Lap:
    """Seconds for the same rows: COPY without and with a key, and pushed over HTTP to a workspace that has none of them, then once more."""

    bare: float
    keyed: float
    pushed: dict[str, float]


def measure(report: Report) -> None:
    bodies = [(table, orjson.dumps(rows)) for table, rows in batches(Sample(COMPANIES, 12, TODAY), size=BATCH)]
    ready = [_encoded(body) for body in bodies]
    user = User.objects.create_user("erp@bench.example", "correct horse battery", name="ERP")
    with _server() as port:
        workspace, token = _workspace(user, 1)
        _warm(port, token)
        laps = [_lap(port, token, ready, bodies)]
        _nights(report, workspace, laps[0].bare)
        _excel(report, workspace)
        _curve(report, workspace)
        laps += [_lap(port, _workspace(user, number)[1], ready, bodies) for number in range(2, LAPS + 1)]
    _ingest(report, laps, rows=sum(text.count(b"\n") for _table, _names, text in ready))


def _lap(port: int, token: str, ready: Sequence[Copied], bodies: Sequence[Body]) -> Lap:
    bare, keyed = (min(_copy(ready, keyed=keyed) for _again in range(2)) for keyed in (False, True))
    return Lap(bare, keyed, {push: _push(port, token, bodies) for push in PUSHES})


def _ingest(report: Report, laps: Sequence[Lap], *, rows: int) -> None:
    """The median of the laps. In the first one each web worker meets every table for the first time, and it says so."""
    for push in PUSHES:
        shares = [lap.keyed / lap.pushed[push] for lap in laps]
        speeds = ", ".join(f"{rows / lap.pushed[push]:,.0f} of {rows / lap.keyed:,.0f}" for lap in laps)
        note = f"{rows:,} rows, {CLIENTS} clients, batches of {BATCH}; the first lap, with new workers, and the others: {speeds} rows/s"
        name = f"ERP ingest over HTTP, {push}: share of COPY's speed"
        report.add(Figure(name, statistics.median(shares), "x", 0.5, at_least=True, note=note))


def _nights(report: Report, workspace: Workspace, bare: float) -> None:
    nights = {lap: _night(workspace, TODAY + dt.timedelta(days=later)) for lap, later in (("all new", 0), ("unchanged", 0), ("next", 1))}
    tomorrow = f"the night of the next day, without news: {nights['next'][0] / bare:.2f} x ({nights['next'][1]})"
    for lap, bar, note in (("all new", 4.0, nights["all new"][1]), ("unchanged", 1.0, tomorrow)):
        report.add(Figure(f"ERP night, {lap}", nights[lap][0] / bare, "x COPY", bar, note=note))


def _workspace(user: User, number: int) -> tuple[Workspace, str]:
    workspace = Workspace.objects.create(name="ERP", slug=f"erp-{number}", country="BR", time_zone="America/Sao_Paulo")
    member = Membership.objects.create(workspace=workspace, user=user, role=Role.OWNER)
    _token, text = create_token(member, name="Bench", scopes=["erp"])
    return workspace, text


def _encoded(body: Body) -> Copied:
    batch = check_batch(TABLES[body[0]], parse(body[1], kind="json"), Formats())
    return body[0], list(batch.columns), copy_text(list(batch.columns.values()))


def _copy(ready: Sequence[Copied], *, keyed: bool) -> float:
    """The same batches into logged tables with the contract's columns, each committed; `keyed`: the contract's key is their primary key."""
    with connection.cursor() as cursor:
        for table in TABLES.values():
            columns = ", ".join(f"{column.name} {column.db_type}" for column in table.columns)
            key = f", PRIMARY KEY ({', '.join(table.key)})" if keyed else ""
            cursor.execute(f"DROP TABLE IF EXISTS bench_{table.name}; CREATE TABLE bench_{table.name} ({columns}{key})")
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


def _warm(port: int, token: str) -> None:
    """Each worker has answered before: what a process loads at its first request is not the time of a batch."""

    def client() -> None:
        for _number in range(20):
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            line.request("GET", "/api/v1/erp/", headers={"Authorization": f"Bearer {token}"})
            line.getresponse().read()
            line.close()

    _together(client)


def _together(client: Callable[[], None]) -> None:
    threads = [threading.Thread(target=client) for _number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


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

    spent = seconds(lambda: _together(client))
    if faults:
        raise RuntimeError(faults[0])
    return spent


def _night(workspace: Workspace, today: dt.date) -> tuple[float, str]:
    run, _new = night.request_run(workspace, today=today)
    spent = seconds(lambda: night.advance(workspace, until=float("inf")))
    with workspace_tx(workspace):
        run = ErpRun.objects.get(pk=run.pk)
        if run.outcome != "success":
            raise RuntimeError(run.error)
        return spent, ", ".join(f"{phase.name} {phase.seconds:.1f} s" for phase in run.phases.all() if phase.seconds >= 0.1)


# Prints seconds, cells, and by how many MiB the process grew at most while it made the file.
EXCEL = """
import json, sys, time
import django
django.setup()
from django.conf import settings
from django.db import connections
connections.databases["default"]["NAME"], settings.MEDIA_ROOT = sys.argv[1], sys.argv[3]
from accounts.models import Workspace
from erp_history.domain import exports
workspace = Workspace.objects.get(pk=int(sys.argv[2]))
def peak():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
before, began = peak(), time.perf_counter()
export = exports.advance(workspace)
spent = time.perf_counter() - began
grown = (peak() - before) / 1024
print(json.dumps([export.status, export.error, spent, grown, export.rows, export.size]))
"""


def _excel(report: Report, workspace: Workspace) -> None:
    """A process of its own makes the file, as a worker does; the floor is csv.writer over the same rows, read from the same tables."""
    today = local_day(timezone.now(), zone_of(workspace))
    with tempfile.TemporaryDirectory() as folder:
        laps = [(_csv(workspace, Path(folder, "rows.csv")), _made(workspace, today, folder)) for _lap in range(3)]
        plain, fast = min(_written(Path(folder)) for _lap in range(3))
    floor, (spent, grown, rows, size) = min(lap[0] for lap in laps), min(lap[1] for lap in laps)
    cells = sum(len(table.columns) * _count(workspace, table) for table in TABLES.values())
    note = f"{cells:,} cells, {rows:,} rows: {spent:.1f} s, {cells / spent:,.0f} cells/s, {size / 2**20:.1f} MiB"
    report.add(Figure("Excel of 1,000,000 cells, against csv.writer", fast / plain, "x", 3.0, note=f"{1e6 / fast:,.0f} cells/s"))
    report.add(Figure("Excel file of the history, against reading and csv.writer", spent / floor, "x", 3.0, note=note))
    report.add(Figure("Excel file of the history: memory it takes", grown, "MiB", 100, note="growth of the process at its highest"))


def _written(folder: Path) -> tuple[float, float]:
    """(csv.writer, workbook): 100,000 rows of ten filled cells, texts, numbers, days and moments."""
    day, moment = dt.date(2026, 8, 1), dt.datetime(2026, 8, 1, 12, tzinfo=dt.UTC)
    rows = [(n, f"C{n:06d}", f"Padaria Aurora {n}", "Recife", "PE", Decimal(n) / 4, day, moment, f"m{n}@x.br", n) for n in range(100_000)]
    kinds: list[Kind] = ["number", "text", "text", "text", "text", "number", "date", "moment", "text", "number"]
    ready = [(str(n), c, name, city, uf, str(v), "46235", "46235.5", mail, str(m)) for n, c, name, city, uf, v, _d, _m, mail, m in rows]

    def plain() -> None:
        with (folder / "plain.csv").open("w", newline="") as file:
            csv.writer(file).writerows(rows)

    def fast() -> None:
        with Workbook(folder / "fast.xlsx") as book:
            book.begin("Rows", [Column(kind, kind) for kind in kinds])
            for start in range(0, len(ready), 5000):
                book.write(list(zip(*ready[start : start + 5000], strict=True)))

    return seconds(plain), seconds(fast)


def _count(workspace: Workspace, table: Table) -> int:
    with workspace_tx(workspace):
        return table.model.objects.filter(workspace=workspace).count()


def _csv(workspace: Workspace, path: Path) -> float:
    began = time.perf_counter()
    with path.open("w", newline="") as file, workspace_tx(workspace), connection.cursor() as cursor:
        writer = csv.writer(file)
        for table in TABLES.values():
            cursor.execute(f"SELECT {', '.join(table.names)} FROM {table.db_table} WHERE workspace_id = %s ORDER BY id", [workspace.pk])
            while page := cursor.fetchmany(2000):
                writer.writerows(page)
    return time.perf_counter() - began


def _made(workspace: Workspace, today: dt.date, folder: str) -> tuple[float, float, int, int]:
    with workspace_tx(workspace):
        user = User.objects.get(email="erp@bench.example")
        request_export(workspace, user=user, first=today - dt.timedelta(days=6), last=today, tables=list(TABLES))
    name = str(connection.settings_dict["NAME"])
    command = [sys.executable, "-c", EXCEL, name, str(workspace.pk), folder]
    told = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    if told[0] != "ready":
        raise RuntimeError(told[1])
    return told[2], told[3], told[4], told[5]


def _curve(report: Report, workspace: Workspace) -> None:
    """The classes of all companies, as the dashboard computes them for a window that is not kept; what comes back is how many companies and
    how much revenue each class has.

    Read are the days of the window: what each company bought on a day, net, as the last night wrote it from the invoices (`CompanyDay`: a
    row for each invoice, unless a company has several of one day). They are summed and put in order here: no revenue of a window, no place
    and no class is read. The same from the invoices themselves stands beside it.

    Both sides are one process, as a sequential scan is. With workers the scan is shared among three, and waits less on a machine with other
    work; that share stands beside it too.
    """
    with workspace_tx(workspace), connection.cursor() as cursor:
        source, run, lines = source_of(workspace), ErpRun(workspace=workspace, today=TODAY), _count(workspace, TABLES["itens_nota"])
        for brand, name, bar in (("", "of all companies, from their days", 2.0), ("Kappa", "of one brand, from the lines", 4.0)):
            ahead, values = windows.curve(source, run, months=source.abc_months, brand=brand)
            shared = _best(f"{ahead} {CLASSES}", values) / _scan(workspace)
            cursor.execute("SET LOCAL max_parallel_workers_per_gather TO 0")
            floor, spent = _scan(workspace), _best(f"{ahead} {CLASSES}", values)
            found = {row[0]: row[1] for row in fetch(f"{ahead} {CLASSES}", values)}
            note = f"{spent * 1000:.0f} ms, scan {floor * 1000:.0f} ms of {lines:,} lines; with workers {shared:.2f} x; {found}"
            if not brand:
                note += f"; from the invoices {_best(f'WITH {FROM_INVOICES}, {LOWEST} {CLASSES}', values) / floor:.2f} x"
            cursor.execute("SET LOCAL max_parallel_workers_per_gather TO DEFAULT")
            report.add(Figure(f"ABC curve {name}, against a scan of all lines", spent / floor, "x", bar, note=note))
    connections.close_all()


def _scan(workspace: Workspace) -> float:
    with connection.cursor() as cursor:
        scan = "SELECT sum(valor_total) FROM erp_history_itensnota WHERE workspace_id = %s"
        return min(seconds(lambda: cursor.execute(scan, [workspace.pk])) for _lap in range(5))


def _best(sql: str, values: dict[str, Any]) -> float:
    return min(seconds(lambda: fetch(sql, values)) for _lap in range(5))
