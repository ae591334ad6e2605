"""After a night: what its screens show is made ready, so that the first one who looks does not wait.

Apart from the night itself, which is over before; without it the screens compute what they show.
"""

from __future__ import annotations

from typing import Any

from accounts.models import Membership, Workspace
from accounts.scoping import workspace_tx
from erp_history.domain import dashboard, dashboard_moves, offers, stored, windows
from erp_history.domain.dashboard import View
from erp_history.domain.kept import night_mark
from erp_history.domain.sources import source_of
from erp_history.models import ErpRun

MOST = 20  # brands, portfolios
MOST_MEMBERS = 100


def is_due(workspace: Workspace) -> bool:
    """Has a night ended, a rule changed or much arrived since things were made ready? Inside workspace_tx."""
    run = _night(workspace)
    return stored.is_due(workspace) or (run is not None and windows.prepared_for(source_of(workspace), run) is None)


def prepare(workspace: Workspace) -> None:
    """Make ready what is not. Somebody who is at it already is left alone."""
    with workspace_tx(workspace):
        run = _night(workspace)
        is_new = run is not None and windows.prepare(workspace, source_of(workspace), run)
        if is_new or stored.is_due(workspace):
            stored.count(workspace)
    if run is None or not is_new:
        return
    with workspace_tx(workspace):
        views = _views(workspace, run)
    for view in views:
        with workspace_tx(workspace):
            look(view)


def look(view: View) -> None:
    """Compute what a page shows, and keep it."""
    dashboard.overview(view)
    dashboard.pareto(view)
    dashboard_moves.moves(view)
    offers.portfolios(view.membership, sight=view.sight)
    offers.brands(view)


def _night(workspace: Workspace) -> ErpRun | None:
    """The night to be shown; None while another one is at work."""
    return dashboard.last_night(workspace) if night_mark(workspace) else None


def _views(workspace: Workspace, run: ErpRun) -> list[View]:
    """Each window of all brands and of the biggest, the biggest portfolios; for members who see less what the page opens with."""
    found = Membership.objects.filter(workspace=workspace, user__is_active=True).select_related("workspace", "user")
    members = sorted(found.order_by("pk")[:MOST_MEMBERS], key=lambda member: not member.is_admin)
    views = [dashboard.view_of(member, run) for member in members]
    if members and members[0].is_admin:
        months = windows.offered(views[0].source)
        brands = ["", *offers.brands(views[0])[:MOST]]
        asked: list[dict[str, Any]] = [{"months": number, "brand": brand} for brand in brands for number in months]
        asked += [{"portfolio": portfolio} for portfolio in dashboard.biggest_portfolios(workspace, limit=MOST)]
        views += [dashboard.view_of(members[0], run, **filters) for filters in asked]
    return views
