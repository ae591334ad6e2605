"""A night whose worker is killed at every border, and in the middle of every step, ends where an undisturbed one ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models

from accounts.models import Workspace
from accounts.scoping import workspace_tx
from contacts.models import Contact, ContactChange, ContactToken
from crmsync.embedded import ROOT
from erp_history.domain import night, viewmode
from erp_history.domain.sample import Sample, batches
from erp_history.domain.tables import TABLES
from erp_history.models import AbcResult, ErpDue, ErpLink, ErpPending, ErpRun, Portfolio
from tests.erp_history.makers import TODAY, run_night
from tests.erp_history.view_mode import Erp, connect
from tests.fixtures import Cast

PAGE = 20
SAMPLE = Sample(companies=12, months=4, today=TODAY, seed=3)
# Numbers of rows, moments and measurements: they differ from one night to the next whatever happens.
OTHERWISE = {"id", "workspace_id", "request_id", "run_id", "snapshot_id", "seconds", "milliseconds", "secrets", "cursor", "at"}
CONTACTS = {"contact_id", "organisation_id", "organisation"}


def test_killed_at_every_border_it_ends_as_an_undisturbed_night(
    cast: Cast, erp_database: Erp, transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, secrets = erp_database
    monkeypatch.setattr(viewmode, "PAGE", PAGE)
    lay_out(database)
    for workspace in (cast.workspace, cast.elsewhere):
        connect(cast, secrets, workspace=workspace)
    for changes in ((), CHANGES):
        for statement in changes:
            database.execute(statement)
        run_night(cast.workspace)
        killed = killed_night(cast.elsewhere)
        assert killed >= {f"{border} {phase}" for phase in night.STEPS for border in ("inside", "after")}
        assert "claimed" in killed
        expected, found = state(cast.workspace), state(cast.elsewhere)
        assert found.keys() == expected.keys()
        for name, rows in expected.items():
            assert found[name] == rows, name
    assert {"Empresa", "Contact", "AbcResult", "ErpLink", "ErpPending", "ErpSnapshot", "ErpRequest", "ErpPhase"} <= {
        name for name, rows in expected.items() if rows
    }


CHANGES = (
    "UPDATE t_empresa SET nome_fantasia = 'Another', data_alteracao = '2026-08-30' WHERE codigo_erp < '000005'",
    "DELETE FROM t_fatura WHERE codigo_erp IN (SELECT codigo_erp FROM t_fatura ORDER BY 1 LIMIT 2)",
    "UPDATE t_nota SET situacao = 'cancelada' WHERE codigo_erp IN (SELECT codigo_erp FROM t_nota ORDER BY 1 LIMIT 5)",
    "DELETE FROM t_vendedor WHERE codigo_erp IN (SELECT codigo_erp FROM t_vendedor ORDER BY 1 LIMIT 1)",
)


def lay_out(database: Any) -> None:
    """The sample as tables and views of an ERP; a line of a note that it has not, and moments of change on the companies."""
    for table, rows in batches(SAMPLE):
        names = sorted({name for row in rows for name in row})
        if table == "itens_nota":
            rows.append({**dict.fromkeys(names), "codigo_nota": "unknown", "item": "1"})
        database.execute(f"CREATE TABLE t_{table} ({', '.join(f'{name} text' for name in names)})")
        with database.cursor() as cursor:
            places = ", ".join(["%s"] * len(names))
            cursor.executemany(f"INSERT INTO t_{table} VALUES ({places})", [[text_of(row.get(name)) for name in names] for row in rows])
        if table == "empresa":
            database.execute("ALTER TABLE t_empresa ADD data_alteracao timestamptz DEFAULT '2026-08-01'")
        database.execute(f"CREATE VIEW vw_crm_{table} AS SELECT * FROM t_{table}")


def text_of(value: Any) -> str | None:
    return None if value is None else str(value)


def killed_night(workspace: Workspace) -> set[str]:
    """The borders at which a worker of this night was killed, until it was over."""
    night.request_run(workspace, today=TODAY)
    command = [sys.executable, "-c", WORKERS, str(connection.settings_dict["NAME"]), workspace.slug, str(PAGE)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "crmsync.settings.test"}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    with workspace_tx(workspace):
        run = ErpRun.objects.order_by("-id")[0]
        assert (run.outcome, run.error) == ("success", ""), done.stderr
    return set(done.stdout.splitlines())


def state(workspace: Workspace) -> dict[str, list[str]]:
    """Everything that the workspace has of the ERP and its contacts, with rows named by what they are."""
    with workspace_tx(workspace):
        names = _names(workspace)
        listed = [*apps.get_app_config("erp_history").get_models(), Contact, ContactChange, ContactToken]
        return {model.__name__: sorted(_row(row, names) for row in model.objects.all()) for model in listed if model is not ErpDue}


def _names(workspace: Workspace) -> dict[tuple[str, int], str]:
    """(kind, number of a row) -> what it is."""
    found = {("contact", contact.pk): f"{contact.name} {contact.tax_id}" for contact in Contact.objects.all()}
    found |= {("portfolio", portfolio.pk): portfolio.code for portfolio in Portfolio.objects.all()}
    for name, table in TABLES.items():
        found |= {(name, row.pk): row.key for row in table.model.objects.filter(workspace=workspace)}
    return found


def _row(row: models.Model, names: Mapping[tuple[str, int], str]) -> str:
    fields = [field for field in row._meta.concrete_fields if field.attname not in OTHERWISE]
    kept = [field for field in fields if not isinstance(field, models.DateTimeField) or field.attname == "data_alteracao"]
    return str({field.attname: _shown(field.attname, getattr(row, field.attname), names, tables=_tables(row)) for field in kept})


def _tables(row: models.Model) -> dict[str, str]:
    """Name of a field -> whose numbers stand in it."""
    found = dict.fromkeys(CONTACTS, "contact") | {"company_id": "empresa", "portfolio_id": "portfolio", "portfolio": "portfolio"}
    if isinstance(row, ErpLink):
        found["row_id"] = row.kind
    elif isinstance(row, ErpPending):
        found["row_id"] = row.table
    elif isinstance(row, AbcResult) and row.grouping == "portfolio":
        found["key"] = "portfolio"
    return found


def _shown(name: str, value: Any, names: Mapping[tuple[str, int], str], *, tables: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _shown(key, each, names, tables=tables) for key, each in sorted(value.items()) if key not in {"at", "seconds"}}
    if isinstance(value, list):
        return [_shown(name, each, names, tables=tables) for each in value]
    if name not in tables or not str(value).isdigit():
        return value
    return names.get((tables[name], int(value)), value)


# Forks a worker again and again: one dies as soon as it holds the night, the next ones in the middle of a step, before its commit, and
# right after it. Nothing touches the database before the fork. PostgreSQL may need a moment to notice that a worker is dead: until then
# its rows are locked, and the next worker finds nothing to do.
WORKERS = """
import os, signal, sys, time
import django
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
django.setup()
from accounts.models import Workspace
from erp_history.domain import night, viewmode

def die(border):
    os.write(1, f"{border}\\n".encode())
    os.kill(os.getpid(), signal.SIGKILL)

def in_the_middle(work):
    def run(step):
        work(step)
        die(f"inside {step.phase.name}")
    return run

def work(border):
    viewmode.PAGE = int(sys.argv[3])
    if border == "claimed":
        night._fetch = lambda *_arguments: die("claimed")
    if border == "inside":
        night.STEPS = {name: in_the_middle(work) for name, work in night.STEPS.items()}
    workspace = Workspace.objects.get(slug=sys.argv[2])
    run = night.advance(workspace, until=float("inf"), on_step=lambda step: die(f"after {step.phase.name}"))
    return OVER if run is not None else NOTHING

OVER, FAILED, NOTHING = 0, 1, 2
border, began, code = "claimed", time.monotonic(), NOTHING
while code not in (OVER, FAILED) and time.monotonic() < began + 300:
    worker = os.fork()
    if not worker:
        code = FAILED
        try:
            code = work(border)
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
    if code == NOTHING:
        time.sleep(0.05)
    else:
        border = "inside" if border != "inside" else "after"
sys.exit(code != OVER)
"""
