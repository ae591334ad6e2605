"""Merge a checked batch into its table: one COPY into a table of this session, one statement that writes only what differs.

COPY is refused under row-level security, so it fills a temporary table; the one statement from there passes the wall like any other
write. Rows whose content is what is stored cost a look-up and nothing else; rows that are new are inserted without asking again.
New keys first and each kind in order, so that two batches with the same keys wait for one another instead of locking each other out.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, connection
from django.db.backends.utils import CursorWrapper
from psycopg.errors import UniqueViolation

from accounts.models import Workspace
from erp_history.domain.batch import Batch, copy_text
from erp_history.domain.staging import emptied, staging_of
from erp_history.domain.tables import TABLES, Table

OUTSIDE_CONTENT = frozenset(["data_alteracao"])
DENSE = 3
WORTH_ASKING = 100
PROBES = 16
Stored = Callable[[Table], str]


@dataclass(frozen=True, slots=True)
class Merged:
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    superseded: int = 0


def merge(workspace: Workspace, batch: Batch, *, request_id: int, snapshot_id: int | None = None) -> Merged:
    """Insert what is new, update what differs and is not older. Inside workspace_tx."""
    if not batch.size:
        return Merged()
    table = batch.table
    names = [name for name in table.names if name in batch.columns and name not in batch.unsent]
    order = _order(batch)
    with connection.cursor() as cursor:
        cursor.execute(emptied(batch))
        with cursor.copy(f"COPY pg_temp.{staging_of(batch)} ({', '.join(names)}) FROM STDIN") as copy:
            copy.write(copy_text(_columns(batch, names, order)))
        values: dict[str, Any] = {"workspace": workspace.pk, "request": request_id, "snapshot": snapshot_id, "most": DENSE * batch.size}
        values |= _keys(batch, order)
        try:
            added = _insert_new(cursor, batch, values)
            if added:
                return Merged(inserted=added)
            return _merge_each(cursor, batch, values, is_dense=_is_dense(cursor, batch, values))
        except IntegrityError as error:
            if not isinstance(error.__cause__, UniqueViolation):
                raise
            # Another request was faster with a key that was new to this one, or it was there and no probe has found it.
            cursor.execute("ROLLBACK TO SAVEPOINT erp_merge; RELEASE SAVEPOINT erp_merge")
            return _merge_each(cursor, batch, values, contested=True)


def _try(cursor: CursorWrapper, statement: str, values: Mapping[str, Any], *, before: str = "", after: str = "") -> None:
    """Run a statement that may find a key taken, in a savepoint and in one round trip; the cursor stands at its result then."""
    cursor.execute(f"SAVEPOINT erp_merge; {before}{statement}; {after}RELEASE SAVEPOINT erp_merge", values)
    for _passed in range(1 + before.count(";")):
        cursor.nextset()


def _order(batch: Batch) -> Sequence[int]:
    """The rows in the order of their keys, as all batches write them."""
    if sorted(batch.keys) == batch.keys:
        return range(batch.size)
    return sorted(range(batch.size), key=batch.keys.__getitem__)


def _columns(batch: Batch, names: Sequence[str], order: Sequence[int]) -> Sequence[Sequence[str | None]]:
    if isinstance(order, range):
        return [batch.columns[name] for name in names]
    return [[batch.columns[name][position] for position in order] for name in names]


def _keys(batch: Batch, order: Sequence[int]) -> dict[str, list[str | None]]:
    """The first key and the last, and some that are evenly spread, these two among them; of a small batch all."""
    found = {edge: [batch.columns[name][order[at]] for name in batch.table.key] for edge, at in (("first", 0), ("last", -1))}
    spread = sorted({number * (batch.size - 1) // (PROBES - 1) for number in range(PROBES)})
    return found | {f"probe_{name}": [batch.columns[name][order[at]] for at in spread] for name in batch.table.key}


def _insert_new(cursor: CursorWrapper, batch: Batch, values: Mapping[str, Any]) -> int:
    """When no key of a batch is stored, its rows are inserted as they stand. Gives their number: all, or none when a key is there.

    Raises IntegrityError when one is there that no probe has found.
    """
    _try(cursor, _insertion(batch.table.name, staging_of(batch), snapshot=values["snapshot"] is not None), values)
    return int(cursor.rowcount)


def _is_dense(cursor: CursorWrapper, batch: Batch, values: Mapping[str, Any]) -> bool:
    """Are about as many rows stored between the first and the last key as come? Then to read them all is quicker than to look up each."""
    if batch.size < WORTH_ASKING:
        return False
    cursor.execute(f"SELECT count(*) FROM (SELECT {_between(batch.table)} LIMIT %(most)s + 1) x", values)
    return bool(cursor.fetchone()[0] <= values["most"])


def _merge_each(
    cursor: CursorWrapper, batch: Batch, values: Mapping[str, Any], *, is_dense: bool = False, contested: bool = False
) -> Merged:
    snapshot = values["snapshot"] is not None
    names = (batch.table.name, staging_of(batch), _stored_between if is_dense else _stored_each)
    statement = _statement(*names, deletions=batch.has_deletions, snapshot=snapshot, contested=contested)
    if is_dense:
        # Joined as sets: statistics lag behind what was just written, see set_wise.
        _try(cursor, statement, values, before="SET LOCAL enable_nestloop TO off; ", after="SET LOCAL enable_nestloop TO DEFAULT; ")
    else:
        _try(cursor, statement, values)
    new, changed, touched, old, inserted, updated = cursor.fetchone()
    same = batch.size - new - changed - touched - old
    # What another request wrote in between, newer than ours, was left alone: superseded.
    lost = new + changed + touched - inserted - updated
    return Merged(inserted=inserted, updated=max(0, updated - touched), unchanged=same + touched, superseded=old + max(0, lost))


@functools.cache
def _insertion(name: str, staging: str, *, snapshot: bool) -> str:
    """Looks for some keys of the batch first: a batch mostly brings what is new or what has come before, seldom both in any order.

    The rows are in the order of their keys already, and are read as they were copied.
    """
    table = TABLES[name]
    names = ", ".join(table.names)
    probes = ", ".join(f"%(probe_{key})s::text[]" for key in table.key)
    insert = f"""INSERT INTO {table.db_table} (workspace_id, {names}, received_at, request_id)
