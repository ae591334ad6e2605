"""The dashboard as sheets: every customer in the order of the curve, and the figures per group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from crmsync.lib.sheets import Sheet
from erp_history.domain.dashboard import Group, Overview, View, customers
from erp_history.domain.steps import MEMORY, PLANS
from erp_history.enums import Category

CHUNK = 2000
PERCENT = Decimal("0.0001")
CENT = Decimal("0.01")
LINES = """
{ahead} customer AS ({customers})
SELECT CASE WHEN x.revenue > 0 AND x.abc_class IS NOT NULL THEN row_number() OVER w END, c.id, c.name, x.abc_class, x.category,
  p.name, x.revenue, CASE WHEN sum(x.revenue) OVER () > 0 THEN x.revenue / sum(x.revenue) OVER () END,
  CASE WHEN sum(x.revenue) OVER () > 0 THEN sum(x.revenue) OVER w / sum(x.revenue) OVER () END, x.last_purchase_on, x.open
FROM customer x JOIN contacts_contact c ON c.id = x.contact_id
LEFT JOIN erp_history_portfolio p ON p.workspace_id = %(workspace)s AND p.id = x.portfolio_id
WINDOW w AS (ORDER BY x.revenue DESC, x.contact_id) ORDER BY x.revenue DESC, x.contact_id
"""


def heading() -> list[str]:
    return [
        _("Rank"), _("Id"), _("Customer"), _("ABC class"), _("Category"), _("Portfolio"), _("Revenue"), _("Share"),
        _("Cumulative share"), _("Last purchase"), _("Open receivables"),
    ]  # fmt: skip


def lines(view: View) -> Iterator[list[Any]]:
    """A line per customer, read from the database in chunks; within the transaction."""
    found = customers(view)
    with connection.cursor() as cursor:
        cursor.execute(f"{PLANS['sets']}; {MEMORY}")
    with connection.chunked_cursor() as cursor:
        cursor.execute(LINES.format(ahead=found.ahead, customers=found.text), found.values)
        while rows := cursor.fetchmany(CHUNK):
            yield from map(_line, rows)


def _line(row: Sequence[Any]) -> list[Any]:
    rank, contact_id, name, abc_class, category, portfolio, revenue, share, cumulative, last_on, open_amount = row
    labels = category_names()
    where = portfolio if portfolio is None else portfolio or _("General portfolio")
    return [
        rank, contact_id, name, abc_class, labels.get(category, category), where, revenue.quantize(CENT), _share(share), _share(cumulative),
        last_on, open_amount.quantize(CENT),
    ]  # fmt: skip


def _share(value: Decimal | None) -> Decimal | None:
    return None if value is None else value.quantize(PERCENT)


def category_names() -> Mapping[str | None, str]:
    return {value: str(label) for value, label in Category.choices}


def sheets(view: View, overview: Overview, *, portfolio_names: Mapping[Any, str]) -> list[Sheet]:
    """Customers, and a sheet for each way of grouping them."""
    columns = [_("Customers"), _("Revenue"), _("Share"), _("Open receivables")]
    classes = {value: value or _("No class") for value in ("A", "B", "C", None)}
    return [
        (_("Customers"), heading(), lines(view)),
        (_("Classes"), [_("ABC class"), *columns], _groups(overview.classes, classes)),
        (_("Categories"), [_("Category"), *columns], _groups(overview.categories, category_names())),
        (_("Portfolios"), [_("Portfolio"), *columns], _groups(overview.portfolios, portfolio_names)),
    ]


def _groups(groups: Sequence[Group], names: Mapping[Any, str]) -> list[list[Any]]:
    return [
        [names.get(group.key, "–"), group.customers, group.revenue.quantize(CENT), _share(group.share), group.open.quantize(CENT)]
        for group in groups
    ]
