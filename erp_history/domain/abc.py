"""The ABC curve: what share of the revenue stands ahead of a company decides its class.

Ordered by revenue. Up to 80 % ahead of it: A; up to 95 %: B; else C (both settable). Equal revenue, equal class. No revenue, no class.
Amounts are exact decimals and are compared without dividing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from django.db import connection, transaction

from accounts.models import Workspace
from erp_history.domain import news
from erp_history.domain.figures import AUTHORISED, COMPANY, LIVE, NET, UNIQUE, window
from erp_history.domain.steps import MEMORY, PLANS, Step
from erp_history.enums import Grouping
from erp_history.models import ErpSource

BY_COMPANY = """
SELECT c.codigo_erp AS key, f.company_id, f.revenue FROM erp_history_companyfigures f
JOIN erp_history_empresa c ON c.id = f.company_id AND c.workspace_id = %(workspace)s WHERE f.workspace_id = %(workspace)s AND f.revenue <> 0
"""
BY_ROOT = """
SELECT coalesce(left(c.cnpj, 8), c.codigo_erp) AS key, NULL::bigint AS company_id, sum(f.revenue) AS revenue
FROM erp_history_companyfigures f JOIN erp_history_empresa c ON c.id = f.company_id AND c.workspace_id = %(workspace)s
WHERE f.workspace_id = %(workspace)s GROUP BY 1
"""
BY_PORTFOLIO = """
SELECT f.portfolio_id::text AS key, NULL::bigint AS company_id, sum(f.revenue) AS revenue FROM erp_history_companyfigures f
WHERE f.workspace_id = %(workspace)s AND f.portfolio_id IS NOT NULL GROUP BY 1
"""
# Brands stand on the lines; a line belongs to the note of its filial.
LINE_NET = NET.replace("d.valor_total", "i.valor_total")
LINES = """
JOIN erp_history_itensnota i ON i.workspace_id = %(workspace)s AND i.filial = d.filial AND i.codigo_nota = d.codigo_erp
  AND NOT i.excluido AND i.gone_at IS NULL
