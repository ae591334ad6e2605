"""The dashboard "Customers by value" at 100,000 companies: how long its page and its chart take, straight from the tables."""

from __future__ import annotations

import os
from collections.abc import Sequence
from time import perf_counter

from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import User, Workspace
from accounts.scoping import SYSTEM, workspace_tx
from erp_history.domain import abc, categories, figures, portfolios, publish, ready
from erp_history.domain.sources import source_of
from erp_history.domain.steps import Step
from erp_history.enums import Outcome, RunStatus
from erp_history.models import ErpPhase, ErpRun, Portfolio
from tests.bench.report import Figure, Report, percentile, seconds
from tests.bench.seed import analyse, seed

COMPANIES = int(os.environ.get("BENCH_DASHBOARD", "100000"))
LAPS = 30
READY_SECONDS = 120.0
BAR_MS = 100.0
COMPANY = """
INSERT INTO erp_history_empresa (workspace_id, filial, excluido, received_at, request_id, codigo_erp, razao_social, situacao)
SELECT %(workspace)s, '', false, now(), 1, 'C' || c.id, c.name, 'A' FROM contacts_contact c WHERE c.workspace_id = %(workspace)s
"""
LINKED = """
INSERT INTO erp_history_erplink (workspace_id, kind, row_id, contact_id, state, reason, candidates, base, request_id, created_at)
SELECT %(workspace)s, 'empresa', e.id, substr(e.codigo_erp, 2)::bigint, 'linked', '', '[]', '{}', 1, now()
FROM erp_history_empresa e WHERE e.workspace_id = %(workspace)s
"""
# Four invoices of three lines for three companies of four: revenue falls with the power that distributors know.
NOTES = """
INSERT INTO erp_history_nota (workspace_id, filial, excluido, received_at, request_id, codigo_erp, codigo_empresa, data_emissao, tipo,
  situacao, valor_total)
SELECT %(workspace)s, '', false, now(), 1, e.codigo_erp || '-' || n, e.codigo_erp, current_date - (1 + (e.id * 31 + n * 83) %% 360)::int,
  'venda', 'autorizada', round((100000000 / power(1 + (e.id * 7919) %% %(companies)s, 1.05) / n)::numeric, 2) + 10
FROM erp_history_empresa e CROSS JOIN generate_series(1, 4) n WHERE e.workspace_id = %(workspace)s AND e.id %% 4 <> 0
"""
LINES = """
INSERT INTO erp_history_itensnota (workspace_id, filial, excluido, received_at, request_id, codigo_nota, item, marca, quantidade,
  valor_total)
SELECT %(workspace)s, '', false, now(), 1, d.codigo_erp, n::text, (ARRAY['Solaris', 'Kappa', 'Brava', 'Litoral'])[1 + (d.id + n) %% 4], 1,
  round(d.valor_total / 3, 2) FROM erp_history_nota d CROSS JOIN generate_series(1, 3) n WHERE d.workspace_id = %(workspace)s
"""
TABLES = ("contactfigures", "companyfigures", "abcresult", "classchange", "empresa", "nota", "itensnota", "erplink")
FINISHED = (figures.step, abc.step, categories.step, portfolios.step, publish.step)


def made() -> Workspace:
    """A workspace as its night leaves it; the night itself is measured elsewhere."""
    workspace = seed("distributor", COMPANIES)
    today = timezone.now().date()
    with workspace_tx(workspace), connection.cursor() as cursor:
        source = source_of(workspace)
        for statement in (COMPANY, LINKED, NOTES, LINES):
            cursor.execute(statement, {"workspace": workspace.pk, "companies": COMPANIES})
        run = ErpRun.objects.create(
            workspace=workspace, today=today, status=RunStatus.DONE, outcome=Outcome.SUCCESS, finished_at=timezone.now()
        )
        for work in FINISHED:
            work(Step(workspace, source, run, ErpPhase(workspace=workspace, run=run), SYSTEM))
        for name in TABLES:
            cursor.execute(f"ANALYZE erp_history_{name}")
    analyse()
    return workspace


def measure(report: Report) -> None:
    workspace = made()
    spent = seconds(lambda: ready.prepare(workspace))
    note = f"{COMPANIES:,} companies, all windows and brands; in the background, the night is over before"
    report.add(Figure("Customers by value, made ready after the night", spent, "s", READY_SECONDS, note=note))
    asked = {
        "": "", ", last 3 months": "?months=3", ", last 24 months": "?months=24", ", one brand": "?brand=Kappa",
        ", one brand, last 6 months": "?brand=Kappa&months=6", ", one portfolio": f"?portfolio={_portfolio(workspace)}",
    }  # fmt: skip
    for name, query in asked.items():
        for member in ("owner", "member"):
            _add(report, workspace, f"{name}, {member}", f"customers/{{}}{query}", member=member, parts=("page", "chart"))
    _add(report, workspace, "", "settings/erp/", member="owner", parts=("General information",))


def _add(report: Report, workspace: Workspace, name: str, path: str, *, member: str, parts: Sequence[str]) -> None:
    """How pages open, the first time after the night among them."""
    client = Client()
    client.force_login(User.objects.get(email=f"{member}@{workspace.slug}.example"))
    client.get(f"/w/{workspace.slug}/")  # a process that has served before
    for part in parts:
        url = f"/w/{workspace.slug}/{path.format('curve/' if part == 'chart' else '')}"
        taken = [_milliseconds(client, url) for _lap in range(LAPS)]
        note = f"{COMPANIES:,} companies; the first after the night {taken[0]:.0f} ms, median {percentile(taken, 0.5):.0f} ms"
        report.add(Figure(f"Customers by value, {part}{name}: p95", percentile(taken, 0.95), "ms", BAR_MS, note=note))


def _milliseconds(client: Client, url: str) -> float:
    began = perf_counter()
    answer = client.get(url)
    spent = perf_counter() - began
    if answer.status_code != 200:
        raise RuntimeError(f"{url}: {answer.status_code}")
    return spent * 1000


def _portfolio(workspace: Workspace) -> int:
    with workspace_tx(workspace):
        return Portfolio.objects.order_by("id").values_list("pk", flat=True)[0]