SELECT %(workspace)s, {names}, now(), %(request)s FROM pg_temp.{staging}
WHERE (SELECT o.id FROM unnest({probes}) s ({", ".join(table.key)}) JOIN {_stored_each(table)} LIMIT 1) IS NULL"""
    seen = "INSERT INTO erp_history_erpsnapshotrow (workspace_id, snapshot_id, row_id) SELECT %(workspace)s, %(snapshot)s, id FROM w"
    return f"WITH w AS ({insert} RETURNING id) {seen}" if snapshot else insert


def _between(table: Table) -> str:
    """What is stored from the first key to the last. Its order keeps the planner at the index: it thinks that nearly all rows are."""
    keys = ", ".join(table.key)
    first, last = (", ".join(f"(%({edge})s::text[])[{number + 1}]" for number in range(len(table.key))) for edge in ("first", "last"))
    return f"FROM {table.db_table} t WHERE workspace_id = %(workspace)s AND ({keys}) >= ({first}) AND ({keys}) <= ({last}) ORDER BY {keys}"


def _same_key(table: Table, stored: str) -> str:
    return " AND ".join(f"{stored}.{name} = s.{name}" for name in table.key)


def _stored_each(table: Table) -> str:
    """To be joined to the rows `s`: what is stored with the key of each, looked up by itself whatever the planner expects."""
    return f"LATERAL (SELECT * FROM {table.db_table} t WHERE t.workspace_id = %(workspace)s AND {_same_key(table, 't')} LIMIT 1) o ON true"


def _stored_between(table: Table) -> str:
    """The limit is what is known to be enough: without it the planner would rather read a large table than walk along the index."""
    return f"(SELECT * {_between(table)} LIMIT %(most)s) o ON {_same_key(table, 'o')}"


@functools.cache
def _statement(name: str, staging: str, stored: Stored, *, deletions: bool, snapshot: bool, contested: bool = False) -> str:
    """Names come from the models, values travel as parameters. `contested`: what looks new may be there by now."""
    table = TABLES[name]
    content = [column for column in table.names if column not in table.key and column not in OUTSIDE_CONTENT]
    rest = [column for column in content if column != "excluido"]
    # A row that only says that it is deleted keeps what is known of it.
    wanted = {
        column: f"CASE WHEN s.excluido THEN coalesce(s.{column}, o.{column}) ELSE s.{column} END" if deletions else f"s.{column}"
        for column in rest
    }
    keys, order = ", ".join(table.key), ", ".join(f'{key} COLLATE "C"' for key in table.key)  # that of _order
    news = ", ".join(f"{expression} AS {column}" for column, expression in wanted.items())
    same = f"(o.excluido, {', '.join(f'o.{c}' for c in rest)}) IS NOT DISTINCT FROM (s.excluido, {', '.join(wanted.values())})"
    taken = ", ".join(f"{column} = EXCLUDED.{column}" for column in [*content, "received_at", "request_id"])
    insert = f"INSERT INTO {table.db_table} AS t (workspace_id, {keys}, data_alteracao, {', '.join(content)}, received_at, request_id)"
    row = f"SELECT %(workspace)s, {keys}, data_alteracao, {', '.join(content)}"
    conflict = f"""ON CONFLICT (workspace_id, {keys}) DO UPDATE SET {taken}, gone_at = NULL,
    data_alteracao = coalesce(EXCLUDED.data_alteracao, t.data_alteracao)
  WHERE t.data_alteracao IS NULL OR EXCLUDED.data_alteracao IS NULL OR EXCLUDED.data_alteracao >= t.data_alteracao"""
    return f"""
