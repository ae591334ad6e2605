"""What the night found out, per contact: the figures that lists and the API show, and owner and life cycle of the contact itself."""

from __future__ import annotations

from contacts.domain.sets import update_from
from erp_history.domain.run_log import COUNTED
from erp_history.domain.steps import Step

PAGE = 10_000
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
LIFE_CYCLE = """
CASE WHEN k.category IN ('new', 'active', 'at_risk') THEN 'client' WHEN k.category = 'inactive' THEN 'former'
  WHEN k.category IN ('prospect', 'suspect') THEN k.category END
"""
WANTED = f"jsonb_strip_nulls(jsonb_build_object('owner_id', p.user_id, 'life_cycle', {LIFE_CYCLE}))"
# A value that somebody set here is kept: ours are written only over nothing, or over what we wrote before. Contacts are locked in the order
# of their ids, and read as they are then.
TEMPORARY = """
CREATE TEMPORARY TABLE IF NOT EXISTS erp_publish (
  id bigint, figures_id bigint, wanted jsonb, owner_id bigint, life_cycle text, names text[]
) ON COMMIT DELETE ROWS
"""
TAKE_PAGE = f"""
INSERT INTO pg_temp.erp_publish
SELECT id, figures_id, wanted, CASE WHEN sets_owner THEN user_id ELSE owner_id END, CASE WHEN sets_cycle THEN cycle ELSE life_cycle END,
  array_remove(ARRAY[CASE WHEN sets_owner THEN 'owner_id' END, CASE WHEN sets_cycle THEN 'life_cycle' END], NULL)
FROM (
  SELECT c.id, k.id AS figures_id, {WANTED} AS wanted, c.owner_id, c.life_cycle, p.user_id, {LIFE_CYCLE} AS cycle,
    p.user_id <> coalesce(c.owner_id, 0) AND p.user_id <> coalesce((k.published ->> 'owner_id')::bigint, 0)
      AND coalesce(c.owner_id, 0) IN (0, coalesce((k.published ->> 'owner_id')::bigint, 0)) AS sets_owner,
    {LIFE_CYCLE} <> c.life_cycle AND {LIFE_CYCLE} <> coalesce(k.published ->> 'life_cycle', '')
      AND c.life_cycle IN ('', coalesce(k.published ->> 'life_cycle', '')) AS sets_cycle
  FROM erp_history_contactfigures k JOIN contacts_contact c ON c.id = k.contact_id AND c.deleted_at IS NULL
  LEFT JOIN erp_history_portfolio p ON p.id = k.portfolio_id
  WHERE k.workspace_id = %(workspace)s AND k.contact_id > %(after)s AND k.published IS DISTINCT FROM {WANTED}
  ORDER BY k.contact_id LIMIT %(limit)s FOR NO KEY UPDATE OF c
) x
"""
CHANGED = "SELECT id, owner_id, life_cycle, names FROM pg_temp.erp_publish WHERE names <> '{}'"
# With the first and the last contact of the page it reads the figures of these only, not all.
NOTE = """
UPDATE erp_history_contactfigures k SET published = x.wanted FROM pg_temp.erp_publish x WHERE k.id = x.figures_id
AND k.contact_id >= (SELECT min(id) FROM pg_temp.erp_publish) AND k.contact_id <= (SELECT max(id) FROM pg_temp.erp_publish)
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
    step.execute(TEMPORARY)
    step.plan("in order")
    taken = step.execute(TAKE_PAGE, {"after": int(step.phase.cursor["after"]), "limit": PAGE})
    if not taken:
        step.say(COUNTED, **step.phase.counters)
        return True
    step.plan("default")  # the history's trigger compares sets
    written = update_from(step.workspace, CHANGED, {}, columns=("owner_id", "life_cycle"), origin=step.origin)
    step.execute(NOTE)
    step.count(0, updated=len(written))
    [(last,)] = step.fetch("SELECT max(id) FROM pg_temp.erp_publish")
    step.phase.cursor = {"after": last}
    return False
