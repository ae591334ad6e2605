"""The curves of the dashboard's windows and brands: each company's revenue in them, and where the classes begin.

Made once after a night by set-wise statements; only what differs is written. A class is decided by revenue alone (equal revenue, equal
class), so of each curve the lowest revenue of A and of B is all that must be kept.
"""

from __future__ import annotations

import time
from typing import Any

from django.db import connection
from django.utils import timezone

from accounts.models import Workspace
from erp_history.domain.abc import ALL_REVENUE, BRAND_REVENUE, CLASS, LOWEST, values_of
from erp_history.domain.days import AUTHORISED, COMPANY, LINE_NET, LIVE, UNIQUE
from erp_history.domain.figures import months_before
from erp_history.domain.steps import MEMORY, PLANS
from erp_history.models import CurveLimit, ErpPrepared, ErpRun, ErpSource

WINDOWS = (3, 6, 12, 24)
COLUMNS = (*(f"revenue_{months}" for months in WINDOWS), "revenue_own")
LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended('erp windows', %(workspace)s))"
SUMS = ", ".join(f'coalesce(sum(net) FILTER (WHERE "on" >= %({name})s), 0) AS {name}' for name in COLUMNS)
OF_ALL = f"""
SELECT ''::text AS brand, company_id, {SUMS} FROM erp_history_companyday
WHERE workspace_id = %(workspace)s AND "on" >= %(since)s AND "on" < %(today)s GROUP BY 2
"""
BRANDED_LINES = f"""
SELECT i.marca AS brand, d.filial, d.codigo_empresa, d.data_emissao AS "on", {LINE_NET} AS net FROM erp_history_nota d
JOIN erp_history_itensnota i ON i.workspace_id = %(workspace)s AND i.filial = d.filial AND i.codigo_nota = d.codigo_erp
  AND NOT i.excluido AND i.gone_at IS NULL AND i.marca <> ''
WHERE {LIVE} AND {AUTHORISED} AND d.data_emissao >= %(since)s AND d.data_emissao < %(today)s
"""
# Summed per code first: what is joined with the companies then is a fraction of the documents.
OF_BRANDS = f"""
SELECT d.brand, coalesce(e.id, u.id) AS company_id, {", ".join(f"sum(d.{name}) AS {name}" for name in COLUMNS)} FROM (
  SELECT brand, filial, codigo_empresa, {SUMS} FROM ({BRANDED_LINES}) x GROUP BY 1, 2, 3
) d {COMPANY} WHERE coalesce(e.id, u.id) IS NOT NULL GROUP BY 1, 2
"""
FRESH = f"""
CREATE TEMPORARY TABLE erp_fresh_windows ON COMMIT DROP AS WITH uniq AS ({UNIQUE}) {OF_ALL} UNION ALL {OF_BRANDS}
"""
GONE = """
DELETE FROM erp_history_windowrevenue w WHERE w.workspace_id = %(workspace)s
AND NOT EXISTS (SELECT 1 FROM pg_temp.erp_fresh_windows f WHERE f.brand = w.brand AND f.company_id = w.company_id)
"""
WRITE = f"""
INSERT INTO erp_history_windowrevenue AS w (workspace_id, brand, company_id, {", ".join(COLUMNS)})
SELECT %(workspace)s, f.brand, f.company_id, {", ".join(f"f.{name}" for name in COLUMNS)} FROM pg_temp.erp_fresh_windows f
LEFT JOIN erp_history_windowrevenue k ON k.workspace_id = %(workspace)s AND k.brand = f.brand AND k.company_id = f.company_id
WHERE k.id IS NULL OR ({", ".join(f"k.{name}" for name in COLUMNS)}) IS DISTINCT FROM ({", ".join(f"f.{name}" for name in COLUMNS)})
ORDER BY f.brand, f.company_id
ON CONFLICT (workspace_id, brand, company_id) DO UPDATE SET {", ".join(f"{name} = EXCLUDED.{name}" for name in COLUMNS)}
"""
# The share ahead of a revenue decides its class, as in erp_history.domain.abc; exact decimals, compared without dividing.
LIMITS = """
INSERT INTO erp_history_curvelimit (workspace_id, brand, months, lowest_a, lowest_b)
SELECT %(workspace)s, brand, %(months)s, min(revenue) FILTER (WHERE ahead * 100 < %(a)s * total),
  min(revenue) FILTER (WHERE ahead * 100 < %(b)s * total)
FROM (
  SELECT brand, revenue, sum(revenue) OVER (PARTITION BY brand) AS total,
    sum(revenue) OVER (PARTITION BY brand ORDER BY revenue DESC ROWS UNBOUNDED PRECEDING) - revenue AS ahead
  FROM (SELECT brand, {column} AS revenue FROM pg_temp.erp_fresh_windows WHERE {column} > 0) x
) y GROUP BY brand
"""


