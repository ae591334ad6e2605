"""What every company bought, day by day: the notes with their company, which they name by filial and code, looked up once.

Notes are many and are matched by texts; days are fewer and know their company by a number. The night's figures and the curves of all
windows are summed from them. A night brings them to the state of the notes, unless nothing has changed since the last one; only what
differs is written. A day to come is there too: who reads says up to when.
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
READ_FROM = frozenset(["empresa", "nota"])
# To be raised with a change of what is kept of a note: the night after an upgrade makes the days anew.
RULES = 1
FRESH = f"""
uniq AS ({UNIQUE}), fresh AS (
  SELECT company_id, "on", bool_or(sold) AS sold, coalesce(sum(net), 0) AS net FROM (
    SELECT coalesce(e.id, u.id) AS company_id, d.data_emissao AS "on", {SALE} AS sold, {NET} AS net FROM erp_history_nota d {COMPANY}
    WHERE {LIVE} AND {AUTHORISED} AND ({SALE} OR d.tipo = 'devolucao') AND d.data_emissao IS NOT NULL
  ) x WHERE company_id IS NOT NULL GROUP BY 1, 2
)
"""
# In the order of their key, which spares its index.
ALL = f"""
WITH {FRESH} INSERT INTO erp_history_companyday (workspace_id, company_id, "on", sold, net)
SELECT %(workspace)s, company_id, "on", sold, net FROM fresh ORDER BY company_id, "on"
"""
WHAT_DIFFERS = f"""
WITH {FRESH}, differs AS MATERIALIZED (
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


def still_hold(step: Step) -> bool:
    """Are the days those of the notes as they are?"""
    last = news.last_done(step)
    return last is not None and last.cursor.get("of", {}).get("days") == RULES and not READ_FROM & news.changed_tables(step.workspace)


def bring_up(step: Step) -> None:
    """Bring the days to the state of the notes."""
    step.plan("sets")
    has_days = CompanyDay.objects.filter(workspace=step.workspace).exists()
    step.execute(WHAT_DIFFERS if has_days else ALL)
