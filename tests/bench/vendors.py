"""A first transfer of e-conomic's customers against its sandbox over HTTP, beside two floors: reading, and reading and writing."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

import requests
from django.conf import settings

from accounts.models import Workspace
from integrations.domain.connect import connect_with_secrets, enable
from integrations.kit.sandbox import Running
from integrations.models import Connection
from integrations.providers.economic.sandbox import Economic
from tests.bench.floor import bare_inserts, elsewhere
from tests.bench.report import Figure, Report, seconds
from tests.bench.sync import run_to_the_end

CUSTOMERS = int(os.environ.get("BENCH_CUSTOMERS", "50000"))
PAGE = 1000
BAR = 2.0


def measure(report: Report) -> None:
    """Every customer, every person of theirs and the invoices come in; the promise's floor reads the customers' pages alone.

    The second floor is what no transfer can go below: all the pages that it reads, and bare inserts of the rows that it leaves.
    """
    vendor = Economic(clients=CUSTOMERS)
    with Running({"economic": vendor}) as server:
        url = f"{server.url}/economic"
        control(url, switches={"limit": 10**9})
        token = control(url, token=True)["token"]["grant_token"]
        floor = min(seconds(lambda: download(url, token)) for _lap in range(3))
        connection = connected(url, token)
        vendor.log.clear()
        began = time.perf_counter()
        run = run_to_the_end(connection)
        took = time.perf_counter() - began
        pages = [(entry["path"], entry["query"]) for entry in vendor.log if entry["method"] == "GET"]
        reading = seconds(lambda: replay(url, token, pages))
    writing = bare_inserts(connection, elsewhere(connection), run.pk)
    seen = run.counters["seen"]
    note = f"{seen:,} records at {seen / took:,.0f} a second; sandbox in the same process"
    report.add(Figure(f"first transfer of {CUSTOMERS:,} customers", took / floor, "x download", BAR, note=note))
    note = f"no promise of the plan; {reading:.2f} s to read {len(pages)} pages, {writing:.2f} s to insert the {seen:,} records bare"
    report.add(Figure("the same against reading and bare inserts", took / (reading + writing), "x both", BAR, note=note))


def control(url: str, **commands: Any) -> dict[str, Any]:
    answer = requests.post(f"{url}/_control", json=commands, timeout=60)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def connected(url: str, token: str) -> Connection:
    names = {"ECONOMIC_REST_URL": f"{url}/rest", "ECONOMIC_OPENAPI_URL": f"{url}/openapi"}
    settings.ENVIRON.update(names | {"ECONOMIC_APP_SECRET_TOKEN": "sandbox", "ECONOMIC_APP_PUBLIC_TOKEN": "sandbox-public"})
    workspace = Workspace.objects.create(name="Books", slug=f"books-{time.time_ns()}", country="DK")
    connection = enable(workspace, "economic", settings={"preview_first": False, "conflict": "crm"}, user=None)
    connect_with_secrets(connection, secrets={"grant_token": token}, user=None)
    return connection


def replay(url: str, token: str, pages: Sequence[tuple[str, Mapping[str, str]]]) -> None:
    """Every page that the transfer has read, parsed and thrown away."""
    with requests.Session() as session:
        session.headers.update({"X-AppSecretToken": "sandbox", "X-AgreementGrantToken": token})
        for path, query in pages:
            answer = session.get(f"{url}{path}", params=query, timeout=60)
            answer.raise_for_status()
            answer.json()


def download(url: str, token: str) -> None:
    """The same pages with the same HTTP library, parsed and thrown away."""
    with requests.Session() as session:
        session.headers.update({"X-AppSecretToken": "sandbox", "X-AgreementGrantToken": token})
        for page in range(-(-CUSTOMERS // PAGE)):
            session.get(f"{url}/rest/customers", params={"pagesize": PAGE, "skippages": page}, timeout=60).json()
