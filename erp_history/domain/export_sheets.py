"""The sheets of an export: which rows belong in them, and their cells as PostgreSQL writes them down ready for Excel.

Numbers of rows are found first and kept in a file, so that a table of millions costs no memory and no long transaction.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import Workspace
from crmsync.lib.periods import local_midnight
from crmsync.lib.workbook import Column, Kind
from erp_history.domain.history import search
from erp_history.domain.rows import rows_of
from erp_history.domain.sources import zone_of
from erp_history.domain.tables import TABLES, Table, split_key
from erp_history.models import ErpExport, ErpRequest
from integrations.kit.redact import redact

PAGE = 2000
REQUESTS, REMARKS = "requests", "remarks"
KINDS: dict[str, Kind] = {"decimal": "number", "integer": "number", "date": "date", "datetime": "moment", "boolean": "boolean"}
# Excel's first days were wrong by one: older dates are written as text.
CELL_SQL = {
    "number": "coalesce(trim_scale({0}::numeric)::text, '')",
    "date": "coalesce(CASE WHEN {0} > DATE '1900-03-01' THEN ({0} - DATE '1899-12-30')::text ELSE {0}::text END, '')",
    "moment": "coalesce(CASE WHEN {0} > '1900-03-02' THEN round(extract(epoch FROM {0} AT TIME ZONE %(zone)s) / 86400 + 25569, 8)::text"
    " ELSE ({0} AT TIME ZONE %(zone)s)::text END, '')",
    "boolean": "coalesce(({0}::int)::text, '')",
    "text": "coalesce({0}, '')",
}
Cells = list[Sequence[str]]


@dataclass(frozen=True, slots=True)
class SheetPlan:
    """A sheet: its rows by id, and how a page of ids becomes cells."""

    name: str
    title: str
    columns: list[Column]
    wanted: QuerySet[Any]
    cells: Callable[[list[int]], Cells]


def plans(workspace: Workspace, export: ErpExport) -> list[SheetPlan]:
    """The chosen tables, then the requests and what was wrong with their rows."""
    found = search(workspace, first=export.first, last=export.last, tables=export.tables, outcome=export.outcome or "", key=export.key)  # type: ignore[arg-type]  # one of the outcomes, checked when it was asked for
    tables = [_of_table(workspace, export, TABLES[name], found) for name in export.tables if name in TABLES]
    return [*tables, _of_requests(workspace, found), _of_remarks(workspace, found)]


def _of_table(workspace: Workspace, export: ErpExport, table: Table, requests: QuerySet[ErpRequest]) -> SheetPlan:
    zone = zone_of(workspace)
    since, until = local_midnight(export.first, zone), local_midnight(export.last + dt.timedelta(days=1), zone)
    rows: QuerySet[Any] = rows_of(workspace, table).filter(received_at__gte=since, received_at__lt=until)
    if export.key:
        parts = split_key(table, export.key)
        rows = rows.filter(**parts) if parts else rows.none()
    elif export.outcome:
        rows = rows.filter(request_id__in=requests.order_by().values("pk"))
    columns = [(column.name, KINDS.get(column.kind, "text")) for column in table.columns]
    columns += [("received_at", "moment"), ("gone_at", "moment"), ("request_id", "number")]
    heads = [Column(name, kind) for name, kind in columns]
    chosen = ", ".join(CELL_SQL[kind].format(name) for name, kind in columns)
    statement = f"SELECT {chosen} FROM {table.db_table} WHERE id = ANY(%(ids)s) AND workspace_id = %(workspace)s ORDER BY id"
    values = {"workspace": workspace.pk, "zone": workspace.time_zone}
    return SheetPlan(table.name, table.name, heads, rows, lambda ids: _fetched(statement, {**values, "ids": ids}, width=len(heads)))


def _fetched(statement: str, values: dict[str, Any], *, width: int) -> Cells:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(zip(*cursor.fetchall(), strict=True)) or [[] for _column in range(width)]


def _of_requests(workspace: Workspace, found: QuerySet[ErpRequest]) -> SheetPlan:
    texts: list[tuple[str, Kind, Callable[[ErpRequest], str]]] = [
        (_("Number"), "number", lambda row: str(row.pk)),
        (_("Received"), "moment", lambda row: _serial(row.at, workspace)),
        (_("Type"), "text", lambda row: str(row.get_source_display())),
        (_("User"), "text", lambda row: str(row.user or "")),
        (_("Token"), "text", lambda row: row.token_name),
        (_("Table"), "text", lambda row: row.table),
        (_("Call"), "text", lambda row: redact(f"{row.method} {row.path}")),
        (_("Status"), "number", lambda row: str(row.status)),
        (_("Milliseconds"), "number", lambda row: str(row.milliseconds)),
        (_("Bytes"), "number", lambda row: str(row.size)),
        *((label, "number", _counter(name)) for name, label in counter_labels()),
        (_("Request"), "text", lambda row: redact(row.sample)),
        (_("Answer"), "text", lambda row: redact(json.dumps(row.answer, ensure_ascii=False))),
    ]
    heads = [Column(title, kind) for title, kind, _text in texts]

    def cells(ids: list[int]) -> Cells:
        rows = list(ErpRequest.objects.filter(workspace=workspace, pk__in=ids).select_related("user").order_by("pk"))
        return [[text(row) for row in rows] for _title, _kind, text in texts]

    return SheetPlan(REQUESTS, _("Requests"), heads, found, cells)


def counter_labels() -> list[tuple[str, str]]:
    return [
        ("received", _("Rows received")),
        ("inserted", _("New")),
        ("updated", _("Changed")),
        ("unchanged", _("Unchanged")),
        ("superseded", _("Older")),
        ("rejected", _("Rejected")),
        ("warnings", _("Warnings")),
    ]


def _counter(name: str) -> Callable[[ErpRequest], str]:
    return lambda row: str(getattr(row, name))


def _of_remarks(workspace: Workspace, found: QuerySet[ErpRequest]) -> SheetPlan:
    """A line for every rejected row and every warning that the answers name."""
    titles = (_("Request"), _("Table"), _("Kind"), _("Index"), _("Key"), _("Field"), _("Code"), _("Message"))
    heads = [Column(title, "number" if position in {0, 3} else "text") for position, title in enumerate(titles)]
    kinds = {"errors": _("Rejected"), "warnings": _("Warning")}

    def cells(ids: list[int]) -> Cells:
        rows = ErpRequest.objects.filter(workspace=workspace, pk__in=ids).order_by("pk").values_list("pk", "table", "answer")
        lines = [
            (str(pk), table, kinds[kind], *(str(remark.get(name, "")) for name in ("index", "key", "field", "code", "message")))
            for pk, table, answer in rows
            for kind in kinds
            for remark in answer.get(kind) or []
            if isinstance(remark, dict)
        ]
        return list(zip(*lines, strict=True)) or [[] for _head in heads]

    return SheetPlan(REMARKS, _("Remarks"), heads, found.exclude(rejected=0, warnings=0), cells)


def _serial(moment: dt.datetime, workspace: Workspace) -> str:
    """A moment as Excel counts it, by the workspace's clock."""
    local = moment.astimezone(zone_of(workspace)).replace(tzinfo=None)
    return f"{(local - dt.datetime(1899, 12, 30)) / dt.timedelta(days=1):.8f}"  # noqa: DTZ001  a wall clock


def spool(rows: QuerySet[Any], path: Path) -> int:
    """Write the ids of these rows to a file, in order; gives their number."""
    statement, values = rows.order_by("pk").values_list("pk").query.sql_with_params()
    count = 0
    with path.open("wb") as file, connection.cursor() as cursor, cursor.copy(f"COPY ({statement}) TO STDOUT", values) as copy:
        for block in copy:
            data = bytes(block)
            count += data.count(b"\n")
            file.write(data)
    return count


def pages(path: Path) -> Iterator[list[int]]:
    with path.open("rb") as file:
        while ids := [int(line) for line in islice(file, PAGE)]:
            yield ids
