"""Resolve what refers to what: rows whose parent has not come are listed with their age, and leave the list once it is there."""

from __future__ import annotations

import time

from erp_history.domain import news
from erp_history.domain.steps import Step
from erp_history.domain.tables import TABLES, Reference, Table

LIVE = "NOT {0}.excluido AND {0}.gone_at IS NULL"
# Sellers are no parents: without one a company is in the general portfolio.
MOMENT = 1.0  # seconds
PARENTS = frozenset(["empresa", "contato", "pedido", "nota", "cotacao"])
DOCUMENTS = frozenset(["pedido", "nota", "fatura", "cotacao"])
PENDING = """
WITH orphan AS MATERIALIZED (
  SELECT d.id, d.{column} AS code, d.received_at FROM {child} d
  LEFT JOIN {parent} p ON p.workspace_id = %(workspace)s AND p.filial = d.filial AND p.codigo_erp = d.{column}
  WHERE d.workspace_id = %(workspace)s AND d.{column} IS NOT NULL AND NOT d.excluido AND d.gone_at IS NULL AND p.id IS NULL
    AND NOT EXISTS (
      SELECT 1 FROM (SELECT codigo_erp FROM {parent} WHERE workspace_id = %(workspace)s GROUP BY codigo_erp HAVING count(*) = 1) u
      WHERE u.codigo_erp = d.{column}
    )
), resolved AS (
  DELETE FROM erp_history_erppending w WHERE w.workspace_id = %(workspace)s AND w."table" = %(table)s AND w.field = %(field)s
  AND NOT EXISTS (SELECT 1 FROM orphan o WHERE o.id = w.row_id AND o.code = w.code) RETURNING 1
), waiting AS (
  INSERT INTO erp_history_erppending (workspace_id, "table", row_id, field, code, since)
  SELECT %(workspace)s, %(table)s, o.id, %(field)s, o.code, o.received_at FROM orphan o
  ON CONFLICT (workspace_id, "table", row_id, field) DO UPDATE SET code = EXCLUDED.code WHERE erp_history_erppending.code <> EXCLUDED.code
  RETURNING 1
)
SELECT (SELECT count(*) FROM orphan), (SELECT count(*) FROM resolved)
"""


def references() -> list[tuple[Table, Reference]]:
    """What waits for what, parents first."""
    return [(table, item) for table in TABLES.values() for item in table.references if item.table in PARENTS]


def step(step: Step) -> bool:
    """As many references as a moment takes, so that a long step shows where it is. What waits for what changes with one of the two."""
    changed = news.changed_tables(step.workspace)
    last = news.computed_before(step, {})
    known = {} if last is None else _known(step)
    step.plan("sets")
    todo, until = references(), time.monotonic() + MOMENT
    position = int(step.phase.cursor.get("position", 0))
    while position < len(todo) and time.monotonic() < until:
        table, item = todo[position]
        if last is None or changed & {table.name, item.table}:
            waiting, resolved = _resolve(step, table, item)
        else:
            waiting, resolved = known.get((table.name, item.column), 0), 0
        _tell(step, f"{table.name}.{item.column}", item.table, waiting=waiting, resolved=resolved)
        position += 1
    step.phase.cursor = {**step.phase.cursor, "position": position}
    if position < len(todo):
        return False
    step.count(last.rows if last is not None and not changed & DOCUMENTS else _documents(step))
    return True


def _known(step: Step) -> dict[tuple[str, str], int]:
    """How many rows waited after the last night."""
    rows = step.fetch('SELECT "table", field, count(*) FROM erp_history_erppending WHERE workspace_id = %(workspace)s GROUP BY 1, 2')
    return {(table, field): count for table, field, count in rows}


def _resolve(step: Step, table: Table, item: Reference) -> tuple[int, int]:
    values = {"table": table.name, "field": item.column}
    statement = PENDING.format(column=item.column, child=table.db_table, parent=TABLES[item.table].db_table)
    [(waiting, resolved)] = step.fetch(statement, values)
    return waiting, resolved


def _tell(step: Step, field: str, parent: str, *, waiting: int, resolved: int) -> None:
    step.count(0, waiting=waiting, resolved=resolved)
    if waiting or resolved:
        step.say("waiting", field=field, parent=parent, waiting=waiting, resolved=resolved)


def _documents(step: Step) -> int:
    counts = " UNION ALL ".join(
        f"SELECT count(*) AS n FROM {TABLES[name].db_table} t WHERE t.workspace_id = %(workspace)s AND {LIVE.format('t')}"
        for name in DOCUMENTS
    )
    [(rows,)] = step.fetch(f"SELECT coalesce(sum(n), 0)::bigint FROM ({counts}) x")
    return int(rows)
