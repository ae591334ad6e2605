"""Migrations: customers whose class today is another one than a month ago."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from erp_history.domain.dashboard import View, condition, fetch
from erp_history.domain.figures import months_before

# What a company was at the beginning is the old class of its first change since. The very first night moves nobody.
MOVED = """
SELECT DISTINCT ON (h.company_id) h.company_id, h.old FROM erp_history_classchange h
WHERE h.workspace_id = %(workspace)s AND h."on" > %(since)s
  AND h."on" > (SELECT min(b."on") FROM erp_history_classchange b WHERE b.workspace_id = %(workspace)s)
ORDER BY h.company_id, h.id
"""
MOVES = f"""
SELECT m.old, f.abc_class, count(DISTINCT f.contact_id), sum(f.revenue) FROM ({MOVED}) m
JOIN erp_history_companyfigures f ON f.workspace_id = %(workspace)s AND f.company_id = m.company_id
WHERE m.old IS DISTINCT FROM f.abc_class AND f.contact_id IS NOT NULL AND {{seen}} {{portfolio}} GROUP BY 1, 2
"""
MOVERS = f"""
SELECT f.contact_id FROM ({MOVED}) m
JOIN erp_history_companyfigures f ON f.workspace_id = %(workspace)s AND f.company_id = m.company_id
WHERE m.old IS NOT DISTINCT FROM %(old)s AND f.abc_class IS NOT DISTINCT FROM %(new)s AND f.contact_id IS NOT NULL
"""
ORDER: tuple[str | None, ...] = ("A", "B", "C", None)


@dataclass(frozen=True, slots=True)
class Move:
    """So many customers went from one class to another; None is "no class"."""

    old: str | None
    new: str | None
    customers: int
    revenue: Decimal

    @property
    def is_up(self) -> bool:
        return ORDER.index(self.new) < ORDER.index(self.old)


def since(view: View) -> dt.date:
    return months_before(view.run.today, 1)


def moves(view: View) -> list[Move]:
    """Migrations of the published curve since last month: rises first, the highest class first."""
    rows = view.kept("moves", lambda: _read(view), is_of_curve=False)
    found = [Move(*row) for row in rows]
    return sorted(found, key=lambda move: (not move.is_up, ORDER.index(move.old), ORDER.index(move.new)))


def _read(view: View) -> list[tuple[str | None, str | None, int, Decimal]]:
    seen, values = condition(view, of="f.contact_id")
    portfolio = "AND f.portfolio_id = %(portfolio)s" if view.asked.portfolio else ""
    values |= {"workspace": view.workspace.pk, "since": since(view), "portfolio": view.asked.portfolio}
    return [(row[0], row[1], row[2], row[3]) for row in fetch(MOVES.format(seen=seen, portfolio=portfolio), values)]
