"""How many rows a workspace's ERP tables hold, and their size: counted after every night and kept with the time of counting.

To count a million rows takes seconds. Few rows are counted when somebody looks, so that the first days are followed live.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import connection
from django.utils import timezone

from accounts.models import Workspace
from erp_history.domain.tables import TABLES
from erp_history.models import ErpRequest, StoredRows

COUNTED_AT_ONCE = 20_000
COUNTED_AGAIN = dt.timedelta(minutes=10)
FEW = " UNION ALL ".join(f"SELECT 1 FROM {table.db_table} WHERE workspace_id = %(workspace)s" for table in TABLES.values())
COUNT = " UNION ALL ".join(
    f"SELECT '{table.name}' AS name, count(*) AS rows, count(*) FILTER (WHERE NOT excluido AND gone_at IS NULL) AS live,"
    f" coalesce(sum(pg_column_size(t.*)), 0) AS size, max(received_at) AS last_at"
    f" FROM {table.db_table} t WHERE workspace_id = %(workspace)s"
    for table in TABLES.values()
)
KEEP = f"""
INSERT INTO erp_history_storedrows AS s (workspace_id, "table", rows, live, size, last_at, counted_at)
SELECT %(workspace)s, name, rows, live, size, last_at, %(now)s FROM ({COUNT}) x
ON CONFLICT (workspace_id, "table") DO UPDATE
SET rows = EXCLUDED.rows, live = EXCLUDED.live, size = EXCLUDED.size, last_at = EXCLUDED.last_at, counted_at = EXCLUDED.counted_at
"""


def stored(workspace: Workspace) -> Sequence[StoredRows]:
    """The counts of all tables, made now when there are few rows; none at all when many were never counted. Inside workspace_tx."""
    if _has_few(workspace):
        count(workspace)
    return list(StoredRows.objects.filter(workspace=workspace))


def count(workspace: Workspace) -> None:
    with connection.cursor() as cursor:
        cursor.execute(KEEP, {"workspace": workspace.pk, "now": timezone.now()})


def _has_few(workspace: Workspace) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) <= %(few)s FROM (SELECT 1 FROM ({FEW}) y LIMIT %(few)s + 1) x",
            {"workspace": workspace.pk, "few": COUNTED_AT_ONCE},
        )
        return bool(cursor.fetchone()[0])


def is_due(workspace: Workspace) -> bool:
    """Have rows arrived since the counts were made, and not only now?"""
    counted = StoredRows.objects.filter(workspace=workspace).order_by("counted_at").values_list("counted_at", flat=True).first()
    arrived = ErpRequest.objects.filter(workspace=workspace, status=200).order_by("-id").values_list("at", flat=True).first()
    if counted is None or arrived is None:
        return counted is None
    return arrived > counted and counted < timezone.now() - COUNTED_AGAIN
