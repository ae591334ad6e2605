"""Customers by value: how many customers and how much revenue stand in each class, category and portfolio, as one member may see it.

A customer is a contact that the ERP knows; the figures of its ERP codes stand together. The published curve is read as the night left it,
that of a brand or of another window from what was made ready after it. What comes out is small and is kept (erp_history.domain.kept).
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Any, TypeVar

from django.db import connection

from accounts.models import Membership, Workspace
from contacts.domain.visibility import visible_to
from erp_history.domain import windows
from erp_history.domain.kept import Sight, kept, night_mark, sight_of
from erp_history.domain.sources import source_of
from erp_history.domain.steps import MEMORY, PLANS
from erp_history.enums import Category, Curve, Grouping, Outcome
from erp_history.models import AbcResult, ErpRun, ErpSource

BARS = 200
SHOWN_AT_RISK = 8
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the dashboard is filtered by. `months`: the window of the curve."""

    months: int
    brand: str = ""
    portfolio: int | None = None


@dataclass(frozen=True)
class View:
    """Who looks at what: everything the figures depend on."""

    membership: Membership
    source: ErpSource
    run: ErpRun
    asked: Asked

    @property
    def workspace(self) -> Workspace:
        return self.membership.workspace

    @property
    def is_published(self) -> bool:
        """Are the classes those that stand on the contacts?"""
        return not self.asked.brand and self.asked.months == self.source.abc_months

    @property
    def has_stored_revenue(self) -> bool:
        return self.is_published and self.asked.months == 12

    def kept(self, name: str, work: Callable[[], Found], *, is_of_curve: bool = True) -> Found:
        """The answer as it is kept, or made now; it is kept if what it depends on is afterwards what it was before."""
        return kept(self._key(name, is_of_curve=is_of_curve), work, still=lambda: replace(self)._key(name, is_of_curve=is_of_curve))

    @cached_property
    def sight(self) -> Sight:
        return sight_of(self.membership)

    @cached_property
    def is_prepared(self) -> bool:
        """Is everything made ready that this night allows?"""
        return windows.prepared_for(self.source, self.run) is not None

    @cached_property
    def _state(self) -> str:
        """What all answers depend on."""
        night, source = night_mark(self.workspace), self.source
        rule = f"{source.abc_months}:{source.abc_a}:{source.abc_b}:{self.is_prepared:d}"
        return f"{self.workspace.pk}:{self.run.pk}:{night}:{rule}:{self.sight.name}" if night else ""

    def _key(self, name: str, *, is_of_curve: bool) -> str:
        """Names the answer; "" when it must not be kept. `is_of_curve`: does it depend on window and brand?"""
        curve = f"{self.asked.months}:{self.asked.brand.encode().hex()}" if is_of_curve else ""
        return f"erp:value:{name}:{self._state}:{self.asked.portfolio}:{curve}" if self._state else ""


def last_night(workspace: Workspace) -> ErpRun | None:
    """The night that the figures are of."""
    return ErpRun.objects.filter(workspace=workspace, outcome=Outcome.SUCCESS).order_by("-id").first()


def view_of(membership: Membership, run: ErpRun, *, months: int | None = None, brand: str = "", portfolio: int | None = None) -> View:
    """A window that is not offered is the usual one."""
    source = source_of(membership.workspace)
    asked = Asked(months if months in windows.offered(source) else source.abc_months, brand, portfolio)
    return View(membership, source, run, asked)


# The customers that a member may see: contact_id, abc_class, category, portfolio_id, revenue, open.
CUSTOMERS = """
SELECT k.contact_id, {abc_class} AS abc_class, k.category, k.portfolio_id, {revenue} AS revenue, k.open_receivables AS open,
  k.last_purchase_on
FROM erp_history_contactfigures k {joins} WHERE k.workspace_id = %(workspace)s AND {seen} {portfolio}
"""
REVENUE = """
LEFT JOIN (
  SELECT f.contact_id, sum(f.revenue) AS revenue FROM erp_history_companyfigures f
  WHERE f.workspace_id = %(workspace)s AND f.contact_id IS NOT NULL GROUP BY 1
) r ON r.contact_id = k.contact_id
"""
NOT_DELETED = """
NOT EXISTS (SELECT 1 FROM contacts_contact c WHERE c.workspace_id = %(workspace)s AND c.id = k.contact_id AND c.deleted_at IS NOT NULL)
"""


