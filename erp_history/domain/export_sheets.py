"""The sheets of an export: which rows belong in them, and their cells as PostgreSQL writes them down ready for Excel.

A table is copied to a file first, and the sheet is made from that: a table of millions costs no memory, and no transaction stays open
while cells are written.
"""

from __future__ import annotations

import datetime as dt
import json
import re
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
from erp_history.domain.sources import zone_of
from erp_history.domain.tables import TABLES, Table, split_key
from erp_history.models import ErpExport, ErpRequest
from integrations.kit.redact import redact

PAGE = 5000
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
FEW = 200  # of requests, whose bodies and answers are long
REQUESTS, REMARKS = "requests", "remarks"
KINDS: dict[str, Kind] = {"decimal": "number", "integer": "number", "date": "date", "datetime": "moment", "boolean": "boolean"}
# Excel's first days were wrong by one: older dates are written as text.
CELL_SQL = {
    "number": "coalesce(trim_scale({0}::numeric)::text, '')",
    "date": "coalesce(CASE WHEN {0} > DATE '1900-03-01' THEN ({0} - DATE '1899-12-30')::text ELSE {0}::text END, '')",
    # days since 1899-12-30 with eight places, in floating numbers: several times as fast as in decimal ones
    "moment": "coalesce(CASE WHEN {0} > '1900-03-02'"
    " THEN (round(date_part('epoch', {0} AT TIME ZONE %(zone)s) / 0.000864 + 2556900000000) / 1e8)::text"
    " ELSE ({0} AT TIME ZONE %(zone)s)::text END, '')",
    "boolean": "coalesce({0}::int::text, '')",
    "text": "coalesce({0}, '')",
}
Cells = Sequence[Sequence[str]]
Columns = list[list[str]]


@dataclass(frozen=True, slots=True)
class SheetPlan:
    """A sheet: the rows that are copied to a file, and how a page of their columns becomes cells (None: they are the cells)."""

    name: str
    title: str
    columns: list[Column]
    statement: str
    values: Any
    cells: Callable[[Columns], Cells] | None = None
    page: int = PAGE


def plans(workspace: Workspace, export: ErpExport) -> list[SheetPlan]:
    """The chosen tables, then the requests and what was wrong with their rows."""
    # Without a choice of tables the list has requests of none as well, such as those that begin and end a complete load.
    chosen = export.tables if len(export.tables) < len(TABLES) else ()
    found = search(workspace, first=export.first, last=export.last, tables=chosen, outcome=export.outcome or "", key=export.key)  # type: ignore[arg-type]  # one of the outcomes, checked when it was asked for
    tables = [_of_table(workspace, export, TABLES[name], found) for name in export.tables if name in TABLES]
    return [*tables, _of_requests(workspace, found), _of_remarks(workspace, found)]


def _of_table(workspace: Workspace, export: ErpExport, table: Table, requests: QuerySet[ErpRequest]) -> SheetPlan:
    zone = zone_of(workspace)
    since, until = local_midnight(export.first, zone), local_midnight(export.last + dt.timedelta(days=1), zone)
    values: dict[str, Any] = {"workspace": workspace.pk, "zone": workspace.time_zone, "since": since, "until": until}
    conditions = ["workspace_id = %(workspace)s", "received_at >= %(since)s", "received_at < %(until)s"]
    if export.key:
        parts = split_key(table, export.key)
        conditions += [f"{name} = %({name})s" for name in parts] if parts else ["false"]
        values |= parts or {}
    elif export.outcome:
        conditions.append("request_id = ANY(%(requests)s)")
        values["requests"] = list(requests.order_by().values_list("pk", flat=True))
    columns = [(column.name, KINDS.get(column.kind, "text")) for column in table.columns]
    columns += [("received_at", "moment"), ("gone_at", "moment"), ("request_id", "number")]
    heads = [Column(name, kind) for name, kind in columns]
    chosen = ", ".join(CELL_SQL[kind].format(name) for name, kind in columns)
    statement = f"SELECT {chosen} FROM {table.db_table} WHERE {' AND '.join(conditions)} ORDER BY id"
    return SheetPlan(table.name, table.name, heads, statement, values)


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

    def cells(page: Columns) -> Cells:
        rows = list(ErpRequest.objects.filter(workspace=workspace, pk__in=page[0]).select_related("user").order_by("pk"))
        return [[text(row) for row in rows] for _title, _kind, text in texts]

    return SheetPlan(REQUESTS, _("Requests"), heads, *_ids(found), cells, FEW)


def _ids(found: QuerySet[ErpRequest]) -> tuple[str, Any]:
    return found.order_by("pk").values_list("pk").query.sql_with_params()


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

    def cells(page: Columns) -> Cells:
        rows = ErpRequest.objects.filter(workspace=workspace, pk__in=page[0]).order_by("pk").values_list("pk", "table", "answer")
        lines = [
            (str(pk), table, kinds[kind], *(str(remark.get(name, "")) for name in ("index", "key", "field", "code", "message")))
            for pk, table, answer in rows
            for kind in kinds
            for remark in answer.get(kind) or []
            if isinstance(remark, dict)
        ]
        return list(zip(*lines, strict=True))

    return SheetPlan(REMARKS, _("Remarks"), heads, *_ids(found.exclude(rejected=0, warnings=0)), cells, FEW)


def _serial(moment: dt.datetime, workspace: Workspace) -> str:
    """A moment as Excel counts it, by the workspace's clock."""
    local = moment.astimezone(zone_of(workspace)).replace(tzinfo=None)
    return f"{(local - dt.datetime(1899, 12, 30)) / dt.timedelta(days=1):.8f}"  # noqa: DTZ001  a wall clock


def spool(
    plan: SheetPlan, path: Path, *, name: str = "", on_start: Callable[[], None] = lambda: None, on_page: Callable[[], None] = lambda: None
) -> int:
    """Copy what a sheet is made from to a file, as PostgreSQL writes it down; gives the number of rows. Inside workspace_tx.

    By its name the statement can be found and stopped: nothing else can be asked on this line meanwhile.
    """
    count = 0
    with path.open("wb", buffering=1 << 20) as file, connection.cursor() as cursor:
        cursor.execute("SELECT set_config('application_name', %s, true)", [name])
        on_start()
        with connection.wrap_database_errors, cursor.copy(f"COPY ({plan.statement}) TO STDOUT", plan.values) as copy:
            for count, line in enumerate(copy, 1):
                file.write(line)
                if not count % PAGE:
                    on_page()
    return count


def pages(path: Path, size: int = PAGE) -> Iterator[Columns]:
    """What was copied, so many rows at a time, as columns."""
    with path.open("rb", buffering=1 << 20) as file:
        while lines := list(islice(file, size)):
            yield columns_of(b"".join(lines).decode())


def columns_of(lines: str) -> Columns:
    """Lines of COPY as columns. No value is NULL, and what PostgreSQL has escaped is rare: it is looked for once."""
    width = lines[: lines.index("\n")].count("\t") + 1
    values = lines[:-1].replace("\n", "\t").split("\t")
    if "\\" in lines:
        values = [ESCAPED.sub(_unescaped, value) if "\\" in value else value for value in values]
    return [values[start::width] for start in range(width)]


def _unescaped(found: re.Match[str]) -> str:
    return ESCAPES.get(found[1], found[1])
