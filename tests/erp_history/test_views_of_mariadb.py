"""View mode against a real MariaDB over TCP: its encodings, dates, numbers and orders, and what it says when it cannot be read."""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest

from accounts.scoping import workspace_tx
from erp_history.domain import openers, viewmode
from erp_history.domain.complaints import CannotRead
from erp_history.domain.openers import open_reader
from erp_history.domain.sources import source_of
from erp_history.domain.steps import StepFailed
from erp_history.models import Empresa, ErpPhase, ErpRequest, ErpSnapshot, Fatura, Nota
from tests.erp_history.door import Door
from tests.erp_history.makers import run_night
from tests.erp_history.mariadb import MariaDb, write_certificate
from tests.erp_history.view_mode import connect, go_on_reading, read_views
from tests.fixtures import Cast

PASSWORD = "sênha € ünd %s"


class Erp:
    """A database of its own with a user that may read it, and nothing else."""

    def __init__(self, server: MariaDb) -> None:
        self.server = server
        self.name = f"erp_{uuid.uuid4().hex[:12]}"
        self._admin = server.admin()
        self.run(
            f"CREATE DATABASE {self.name} CHARACTER SET latin1; USE {self.name}; CREATE USER {self.name}@'%' IDENTIFIED BY '{PASSWORD}'"
        )
        self.run(f"GRANT SELECT ON {self.name}.* TO {self.name}@'%'")

    def run(self, statements: str) -> None:
        with self._admin.cursor() as cursor:
            for statement in filter(str.strip, statements.split(";")):
                cursor.execute(statement)

    def fill(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        with self._admin.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {table} VALUES ({', '.join(['%s'] * len(rows[0]))})", rows)

    def secrets(self, **changed: Any) -> dict[str, Any]:
        found = {
            "host": "127.0.0.1",
            "port": self.server.port,
            "database": self.name,
            "user": self.name,
            "password": PASSWORD,
            "tls": False,
        }
        return found | changed

    def close(self) -> None:
        self.run(f"DROP DATABASE {self.name}; DROP USER {self.name}@'%'")
        self._admin.close()


@pytest.fixture
def erp_of(mariadb: MariaDb) -> Iterator[Erp]:
    erp = Erp(mariadb)
    yield erp
    erp.close()


COMPANIES = """
CREATE TABLE clientes (cod varchar(20) CHARACTER SET latin1 COLLATE latin1_general_ci PRIMARY KEY, nome varchar(100), limite decimal(12,2),
  fundacao datetime, bloq char(1), alterado datetime(3) NULL) CHARACTER SET latin1;
CREATE VIEW vw_crm_empresa AS SELECT cod AS codigo_erp, nome AS razao_social, limite AS limite_credito, fundacao AS data_cadastro,
  bloq AS excluido, alterado AS data_alteracao FROM clientes
"""
NOTES = """
CREATE TABLE notas (filial char(6) NULL, numero decimal(10,0), cliente varchar(20), emissao datetime, total decimal(14,4), apagada bit(1))
  CHARACTER SET utf8mb4;
CREATE VIEW vw_crm_nota AS SELECT filial, numero AS codigo_erp, cliente AS codigo_empresa, emissao AS data_emissao, total AS valor_total,
  apagada AS excluido FROM notas
"""
RECEIVABLES = """
CREATE TABLE titulos (cod varchar(20), valor double, vence date);
CREATE VIEW vw_crm_fatura AS SELECT cod AS codigo_erp, 'C1' AS codigo_empresa, vence AS data_vencimento, valor, valor AS saldo FROM titulos
"""


def companies(count: int) -> list[tuple[Any, ...]]:
    start = dt.datetime.fromisoformat("2026-08-01 12:30")
    return [(f"{n:06}", f"Açúcar & Pão nº {n} Ltda", f"{n}.25", start, "N", start + dt.timedelta(days=n)) for n in range(1, count + 1)]


def test_a_night_reads_a_database_in_latin_1_and_then_only_what_changed(cast: Cast, erp_of: Erp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewmode, "PAGE", 10)
    erp_of.run(COMPANIES + ";" + RECEIVABLES)
    erp_of.fill("clientes", companies(25))
    erp_of.run("UPDATE clientes SET bloq = 'S' WHERE cod = '000024'")
    erp_of.fill("titulos", [("F1", 10.55, "2026-09-01"), ("F2", 20, "0000-00-00"), ("F3", 3, "2026-09-03")])
    connect(cast, erp_of.secrets(), engine="mysql")
    run_night(cast.workspace)

    with workspace_tx(cast.workspace):
        row = Empresa.objects.get(codigo_erp="000025")
        assert (row.razao_social, str(row.limite_credito), row.data_cadastro, row.excluido) == (
            "Açúcar & Pão nº 25 Ltda", "25.250000", dt.date(2026, 8, 1), False,
        )  # fmt: skip
        assert Empresa.objects.get(excluido=True).codigo_erp == "000024"
        assert [row.received for row in ErpRequest.objects.filter(table="empresa").order_by("id")] == [10, 10, 5]
        assert str(Fatura.objects.get(codigo_erp="F1").valor) == "10.550000"
        assert [each["key"] for each in ErpRequest.objects.get(table="fatura").answer["errors"]] == ["F2"]  # it has no day at all
    erp_of.run(
        "UPDATE clientes SET nome = 'Mudou', alterado = '2026-08-30 10:00:00.500' WHERE cod = '000003';"
        "UPDATE titulos SET vence = '2026-09-02' WHERE cod = 'F2'; DELETE FROM titulos WHERE cod = 'F1'"
    )
    read_views(cast)
    with workspace_tx(cast.workspace):
        last = ErpRequest.objects.filter(table="empresa").latest("id")
        assert (last.received, last.updated, last.unchanged) == (2, 1, 1)
        assert Empresa.objects.get(codigo_erp="000003").razao_social == "Mudou"
        assert sorted(Fatura.objects.filter(gone_at=None).values_list("codigo_erp", flat=True)) == ["F2", "F3"]


def test_numbers_bits_and_days_arrive_as_what_they_mean(cast: Cast, erp_of: Erp) -> None:
    erp_of.run(NOTES)
    late = "2026-08-20 23:59:59"
    erp_of.fill(
        "notas", [("01", 12, "C1", late, "1234.5678", b"\0"), (None, 13, "C1 ", late, "-0.1", b"\1"), ("", 14, " ", late, 1, b"\0")]
    )
    connect(cast, erp_of.secrets(), engine="mysql")
    read_views(cast)
    with workspace_tx(cast.workspace):
        found = [(n.key, str(n.valor_total), n.data_emissao, n.excluido) for n in Nota.objects.order_by("codigo_erp")]
        assert found == [("01|12", "1234.567800", dt.date(2026, 8, 20), False), ("13", "-0.100000", dt.date(2026, 8, 20), True)]
        assert [each["key"] for each in ErpRequest.objects.get(table="nota").answer["errors"]] == ["14"]


def test_keys_without_a_branch_and_keys_that_differ_in_case_are_all_read(cast: Cast, erp_of: Erp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewmode, "PAGE", 3)
    erp_of.run(NOTES.replace("numero decimal(10,0)", "numero varchar(20)"))
    day = "2026-08-20"
    keys = [(branch, number) for branch in (None, "", "01", "é") for number in ("a", "A", "á", "b", "É", "e")]
    erp_of.fill("notas", [(branch, number, "C1", day, 1, b"\0") for branch, number in keys])
    connect(cast, erp_of.secrets(), engine="mysql")
    read_views(cast)
    with workspace_tx(cast.workspace):
        found = set(Nota.objects.filter(gone_at=None).values_list("filial", "codigo_erp"))
        assert found == {(branch or "", number) for branch, number in keys}
        assert ErpSnapshot.objects.get(table="nota").status == "closed"


def test_rows_that_no_page_can_tell_apart_are_an_error_and_not_a_loop(cast: Cast, erp_of: Erp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewmode, "PAGE", 2)
    erp_of.run(NOTES)
    erp_of.fill("notas", [("01", 1, "C1", "2026-08-20", 1, b"\0")] * 5)
    connect(cast, erp_of.secrets(), engine="mysql")
    with pytest.raises(StepFailed, match=r"vw_crm_nota: .* told apart"):
        read_views(cast)


def test_moments_that_were_never_set_are_read_every_night_and_those_to_come_stop_nothing(cast: Cast, erp_of: Erp) -> None:
    erp_of.run(COMPANIES)
    rows = [list(row) for row in companies(6)]
    rows[0][5], rows[1][5], rows[2][5] = None, "0000-00-00 00:00:00", "2099-01-01 00:00:00"
    erp_of.fill("clientes", [tuple(row) for row in rows])
    source = connect(cast, erp_of.secrets(), engine="mysql")
    read_views(cast)
    erp_of.run("UPDATE clientes SET nome = concat('Novo ', cod)")
    erp_of.run("UPDATE clientes SET alterado = '2026-08-07 11:45' WHERE cod = '000005'")  # committed late
    read_views(cast)
    with workspace_tx(cast.workspace):
        source.refresh_from_db()
        assert source.watermarks["empresa"] == "2026-08-07T12:30:00"
        assert Empresa.objects.count() == 6
        changed = set(Empresa.objects.filter(razao_social__startswith="Novo").values_list("codigo_erp", flat=True))
        assert changed == {"000001", "000002", "000003", "000005", "000006"}


def test_moments_that_are_text_are_no_moments_and_the_view_is_read_whole(cast: Cast, erp_of: Erp) -> None:
    erp_of.run(COMPANIES.replace("alterado AS data_alteracao", "date_format(alterado, '%d/%m/%Y %H:%i') AS data_alteracao"))
    erp_of.fill("clientes", companies(3))
    source = connect(cast, erp_of.secrets(), engine="mysql")
    with workspace_tx(cast.workspace):
        source.date_format = "dd/mm/yyyy"
        source.save()
    read_views(cast)
    erp_of.run("DELETE FROM clientes WHERE cod = '000002'")
    read_views(cast)
    with workspace_tx(cast.workspace):
        assert Empresa.objects.filter(gone_at=None).count() == 2
        assert str(Empresa.objects.get(codigo_erp="000003").data_alteracao.date()) == "2026-08-04"


def test_a_line_that_breaks_goes_on_where_it_broke(cast: Cast, erp_of: Erp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewmode, "PAGE", 50)
    erp_of.run(COMPANIES)
    erp_of.fill("clientes", companies(300))
    with contextlib.closing(Door(erp_of.server.path)) as door:
        connect(cast, erp_of.secrets(port=door.port), engine="mysql")
        door.bytes_left = 20_000
        with pytest.raises(StepFailed, match="vw_crm_empresa: The connection broke"):
            read_views(cast)
        with workspace_tx(cast.workspace):
            stored = Empresa.objects.count()
            phase = ErpPhase.objects.get()
        assert 0 < stored < 300
        door.bytes_left = -1
        go_on_reading(cast, phase)
    with workspace_tx(cast.workspace):
        assert Empresa.objects.count() == 300
        assert sum(ErpRequest.objects.filter(table="empresa").values_list("received", flat=True)) == 300


def test_a_view_that_goes_away_is_not_passed_over(cast: Cast, erp_of: Erp) -> None:
    erp_of.run(COMPANIES)
    erp_of.fill("clientes", companies(1))
    connect(cast, erp_of.secrets(), engine="mysql")
    read_views(cast)
    erp_of.run("DROP VIEW vw_crm_empresa")
    with pytest.raises(StepFailed, match="vw_crm_empresa is not there any more"):
        read_views(cast)


def tried(cast: Cast, secrets: dict[str, Any]) -> str:
    """What the test of the connection says."""
    with workspace_tx(cast.workspace):
        source = source_of(cast.workspace)
        source.engine = "mysql"
    with pytest.raises(CannotRead) as caught:
        viewmode.test_connection(source, secrets)
    assert PASSWORD not in str(caught.value)
    return str(caught.value)


def test_the_test_says_in_plain_words_what_is_wrong(cast: Cast, erp_of: Erp, settings: Any) -> None:
    assert "password is wrong" in tried(cast, erp_of.secrets(password="something else"))
    assert "password is wrong" in tried(cast, erp_of.secrets(user="nobody"))
    assert "no such database" in tried(cast, erp_of.secrets(database="elsewhere", user="admin", password="of the administrator"))
    assert "may not read" in tried(cast, erp_of.secrets(database="mysql"))
    assert "no host of the name" in tried(cast, erp_of.secrets(host="nowhere.invalid"))
    assert "no host of the name" in tried(cast, erp_of.secrets(host="a" * 64 + ".example"))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        unused = probe.getsockname()[1]
    assert f"does not answer on port {unused}" in tried(cast, erp_of.secrets(port=unused))
    assert "switch the encrypted connection" in tried(cast, erp_of.secrets(host="8.8.8.8"))
    assert "may not be reached" in tried(cast, erp_of.secrets(host="169.254.169.254", tls=True))
    settings.OUTBOUND_ALLOW_PRIVATE = False
    assert "may not be reached" in tried(cast, erp_of.secrets(tls=True))


def test_the_test_names_each_view(cast: Cast, erp_of: Erp) -> None:
    erp_of.run(COMPANIES + ";" + NOTES + ";CREATE VIEW vw_crm_pedido AS SELECT 'P1' AS codigo_erp, emissao AS data_emissao FROM notas")
    erp_of.run(f"{RECEIVABLES}; DROP TABLE titulos; REVOKE ALL ON {erp_of.name}.* FROM {erp_of.name}@'%'")
    for table in ("empresa", "pedido", "fatura"):
        erp_of.run(f"GRANT SELECT ON {erp_of.name}.vw_crm_{table} TO {erp_of.name}@'%'")
    source = connect(cast, erp_of.secrets(), engine="mysql")
    found = viewmode.test_connection(source, erp_of.secrets())
    assert found["empresa"] == ""
    assert "may not read" in found["nota"]
    assert "may not read" in found["vendedor"]
    assert found["pedido"] == "the column valor_total is missing."
    assert "something that it reads, is not there" in found["fatura"]


def test_the_session_reads_and_does_not_write(erp_of: Erp) -> None:
    erp_of.run(COMPANIES)
    erp_of.run(f"GRANT ALL ON {erp_of.name}.* TO {erp_of.name}@'%'")
    with open_reader("mysql", erp_of.secrets()) as reader, pytest.raises(pymysql.err.OperationalError, match="READ ONLY"):
        reader.connection.cursor().execute("DELETE FROM clientes")


def test_a_slow_view_and_a_silent_host_are_given_up(erp_of: Erp, monkeypatch: pytest.MonkeyPatch) -> None:
    erp_of.run("CREATE VIEW vw_crm_empresa AS SELECT sleep(60) AS codigo_erp")
    with open_reader("mysql", erp_of.secrets(), seconds=1) as reader, pytest.raises(CannotRead, match="took too long"):
        reader.rows("vw_crm_empresa", ["codigo_erp"], order=["codigo_erp"], after=[], since=None, limit=10)
    monkeypatch.setattr(openers, "CONNECT_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(CannotRead, match="nothing came within"):
        read_nothing(erp_of.secrets(port=silent.getsockname()[1]))


def read_nothing(secrets: dict[str, Any]) -> None:
    with open_reader("mysql", secrets):
        pass


def test_encryption_is_had_or_the_connection_is_not(erp_of: Erp, tmp_path: Path) -> None:
    def cipher(**changed: Any) -> str:
        with open_reader("mysql", erp_of.secrets(tls=True, **changed)) as reader:
            cursor = reader.connection.cursor()
            cursor.execute("SHOW STATUS LIKE 'Ssl_cipher'")
            return str(cursor.fetchone()[1])

    assert cipher()
    assert cipher(host="localhost", ca=erp_of.server.certificates)
    with pytest.raises(CannotRead, match="No encrypted connection"):
        cipher(host="localhost", ca=write_certificate(tmp_path))  # signed by somebody else
    with pytest.raises(CannotRead, match="No encrypted connection"):
        cipher(ca=erp_of.server.certificates)  # made out to another name
    with (
        contextlib.closing(Door(erp_of.server.path, spoil=without_tls)) as door,
        pytest.raises(CannotRead, match="No encrypted connection"),
    ):
        cipher(port=door.port)


def without_tls(greeting: bytes) -> bytes:
    """The server's first words, as one would change them who wants to read along: it cannot encrypt."""
    place = greeting.index(b"\0", 5) + 14
    flags = int.from_bytes(greeting[place : place + 2], "little") & ~0x0800
    return greeting[:place] + flags.to_bytes(2, "little") + greeting[place + 2 :]