def offered(source: ErpSource) -> list[int]:
    return sorted({*WINDOWS, source.abc_months})


def column_of(months: int, own: int) -> str | None:
    """The column of a window; None when that window is not kept."""
    if months in WINDOWS:
        return f"revenue_{months}"
    return "revenue_own" if months == own else None


def prepared_for(source: ErpSource, run: ErpRun) -> ErpPrepared | None:
    """What is kept, if it is of this night and of the settings as they are."""
    found = ErpPrepared.objects.filter(workspace_id=source.workspace_id).first()
    return found if found is not None and _signature(found) == (run.pk, source.abc_months, source.abc_a, source.abc_b) else None


def _signature(kept: ErpPrepared) -> tuple[Any, ...]:
    return kept.run_id, kept.months, kept.abc_a, kept.abc_b


def prepare(workspace: Workspace, source: ErpSource, run: ErpRun) -> bool:
    """Bring the windows to the state of a night; False when they are already, or somebody is at it. Inside workspace_tx."""
    began = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(LOCK, {"workspace": workspace.pk})
        if not cursor.fetchone()[0] or prepared_for(source, run) is not None:
            return False
        cursor.execute(f"{PLANS['sets']}; {MEMORY}")
        _fill(cursor, workspace, source, run)
        cursor.execute(f"{PLANS['default']}; DROP TABLE pg_temp.erp_fresh_windows")
    made = {"run_id": run.pk, "months": source.abc_months, "abc_a": source.abc_a, "abc_b": source.abc_b, "made_at": timezone.now()}
    ErpPrepared.objects.update_or_create(workspace=workspace, defaults={**made, "seconds": round(time.monotonic() - began, 3)})
    return True


def _fill(cursor: Any, workspace: Workspace, source: ErpSource, run: ErpRun) -> None:
    every = {*WINDOWS, source.abc_months}
    days = {name: months_before(run.today, months) for months, name in zip((*WINDOWS, source.abc_months), COLUMNS, strict=True)}
    values = {"workspace": workspace.pk, "today": run.today, "since": min(days.values()), **days}
    cursor.execute(FRESH, values)
    cursor.execute("ANALYZE pg_temp.erp_fresh_windows")
    cursor.execute(GONE, values)
    cursor.execute(WRITE, values)
    CurveLimit.objects.filter(workspace=workspace).delete()
    for months in sorted(every):
        limits = {"workspace": workspace.pk, "months": months, "a": source.abc_a, "b": source.abc_b}
        cursor.execute(LIMITS.format(column=column_of(months, source.abc_months)), limits)


# `unit`: companies and their revenue; `lowest`: where the classes begin.
KEPT_UNITS = """
unit AS (SELECT company_id, {column} AS revenue FROM erp_history_windowrevenue WHERE workspace_id = %(workspace)s AND brand = %(brand)s),
lowest AS (
  SELECT lowest_a AS a, lowest_b AS b FROM erp_history_curvelimit
  WHERE workspace_id = %(workspace)s AND brand = %(brand)s AND months = %(months)s
)
"""
COMPUTED_UNITS = f"{{revenue}}, {LOWEST}"
# A contact's class is the best of its companies', so that of the highest of their revenues.
CURVE = f"""
WITH {{units}}, curve AS (
  SELECT contact_id, total AS revenue, {CLASS} AS abc_class FROM (
    SELECT f.contact_id, sum(unit.revenue) AS total, max(unit.revenue) AS revenue FROM unit
    JOIN erp_history_companyfigures f ON f.workspace_id = %(workspace)s AND f.company_id = unit.company_id
    WHERE f.contact_id IS NOT NULL GROUP BY 1
  ) x LEFT JOIN lowest ON true
)
"""


def curve(source: ErpSource, run: ErpRun, *, months: int, brand: str) -> tuple[str, dict[str, Any]]:
    """WITH clause that ends in `curve` (contact_id, revenue, abc_class): from what is kept, or computed from the documents."""
    values: dict[str, Any] = {"workspace": source.workspace_id, "months": months, "brand": brand}
    column = column_of(months, source.abc_months)
    if column is not None and prepared_for(source, run) is not None:
        return CURVE.format(units=KEPT_UNITS.format(column=column)).strip(), values
    units = COMPUTED_UNITS.format(revenue=BRAND_REVENUE if brand else ALL_REVENUE)
    return CURVE.format(units=units).strip(), values | values_of(source, run.today, months=months)
