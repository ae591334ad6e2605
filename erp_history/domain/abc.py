"""The ABC curve: what share of the revenue stands ahead of a company decides its class.

Ordered by revenue. Up to 80 % ahead of it: A; up to 95 %: B; else C (both settable). Equal revenue, equal class. No revenue, no class.
So the lowest revenue of A and that of B say everybody's class. Amounts are exact decimals and are compared without dividing.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from erp_history.domain import days, news
from erp_history.domain.days import AUTHORISED, LINE_NET, LINES, LIVE
from erp_history.domain.figures import window
from erp_history.domain.steps import Step
from erp_history.enums import Grouping
from erp_history.models import ErpSource

# Where the classes begin on the curve of `unit` (revenue): at the first one in the order with which the sum reaches the border. All before
# it have less ahead of them, all after it have not. Of those with equal revenue another one may stand there; the revenue is the same. No
# more of the curve is summed than is asked for.
# Materialized: tables filled a moment ago have no statistics, and a planner that takes them for small sums the whole again for each row.
LOWEST = """
whole AS MATERIALIZED (
  SELECT sum(revenue) * %(a)s * 0.01 AS a_ends, sum(revenue) * %(b)s * 0.01 AS b_ends FROM unit WHERE revenue > 0
), running AS MATERIALIZED (
  SELECT revenue, sum(revenue) OVER (ORDER BY revenue DESC ROWS UNBOUNDED PRECEDING) AS upto FROM unit WHERE revenue > 0
), lowest AS MATERIALIZED (
  SELECT (SELECT revenue FROM running WHERE upto >= a_ends AND a_ends > 0 ORDER BY revenue DESC LIMIT 1) AS a,
    (SELECT revenue FROM running WHERE upto >= b_ends AND b_ends > 0 ORDER BY revenue DESC LIMIT 1) AS b FROM whole
)
"""
CLASS = "CASE WHEN revenue > 0 THEN CASE WHEN revenue >= lowest.a THEN 'A' WHEN revenue >= lowest.b THEN 'B' ELSE 'C' END END"
# The companies' curve stands on their figures; whose class is another one than before gets it, and a line in the history.
CLASSES = f"""
WITH unit AS MATERIALIZED (
  SELECT f.id, f.company_id, f.revenue, f.abc_class AS old FROM erp_history_companyfigures f
  WHERE f.workspace_id = %(workspace)s AND (f.revenue > 0 OR f.abc_class IS NOT NULL)
), {LOWEST}, fresh AS MATERIALIZED (
  SELECT id, company_id, revenue, old, {CLASS} AS new FROM unit CROSS JOIN lowest
), moved AS (
  INSERT INTO erp_history_classchange (workspace_id, company_id, "on", old, new, revenue)
  SELECT %(workspace)s, company_id, %(today)s, old, new, revenue FROM fresh WHERE old IS DISTINCT FROM new RETURNING new
), put AS (
  UPDATE erp_history_companyfigures f SET abc_class = fresh.new, abc_since = %(today)s
  FROM fresh WHERE f.id = fresh.id AND fresh.old IS DISTINCT FROM fresh.new
)
SELECT (SELECT count(new) FROM fresh), count(*), count(*) FILTER (WHERE new IS NULL) FROM moved
"""
BY_ROOT = """
SELECT coalesce(left(c.cnpj, 8), c.codigo_erp) AS key, sum(f.revenue) AS revenue
FROM erp_history_companyfigures f JOIN erp_history_empresa c ON c.id = f.company_id AND c.workspace_id = %(workspace)s
WHERE f.workspace_id = %(workspace)s GROUP BY 1
"""
BY_PORTFOLIO = """
SELECT f.portfolio_id::text AS key, sum(f.revenue) AS revenue FROM erp_history_companyfigures f
WHERE f.workspace_id = %(workspace)s AND f.portfolio_id IS NOT NULL GROUP BY 1
"""
SALES = f"{LIVE} AND {AUTHORISED} AND d.data_emissao >= %(since)s AND d.data_emissao < %(today)s"
BY_BRAND = """
SELECT brand AS key, sum(net) AS revenue FROM erp_history_brandday
WHERE workspace_id = %(workspace)s AND "on" >= %(since)s AND "on" < %(today)s GROUP BY 1
"""
STORE = f"""
WITH unit AS MATERIALIZED ({{units}}), {LOWEST}, line AS MATERIALIZED (
  SELECT key, revenue, {CLASS} AS abc_class FROM unit CROSS JOIN lowest WHERE revenue > 0
), gone AS (
  DELETE FROM erp_history_abcresult r WHERE r.workspace_id = %(workspace)s AND r.grouping = %(grouping)s
  AND NOT EXISTS (SELECT 1 FROM line WHERE line.key = r.key) RETURNING 1
), written AS (
  INSERT INTO erp_history_abcresult AS r (workspace_id, grouping, key, revenue, abc_class, as_of)
  SELECT %(workspace)s, %(grouping)s, line.key, line.revenue, line.abc_class, %(today)s
  FROM line LEFT JOIN erp_history_abcresult known
    ON known.workspace_id = %(workspace)s AND known.grouping = %(grouping)s AND known.key = line.key
  WHERE known.id IS NULL OR (known.revenue, known.abc_class) IS DISTINCT FROM (line.revenue, line.abc_class)
  ON CONFLICT (workspace_id, grouping, key) DO UPDATE SET revenue = EXCLUDED.revenue, abc_class = EXCLUDED.abc_class, as_of = EXCLUDED.as_of
  RETURNING 1
)
SELECT (SELECT count(*) FROM line), (SELECT count(*) FROM written), (SELECT count(*) FROM gone)
"""
READ_FROM = frozenset(["empresa", "nota", "itens_nota"])


def step(step: Step) -> bool:
    source, day = step.source, step.run.today
    of = {"today": day.isoformat(), "months": source.abc_months, "a": str(source.abc_a), "b": str(source.abc_b), "days": days.RULES}
    if news.still_holds(step, tables=READ_FROM, of=of):
        step.count(0, moved=0)
        return True
    days.of_brands(step)
    step.plan("sums")
    [(companies, moved, gone)] = step.fetch(CLASSES, values_of(source, day))
    step.say("curve", grouping=str(Grouping.COMPANY), lines=companies, written=moved - gone, gone=gone)
    store_curve(step, Grouping.ROOT, BY_ROOT)
    store_curve(step, Grouping.BRAND, BY_BRAND)
    step.count(companies, moved=moved)
    step.say("classes", moved=moved)
    return True


def store_curve(step: Step, grouping: str, units: str) -> None:
    """Compute and keep the curve of one grouping; only lines that differ are written."""
    statement = STORE.format(units=units)
    [(lines, written, gone)] = step.fetch(statement, values_of(step.source, step.run.today) | {"grouping": grouping})
    step.say("curve", grouping=str(grouping), lines=lines, written=written, gone=gone)


def values_of(source: ErpSource, today: dt.date, *, months: int | None = None) -> dict[str, Any]:
    """The values of a curve's statement: days and borders."""
    return {"workspace": source.workspace_id, "a": source.abc_a, "b": source.abc_b, "today": today} | window(
        today, months or source.abc_months
    )


