"""Take a batch in: read, check, merge, and write down what was received and answered, all in one transaction."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from accounts.domain.bulk import insert_one_of_each, insert_rows, reserve_ids
from accounts.models import Workspace
from accounts.scoping import Origin, workspace_tx
from crmsync.lib.collector import collector_paused
from crmsync.lib.text import strip_nul
from erp_history.domain import news, snapshots
from erp_history.domain.batch import Batch, check_batch
from erp_history.domain.merge import Merged, merge
from erp_history.domain.reading import Rows, parse
from erp_history.domain.sources import formats_of, note_arrival, source_of
from erp_history.domain.tables import Table
from erp_history.enums import RequestSource
from erp_history.models import ErpNews, ErpRequest, ErpSource

SAMPLE = 4000
KEPT_REMARKS = 500


@dataclass(slots=True)
class Told:
    """What the history of requests keeps of one request."""

    method: str = "POST"
    path: str = ""
    table: str = ""
    user_id: int | None = None
    token_name: str = ""
    snapshot_id: int | None = None
    run_id: int | None = None
    source: str = RequestSource.API
    size: int = 0
    sample: str = ""
    since: dt.datetime = field(default_factory=timezone.now)


def beginning(body: bytes) -> str:
    """What the history keeps of a body."""
    return strip_nul(body[:SAMPLE].decode("utf-8", errors="replace"))


def push(
    workspace: Workspace, table: Table, body: bytes, *, kind: str, encoding: str, snapshot: str, told: Told, origin: Origin
) -> dict[str, Any]:
    """A batch that came over HTTP. Raises Unreadable or Refused when it was not taken."""
    told.sample = beginning(body)
    with collector_paused(), workspace_tx(workspace, origin=origin):
        source = source_of(workspace)
        rows = parse(body, kind=kind, encoding=encoding or source.encoding, names=table.names)
        return take(workspace, table, rows, source=source, snapshot=snapshot, told=told)


def take(workspace: Workspace, table: Table, rows: Rows, *, source: ErpSource, told: Told, snapshot: str = "") -> dict[str, Any]:
    """Check and merge rows; inside workspace_tx."""
    opened = snapshots.open_snapshot(workspace, snapshot, table.name) if snapshot else None
    batch = check_batch(table, rows, formats_of(source, workspace))
    [request_id] = reserve_ids(ErpRequest, 1)
    merged = merge(workspace, batch, request_id=request_id, snapshot_id=opened.pk if opened else None)
    if opened is not None:
        told.snapshot_id = opened.pk
        snapshots.count_rows(opened, batch)
    answer = _answer(batch, merged)
    told.table = table.name
    changed = [(ErpNews, news.line(workspace, table.name))] if merged.inserted or merged.updated else []
    insert_one_of_each((ErpRequest, _line(workspace, told, status=200, answer=answer, request_id=request_id)), *changed)
    if batch.size:
        note_arrival(source, workspace)
    return answer


def _answer(batch: Batch, merged: Merged) -> dict[str, Any]:
    return {
        "received": batch.received,
        "inserted": merged.inserted,
        "updated": merged.updated,
        "unchanged": merged.unchanged,
        "superseded": merged.superseded + batch.repeated,
        "rejected": batch.rejected,
        "errors": [error.as_json() for error in batch.errors],
        "warning_count": batch.warning_count,
        "warnings": [warning.as_json() for warning in batch.warnings],
    }


COUNTERS = ("received", "inserted", "updated", "unchanged", "superseded", "rejected")


def note_request(workspace: Workspace, told: Told, *, status: int, answer: dict[str, Any]) -> None:
    """Keep a request that was not taken, and its answer; inside workspace_tx."""
    [request_id] = reserve_ids(ErpRequest, 1)
    insert_rows(ErpRequest, [_line(workspace, told, status=status, answer=answer, request_id=request_id)])


def _line(workspace: Workspace, told: Told, *, status: int, answer: dict[str, Any], request_id: int) -> dict[str, Any]:
    """A request in the history. Long lists of remarks are cut, their numbers stay."""
    kept = answer | {name: answer[name][:KEPT_REMARKS] for name in ("errors", "warnings") if isinstance(answer.get(name), list)}
    now = timezone.now()
    return {
        "id": request_id,
        "workspace_id": workspace.pk,
        "source": told.source,
        "at": now,
        "user_id": told.user_id,
        "token_name": told.token_name[:80],
        "method": told.method[:6],
        "path": strip_nul(told.path)[:300],
        "table": told.table[:20],
        "snapshot_id": told.snapshot_id,
        "run_id": told.run_id,
        "status": status,
        "milliseconds": max(0, round((now - told.since).total_seconds() * 1000)),
        "size": told.size,
        "sample": told.sample[:SAMPLE],
        "warnings": answer.get("warning_count", 0),
        "answer": _without_nul(kept),
        **{name: answer.get(name, 0) for name in COUNTERS},
    }


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return strip_nul(value)
    if isinstance(value, dict):
        return {strip_nul(str(key)): _without_nul(item) for key, item in value.items()}
    return [_without_nul(item) for item in value] if isinstance(value, list) else value
