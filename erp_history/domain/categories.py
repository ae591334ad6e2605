"""Where a company stands: every one is in exactly one category, by the first rule that fits."""

from __future__ import annotations

from erp_history.domain.steps import Step

PUT = """
WITH active AS (
  SELECT DISTINCT n.contact_id FROM contacts_note n WHERE n.workspace_id = %(workspace)s AND n.created_at >= %(day)s::date - %(prospect)s
), fresh AS (
  SELECT f.id, f.company_id, f.category AS old, CASE
    WHEN f.is_deleted OR c.situacao IN ('B', 'I') THEN 'blocked'
    WHEN f.first_purchase_on >= %(day)s::date - %(new)s THEN 'new'
    WHEN f.last_purchase_on >= %(day)s::date - %(active)s THEN 'active'
    WHEN %(day)s::date - f.last_purchase_on <= least(2 * f.interval_days, %(risk)s) AND f.interval_days IS NOT NULL THEN 'active'
    WHEN f.last_purchase_on >= %(day)s::date - %(risk)s THEN 'at_risk'
    WHEN f.last_purchase_on IS NOT NULL THEN 'inactive'
    WHEN f.last_quote_on >= %(day)s::date - %(prospect)s OR a.contact_id IS NOT NULL THEN 'prospect'
    ELSE 'suspect' END AS new
  FROM erp_history_companyfigures f
  JOIN erp_history_empresa c ON c.id = f.company_id AND c.workspace_id = %(workspace)s
  LEFT JOIN active a ON a.contact_id = f.contact_id
  WHERE f.workspace_id = %(workspace)s
), moved AS (
  INSERT INTO erp_history_categorychange (workspace_id, company_id, "on", old, new)
  SELECT %(workspace)s, company_id, %(day)s, old, new FROM fresh WHERE old IS DISTINCT FROM new RETURNING 1
), put AS (
  UPDATE erp_history_companyfigures f SET category = fresh.new, category_since = %(day)s
  FROM fresh WHERE f.id = fresh.id AND fresh.old IS DISTINCT FROM fresh.new
)
SELECT (SELECT count(*) FROM fresh), (SELECT count(*) FROM moved)
"""


def step(step: Step) -> bool:
    step.plan("sets")
    source = step.source
    values = {
        "day": step.run.today,
        "new": source.new_days,
        "active": source.active_days,
        "risk": source.risk_days,
        "prospect": source.prospect_days,
    }
    [(companies, moved)] = step.fetch(PUT, values)
    step.count(companies, moved=moved)
    step.say("categories", moved=moved, companies=companies)
    return True