ALL_REVENUE = """
unit AS MATERIALIZED (
  SELECT company_id, sum(net) AS revenue FROM erp_history_companyday
  WHERE workspace_id = %(workspace)s AND "on" >= %(since)s AND "on" < %(today)s GROUP BY 1
)
"""
# Of lines, which name their note, and with it their company, by texts. Summed per code first: what is joined with the companies then is a
# fraction of the documents. A company has the code of its documents; that of another filial (`stray`) is looked for only where there are
# documents whose filial has none.
REVENUE = f"""
code AS (
  SELECT d.filial, d.codigo_empresa, sum({{net}}) AS revenue FROM erp_history_nota d {{lines}} WHERE {SALES} GROUP BY 2, 1
), own AS MATERIALIZED (
  SELECT e.id, code.revenue, CASE WHEN e.id IS NULL THEN code.codigo_empresa END AS missing FROM code
  LEFT JOIN erp_history_empresa e ON e.workspace_id = %(workspace)s AND e.filial = code.filial AND e.codigo_erp = code.codigo_empresa
), sole AS (
  SELECT codigo_erp, min(id) AS id FROM erp_history_empresa
  WHERE workspace_id = %(workspace)s AND codigo_erp IN (SELECT missing FROM own) GROUP BY 1 HAVING count(*) = 1
), stray AS MATERIALIZED (
  SELECT sole.id, sum(own.revenue) AS revenue FROM own JOIN sole ON sole.codigo_erp = own.missing GROUP BY 1
), unit AS MATERIALIZED (
  SELECT own.id AS company_id, coalesce(own.revenue, 0) + coalesce(stray.revenue, 0) AS revenue
  FROM own LEFT JOIN stray ON stray.id = own.id WHERE own.id IS NOT NULL
  UNION ALL SELECT id, revenue FROM stray WHERE NOT EXISTS (SELECT 1 FROM own WHERE own.id = stray.id)
)
"""
BRAND_REVENUE = REVENUE.format(net=LINE_NET, lines=f"{LINES} AND i.marca = %(brand)s")
