"""The reading phase of a run: a page is read without a transaction, then staged together with the cursor in one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import connection as database
from django.db.models import Count
from django.utils import timezone

from accounts.scoping import Origin
from crmsync.lib.text import clip, exact_name
from integrations import registry
from integrations.domain.access import Access
from integrations.domain.exchanges import store_exchanges
from integrations.domain.journal import write_lines
from integrations.domain.leases import page_tx, save_progress
from integrations.engine.errors import SkipRecord
from integrations.engine.matching import name_key
from integrations.engine.provider import Provider, Resource, ResourceKind
from integrations.engine.types import BadRecord, Page, RawRecord, Ref
from integrations.enums import Level, LinkState
from integrations.models import Connection, Link, Run, RunLine, Staged
from invoices.domain.store import known_versions

ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored about a record: if its version is the same, there is nothing to read in it."""

    version: str
    name: str = ""


def active_resources(connection: Connection) -> list[Resource]:
    """The collections that this connection's settings ask for and the vendor lets us read."""
    manifest = registry.manifest(connection.provider)
    wanted = [r for r in manifest.resources if r.when is None or connection.settings.get(r.when[0]) == r.when[1]]
    return [r for r in wanted if r.key not in connection.denied]


def start_cursor(connection: Connection) -> dict[str, Any]:
    return {"resources": [r.key for r in active_resources(connection)], "at": 0, "page": None, "round": 1, "read": 0, "partial": []}


def current_resource(run: Run) -> Resource | None:
    """The collection that is being read, None when all are."""
    keys = run.cursor["resources"]
    if run.cursor["at"] >= len(keys):
        return None
    manifest = registry.manifest(run.connection.provider)
    return next(r for r in manifest.resources if r.key == keys[run.cursor["at"]])


def fetch_page(run: Run, access: Access, resource: Resource, *, origin: Origin) -> None:
    """Read and stage one page. Raises engine errors; then nothing is stored and the cursor stands."""
    page = access.provider.page(resource.key, run.cursor["page"])
    with page_tx(run, origin=origin, lazy_commit=True):
        staged = _stage(run, access.provider, resource, page)
        _log_bad(run, resource, page.bad)
        cursor = _next_cursor(run.cursor, page, staged=staged)
        values = {"pages": page.pages} if page.pages else {}
        store_exchanges(run.connection, access.recorder.take(), run_id=run.pk)
        save_progress(run, cursor=cursor, done=cursor["read"], total=page.total or cursor["read"], page=page.number, **values)


def skip_resource(run: Run) -> None:
    """Leave out the collection at hand (the vendor refused it) inside an open page transaction."""
    key = run.cursor["resources"][run.cursor["at"]]
    save_progress(run, cursor=_following(run.cursor) | {"partial": [*run.cursor["partial"], key]})


def _next_cursor(cursor: Mapping[str, Any], page: Page, *, staged: int) -> dict[str, Any]:
    moved = dict(cursor) | {"read": cursor["read"] + staged, "tries": 0, "bad": cursor.get("bad", 0) + len(page.bad)}
    moved["repeated"] = cursor.get("repeated", 0) + len(page.records) - staged
    moved.setdefault("first_total", page.total)
    if page.next is not None:
        return moved | {"page": dict(page.next)}
    if not _drifted(moved, page):
        return _following(moved)
    if cursor["round"] < ROUNDS:
        return _again(moved)
    key = cursor["resources"][cursor["at"]]
    return _following(moved) | {"partial": [*cursor["partial"], key]}


def _drifted(cursor: Mapping[str, Any], page: Page) -> bool:
    """Records moved under our feet: one came twice, or the vendor's total changed while we read."""
    totals = cursor.get("first_total") is not None and cursor["first_total"] != page.total
    return totals or bool(cursor["repeated"])


def _again(cursor: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in cursor.items() if name not in {"first_total", "repeated"}}
    return kept | {"page": None, "round": cursor["round"] + 1, "read": 0}


def _following(cursor: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in cursor.items() if name not in {"first_total", "repeated"}}
    return kept | {"at": cursor["at"] + 1, "page": None, "round": 1, "read": 0}


def _stage(run: Run, provider: Provider, resource: Resource, page: Page) -> int:
    """Stage the page's records; gives how many of them are new to this round."""
    records = {record.ref: record for record in page.records}
    known = _known(run.connection, resource, list(records))
    rows = [_row(provider, resource, record, known.get(record.ref)) for record in records.values()]
    return _insert(run, resource, rows)


def _known(connection: Connection, resource: Resource, refs: Sequence[Ref]) -> dict[Ref, Known]:
    if resource.kind is ResourceKind.INVOICES:
        versions = known_versions(connection.workspace, connection.pk, [(ref.kind, ref.id) for ref in refs])
        return {Ref(*pair): Known(version) for pair, version in versions.items()}
    rows = Link.objects.filter(
        workspace_id=connection.workspace_id,
        connection=connection,
        remote_kind__in={r.kind for r in refs},
        remote_id__in=[r.id for r in refs],
    )
    found = rows.filter(state=LinkState.LINKED).values_list("remote_kind", "remote_id", "version", "remote_name")
    return {Ref(kind, id_): Known(version, name) for kind, id_, version, name in found}


def _row(provider: Provider, resource: Resource, record: RawRecord, known: Known | None) -> tuple[str, str, str, str, str | None]:
    if known is not None and known.version and known.version == record.version:
        return record.ref.kind, record.ref.id, record.version, exact_name(known.name), None
    key = _key(provider, record) if resource.kind is ResourceKind.CONTACTS else ""
    body = orjson.dumps(record.body).decode().replace("\\u0000", "")
    return record.ref.kind, record.ref.id, record.version, key, body


def _key(provider: Provider, record: RawRecord) -> str:
    try:
        return clip(name_key(provider.remote(record)), 300).replace("\x00", "")
    except SkipRecord:
        return ""


def _insert(run: Run, resource: Resource, rows: Sequence[tuple[str, str, str, str, str | None]]) -> int:
    columns: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)] if rows else [[], [], [], [], []]
    round_ = run.cursor["round"]
    with database.cursor() as cursor:
        # A later round reads everything again: what it says replaces what the first one said.
        cursor.execute(
            "INSERT INTO integrations_staged AS s (workspace_id, run_id, round, resource, remote_kind, remote_id, version, match_key, body)"
            " SELECT %s, %s, %s, %s, k, i, v, m, b::jsonb"
            " FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[]) AS r(k, i, v, m, b)"
            " ON CONFLICT (workspace_id, run_id, remote_kind, remote_id)"
            " DO UPDATE SET version = excluded.version, match_key = excluded.match_key, body = excluded.body, round = excluded.round"
            " WHERE s.round < excluded.round",
            [run.workspace_id, run.pk, round_, resource.key, *columns],
        )
        return cursor.rowcount


def _log_bad(run: Run, resource: Resource, bad: Sequence[BadRecord]) -> None:
    now = timezone.now()
    write_lines(
        [
            RunLine(
                workspace_id=run.workspace_id,
                run=run,
                at=now,
                level=Level.ERROR,
                action="fail",
                remote_kind=resource.remote_kind,
                reason={"code": one.reason.code, "params": dict(one.reason.params)},
            )
            for one in bad
        ]
    )


def staged_counts(run: Run) -> Mapping[str, int]:
    """How many records each collection has given in this run."""
    rows = Staged.objects.filter(workspace_id=run.workspace_id, run=run).values("resource").annotate(n=Count("pk")).order_by()
    return {row["resource"]: row["n"] for row in rows}
