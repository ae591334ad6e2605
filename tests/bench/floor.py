"""What writing costs at the least: the very rows that a transfer has left, inserted once more and nothing else done.

The same tables with their indexes, foreign keys, row-level security and history; batches as large as the run's, committed durably.
(COPY cannot do it: PostgreSQL refuses COPY FROM under row-level security, and its triggers and indexes would cost the same.)
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.db import connection as database

from accounts.models import Workspace
from accounts.scoping import Origin, workspace_tx
from contacts.models import Contact
from integrations.domain.advance import BATCH
from integrations.models import Connection

AHEAD = 10**9  # added to the contacts' ids
TABLES = (
    ("contacts_contact", "id", {"id": "id", "organisation_id": "organisation_id"}),
    ("contacts_contacttoken", "contact_id", {"contact_id": "contact_id"}),
    ("integrations_link", "contact_id", {"contact_id": "contact_id"}),
    ("integrations_runline", "contact_id", {"contact_id": "contact_id"}),
)


@dataclass(frozen=True)
class Copy:
    """Rows of one table on their way into another workspace."""

    table: str
    columns: str
    rows: str


def bare_inserts(source: Connection, target: Connection, run_id: int) -> float:
    """Seconds that it takes to insert again what `source` has brought in, into another workspace."""
    batches = _read(source, target, run_id)
    began = time.perf_counter()
    for batch in batches:
        with workspace_tx(target.workspace, origin=Origin(kind="sync", run_id=run_id)), database.cursor() as cursor:
            for copy in batch:
                cursor.execute(
                    f"INSERT INTO {copy.table} ({copy.columns}) SELECT {copy.columns} FROM json_populate_recordset(null::{copy.table}, %s)",
                    [copy.rows],
                )
    return time.perf_counter() - began


def _read(source: Connection, target: Connection, run_id: int) -> list[list[Copy]]:
    with workspace_tx(source.workspace):
        ids = list(Contact.objects.filter(links__connection=source).order_by("pk").values_list("pk", flat=True))
        parts = [ids[start : start + BATCH] for start in range(0, len(ids), BATCH)]
        return [[_copy(name, key, moved, part, target, run_id) for name, key, moved in TABLES] for part in parts]


def _copy(table: str, key: str, moved: dict[str, str], ids: list[int], target: Connection, run_id: int) -> Copy:
    with database.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table} LIMIT 0")
        columns = [column.name for column in cursor.description or ()]
        order = "id" if "id" in columns else "ctid"  # as they were written
        names = [name for name in columns if name != "id" or "id" in moved]
        values = {"workspace_id": str(target.workspace_id), "connection_id": str(target.pk), "run_id": str(run_id)}
        values |= {name: f"{name} + {AHEAD}" for name in moved}
        picked = ", ".join(f"{values[name]} AS {name}" if name in values else name for name in names)
        cursor.execute(f"SELECT json_agg(r)::text FROM (SELECT {picked} FROM {table} WHERE {key} = ANY(%s) ORDER BY {order}) r", [ids])
        [rows] = cursor.fetchone() or ("[]",)
    return Copy(table, ", ".join(names), rows or "[]")


def elsewhere(source: Connection) -> Connection:
    """An empty workspace with the same integration, connected to nothing."""
    workspace = Workspace.objects.create(name="Floor", slug=f"floor-{time.time_ns()}", country=source.workspace.country)
    with workspace_tx(workspace):
        return Connection.objects.create(workspace=workspace, provider=source.provider, status=source.status)
