"""What lists and the dashboard can be filtered by: portfolios and brands, only those of customers that the member may see."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from accounts.models import Membership
from contacts.domain.visibility import visible_to
from erp_history.domain import windows
from erp_history.domain.dashboard import Asked, View, condition, fetch
from erp_history.domain.days import COMPANY, UNIQUE
from erp_history.domain.figures import window
from erp_history.domain.kept import Sight, kept, night_mark, sight_of
from erp_history.models import AbcResult, ContactFigures, Portfolio

MOST_PORTFOLIOS, MOST_BRANDS = 500, 100
SOLD = f"""
WITH uniq AS ({UNIQUE}) SELECT DISTINCT d.brand FROM ({windows.BRANDED_LINES}) d {COMPANY} WHERE coalesce(e.id, u.id) IN (
  SELECT f.company_id FROM erp_history_companyfigures f WHERE f.workspace_id = %(workspace)s AND {{seen}}
)
"""
SOLD_AS_KEPT = """
SELECT DISTINCT w.brand FROM erp_history_windowrevenue w
JOIN erp_history_companyfigures f ON f.workspace_id = %(workspace)s AND f.company_id = w.company_id
WHERE w.workspace_id = %(workspace)s AND w.brand <> '' AND w.{column} <> 0 AND {seen}
"""


def portfolios(membership: Membership, *, sight: Sight | None = None) -> dict[int, str]:
    """Their names by number, in the order of lists; the general portfolio has none. `sight`: if it is known already."""
    found = Portfolio.objects.filter(workspace=membership.workspace).order_by("name", "code").values_list("pk", "name")
    if membership.is_admin:
        return dict(found[:MOST_PORTFOLIOS])
    figures = ContactFigures.objects.filter(workspace=membership.workspace, contact__in=visible_to(membership))

    def key(sight: Sight) -> str:
        night = night_mark(membership.workspace)
        return f"erp:portfolios:{membership.workspace_id}:{night}:{sight.name}" if night else ""

    return kept(
        key(sight or sight_of(membership)),
        lambda: dict(found.filter(pk__in=figures.values("portfolio"))[:MOST_PORTFOLIOS]),
        still=lambda: key(sight_of(membership)),
    )


def brands(view: View) -> list[str]:
    """Brands that were sold in the window of the curve, the one with the highest revenue first."""
    found = AbcResult.objects.filter(workspace=view.workspace, grouping="brand").order_by("-revenue", "key").values_list("key", flat=True)
    if view.sight.sees_all:
        return list(found[:MOST_BRANDS])
    unfiltered = replace(view, asked=Asked(view.source.abc_months))
    return unfiltered.kept("brands", lambda: list(found.filter(key__in=_sold(unfiltered))[:MOST_BRANDS]))


def _sold(view: View) -> list[Any]:
    seen, values = condition(view, of="f.contact_id")
    values |= {"workspace": view.workspace.pk, "today": view.run.today} | window(view.run.today, view.asked.months)
    column = windows.column_of(view.asked.months, view.source.abc_months)
    return [row[0] for row in fetch((SOLD_AS_KEPT if view.is_prepared else SOLD).format(seen=seen, column=column), values)]