@dataclass(frozen=True, slots=True)
class Customers:
    """`ahead` is what must stand in WITH before `text` can be a subquery."""

    ahead: str
    text: str
    values: dict[str, Any]


def customers(view: View) -> Customers:
    """The SQL of the customers in sight, with their class and revenue on the curve that is asked for."""
    seen, values = condition(view, of="k.contact_id")
    values |= {"workspace": view.workspace.pk, "portfolio": view.asked.portfolio}
    abc_class, revenue, joins, ahead = "k.abc_class", "k.revenue_12m", "", ""
    if not view.is_published:
        abc_class, revenue, joins = "r.abc_class", "coalesce(r.revenue, 0)", "LEFT JOIN curve r ON r.contact_id = k.contact_id"
        ahead, more = windows.curve(view.source, view.run, months=view.asked.months, brand=view.asked.brand)
        values |= more
    elif not view.has_stored_revenue:
        revenue, joins = "coalesce(r.revenue, 0)", REVENUE
    portfolio = "AND k.portfolio_id = %(portfolio)s" if view.asked.portfolio else ""
    text = CUSTOMERS.format(abc_class=abc_class, revenue=revenue, joins=joins, seen=seen, portfolio=portfolio)
    return Customers(f"{ahead}," if ahead else "WITH", text, values)


def condition(view: View, *, of: str) -> tuple[str, dict[str, Any]]:
    """A condition on a column of contact ids: not deleted, and this member's to see."""
    if view.sight.sees_all:
        return NOT_DELETED.replace("k.contact_id", of), {}
    text, params = visible_to(view.membership).order_by().values("pk").query.sql_with_params()
    names = [f"seen_{index}" for index in range(len(params))]
    named = text % tuple(f"%({name})s" for name in names)
    return f"{of} IN ({named})", dict(zip(names, params, strict=True))


