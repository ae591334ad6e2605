"""The Excel file of the history: opened again and compared cell by cell; broken off in every way; taken away in time."""

from __future__ import annotations

import datetime as dt
import errno
import os
import resource
import subprocess
import sys
import threading
import time
import zoneinfo
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import psycopg
import pytest
from django.db import connection, connections
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditEvent
from accounts.scoping import workspace_tx
from erp_history.domain import attend, exports
from erp_history.domain.export_sheets import columns_of
from erp_history.domain.tables import TABLES
from erp_history.enums import ExportStatus
from erp_history.models import ErpExport, ErpRequest
from tests.erp_history.makers import company, note, post, push
from tests.fixtures import Cast

TRICKY = ["=1+1", "+5511", "-3", "@x", " blank ", "a\nb", "<&>", "00123"]


@pytest.fixture(autouse=True)
def files(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def pushed(erp: Client) -> Client:
    rows = [company(f"C{n}", nome_fantasia=text, limite_credito="1234.56", data_cadastro="2020-02-29") for n, text in enumerate(TRICKY)]
    push(erp, "empresa", [*rows, {"codigo_erp": "BAD"}])
    push(erp, "nota", [note("N1", "C0", "99999999999999.99"), note("N2", "C1", "0.000001", day="1850-01-01")])
    post(erp, "vendedor", b'{"token": "hush"')
    return erp


def ask(cast: Cast, **values: Any) -> ErpExport:
    today = timezone.now().astimezone(zoneinfo.ZoneInfo(cast.workspace.time_zone)).date()
    span = {"first": today - dt.timedelta(days=1), "last": today + dt.timedelta(days=1), "tables": ["empresa", "nota"]}
    with workspace_tx(cast.workspace):
        export, is_new = exports.request_export(cast.workspace, user=cast.alice, **{**span, **values})
    assert is_new
    return export


def opened(export: ErpExport) -> dict[str, list[dict[str, Any]]]:
    path = exports.file_of(export)
    assert path is not None
    book = openpyxl.load_workbook(path)
    found = {}
    for sheet in book.worksheets:
        assert not [cell.coordinate for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
        head, *rows = sheet.iter_rows(values_only=True)
        found[sheet.title] = [dict(zip(map(str, head), row, strict=True)) for row in rows]
    return found


def make(cast: Cast, **values: Any) -> ErpExport:
    ask(cast, **values)
    export = exports.advance(cast.workspace)
    assert export is not None
    return export


def shown(value: Any, zone: zoneinfo.ZoneInfo) -> Any:
    """What a cell shows of a stored value."""
    if isinstance(value, Decimal):
        exact = len(str(value.normalize()).replace(".", "").lstrip("0")) <= 15
        return float(value) if exact else f"{value:f}".rstrip("0").rstrip(".")
    if isinstance(value, dt.datetime):
        return value.astimezone(zone).replace(tzinfo=None, microsecond=0)
    if isinstance(value, dt.date):
        return dt.datetime.combine(value, dt.time()) if value.year > 1900 else value.isoformat()
    return value if value != "" else None


def test_every_cell_is_what_is_stored(cast: Cast, pushed: Client) -> None:
    export = make(cast)
    assert (export.status, export.error) == (ExportStatus.READY, "")
    found, zone = opened(export), zoneinfo.ZoneInfo(cast.workspace.time_zone)

    assert list(found) == ["empresa", "nota", "Requests", "Remarks"]
    with workspace_tx(cast.workspace):
        for name in ("empresa", "nota"):
            table = TABLES[name]
            stored = list(table.model.objects.filter(workspace=cast.workspace).order_by("id"))
            assert len(found[name]) == len(stored) > 0
            for row, cells in zip(stored, found[name], strict=True):
                wanted = {column: shown(getattr(row, column), zone) for column in [*table.names, "received_at", "gone_at", "request_id"]}
                assert {**cells, "received_at": cells["received_at"].replace(microsecond=0)} == wanted
        requests = list(ErpRequest.objects.filter(workspace=cast.workspace, table__in=["empresa", "nota"]).order_by("pk"))
    assert [(row["Number"], row["Table"], row["Status"], row["Rejected"]) for row in found["Requests"]] == [
        (each.pk, each.table, each.status, each.rejected) for each in requests
    ]
    [remark] = found["Remarks"]
    assert (remark["Key"], remark["Field"], remark["Code"]) == ("BAD", "razao_social", "required")


def test_the_filters_of_the_list_hold(cast: Cast, pushed: Client) -> None:
    one = opened(make(cast, key="C3"))
    assert [row["codigo_erp"] for row in one["empresa"]] == ["C3"]
    assert one["nota"] == []
    refused = opened(make(cast, tables=["vendedor"], outcome="refused"))
    assert [row["Status"] for row in refused["Requests"]] == [400]
    assert "hush" not in str(refused["Requests"])
    yesterday = timezone.now().date() - dt.timedelta(days=3)
    assert [rows for rows in opened(make(cast, first=yesterday, last=yesterday)).values() if rows] == []


def test_one_at_a_time_and_written_down(cast: Cast, pushed: Client) -> None:
    first = ask(cast)
    with workspace_tx(cast.workspace):
        second, is_new = exports.request_export(cast.workspace, user=cast.alice, first=first.first, last=first.last, tables=["nota"])
        assert (second.pk, is_new) == (first.pk, False)
        assert AuditEvent.objects.filter(action="erp.export").count() == 1


def test_cancelled_before_and_in_the_middle_leaves_nothing(cast: Cast, pushed: Client, files: Path) -> None:
    waiting = ask(cast)
    with workspace_tx(cast.workspace):
        exports.cancel(waiting)
        waiting.refresh_from_db()
    assert waiting.status == ExportStatus.CANCELLED
    ask(cast)

    def stop(export: ErpExport) -> None:
        with workspace_tx(cast.workspace):
            exports.cancel(export)

    ended = exports.advance(cast.workspace, on_page=stop)
    assert ended is not None
    assert (ended.status, exports.file_of(ended)) == (ExportStatus.CANCELLED, None)
    assert left(files) == []


@pytest.mark.django_db(transaction=True)
def test_cancelled_while_postgresql_is_busy_for_it_stops_at_once(cast: Cast, pushed: Client, files: Path) -> None:
    """Somebody else holds the table, so that its copy takes as long as a sort of millions of rows."""
    export = ask(cast)
    ended: list[ErpExport | None] = []

    def work() -> None:
        ended.append(exports.advance(cast.workspace))
        connections.close_all()

    worker = threading.Thread(target=work)
    with psycopg.connect(os.environ["DATABASE_URL"], dbname=str(connection.settings_dict["NAME"])) as other:
        other.execute("LOCK TABLE erp_history_nota IN ACCESS EXCLUSIVE MODE")
        worker.start()
        until(lambda: waits_for_a_lock(export))
        with workspace_tx(cast.workspace):
            exports.cancel(export)
        # At once: the table is still locked.
        worker.join(timeout=120)
        assert not worker.is_alive()
    assert [each.status for each in ended if each] == [ExportStatus.CANCELLED]
    assert left(files) == []


def waits_for_a_lock(export: ErpExport) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_stat_activity WHERE application_name = %s AND wait_event_type = 'Lock'", [f"erp export {export.pk}"]
        )
        return cursor.fetchone() is not None


def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)


