"""What every company bought, day by day, and what was sold of every brand: the notes with their company, looked up once.

Notes are many and name their company by texts, filial and code; days are fewer and know it by a number. The night's figures and curves and
those of all windows are summed from them. A night brings them to the state of the notes, unless nothing has changed since the last one;
only what differs is written. A day to come is there too: who reads says up to when.
"""

from __future__ import annotations

from erp_history.domain import news
from erp_history.domain.steps import Step
from erp_history.models import CompanyDay

# The company of a document: of the same filial first, then where the code is unique. (What has its own company asks no further: NULL
# is looked up nowhere.)
UNIQUE = (
    "SELECT codigo_erp, min(id) AS id FROM erp_history_empresa WHERE workspace_id = %(workspace)s GROUP BY codigo_erp HAVING count(*) = 1"
)
COMPANY = """
  LEFT JOIN erp_history_empresa e ON e.workspace_id = %(workspace)s AND e.filial = d.filial AND e.codigo_erp = d.codigo_empresa
  LEFT JOIN uniq u ON u.codigo_erp = CASE WHEN e.id IS NULL THEN d.codigo_empresa END
"""
LIVE = "d.workspace_id = %(workspace)s AND NOT d.excluido AND d.gone_at IS NULL AND d.codigo_empresa IS NOT NULL"
AUTHORISED = "coalesce(d.situacao, 'autorizada') = 'autorizada'"
SALE = "coalesce(d.tipo, 'venda') = 'venda'"
# Returns count by their own day, whichever sign the ERP gives them.
NET = f"CASE WHEN {SALE} THEN d.valor_total WHEN d.tipo = 'devolucao' THEN -abs(d.valor_total) END"
# Lines name their note by texts too; a line belongs to the note of its filial. `d` is the note, `i` the line.
LINE_NET = NET.replace("d.valor_total", "i.valor_total")
LINES = """
JOIN erp_history_itensnota i ON i.workspace_id = %(workspace)s AND i.filial = d.filial AND i.codigo_nota = d.codigo_erp
  AND NOT i.excluido AND i.gone_at IS NULL
"""
# To be raised with a change of what is kept of notes and lines: the night after an upgrade makes the days anew.
RULES = 1
COUNTED = f"""
SELECT coalesce(e.id, u.id) AS company_id, d.data_emissao AS "on", d.filial, d.codigo_erp, d.tipo, {SALE} AS sold, {NET} AS net
FROM erp_history_nota d {COMPANY}
WHERE {LIVE} AND {AUTHORISED} AND ({SALE} OR d.tipo = 'devolucao') AND d.data_emissao IS NOT NULL AND coalesce(e.id, u.id) IS NOT NULL
"""
OF_COMPANIES = f"""
WITH uniq AS ({UNIQUE}), fresh AS (
  SELECT company_id, "on", bool_or(sold) AS sold, coalesce(sum(net), 0) AS net FROM ({COUNTED}) x GROUP BY 1, 2
)
"""
# In the order of their key, which spares its index.
ALL = f"""
{OF_COMPANIES} INSERT INTO erp_history_companyday (workspace_id, company_id, "on", sold, net)
SELECT %(workspace)s, company_id, "on", sold, net FROM fresh ORDER BY company_id, "on"
"""
WHAT_DIFFERS = f"""
{OF_COMPANIES}, differs AS MATERIALIZED (
  SELECT coalesce(f.company_id, k.company_id) AS company_id, coalesce(f."on", k."on") AS "on", f.sold, f.net,
    k.company_id IS NULL AS is_new, f.company_id IS NULL AS is_gone
  FROM fresh f
  FULL JOIN (SELECT company_id, "on", sold, net FROM erp_history_companyday WHERE workspace_id = %(workspace)s) k
    ON k.company_id = f.company_id AND k."on" = f."on"
  WHERE k.company_id IS NULL OR f.company_id IS NULL OR (k.sold, k.net) IS DISTINCT FROM (f.sold, f.net)
), gone AS (
  DELETE FROM erp_history_companyday k USING differs d
  WHERE k.workspace_id = %(workspace)s AND k.company_id = d.company_id AND k."on" = d."on" AND d.is_gone
), changed AS (
  UPDATE erp_history_companyday k SET sold = d.sold, net = d.net FROM differs d
  WHERE k.workspace_id = %(workspace)s AND k.company_id = d.company_id AND k."on" = d."on" AND NOT d.is_gone AND NOT d.is_new
)
INSERT INTO erp_history_companyday (workspace_id, company_id, "on", sold, net)
SELECT %(workspace)s, company_id, "on", sold, net FROM differs WHERE is_new ORDER BY company_id, "on"
"""
# There are few brands. OFFSET 0: companies are looked up for notes, not for each of their lines.
OF_BRANDS = f"""
WITH uniq AS ({UNIQUE}), fresh AS (
  SELECT i.marca AS brand, d."on", coalesce(sum({LINE_NET}), 0) AS net FROM ({COUNTED} OFFSET 0) d {LINES}
  WHERE i.marca IS NOT NULL GROUP BY 1, 2
)
MERGE INTO erp_history_brandday k USING fresh f ON k.workspace_id = %(workspace)s AND k.brand = f.brand AND k."on" = f."on"
WHEN MATCHED AND k.net <> f.net THEN UPDATE SET net = f.net
WHEN NOT MATCHED THEN INSERT (workspace_id, brand, "on", net) VALUES (%(workspace)s, f.brand, f."on", f.net)
WHEN NOT MATCHED BY SOURCE AND k.workspace_id = %(workspace)s THEN DELETE
"""


def of_companies(step: Step) -> None:
    """Bring the days of companies to the state of the notes."""
    if _still_hold(step, tables=frozenset(["empresa", "nota"])):
        return
    step.plan("sets")
    has_days = CompanyDay.objects.filter(workspace=step.workspace).exists()
    step.execute(WHAT_DIFFERS if has_days else ALL)


def of_brands(step: Step) -> None:
    """Bring the days of brands to the state of the notes and their lines."""
    if _still_hold(step, tables=frozenset(["empresa", "nota", "itens_nota"])):
        return
    step.plan("sums")
    step.execute(OF_BRANDS)


def _still_hold(step: Step, *, tables: frozenset[str]) -> bool:
    """Did the step make the days the last time it was done, by the same rules, and has nothing changed since?"""
    last = news.last_done(step)
    return last is not None and last.cursor.get("of", {}).get("days") == RULES and not tables & news.changed_tables(step.workspace)
