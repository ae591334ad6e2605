"""View mode against a real PostgreSQL over TCP: pages, moments of change, what is gone, and what is wrong named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.test import Client

from accounts.scoping import workspace_tx
from erp_history.domain import night, viewmode
from erp_history.domain.complaints import CannotRead
from erp_history.domain.openers import open_reader
from erp_history.domain.sources import source_of
from erp_history.domain.steps import Step
from erp_history.domain.vault import read_secrets
from erp_history.enums import Phase
from erp_history.models import Empresa, ErpPhase, ErpRequest, ErpRun, Fatura
from tests.erp_history.makers import TODAY, confirm, run_night
from tests.erp_history.view_mode import Erp, connect, failed_night, go_on_reading, read_views
from tests.fixtures import Cast

DATABASE = "/w/hartwell/settings/erp/connection/database/"


COMPANIES = """
CREATE TABLE clientes (cod text, nome text, limite numeric, alterado timestamptz);
CREATE VIEW vw_crm_empresa AS SELECT cod AS codigo_erp, nome AS razao_social, limite AS limite_credito, alterado AS data_alteracao
FROM clientes
"""
RECEIVABLES = """
CREATE TABLE titulos (cod text, valor numeric, vence date);
CREATE VIEW vw_crm_fatura AS SELECT cod AS codigo_erp, 'C1' AS codigo_empresa, vence AS data_vencimento, valor, valor AS saldo FROM titulos
"""


def test_views_are_read_in_pages_and_then_from_the_newest_moment_on(
    cast: Cast, alice: Client, erp_database: Erp, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, secrets = erp_database
    monkeypatch.setattr(viewmode, "PAGE", 10)
    for statement in (*COMPANIES.split(";\n"), *RECEIVABLES.split(";\n")):
        database.execute(statement)
    database.execute(
        "INSERT INTO clientes SELECT 'C' || n, 'Company ' || n, n * 1.25, '2026-08-01'::date + n FROM generate_series(1, 25) n"
    )
    database.execute("INSERT INTO titulos VALUES ('F1', 10.5, '2026-09-01'), ('F2', 20, '2026-09-02')")
    source = connect(cast, secrets)
    assert "hunter2" not in source.secrets
    run_night(cast.workspace)

    with workspace_tx(cast.workspace):
        assert Empresa.objects.count() == 25
        assert str(Empresa.objects.get(codigo_erp="C25").limite_credito) == "31.250000"
        assert [row.received for row in ErpRequest.objects.filter(table="empresa").order_by("id")] == [10, 10, 5]
        assert sorted(Fatura.objects.filter(gone_at=None).values_list("codigo_erp", flat=True)) == ["F1", "F2"]
        source.refresh_from_db()
        assert source.watermarks["empresa"].startswith("2026-08-26")
    database.execute("UPDATE clientes SET nome = 'Changed', alterado = '2026-08-30' WHERE cod = 'C3'")
    database.execute("DELETE FROM titulos WHERE cod = 'F1'")
    run_night(cast.workspace)

    with workspace_tx(cast.workspace):
        assert Empresa.objects.get(codigo_erp="C3").razao_social == "Changed"
        last = ErpRequest.objects.filter(table="empresa").order_by("-id").first()
        assert last is not None
        assert (last.received, last.updated, last.unchanged) == (2, 1, 1)
        assert list(Fatura.objects.filter(gone_at=None).values_list("codigo_erp", flat=True)) == ["F2"]
    listed = alice.get("/w/hartwell/settings/erp/history/", {"tables": "empresa"}).content.decode()
    assert listed.count(f"View, run {last.run_id}") == 1
    page = alice.get(f"/w/hartwell/settings/erp/history/{last.pk}/").content.decode()
    assert f"/w/hartwell/settings/erp/runs/{last.run_id}/" in page
    assert "Changed" in page, "what was read is there"


def test_a_renamed_column_is_named_and_the_rest_waits(cast: Cast, erp_database: Erp) -> None:
    database, secrets = erp_database
    database.execute("CREATE VIEW vw_crm_empresa AS SELECT 'C1' AS codigo_erp, 'x' AS nome_novo")
    source = connect(cast, secrets)

    assert "vw_crm_empresa" in failed_night(cast).error
    assert "razao_social" in failed_night(cast).error
    found = viewmode.test_connection(source, read_secrets(source))
    assert ("razao_social" in found["empresa"], found["nota"]) == (True, "not there, or this user may not read it")


def test_a_line_that_breaks_loses_nothing_and_the_next_start_goes_on(
    cast: Cast, erp_database: Erp, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, secrets = erp_database
    door = secrets["door"]
    if door is None:
        pytest.fail("this test needs the embedded server")
    monkeypatch.setattr(viewmode, "PAGE", 100)
    for statement in COMPANIES.split(";\n"):
        database.execute(statement)
    database.execute("INSERT INTO clientes SELECT 'C' || n, repeat('x', 100), n, NULL FROM generate_series(1, 1000) n")
    connect(cast, secrets)
    door.bytes_left = 60_000
    run = failed_night(cast)
    with workspace_tx(cast.workspace):
        stored = Empresa.objects.count()
        assert 0 < stored < 1000
        assert run.error
    door.bytes_left = -1
    run_night(cast.workspace)
    with workspace_tx(cast.workspace):
        assert Empresa.objects.count() == 1000


def test_rows_without_branch_or_moment_are_read_too(cast: Cast, erp_database: Erp, monkeypatch: pytest.MonkeyPatch) -> None:
    database, secrets = erp_database
    monkeypatch.setattr(viewmode, "PAGE", 2)
    database.execute("CREATE TABLE clientes (filial text, codigo_erp text, razao_social text, data_alteracao timestamptz)")
    database.execute("CREATE VIEW vw_crm_empresa AS SELECT * FROM clientes")
    database.execute(
        "INSERT INTO clientes SELECT CASE WHEN n < 4 THEN '01' END, 'C' || n, 'x', CASE WHEN n > 2 THEN now() END"
        " FROM generate_series(1, 7) n"
    )
    connect(cast, secrets)
    read_views(cast)
    database.execute("UPDATE clientes SET razao_social = 'y'")
    read_views(cast)
    with workspace_tx(cast.workspace):
        assert sorted(Empresa.objects.filter(razao_social="y").values_list("filial", "codigo_erp")) == [
            ("", "C4"), ("", "C5"), ("", "C6"), ("", "C7"), ("01", "C1"), ("01", "C2"), ("01", "C3"),
        ]  # fmt: skip


def test_the_session_reads_in_time_and_says_what_is_wrong(erp_database: Erp) -> None:
    database, secrets = erp_database
    database.execute("CREATE VIEW vw_crm_empresa AS SELECT pg_sleep(60)::text AS codigo_erp")
    with open_reader("postgresql", secrets, seconds=1) as reader:
        with pytest.raises(CannotRead, match="took too long"):
            reader.rows("vw_crm_empresa", ["codigo_erp"], order=["codigo_erp"], after=[], since=None, limit=10)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            reader.connection.execute("CREATE TABLE anything (id int)")
        with pytest.raises(CannotRead, match="may not read"):
            reader.columns("pg_authid")
        assert reader.columns("vw_crm_nota") is None
    for changed, words in (({"database": "nowhere"}, "no such database"), ({"tls": True}, "No encrypted connection")):
        with pytest.raises(CannotRead, match=words), open_reader("postgresql", secrets | changed):
            pass


def test_a_host_inside_the_house_is_not_reached_unless_the_deployment_allows_it(cast: Cast, settings: Any) -> None:
    settings.OUTBOUND_ALLOW_PRIVATE = False
    with workspace_tx(cast.workspace):
        source = source_of(cast.workspace)
    for host in ("127.0.0.1", "169.254.169.254", "10.0.0.1", "/var/run", ""):
        with pytest.raises(CannotRead):
            viewmode.test_connection(source, {"host": host, "database": "x", "user": "x", "password": "hunter2"})


def test_a_connection_saved_while_it_is_read_is_read_from_the_beginning(
    cast: Cast, alice: Client, erp_database: Erp, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, secrets = erp_database
    monkeypatch.setattr(viewmode, "PAGE", 2)
    database.execute("CREATE SCHEMA other")
    for schema, letter in (("public", "A"), ("other", "B")):
        database.execute(f"CREATE TABLE {schema}.clientes (codigo_erp text, razao_social text, data_alteracao timestamptz)")
        database.execute(f"CREATE VIEW {schema}.vw_crm_empresa AS SELECT * FROM {schema}.clientes")
        database.execute(f"INSERT INTO {schema}.clientes SELECT 'C' || n, '{letter}', '2026-08-01' FROM generate_series(1, 5) n")
    source = connect(cast, secrets)
    with workspace_tx(cast.workspace):
        run = ErpRun.objects.create(workspace=cast.workspace, kind="manual", today=TODAY, status="done")
        phase = ErpPhase.objects.create(workspace=cast.workspace, run=run, name=Phase.IMPORT, position=0)

    def read_one(*, meanwhile: Callable[[], object] = lambda: None) -> None:
        with workspace_tx(cast.workspace):
            known = source_of(cast.workspace)
        page = viewmode.fetch(known, phase.cursor)
        meanwhile()
        with workspace_tx(cast.workspace, origin=night.ORIGIN):
            viewmode.step(Step(cast.workspace, known, run, phase, origin=night.ORIGIN, fetched=page))
            phase.save()

    def save_another() -> None:
        confirm(alice)
        form = {name: value for name, value in secrets.items() if name not in {"door", "tls"}}
        answer = alice.post(DATABASE, form | {"engine": "postgresql", "view_schema": "other"})
        assert answer.status_code == 302

    while phase.cursor.get("after", "") == "":
        read_one()
    read_one(meanwhile=save_another)
    go_on_reading(cast, phase)
    with workspace_tx(cast.workspace):
        assert list(Empresa.objects.order_by("codigo_erp").values_list("codigo_erp", "razao_social")) == [
            (f"C{n}", "B") for n in range(1, 6)
        ]
        source.refresh_from_db()
        assert source.watermarks["empresa"]


def test_a_failed_night_does_not_go_on_with_another_database(cast: Cast, alice: Client, erp_database: Erp) -> None:
    database, secrets = erp_database
    database.execute("CREATE SCHEMA other")
    for schema in ("public", "other"):
        database.execute(f"CREATE VIEW {schema}.vw_crm_empresa AS SELECT 'C1' AS codigo_erp, '{schema}' AS razao_social")
    database.execute("CREATE VIEW vw_crm_nota AS SELECT 1 AS nothing")
    connect(cast, secrets)
    failed_night(cast)
    confirm(alice)
    form = {name: value for name, value in secrets.items() if name not in {"door", "tls"}}
    assert alice.post(DATABASE, form | {"engine": "postgresql", "view_schema": "other"}).status_code == 302
    run_night(cast.workspace)
    with workspace_tx(cast.workspace):
        assert Empresa.objects.get().razao_social == "other"
