"""View mode: read `vw_crm_<table>` page by page into the same tables, with the same checks, as the API.

A view with data_alteracao is read once completely and then from its newest moment on; others, and receivables always, are read
completely as a snapshot: what is no longer in them is closed. A page is stored together with the place where the next one begins.
`ErpSource.watermarks` knows every view that was read to its end: its newest moment, or "" when it has none.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from crmsync.lib.crypto import SecretError, digest
from crmsync.lib.paging import CursorError, decode_cursor, encode_cursor
from erp_history.domain import snapshots
from erp_history.domain.complaints import CannotRead
from erp_history.domain.drivers import Reader
from erp_history.domain.ingest import Told, take
from erp_history.domain.openers import open_reader
from erp_history.domain.reading import ENCODINGS, Rows
from erp_history.domain.sources import zone_of
from erp_history.domain.steps import Step, StepFailed
from erp_history.domain.tables import TABLES, Table
from erp_history.domain.values import Writing, as_json_brings, for_cursor, newest_moment
from erp_history.domain.vault import read_secrets
from erp_history.enums import IntegrationType, RequestSource
from erp_history.models import ErpSource

PAGE = 5000
TEST_SECONDS = 10
# Changes may be committed after later ones were read, and clocks that are put back write the same hour twice.
OVERLAP = dt.timedelta(hours=1)
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
    mark: str = ""  # of the connection that it was read through


def view_of(table: Table) -> str:
    return f"vw_crm_{table.name}"


def mark_of(source: ErpSource) -> str:
    """Names a connection as it was saved: a reading that began through another one has nothing to say about this one."""
    return digest("\n".join((source.engine, source.view_schema, source.secrets)))[:16]


def may_go_on(source: ErpSource, cursor: Mapping[str, Any]) -> bool:
    """Whether what a failed night has read is of the database that would be read now."""
    return source.integration != IntegrationType.VIEW or not cursor or cursor.get("mark") == mark_of(source)


def fetch(source: ErpSource, cursor: Mapping[str, Any]) -> Page | None:
    """Read the next page; None when data come through the API. Raises StepFailed."""
    if source.integration != IntegrationType.VIEW:
        return None
    mark = mark_of(source)
    cursor = cursor if cursor.get("mark") == mark else {}
    position = int(cursor.get("position", 0))
    table = TABLES[ORDER[position]]
    try:
        with open_reader(source.engine, read_secrets(source), schema=source.view_schema) as reader:
            return _read(reader, Page(table, position, mark=mark), cursor, source)
    except (CannotRead, SecretError, CursorError) as error:
        raise StepFailed(f"{view_of(table)}: {error}") from error


def _read(reader: Reader, page: Page, cursor: Mapping[str, Any], source: ErpSource) -> Page:
    names = reader.columns(view_of(page.table))
    if names is None:
        return page
    page.columns = names
    wanted = _wanted(page.table, names)
    since = source.watermarks.get(page.table.name)
    is_dated = CHANGED in wanted and page.table.name not in ALWAYS_WHOLE
    page.is_whole = not (is_dated and since)
    keys = [wanted[name] for name in page.table.key if name in wanted]
    order = keys if page.is_whole else [wanted[CHANGED], *keys]
    found, is_last = _next_rows(reader, page, list(wanted.values()), order, cursor, since=since)
    page.is_last = is_last
    if found:
        page.after = encode_cursor(_place(found[-1], list(wanted.values()), order))
    _take_values(page, found, wanted, source, is_dated=is_dated)
    return page


def _next_rows(
    reader: Reader, page: Page, columns: list[str], order: list[str], cursor: Mapping[str, Any], *, since: str | None
) -> tuple[list[Any], bool]:
    """The next rows, and whether they are the last: the row that the page before ended with comes again and is left out."""
    after = list(decode_cursor(cursor["after"])) if cursor.get("after") else []
    moment = None if page.is_whole or not since else dt.datetime.fromisoformat(since) - OVERLAP
    limit = PAGE + len(after[:1])
    found = reader.rows(view_of(page.table), columns, order=order, after=after, since=moment, limit=limit)
    fresh = [row for row in found if _place(row, columns, order) != after] if after else found
    if not fresh and len(found) == limit:
        raise CannotRead(_("the rows cannot be told apart by their key."))
    return fresh, len(found) < limit


def _place(row: Sequence[Any], columns: list[str], order: list[str]) -> list[Any]:
    return [for_cursor(row[columns.index(name)]) for name in order]


def _take_values(page: Page, found: list[Any], wanted: Mapping[str, str], source: ErpSource, *, is_dated: bool) -> None:
    writing = Writing(zone=zone_of(source.workspace), encoding=ENCODINGS.get(source.encoding, "utf-8"))
    known = {column.name: column for column in page.table.columns}
    columns = [known[name] for name in wanted]
    names = list(wanted)
    page.rows = [
        dict(zip(names, (as_json_brings(value, column, writing) for value, column in zip(row, columns, strict=True)), strict=True))
        for row in found
    ]
    if is_dated:
        place = names.index(CHANGED)
        page.newest = newest_moment([row[place] for row in found], writing)


def _wanted(table: Table, names: Sequence[str]) -> dict[str, str]:
    """Columns of the contract -> their names in the view, in whatever case."""
    known = {name.lower(): name for name in names}
    missing = [column.name for column in table.columns if column.required and column.name not in known]
    if missing:
        raise CannotRead(_("the column %(name)s is missing.") % {"name": ", ".join(missing)}, is_about_view=True)
    return {name: known[name] for name in table.names if name in known}


def step(step: Step) -> bool:
    """Store a page that was read."""
    page: Page | None = step.fetched
    if page is None:
        step.say("api")
        return True
    if not _is_expected(step, page):
        return False
    if page.columns is None:
        return _absent(step, page)
    snapshot = _snapshot(step, page)
    told = Told(method="VIEW", path=view_of(page.table), source=RequestSource.VIEW, run_id=step.run.pk)
    answer = take(step.workspace, page.table, Rows(page.rows), source=step.source, told=told, snapshot=snapshot)
    step.count(answer["received"], **{name: answer[name] for name in ("inserted", "updated", "unchanged", "rejected") if answer[name]})
    rows = int(step.phase.cursor.get("rows", 0)) + len(page.rows)
    newest = max(str(step.phase.cursor.get("newest", "")), page.newest)
    step.phase.cursor = {
        "position": page.position,
        "after": page.after,
        "snapshot": snapshot,
        "rows": rows,
        "newest": newest,
        "mark": page.mark,
    }
    if not page.is_last:
        return False
    _end(step, page, snapshot, rows=rows, newest=newest)
    return _next_table(step, page)


def _is_expected(step: Step, page: Page) -> bool:
    """A page of a connection that was saved anew meanwhile is dropped. Until the page is stored nobody saves another."""
    step.source = ErpSource.objects.select_for_update(no_key=True).get(pk=step.source.pk)
    if page.mark != mark_of(step.source):
        return False
    if step.phase.cursor.get("mark") != page.mark:
        step.phase.cursor = {}
    return page.position == int(step.phase.cursor.get("position", 0))


def _absent(step: Step, page: Page) -> bool:
    """Not every ERP has every table, but one that has been read does not go away in silence."""
    if page.table.name in step.source.watermarks:
        text = _("%(view)s is not there any more, or the user may not read it. If that is meant, save the connection again.")
        raise StepFailed(text % {"view": view_of(page.table)})
    step.say("view_absent", view=view_of(page.table))
    return _next_table(step, page)


def _snapshot(step: Step, page: Page) -> str:
    """Only a complete reading of a view without a moment of change says what is gone. The first page decides for all."""
    if "snapshot" in step.phase.cursor:
        return str(step.phase.cursor["snapshot"])
    if not page.is_whole or (page.newest and page.table.name not in ALWAYS_WHOLE):
        return ""
    return str(snapshots.begin(step.workspace, page.table.name).pk)


def _end(step: Step, page: Page, snapshot: str, *, rows: int, newest: str) -> None:
    if snapshot and rows:
        closed = snapshots.end(step.workspace, int(snapshot), rows=rows, confirmed=True).closed_rows
        step.count(0, closed=closed)
    newest = newest or step.source.watermarks.get(page.table.name, "")
    step.source.watermarks = {**step.source.watermarks, page.table.name: newest}
    step.source.save(update_fields=["watermarks"])
    step.say("view_read", view=view_of(page.table), rows=rows)


def _next_table(step: Step, page: Page) -> bool:
    step.phase.cursor = {"position": page.position + 1, "mark": page.mark}
    return page.position + 1 == len(ORDER)


def test_connection(source: ErpSource, secrets: dict[str, Any]) -> dict[str, str]:
    """Try an address before it is kept: table -> what is wrong with its view ("" = fine). Raises CannotRead."""
    with open_reader(source.engine, secrets, schema=source.view_schema, seconds=TEST_SECONDS) as reader:
        return {table.name: _complaint(reader, table) for table in TABLES.values()}


def _complaint(reader: Reader, table: Table) -> str:
    try:
        names = reader.columns(view_of(table))
        if names is None:
            return _("not there, or this user may not read it")
        _wanted(table, names)
    except CannotRead as error:
        if not error.is_about_view:
            raise
        return str(error)
    return ""
