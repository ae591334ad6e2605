"""View mode: read `vw_crm_<table>` page by page into the same tables, with the same checks, as the API.

A view with data_alteracao is read once completely and then from its newest moment on; others, and receivables always, are read
completely as a snapshot: what is no longer in them is closed. A page is stored together with the place where the next one begins.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from crmsync.lib.paging import decode_cursor, encode_cursor
from erp_history.domain import snapshots
from erp_history.domain.drivers import CannotRead, Reader, open_reader
from erp_history.domain.ingest import Told, take
from erp_history.domain.reading import Rows
from erp_history.domain.steps import Step, StepFailed
from erp_history.domain.tables import TABLES, Table
from erp_history.domain.vault import read_secrets
from erp_history.enums import IntegrationType, RequestSource
from erp_history.models import ErpSource

PAGE = 5000
CHANGED = "data_alteracao"
ALWAYS_WHOLE = frozenset(["fatura"])
ORDER = list(TABLES)


@dataclass(slots=True)
class Page:
    """A page of a view as it was read. `columns` None: there is no such view."""

    table: Table
    position: int
    columns: list[str] | None = None
    rows: list[dict[str, Any]] = field(default_factory=list)
    after: str = ""
    is_whole: bool = False  # read completely, not from a moment on
    is_last: bool = True
    newest: str = ""


def view_of(table: Table) -> str:
    return f"vw_crm_{table.name}"


def fetch(source: ErpSource, cursor: Mapping[str, Any]) -> Page | None:
    """Read the next page; None when data come through the API. Raises StepFailed."""
    if source.integration != IntegrationType.VIEW:
        return None
    position = int(cursor.get("position", 0))
    table = TABLES[ORDER[position]]
    try:
        with open_reader(source.engine, read_secrets(source), schema=source.view_schema) as reader:
            return _read(reader, Page(table, position), cursor, since=source.watermarks.get(table.name))
    except CannotRead as error:
        raise StepFailed(f"{view_of(table)}: {error}") from error


def _read(reader: Reader, page: Page, cursor: Mapping[str, Any], *, since: str | None) -> Page:
    names = reader.columns(view_of(page.table))
    if names is None:
        return page
    page.columns = names
    wanted = _wanted(page.table, names)
    is_dated = CHANGED in wanted and page.table.name not in ALWAYS_WHOLE
    page.is_whole = not (is_dated and since)
    keys = [wanted[name] for name in page.table.key if name in wanted]
    order = keys if page.is_whole else [wanted[CHANGED], *keys]
    after = decode_cursor(cursor["after"]) if cursor.get("after") else ()
    moment = None if page.is_whole or not since else dt.datetime.fromisoformat(since)
    found = reader.rows(view_of(page.table), list(wanted.values()), order=order, after=after, since=moment, limit=PAGE)
    columns = list(wanted)
    page.rows = [dict(zip(columns, map(_plain, row), strict=True)) for row in found]
    page.is_last = len(found) < PAGE
    if found:
        last = dict(zip(wanted.values(), found[-1], strict=True))
        page.after = encode_cursor([last[name] for name in order])
    if is_dated:
        page.newest = max((str(row[CHANGED]) for row in page.rows if row[CHANGED]), default="")
    return page


def _wanted(table: Table, names: Sequence[str]) -> dict[str, str]:
    """Columns of the contract -> their names in the view, in whatever case."""
    known = {name.lower(): name for name in names}
    missing = [column.name for column in table.columns if column.required and column.name not in known]
    if missing:
        raise CannotRead(_("the column %(name)s is missing.") % {"name": ", ".join(missing)})
    return {name: known[name] for name in table.names if name in known}


def _plain(value: Any) -> Any:
    """As JSON would bring it, but amounts stay exact."""
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() and value.tzinfo is None else value.isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return value if value is None or isinstance(value, str | int | float | bool | Decimal) else str(value)


def step(step: Step) -> bool:
    """Store a page that was read."""
    page: Page | None = step.fetched
    if page is None:
        step.say("Data come in through the API.")
        return True
    if page.position != int(step.phase.cursor.get("position", 0)):
        return False
    if page.columns is None:
        step.say(f"{view_of(page.table)} is not there")
        return _next_table(step, page)
    snapshot = _snapshot(step, page)
    told = Told(method="VIEW", path=view_of(page.table), source=RequestSource.VIEW, run_id=step.run.pk)
    answer = take(step.workspace, page.table, Rows(page.rows), source=step.source, told=told, snapshot=snapshot)
    step.count(answer["received"], **{name: answer[name] for name in ("inserted", "updated", "unchanged", "rejected") if answer[name]})
    rows = int(step.phase.cursor.get("rows", 0)) + len(page.rows)
    newest = max(str(step.phase.cursor.get("newest", "")), page.newest)
    step.phase.cursor = {"position": page.position, "after": page.after, "snapshot": snapshot, "rows": rows, "newest": newest}
    if not page.is_last:
        return False
    _end(step, page, snapshot, rows=rows, newest=newest)
    return _next_table(step, page)


def _snapshot(step: Step, page: Page) -> str:
    """Only a complete reading of a view without a moment of change says what is gone."""
    if not page.is_whole or (page.newest and page.table.name not in ALWAYS_WHOLE):
        return ""
    known = str(step.phase.cursor.get("snapshot", ""))
    return known or str(snapshots.begin(step.workspace, page.table.name).pk)


def _end(step: Step, page: Page, snapshot: str, *, rows: int, newest: str) -> None:
    if snapshot and rows:
        closed = snapshots.end(step.workspace, int(snapshot), rows=rows, confirmed=True).closed_rows
        step.count(0, closed=closed)
    if newest:
        step.source.watermarks = {**step.source.watermarks, page.table.name: newest}
        step.source.save(update_fields=["watermarks"])
    step.say(f"{view_of(page.table)}: {rows} rows")


def _next_table(step: Step, page: Page) -> bool:
    step.phase.cursor = {"position": page.position + 1}
    return page.position + 1 == len(ORDER)


def test_connection(source: ErpSource, secrets: dict[str, Any]) -> dict[str, str]:
    """Try an address before it is kept: table -> what is wrong with its view ("" = fine). Raises CannotRead."""
    found: dict[str, str] = {}
    with open_reader(source.engine, secrets, schema=source.view_schema) as reader:
        for table in TABLES.values():
            names = reader.columns(view_of(table))
            found[table.name] = _("not there") if names is None else _complaint(table, names)
    return found


def _complaint(table: Table, names: Sequence[str]) -> str:
    try:
        _wanted(table, names)
    except CannotRead as error:
        return str(error)
    return ""