def fetch(sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(f"{PLANS['sets']}; {MEMORY}")
        cursor.execute(sql, values)
        found = cursor.fetchall()
        cursor.execute(PLANS["default"])
        return found


@dataclass(frozen=True, slots=True)
class Group:
    """Customers that have something in common: their class, category or portfolio (`key`)."""

    key: str | int | None
    customers: int = 0
    revenue: Decimal = Decimal(0)
    open: Decimal = Decimal(0)
    share: Decimal = Decimal(0)  # of all revenue

    def plus(self, other: Group) -> Group:
        return Group(self.key, self.customers + other.customers, self.revenue + other.revenue, self.open + other.open)


@dataclass(frozen=True, slots=True)
class AtRisk:
    """A customer whose purchases have become late."""

    contact_id: int
    abc_class: str | None
    revenue: Decimal
    last_purchase_on: dt.date | None


@dataclass(frozen=True, slots=True)
class Overview:
    """The figures of the dashboard. `at_risk`: those with the highest revenue first."""

    total: Group
    buyers: int
    classes: list[Group]
    categories: list[Group]
    portfolios: list[Group]
    at_risk: list[AtRisk]

    def category(self, key: str) -> Group:
        return next((group for group in self.categories if group.key == key), Group(key))


# The groups, and the customers at risk with the highest revenue: both of one reading.
FIGURES = """
{ahead} customer AS MATERIALIZED ({customers})
SELECT abc_class, category, portfolio_id, count(*), coalesce(sum(revenue), 0), coalesce(sum(open), 0), NULL::bigint, NULL::date
FROM customer GROUP BY 1, 2, 3
UNION ALL
(SELECT abc_class, category, portfolio_id, 1, revenue, open, contact_id, last_purchase_on FROM customer WHERE category = 'at_risk'
ORDER BY revenue DESC, contact_id LIMIT %(limit)s)
"""


def _figures(view: View) -> tuple[list[tuple[Any, ...]], list[AtRisk]]:
    """(class, category, portfolio and their sums), (customers at risk)."""
    found = view.kept("figures", lambda: _fetch(FIGURES, view, limit=SHOWN_AT_RISK))
    return [row[:6] for row in found if row[6] is None], [AtRisk(row[6], row[0], row[4], row[7]) for row in found if row[6] is not None]


def overview(view: View) -> Overview:
    rows, at_risk = _figures(view)
    total = _sum(None, [Group(None, *row[3:]) for row in rows])
    by_class, by_category, by_portfolio = (_grouped(rows, column, total=total) for column in range(3))
    ordered = [by_class[key] for key in (*Curve.values, None) if key in by_class]
    return Overview(
        total=total,
        buyers=sum(group.customers for group in ordered if group.key),
        classes=ordered,
        categories=[by_category[key] for key in (*Category.values, None) if key in by_category],
        portfolios=sorted(by_portfolio.values(), key=lambda group: (-group.revenue, -group.customers)),
        at_risk=at_risk,
    )


def _fetch(text: str, view: View, **more: Any) -> list[tuple[Any, ...]]:
    found = customers(view)
    return fetch(text.format(ahead=found.ahead, customers=found.text), found.values | more)


def _sum(key: Any, groups: Iterable[Group]) -> Group:
    total = Group(key)
    for group in groups:
        total = total.plus(group)
    return total


def _grouped(rows: Sequence[tuple[Any, ...]], column: int, *, total: Group) -> dict[Any, Group]:
    found: dict[Any, list[Group]] = defaultdict(list)
    for row in rows:
        found[row[column]].append(Group(row[column], *row[3:]))
    return {key: _with_share(_sum(key, groups), total) for key, groups in found.items()}


def _with_share(group: Group, total: Group) -> Group:
    share = group.revenue / total.revenue if total.revenue > 0 else Decimal(0)
    return Group(group.key, group.customers, group.revenue, group.open, share)


@dataclass(frozen=True, slots=True)
class Bar:
    """A customer, or so many of one class beside one another on the curve. Shares are of 1."""

    abc_class: str
    first: int
    last: int
    revenue: Decimal
    highest: Decimal
    lowest: Decimal
    contact_id: int | None
    share: Decimal
    cumulative: Decimal

    @property
    def customers(self) -> int:
        return self.last - self.first + 1


# Every bar holds as many customers, none of them of two classes.
PARETO = """
{ahead} customer AS ({customers}), placed AS (
  SELECT contact_id, abc_class, revenue, row_number() OVER (ORDER BY revenue DESC, contact_id) AS rank FROM customer
  WHERE abc_class IS NOT NULL AND revenue > 0
), size AS (SELECT greatest(1, ceil(count(*) / %(bars)s::numeric))::bigint AS size FROM placed)
SELECT abc_class, min(rank), max(rank), sum(revenue), max(revenue), min(revenue), CASE WHEN count(*) = 1 THEN min(contact_id) END
FROM placed CROSS JOIN size GROUP BY abc_class, (rank - 1) / size ORDER BY 2
"""


def pareto(view: View) -> list[Bar]:
    """The bars of the curve, at most 200, and the line above them."""
    rows = view.kept("bars", lambda: _fetch(PARETO, view, bars=BARS - 2))
    total = sum((row[3] for row in rows), Decimal(0))
    bars, upto = [], Decimal(0)
    for abc_class, first, last, revenue, highest, lowest, contact_id in rows:
        upto += revenue
        bars.append(Bar(abc_class, first, last, revenue, highest, lowest, contact_id, revenue / total, upto / total))
    return bars


def biggest_portfolios(workspace: Workspace, *, limit: int) -> list[int]:
    """By their revenue on the curve."""
    found = AbcResult.objects.filter(workspace=workspace, grouping=Grouping.PORTFOLIO).order_by("-revenue", "key")
    return [int(key) for key in found.values_list("key", flat=True)[:limit]]
