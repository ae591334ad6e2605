"""What lists and the dashboard can be filtered by: portfolios and brands, only those of customers that the member may see."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from accounts.models import Membership
from contacts.domain.visibility import visible_to
from erp_history.domain.abc import BRAND_LINES
from erp_history.domain.dashboard import Asked, View, fetch, kept, sight, sight_key
from erp_history.domain.figures import UNIQUE, window
from erp_history.models import AbcResult, ContactFigures, Portfolio

MOST_PORTFOLIOS, MOST_BRANDS = 500, 100
SOLD = f"""
WITH uniq AS ({UNIQUE}) SELECT DISTINCT i.marca {BRAND_LINES} AND i.marca IS NOT NULL AND coalesce(e.id, u.id) IN (
  SELECT f.company_id FROM erp_history_companyfigures f WHERE f.workspace_id = %(workspace)s AND {{seen}}
)
"""


def portfolios(membership: Membership) -> dict[int, str]:
    """Their names by number, in the order of lists; the general portfolio has none."""
    found = Portfolio.objects.filter(workspace=membership.workspace).order_by("name", "code").values_list("pk", "name")
    if membership.is_admin:
        return dict(found[:MOST_PORTFOLIOS])
    figures = ContactFigures.objects.filter(workspace=membership.workspace, contact__in=visible_to(membership))
    return kept(
        f"erp:portfolios:{membership.workspace_id}:{sight_key(membership)}",
        lambda: dict(found.filter(pk__in=figures.values("portfolio"))[:MOST_PORTFOLIOS]),
    )


def brands(view: View) -> list[str]:
    """Brands that were sold in the window of the curve, the one with the highest revenue first."""
    found = AbcResult.objects.filter(workspace=view.workspace, grouping="brand").order_by("rank").values_list("key", flat=True)
    if view.membership.is_admin:
        return list(found[:MOST_BRANDS])
    unfiltered = replace(view, asked=Asked(view.source.abc_months))
    return kept(unfiltered.key("brands"), lambda: list(found.filter(key__in=_sold(unfiltered))[:MOST_BRANDS]))


def _sold(view: View) -> list[Any]:
    seen, values = sight(view.membership, of="f.contact_id")
    values |= {"workspace": view.workspace.pk, "today": view.run.today} | window(view.run.today, view.asked.months)
    return [row[0] for row in fetch(SOLD.format(seen=seen), values)]