def left(files: Path) -> list[str]:
    return [path.name for path in files.rglob("*") if path.parent.name != "erp-exports" and path.name != "erp-exports"]


@contextmanager
def small_disk() -> Iterator[None]:
    """No file of this process may grow beyond a few kilobytes: not longer than needed, for the log of the tests may be such a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_said_and_leaves_no_half_file(cast: Cast, erp: Client, files: Path) -> None:
    push(erp, "empresa", [company(f"C{n}", email=f"{os.urandom(8).hex()}@example.com") for n in range(1000)])
    with small_disk():
        export = make(cast)

    assert export.status == ExportStatus.FAILED
    assert "disk of the server is full" in export.error
    assert left(files) == []


def test_the_reserve_of_the_disk_is_kept(cast: Cast, pushed: Client, files: Path, settings: Settings) -> None:
    settings.EXPORT_RESERVE_BYTES = 2**60
    export = make(cast)

    assert (export.status, left(files)) == (ExportStatus.FAILED, [])
    assert "disk of the server is full" in export.error


def test_a_folder_that_cannot_be_made_is_said(cast: Cast, pushed: Client, files: Path) -> None:
    (files / "erp-exports").write_text("in the way")
    export = make(cast)

    assert export.status == ExportStatus.FAILED
    assert os.strerror(errno.ENOTDIR) in export.error or os.strerror(errno.EEXIST) in export.error


KILLED = """
import os, signal, sys
import django
from django.db import connections
django.setup()
from django.conf import settings
connections.databases["default"]["NAME"] = sys.argv[1]
settings.MEDIA_ROOT = sys.argv[3]
from accounts.models import Workspace
from erp_history.domain import exports
exports.advance(Workspace.objects.get(pk=int(sys.argv[2])), on_page=lambda export: os.kill(os.getpid(), signal.SIGKILL))
"""


@pytest.mark.django_db(transaction=True)
def test_killed_in_the_middle_the_next_worker_makes_it(cast: Cast, pushed: Client, files: Path) -> None:
    export = ask(cast)
    worker = subprocess.run(
        [sys.executable, "-c", KILLED, connection.settings_dict["NAME"], str(cast.workspace.pk), str(files)],
        check=False,
        capture_output=True,
    )
    assert worker.returncode == -9, worker.stderr
    assert [name for name in left(files) if name.endswith(".part")] != []
    with workspace_tx(cast.workspace):
        export.refresh_from_db()
        assert (export.status, exports.file_of(export)) == (ExportStatus.RUNNING, None)

    done = exports.advance(cast.workspace)
    assert done is not None
    assert (done.pk, done.status, done.attempts) == (export.pk, ExportStatus.READY, 2)
    assert left(files) == [Path(done.file).name]
    assert len(opened(done)["empresa"]) == len(TRICKY)


def test_what_ends_without_a_word_is_given_up(cast: Cast, pushed: Client) -> None:
    export = ask(cast)
    with workspace_tx(cast.workspace):
        ErpExport.objects.filter(pk=export.pk).update(attempts=exports.MAX_ATTEMPTS)
    ended = exports.advance(cast.workspace)
    assert ended is not None
    assert ended.status == ExportStatus.FAILED


def test_somebody_else_s_work_is_left_alone(cast: Cast, pushed: Client) -> None:
    ask(cast)

    def take_over(export: ErpExport) -> None:
        with workspace_tx(cast.workspace):
            assert exports.advance(cast.workspace) is None
            ErpExport.objects.filter(pk=export.pk).update(lease="another:1:x")

    assert exports.advance(cast.workspace, on_page=take_over) is None


def test_after_a_day_the_file_is_gone(cast: Cast, pushed: Client, files: Path) -> None:
    export = make(cast)
    (files / "erp-exports" / str(cast.workspace.pk) / "99-orphan.xlsx").write_text("x")
    attend.tidy(cast.workspace, now=timezone.now() + dt.timedelta(hours=23))
    assert exports.file_of(export) is not None
    assert exports.outdated(now=timezone.now() + dt.timedelta(hours=23)) == []
    assert exports.outdated(now=timezone.now() + dt.timedelta(hours=25)) == [cast.workspace.pk]
    attend.tidy(cast.workspace, now=timezone.now() + dt.timedelta(hours=25))
    assert left(files) == []
    with workspace_tx(cast.workspace):
        assert not ErpExport.objects.exists()


def test_after_a_day_it_is_not_given_out_even_when_it_still_lies_there(cast: Cast, pushed: Client) -> None:
    export = make(cast)
    with workspace_tx(cast.workspace):
        ErpExport.objects.update(finished_at=timezone.now() - exports.KEPT)
        export.refresh_from_db()
    assert exports.file_of(export) is None


def test_signs_that_copy_escapes_come_back(cast: Cast) -> None:
    texts = ["a\tb", "c\\d", "\\N", "e\nf", "g\r\nh", "\b\f\v", "\\t", "", "é😀", "x" * 40_000]
    statement = "COPY (SELECT t, n::text, t FROM unnest(%s::text[]) WITH ORDINALITY x (t, n)) TO STDOUT"
    with workspace_tx(cast.workspace), connection.cursor() as cursor, cursor.copy(statement, [texts]) as copy:
        lines = b"".join(bytes(line) for line in copy).decode()
    assert columns_of(lines) == [texts, [str(n) for n in range(1, len(texts) + 1)], texts]
