"""Figures per company, from its days and its other documents in one statement: every rule of the night then works on this one state.

A push that arrives while the night runs changes tables, not these figures; it counts in the next night.
"""

from __future__ import annotations

import datetime as dt

from erp_history.domain import days, news
from erp_history.domain.days import COMPANY, LIVE, UNIQUE
from erp_history.domain.steps import Step

COLUMNS = (
    "contact_id", "is_deleted", "revenue", "revenue_12m", "open_receivables", "overdue_receivables", "purchases", "first_purchase_on",
    "last_purchase_on", "interval_days", "last_quote_on",
)  # fmt: skip
# Notes are read from the days they made. Orders, receivables and quotes are summed per code before they are joined.
READ = f"""
WITH uniq AS ({UNIQUE}), notes AS (
  SELECT company_id AS company,
    sum(net) FILTER (WHERE "on" >= %(since)s AND "on" < %(today)s) AS revenue,
    sum(net) FILTER (WHERE "on" >= %(since_12m)s AND "on" < %(today)s) AS revenue_12m,
    min("on") FILTER (WHERE sold) AS first_on, max("on") FILTER (WHERE sold) AS last_on, count(*) FILTER (WHERE sold) AS days
  FROM erp_history_companyday WHERE workspace_id = %(workspace)s AND "on" <= %(today)s GROUP BY 1
), orders AS (
  SELECT coalesce(e.id, u.id) AS company, max(d.last_on) AS last_on FROM (
    SELECT d.filial, d.codigo_empresa, max(d.data_emissao) AS last_on FROM erp_history_pedido d
    WHERE {LIVE} AND d.situacao IS DISTINCT FROM 'cancelado' AND d.data_emissao <= %(today)s GROUP BY 2, 1
  ) d {COMPANY} GROUP BY 1
), open AS (
  SELECT coalesce(e.id, u.id) AS company, sum(d.saldo) AS saldo, sum(d.overdue) AS overdue FROM (
    SELECT d.filial, d.codigo_empresa, sum(d.saldo) AS saldo, sum(d.saldo) FILTER (WHERE d.data_vencimento < %(today)s) AS overdue
    FROM erp_history_fatura d WHERE {LIVE} AND d.saldo > 0 GROUP BY 2, 1
  ) d {COMPANY} GROUP BY 1
), quotes AS (
  SELECT coalesce(e.id, u.id) AS company, max(d.last_on) AS last_on FROM (
    SELECT d.filial, d.codigo_empresa, max(d.data) AS last_on FROM erp_history_cotacao d
    WHERE {LIVE} AND coalesce(d.situacao, 'aberta') = 'aberta' AND d.data <= %(today)s GROUP BY 2, 1
  ) d {COMPANY} GROUP BY 1
), read AS (
  SELECT c.id AS company_id, l.contact_id, (c.excluido OR c.gone_at IS NOT NULL) AS is_deleted,
    coalesce(n.revenue, 0) AS revenue, coalesce(n.revenue_12m, 0) AS revenue_12m,
    coalesce(r.saldo, 0) AS open_receivables, coalesce(r.overdue, 0) AS overdue_receivables, coalesce(n.days, 0) AS purchases,
    least(CASE WHEN c.data_primeira_compra <= %(today)s THEN c.data_primeira_compra END, n.first_on) AS first_purchase_on,
    coalesce(n.last_on, o.last_on) AS last_purchase_on,
    CASE WHEN n.days > 1 THEN round((n.last_on - n.first_on)::numeric / (n.days - 1), 4) END AS interval_days, q.last_on AS last_quote_on
  FROM erp_history_empresa c
  LEFT JOIN notes n ON n.company = c.id LEFT JOIN orders o ON o.company = c.id
  LEFT JOIN open r ON r.company = c.id LEFT JOIN quotes q ON q.company = c.id
  LEFT JOIN erp_history_erplink l ON l.workspace_id = %(workspace)s AND l.kind = 'empresa' AND l.row_id = c.id AND l.state = 'linked'
  WHERE c.workspace_id = %(workspace)s
)
INSERT INTO erp_history_companyfigures AS f (workspace_id, company_id, {", ".join(COLUMNS)}, as_of)
SELECT %(workspace)s, company_id, {", ".join(COLUMNS)}, %(today)s FROM (
  SELECT read.*, known.id AS known_id,
    ({", ".join(f"known.{name}" for name in COLUMNS)}) IS DISTINCT FROM ({", ".join(f"read.{name}" for name in COLUMNS)}) AS differs
  FROM read LEFT JOIN erp_history_companyfigures known ON known.workspace_id = %(workspace)s AND known.company_id = read.company_id
) x WHERE known_id IS NULL OR differs
ON CONFLICT (workspace_id, company_id) DO UPDATE SET {", ".join(f"{name} = EXCLUDED.{name}" for name in COLUMNS)}, as_of = EXCLUDED.as_of
"""


# Links move also without the ERP: a person decides, contacts are merged.
FOLLOW = """
UPDATE erp_history_companyfigures f SET contact_id = l.contact_id, as_of = %(today)s
FROM erp_history_companyfigures k LEFT JOIN erp_history_erplink l
  ON l.workspace_id = %(workspace)s AND l.kind = 'empresa' AND l.row_id = k.company_id AND l.state = 'linked'
WHERE k.workspace_id = %(workspace)s AND k.contact_id IS DISTINCT FROM l.contact_id AND f.id = k.id
"""
READ_FROM = frozenset(["empresa", "nota", "pedido", "fatura", "cotacao"])


def months_before(day: dt.date, months: int) -> dt.date:
    """The same day so many months ago; the last of the month when there is none."""
    index = day.year * 12 + day.month - 1 - months
    year, month = divmod(index, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return dt.date(year, month + 1, last)
        except ValueError:
            continue
    return dt.date(year, month + 1, 28)


def window(today: dt.date, months: int) -> dict[str, dt.date]:
    """The days of the curve, and of the last twelve months: up to yesterday."""
    return {"since": months_before(today, months), "since_12m": months_before(today, 12)}


def step(step: Step) -> bool:
    of = {"today": step.run.today.isoformat(), "months": step.source.abc_months, "days": days.RULES}
    if news.still_holds(step, tables=READ_FROM, of=of):
        step.plan("sums")
        step.count(0, changed=step.execute(FOLLOW))
        return True
    days.of_companies(step)
    step.plan("sums")
    written = step.execute(READ, window(step.run.today, step.source.abc_months))
    [(companies,)] = step.fetch("SELECT count(*) FROM erp_history_companyfigures WHERE workspace_id = %(workspace)s")
    step.count(companies, changed=written)
    step.say("figures", companies=companies, written=written)
    return True
