"""What the night found out, per contact: the figures that lists and the API show, and owner and life cycle by way of the store."""

from __future__ import annotations

import json
from typing import Any

from contacts.domain.store import update_contacts
from erp_history.domain.run_log import COUNTED
from erp_history.domain.steps import Step

PAGE = 1000
COLUMNS = ("abc_class", "category", "portfolio_id", "last_purchase_on", "revenue_12m", "open_receivables")
BEST = "'active', 'new', 'at_risk', 'inactive', 'prospect', 'suspect', 'blocked'"
FIGURES = f"""
WITH fresh AS (
  SELECT f.contact_id, min(f.abc_class) AS abc_class,
    (ARRAY[{BEST}]::text[])[min(array_position(ARRAY[{BEST}]::text[], f.category::text))] AS category,
    (array_agg(f.portfolio_id ORDER BY f.is_deleted, f.revenue_12m DESC, f.company_id))[1] AS portfolio_id,
    max(f.last_purchase_on) AS last_purchase_on, sum(f.revenue_12m) AS revenue_12m, sum(f.open_receivables) AS open_receivables
  FROM erp_history_companyfigures f JOIN contacts_contact c ON c.id = f.contact_id AND c.workspace_id = %(workspace)s
  WHERE f.workspace_id = %(workspace)s GROUP BY f.contact_id
), gone AS (
  DELETE FROM erp_history_contactfigures k WHERE k.workspace_id = %(workspace)s
  AND NOT EXISTS (SELECT 1 FROM fresh WHERE fresh.contact_id = k.contact_id) RETURNING 1
), put AS (
  INSERT INTO erp_history_contactfigures AS k (workspace_id, contact_id, {", ".join(COLUMNS)}, published, as_of)
  SELECT %(workspace)s, fresh.contact_id, {", ".join(f"fresh.{name}" for name in COLUMNS)}, '{{}}', %(today)s
  FROM fresh LEFT JOIN erp_history_contactfigures known ON known.contact_id = fresh.contact_id AND known.workspace_id = %(workspace)s
  WHERE known.id IS NULL
    OR ({", ".join(f"known.{name}" for name in COLUMNS)}) IS DISTINCT FROM ({", ".join(f"fresh.{name}" for name in COLUMNS)})
  ON CONFLICT (contact_id) DO UPDATE SET {", ".join(f"{name} = EXCLUDED.{name}" for name in COLUMNS)}, as_of = EXCLUDED.as_of
  RETURNING 1
)
SELECT (SELECT count(*) FROM fresh), (SELECT count(*) FROM put), (SELECT count(*) FROM gone)
"""
WANTED = """
jsonb_strip_nulls(jsonb_build_object('owner_id', p.user_id, 'life_cycle', CASE
  WHEN k.category IN ('new', 'active', 'at_risk') THEN 'client' WHEN k.category = 'inactive' THEN 'former'
  WHEN k.category IN ('prospect', 'suspect') THEN k.category END))
"""
# A value that somebody set here is kept: ours are written only over nothing, or over what we wrote before.
CHANGED = f"""
WITH page AS MATERIALIZED (
  SELECT k.id, k.contact_id, k.published, {WANTED} AS wanted, jsonb_build_object('owner_id', c.owner_id, 'life_cycle', c.life_cycle) AS now
  FROM erp_history_contactfigures k JOIN contacts_contact c ON c.id = k.contact_id AND c.deleted_at IS NULL
  LEFT JOIN erp_history_portfolio p ON p.id = k.portfolio_id
  WHERE k.workspace_id = %(workspace)s AND k.id > %(after)s AND k.published IS DISTINCT FROM {WANTED}
  ORDER BY k.id LIMIT %(limit)s
), put AS (
  UPDATE erp_history_contactfigures k SET published = page.wanted FROM page WHERE k.id = page.id
)
SELECT p.id, p.contact_id, (
  SELECT jsonb_object_agg(d.key, d.value)::text FROM jsonb_each(p.wanted) d
  WHERE d.value IS DISTINCT FROM p.published -> d.key
    AND (p.now ->> d.key IS NULL OR p.now ->> d.key = '' OR p.now -> d.key = p.published -> d.key)
) FROM page p ORDER BY p.id
"""


def step(step: Step) -> bool:
    """First the figures, then the contacts page by page."""
    if not step.phase.cursor:
        step.plan("sets")
        [(contacts, changed, gone)] = step.fetch(FIGURES)
        step.count(contacts, figures=changed, gone=gone)
        step.phase.cursor = {"after": 0}
        if changed:
            return False
    step.plan("lookups")
    rows = step.fetch(CHANGED, {"after": int(step.phase.cursor["after"]), "limit": PAGE})
    if not rows:
        step.say(COUNTED, **step.phase.counters)
        return True
    changes: dict[int, Any] = {contact_id: json.loads(changed) for _id, contact_id, changed in rows if changed}
    step.plan("default")
    written = update_contacts(step.workspace, changes, origin=step.origin).updated if changes else []
    step.count(0, updated=len(written))
    step.phase.cursor = {"after": rows[-1][0]}
    return False