WITH c AS MATERIALIZED (SELECT * FROM (
  SELECT {", ".join(f"s.{k}" for k in table.key)}, s.excluido, coalesce(s.data_alteracao, o.data_alteracao) AS data_alteracao, {news},
    o.id AS old_id, o.received_at AS old_received, o.request_id AS old_request,
    CASE WHEN o.id IS NULL THEN 'new'
      WHEN o.gone_at IS NULL AND {same} THEN
        CASE WHEN s.data_alteracao > coalesce(o.data_alteracao, '-infinity') THEN 'touched' ELSE 'same' END
      WHEN s.data_alteracao < o.data_alteracao THEN 'old' ELSE 'changed' END AS state
  FROM pg_temp.{staging} s LEFT JOIN {stored(table)}
) x {"" if snapshot else "WHERE state <> 'same'"}), n AS (
  {insert}
  {row}, now(), %(request)s FROM c WHERE state = 'new' ORDER BY {order}
  {conflict if contested else ""}
  RETURNING t.id, (t.xmax = 0) AS fresh
), w AS (
  {insert}
  {row}, CASE WHEN state = 'touched' THEN old_received ELSE now() END, CASE WHEN state = 'touched' THEN old_request ELSE %(request)s END
  FROM c WHERE state IN ('changed', 'touched') ORDER BY {order}
  {conflict}
  RETURNING t.id, (t.xmax = 0) AS fresh
){_SEEN if snapshot else ""}
SELECT count(*) FILTER (WHERE state = 'new'), count(*) FILTER (WHERE state = 'changed'), count(*) FILTER (WHERE state = 'touched'),
  count(*) FILTER (WHERE state = 'old'),
  (SELECT count(*) FILTER (WHERE fresh) FROM n) + (SELECT count(*) FILTER (WHERE fresh) FROM w),
  (SELECT count(*) FILTER (WHERE NOT fresh) FROM n) + (SELECT count(*) FILTER (WHERE NOT fresh) FROM w)
FROM c
"""


# What is as it was has come too.
_SEEN = """, seen AS (
  INSERT INTO erp_history_erpsnapshotrow (workspace_id, snapshot_id, row_id)
  SELECT %(workspace)s, %(snapshot)s, id
  FROM (SELECT id FROM n UNION SELECT id FROM w UNION SELECT old_id FROM c WHERE old_id IS NOT NULL) x
)"""
