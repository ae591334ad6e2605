"""Which records a run has read: arrays of ids, a few rows for tens of thousands of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection as database
from django.db.models import QuerySet

from accounts.domain.bulk import insert_rows
from integrations.engine.provider import Resource
from integrations.models import Link, Run, Seen

IDS = "SELECT unnest(ids) FROM integrations_seen WHERE workspace_id = %s AND run_id = %s"


def note_seen(run: Run, resource: Resource, ids: Sequence[str]) -> None:
    if ids:
        row = {"workspace_id": run.workspace_id, "run_id": run.pk, "round": run.cursor["round"]}
        insert_rows(Seen, [row | {"resource": resource.key, "remote_kind": resource.remote_kind, "ids": ids}])


def distinct(run: Run, resource: Resource) -> int:
    """How many different records this round has given."""
    sql = f"SELECT count(DISTINCT id) FROM ({IDS} AND resource = %s AND round = %s) AS s(id)"  # noqa: S608  a constant
    return _number(sql, run, resource.key, run.cursor["round"])


def seen_counts(run: Run) -> dict[str, int]:
    """How many different records each collection has given."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT resource, count(DISTINCT u.id) FROM integrations_seen, unnest(ids) AS u(id)"
            " WHERE workspace_id = %s AND run_id = %s GROUP BY resource",
            [run.workspace_id, run.pk],
        )
        return dict(cursor.fetchall())


def seen_among(run: Run, kind: str, ids: Sequence[str]) -> set[str]:
    """Those of `ids` that the run has read."""
    if not ids:
        return set()
    with database.cursor() as cursor:
        sql = f"SELECT DISTINCT id FROM ({IDS} AND remote_kind = %s) AS s(id) WHERE id = ANY(%s)"  # noqa: S608  a constant
        cursor.execute(sql, [run.workspace_id, run.pk, kind, list(ids)])
        return {row[0] for row in cursor.fetchall()}


def seen_ids(run: Run, resource: str) -> list[str]:
    with database.cursor() as cursor:
        cursor.execute(f"{IDS} AND resource = %s", [run.workspace_id, run.pk, resource])
        return [row[0] for row in cursor.fetchall()]


def lacking_links(run: Run, kinds: Sequence[str]) -> list[int]:
    """Primary keys of the links whose record this run has not read, and that are not known to be gone."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT l.id FROM integrations_link l WHERE l.workspace_id = %s AND l.connection_id = %s AND l.remote_kind = ANY(%s)"
            # Uncorrelated on purpose: PostgreSQL hashes it once, whatever it thinks of the arrays' length.
            " AND l.state NOT IN ('GONE', 'HIDDEN') AND (l.remote_kind, l.remote_id) NOT IN (SELECT s.remote_kind, u.id"
            " FROM integrations_seen s, unnest(s.ids) AS u(id) WHERE s.workspace_id = %s AND s.run_id = %s)",
            [run.workspace_id, run.connection_id, list(kinds), run.workspace_id, run.pk],
        )
        return [row[0] for row in cursor.fetchall()]


def lacking_ids(run: Run, links: QuerySet[Link]) -> list[tuple[str, str]]:
    """(kind, id) of those of these links whose record the run has not read."""
    rows = list(links.values_list("remote_kind", "remote_id"))
    seen = {kind: seen_among(run, kind, [id_ for k, id_ in rows if k == kind]) for kind in {kind for kind, _id in rows}}
    return [(kind, id_) for kind, id_ in rows if id_ not in seen[kind]]


def forget_seen(run: Run) -> None:
    Seen.objects.filter(workspace_id=run.workspace_id, run=run).delete()


def _number(sql: str, run: Run, *params: Any) -> int:
    with database.cursor() as cursor:
        cursor.execute(sql, [run.workspace_id, run.pk, *params])
        return int(cursor.fetchone()[0])
