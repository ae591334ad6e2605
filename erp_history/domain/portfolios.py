"""Whose a company is: its seller's portfolio, or the general one. The seller is a member of the workspace when the e-mail says so."""

from __future__ import annotations

from erp_history.domain.abc import BY_PORTFOLIO, store_curve
from erp_history.domain.steps import Step
from erp_history.enums import Grouping

SELLERS = """
WITH seller AS (
  SELECT '' AS filial, '' AS code, '' AS name, '' AS email, NULL::bigint AS user_id
  UNION ALL
  SELECT v.filial, v.codigo_erp, coalesce(v.nome, v.codigo_erp), coalesce(v.email, ''), m.user_id FROM erp_history_vendedor v
  LEFT JOIN LATERAL (
    SELECT m.user_id FROM accounts_membership m JOIN accounts_user p ON p.id = m.user_id
    WHERE m.workspace_id = %(workspace)s AND p.is_active AND lower(p.email) = lower(v.email) LIMIT 1
  ) m ON true
  WHERE v.workspace_id = %(workspace)s AND NOT v.excluido AND v.gone_at IS NULL
)
INSERT INTO erp_history_portfolio AS p (workspace_id, filial, code, name, email, user_id)
SELECT %(workspace)s, s.filial, s.code, s.name, s.email, s.user_id FROM seller s
LEFT JOIN erp_history_portfolio k ON k.workspace_id = %(workspace)s AND k.filial = s.filial AND k.code = s.code
WHERE k.id IS NULL OR (k.name, k.email, k.user_id) IS DISTINCT FROM (s.name, s.email, s.user_id)
ON CONFLICT (workspace_id, filial, code) DO UPDATE SET name = EXCLUDED.name, email = EXCLUDED.email, user_id = EXCLUDED.user_id
"""
ASSIGN = """
WITH seller AS (
  SELECT p.id, p.filial, p.code FROM erp_history_portfolio p JOIN erp_history_vendedor v
  ON v.workspace_id = %(workspace)s AND v.filial = p.filial AND v.codigo_erp = p.code AND NOT v.excluido AND v.gone_at IS NULL
  WHERE p.workspace_id = %(workspace)s
), uniq AS (SELECT code, min(id) AS id FROM seller GROUP BY code HAVING count(*) = 1), fresh AS (
  SELECT c.id AS company_id, coalesce(s.id, u.id, g.id) AS portfolio_id FROM erp_history_empresa c
  LEFT JOIN seller s ON s.filial = c.filial AND s.code = c.codigo_vendedor
  LEFT JOIN uniq u ON s.id IS NULL AND u.code = c.codigo_vendedor
  CROSS JOIN (SELECT id FROM erp_history_portfolio WHERE workspace_id = %(workspace)s AND code = '' AND filial = '') g
  WHERE c.workspace_id = %(workspace)s
)
UPDATE erp_history_companyfigures f SET portfolio_id = fresh.portfolio_id FROM fresh
WHERE f.workspace_id = %(workspace)s AND f.company_id = fresh.company_id AND f.portfolio_id IS DISTINCT FROM fresh.portfolio_id
"""


def step(step: Step) -> bool:
    step.plan("sets")
    step.execute(SELLERS)
    moved = step.execute(ASSIGN)
    [(companies,)] = step.fetch(
        "SELECT count(*) FROM erp_history_companyfigures WHERE workspace_id = %(workspace)s AND portfolio_id IS NOT NULL"
    )
    step.count(companies, moved=moved)
    step.say("portfolios", moved=moved, companies=companies)
    store_curve(step, Grouping.PORTFOLIO, BY_PORTFOLIO)
    return True