"""
SALES = f"{LIVE} AND {AUTHORISED} AND d.data_emissao >= %(since)s AND d.data_emissao < %(today)s"
# OFFSET 0: companies are looked up for notes, not for each of their lines.
BRAND_LINES = f"""
FROM (
  SELECT d.filial, d.codigo_erp, d.tipo FROM erp_history_nota d {COMPANY} WHERE {SALES} AND coalesce(e.id, u.id) IS NOT NULL OFFSET 0
) d {LINES}
"""
BY_BRAND = f"""
SELECT i.marca AS key, NULL::bigint AS company_id, sum({LINE_NET}) AS revenue {BRAND_LINES} WHERE i.marca IS NOT NULL GROUP BY 1
"""
# One sort serves all three windows. `ahead`: what has more revenue, however many have the same.
RANKED = """
WITH {extra} units AS (SELECT key, company_id, revenue FROM ({units}) u WHERE revenue > 0), ranked AS (
  SELECT key, company_id, revenue, sum(revenue) OVER () AS total,
    coalesce(sum(revenue) OVER (ORDER BY revenue DESC GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS ahead,
    sum(revenue) OVER (ORDER BY revenue DESC, key, company_id ROWS UNBOUNDED PRECEDING) AS upto,
    row_number() OVER (ORDER BY revenue DESC, key, company_id) AS rank
  FROM units
), line AS (
  SELECT key, company_id, revenue, rank, ahead, upto, round(revenue / total, 12) AS share, round(ahead / total, 12) AS before,
    round(upto / total, 12) AS cumulative,
    CASE WHEN ahead * 100 < %(a)s * total THEN 'A' WHEN ahead * 100 < %(b)s * total THEN 'B' ELSE 'C' END AS abc_class
  FROM ranked
)
"""
KEPT = ("revenue", "share", "before", "cumulative", "rank", "abc_class")
STORE = f"""
, gone AS (
  DELETE FROM erp_history_abcresult r WHERE r.workspace_id = %(workspace)s AND r.grouping = %(grouping)s
  AND NOT EXISTS (SELECT 1 FROM line WHERE line.key = r.key AND line.company_id IS NOT DISTINCT FROM r.company_id) RETURNING 1
), written AS (
  INSERT INTO erp_history_abcresult AS r (workspace_id, grouping, key, company_id, {", ".join(KEPT)}, as_of)
  SELECT %(workspace)s, %(grouping)s, line.key, line.company_id, {", ".join(f"line.{name}" for name in KEPT)}, %(today)s
  FROM line LEFT JOIN erp_history_abcresult known ON known.workspace_id = %(workspace)s AND known.grouping = %(grouping)s
    AND known.key = line.key AND known.company_id IS NOT DISTINCT FROM line.company_id
  WHERE known.id IS NULL
    OR ({", ".join(f"known.{name}" for name in KEPT)}) IS DISTINCT FROM ({", ".join(f"line.{name}" for name in KEPT)})
  ON CONFLICT (workspace_id, grouping, key, company_id) DO UPDATE SET {", ".join(f"{name} = EXCLUDED.{name}" for name in KEPT)},
    as_of = EXCLUDED.as_of
  RETURNING 1
)
SELECT (SELECT count(*) FROM line), (SELECT count(*) FROM written), (SELECT count(*) FROM gone)
"""
CLASSES = """
WITH fresh AS (
  SELECT f.id, f.company_id, f.revenue, f.abc_class AS old, r.abc_class AS new, r.rank FROM erp_history_companyfigures f
  LEFT JOIN erp_history_abcresult r ON r.workspace_id = %(workspace)s AND r.grouping = 'company' AND r.company_id = f.company_id
  WHERE f.workspace_id = %(workspace)s AND f.abc_class IS DISTINCT FROM r.abc_class
), moved AS (
  INSERT INTO erp_history_classchange (workspace_id, company_id, "on", old, new, revenue, rank)
  SELECT %(workspace)s, company_id, %(today)s, old, new, revenue, rank FROM fresh RETURNING 1
), put AS (
  UPDATE erp_history_companyfigures f SET abc_class = fresh.new, abc_since = %(today)s
  FROM fresh WHERE f.id = fresh.id
)
SELECT count(*) FROM moved
"""


SHARE = Decimal(1).scaleb(-12)
READ_FROM = frozenset(["empresa", "nota", "itens_nota"])


def step(step: Step) -> bool:
    source, day = step.source, step.run.today
    of = {"today": day.isoformat(), "months": source.abc_months, "a": str(source.abc_a), "b": str(source.abc_b)}
    if news.still_holds(step, tables=READ_FROM, of=of):
        step.count(0, moved=0)
        return True
    step.plan("sums")
    for grouping, units, extra in (
        (Grouping.COMPANY, BY_COMPANY, ""),
        (Grouping.ROOT, BY_ROOT, ""),
        (Grouping.BRAND, BY_BRAND, f"uniq AS ({UNIQUE}), "),
    ):
        lines = store_curve(step, grouping, units, extra=extra)
        if grouping == Grouping.COMPANY:
            step.count(lines)
    [(moved,)] = step.fetch(CLASSES)
    step.count(0, moved=moved)
    step.say("classes", moved=moved)
    return True


def store_curve(step: Step, grouping: str, units: str, *, extra: str = "") -> int:
    """Compute and keep the curve of one grouping; only lines that differ are written."""
    statement = RANKED.format(units=units, extra=extra) + STORE
    [(lines, written, gone)] = step.fetch(statement, _values(step.source, step.run.today) | {"grouping": grouping})
    step.say("curve", grouping=str(grouping), lines=lines, written=written, gone=gone)
    return int(lines)


def _values(source: ErpSource, today: dt.date, *, months: int | None = None) -> dict[str, Any]:
    return {"a": source.abc_a, "b": source.abc_b, "today": today} | window(today, months or source.abc_months)


class Line(NamedTuple):
    """A line of a curve that was computed on demand. Amounts are exact; shares of 1 are divided when they are asked for."""

    key: str
    company_id: int | None
    revenue: Decimal
    rank: int
    ahead: Decimal  # revenue of what has more
    upto: Decimal  # revenue of this line and of all before it
    abc_class: str
    total: Decimal

    @property
    def share(self) -> Decimal:
        return self._part(self.revenue)

    @property
    def before(self) -> Decimal:
        return self._part(self.ahead)

    @property
    def cumulative(self) -> Decimal:
        return self._part(self.upto)

    def _part(self, amount: Decimal) -> Decimal:
        return (amount / self.total).quantize(SHARE, ROUND_HALF_UP)


# Summed per code first: what is joined with the companies then is a fraction of the documents. A company has the code of its documents;
# that of another filial is looked for only where there are documents whose filial has none.
PER_CODE = f"""
SELECT d0.key, d0.company_id, d0.revenue FROM (
  WITH code AS (
    SELECT d.filial, d.codigo_empresa, sum({{net}}) AS revenue FROM erp_history_nota d {{lines}} WHERE {SALES} GROUP BY 2, 1
  ), own AS MATERIALIZED (
    SELECT code.codigo_empresa AS key, e.id, code.revenue FROM code
    LEFT JOIN erp_history_empresa e
      ON e.workspace_id = %(workspace)s AND e.filial = code.filial AND e.codigo_erp = code.codigo_empresa
  ), sole AS (
    SELECT codigo_erp, min(id) AS id FROM erp_history_empresa
    WHERE workspace_id = %(workspace)s AND codigo_erp IN (SELECT key FROM own WHERE id IS NULL) GROUP BY 1 HAVING count(*) = 1
  )
  SELECT own.key, coalesce(own.id, sole.id) AS company_id, sum(own.revenue) AS revenue
  FROM own LEFT JOIN sole ON sole.codigo_erp = CASE WHEN own.id IS NULL THEN own.key END
  WHERE coalesce(own.id, sole.id) IS NOT NULL GROUP BY 1, 2
) d0
"""
ON_DEMAND = PER_CODE.format(net=NET, lines="")
ON_DEMAND_BRAND = PER_CODE.format(net=LINE_NET, lines=f"{LINES} AND i.marca = %(brand)s")
IN_PORTFOLIO = """
JOIN erp_history_companyfigures f ON f.workspace_id = %(workspace)s AND f.company_id = d0.company_id AND f.portfolio_id = %(portfolio)s
"""


def curve(
    workspace: Workspace, source: ErpSource, today: dt.date, *, months: int | None = None, brand: str = "", portfolio: int | None = None
) -> list[Line]:
    """The companies' curve in another window, of one brand or of one portfolio; computed now, not kept."""
    units = (ON_DEMAND_BRAND if brand else ON_DEMAND) + (IN_PORTFOLIO if portfolio is not None else "")
    statement = RANKED.format(units=units, extra="")
    values: Mapping[str, Any] = {"workspace": workspace.pk, "brand": brand, "portfolio": portfolio, **_values(source, today, months=months)}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"{PLANS['sums']}; {MEMORY}")
        cursor.execute(f"{statement} SELECT key, company_id, revenue, rank, ahead, upto, abc_class FROM line ORDER BY rank", values)
        found = cursor.fetchall()
        cursor.execute(PLANS["default"])
    total = found[-1][5] if found else Decimal(0)
    return [Line._make((*row, total)) for row in found]
