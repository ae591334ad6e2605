"""Complete loads: begin, name the snapshot in every batch, end with the number of rows. What did not come is gone."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.domain.bulk import as_json
from accounts.domain.errors import Refused
from accounts.models import Workspace
from crmsync.lib.text import row_number
from erp_history.domain import news
from erp_history.domain.batch import Batch
from erp_history.domain.tables import TABLES
from erp_history.enums import SnapshotStatus
from erp_history.models import ErpSnapshot, ErpSnapshotRow

FEW = 20  # rows that may always go
SHARE = 2  # more than one half of the rows needs a confirmation; receivables come and go
ALWAYS_RENEWED = frozenset(["fatura"])
GONE = """
UPDATE {table} t SET gone_at = now() WHERE t.workspace_id = %(workspace)s AND NOT t.excluido AND t.gone_at IS NULL
AND NOT EXISTS (
  SELECT 1 FROM erp_history_erpsnapshotrow r WHERE r.workspace_id = %(workspace)s AND r.snapshot_id = %(snapshot)s AND r.row_id = t.id
) AND t.received_at < %(began)s
"""
COUNT = """
SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (
  SELECT 1 FROM erp_history_erpsnapshotrow r WHERE r.workspace_id = %(workspace)s AND r.snapshot_id = %(snapshot)s AND r.row_id = t.id
) AND t.received_at < %(began)s)
FROM {table} t WHERE t.workspace_id = %(workspace)s AND NOT t.excluido AND t.gone_at IS NULL
"""


def begin(workspace: Workspace, table: str) -> ErpSnapshot:
    """Open a snapshot of a table. One that was open is given up: its load starts over."""
    if table not in TABLES:
        raise Refused("unknown_table", _("There is no such table."), field="table")
    abandoned = ErpSnapshot.objects.filter(workspace=workspace, table=table, status=SnapshotStatus.OPEN)
    ErpSnapshotRow.objects.filter(workspace=workspace, snapshot_id__in=list(abandoned.values_list("pk", flat=True))).delete()
    abandoned.delete()
    return ErpSnapshot.objects.create(workspace=workspace, table=table, began_at=timezone.now())


def open_snapshot(workspace: Workspace, text: str, table: str) -> ErpSnapshot:
    """The open snapshot that a batch names, locked so that it is not ended meanwhile."""
    number = row_number(text)
    found = ErpSnapshot.objects.select_for_update().filter(workspace=workspace, pk=number).first() if number is not None else None
    if found is None:
        raise Refused("unknown_snapshot", _("There is no such snapshot. It may have been replaced by a newer one."))
    if found.table != table:
        raise Refused("wrong_table", _("This snapshot is of the table %(table)s.") % {"table": found.table})
    if found.status != SnapshotStatus.OPEN:
        raise Refused("snapshot_closed", _("This snapshot has been ended."))
    return found


def count_rows(snapshot: ErpSnapshot, batch: Batch) -> None:
    """Rows that were rejected came too: what is stored of them must not be closed."""
    snapshot.rows += batch.received
    snapshot.save(update_fields=["rows"])
    if not batch.rejected_keys:
        return
    key = batch.table.key
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO erp_history_erpsnapshotrow (workspace_id, snapshot_id, row_id)"
            f" SELECT t.workspace_id, %s, t.id FROM json_to_recordset(%s::json) AS r({', '.join(f'{name} text' for name in key)})"
            f" JOIN {batch.table.db_table} t ON {' AND '.join(f't.{name} = r.{name}' for name in key)} WHERE t.workspace_id = %s",
            [snapshot.pk, as_json(batch.rejected_keys), snapshot.workspace_id],
        )


def end(workspace: Workspace, snapshot_id: int, *, rows: int, confirmed: bool = False) -> ErpSnapshot:
    """Close the rows that did not come. Refused when rows are missing, or when nearly everything would go and nobody confirmed it."""
    snapshot = ErpSnapshot.objects.select_for_update().filter(workspace=workspace, pk=snapshot_id).first()
    if snapshot is None:
        raise ErpSnapshot.DoesNotExist
    if snapshot.status != SnapshotStatus.OPEN:
        raise Refused("snapshot_closed", _("This snapshot has been ended."))
    if snapshot.rows != rows:
        words = {"told": rows, "came": snapshot.rows}
        raise Refused("row_count", _("%(told)s rows were announced, but %(came)s came. Nothing was closed.") % words)
    values: dict[str, Any] = {"workspace": workspace.pk, "snapshot": snapshot.pk, "began": snapshot.began_at}
    if not confirmed:
        _check(snapshot, values)
    with connection.cursor() as cursor:
        cursor.execute(GONE.format(table=TABLES[snapshot.table].db_table), values)
        snapshot.closed_rows = cursor.rowcount
    if snapshot.closed_rows:
        news.note(workspace, snapshot.table)
    ErpSnapshotRow.objects.filter(workspace=workspace, snapshot_id=snapshot.pk).delete()
    snapshot.status, snapshot.ended_at = SnapshotStatus.CLOSED, timezone.now()
    snapshot.save(update_fields=["status", "ended_at", "closed_rows"])
    return snapshot


def _check(snapshot: ErpSnapshot, values: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(COUNT.format(table=TABLES[snapshot.table].db_table), values)
        live, missing = cursor.fetchone()
    if snapshot.rows == 0 and live:
        text = _("The snapshot is empty, but %(count)s rows are known. Send “confirm”: true if they are really gone.")
        raise Refused("empty_snapshot", text % {"count": live})
    if snapshot.table not in ALWAYS_RENEWED and missing > max(FEW, live // SHARE):
        text = _("%(missing)s of %(count)s rows are missing from the snapshot. Send “confirm”: true if they are really gone.")
        raise Refused("mass_deletion", text % {"missing": missing, "count": live})
