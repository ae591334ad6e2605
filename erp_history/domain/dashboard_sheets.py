"""The dashboard as a file: every customer in the order of the curve, and for Excel the figures per group.

The customers are copied to a scratch file as PostgreSQL writes them down, and the file is made from that: a hundred thousand of them
take about as long as reading them, and whoever downloads slowly holds no transaction open.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain, islice
from pathlib import Path
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from crmsync.lib.sheets import csv_lines
from crmsync.lib.workbook import Column, Kind, Unsent, Workbook
from erp_history.domain.dashboard import Group, Overview, View, customers
from erp_history.domain.export_sheets import CELL_SQL, SheetPlan, pages, spool
from erp_history.domain.steps import MEMORY, PLANS
from erp_history.enums import Category

CSV_LINES = 1000  # sent at a time
LINES = """
{ahead} customer AS ({customers})
SELECT coalesce(CASE WHEN x.revenue > 0 AND x.abc_class IS NOT NULL THEN row_number() OVER w END::text, ''), c.id::text, c.name,
  coalesce(x.abc_class, ''), coalesce(%(categories)s::jsonb ->> x.category, x.category, ''),
  CASE WHEN p.name = '' THEN %(general)s ELSE coalesce(p.name, '') END, round(x.revenue, 2)::text,
  coalesce(CASE WHEN sum(x.revenue) OVER () > 0 THEN round(x.revenue / sum(x.revenue) OVER (), 4) END::text, ''),
  coalesce(CASE WHEN sum(x.revenue) OVER () > 0 THEN round(sum(x.revenue) OVER w / sum(x.revenue) OVER (), 4) END::text, ''),
  {last_on}, round(x.open, 2)::text
FROM customer x JOIN contacts_contact c ON c.id = x.contact_id
LEFT JOIN erp_history_portfolio p ON p.workspace_id = %(workspace)s AND p.id = x.portfolio_id
WINDOW w AS (ORDER BY x.revenue DESC, x.contact_id) ORDER BY x.revenue DESC, x.contact_id
"""


def columns() -> list[Column]:
    kinds: list[tuple[str, Kind]] = [
        (_("Rank"), "number"), (_("Id"), "number"), (_("Customer"), "text"), (_("ABC class"), "text"), (_("Category"), "text"),
        (_("Portfolio"), "text"), (_("Revenue"), "number"), (_("Share"), "number"), (_("Cumulative share"), "number"),
        (_("Last purchase"), "date"), (_("Open receivables"), "number"),
    ]  # fmt: skip
    return [Column(title, kind) for title, kind in kinds]


def copy_customers(view: View, path: Path, *, is_excel: bool) -> None:
    """A line per customer into a scratch file; within the transaction. Days are counted for Excel and written for CSV."""
    found = customers(view)
    last_on = CELL_SQL["date"].format("x.last_purchase_on") if is_excel else "coalesce(x.last_purchase_on::text, '')"
    text = LINES.format(ahead=found.ahead, customers=found.text, last_on=last_on)
    words = {"categories": json.dumps(category_names()), "general": _("General portfolio")}
    with connection.cursor() as cursor:
        cursor.execute(f"{PLANS['sets']}; {MEMORY}")
        spool(SheetPlan("customers", "", columns(), text, found.values | words), path)
        cursor.execute(PLANS["default"])


def csv_text(path: Path) -> Generator[str, None, None]:
    """What was copied as CSV, some lines at a time. Numbers stay numbers, texts are no formulas."""
    return _lines(path, columns())


def _lines(path: Path, heads: Sequence[Column]) -> Generator[str, None, None]:
    lines = csv_lines([head.title for head in heads], chain.from_iterable(zip(*_typed(page, heads), strict=True) for page in pages(path)))
    yield "\ufeff"
    while text := "".join(islice(lines, CSV_LINES)):
        yield text


def _typed(page: Sequence[Sequence[str]], heads: Sequence[Column]) -> list[Sequence[Any]]:
    return [
        [Decimal(value) if value else None for value in values] if head.kind == "number" else values
        for head, values in zip(heads, page, strict=True)
    ]


def workbook_blocks(copied: Path, overview: Overview, *, portfolio_names: Mapping[Any, str]) -> Generator[bytes, None, None]:
    """Customers, and a sheet for each way of grouping them, as they are made. All words are found at once, in the reader's language."""
    classes = {value: value or _("No class") for value in ("A", "B", "C", None)}
    numbers = [Column(title, "number") for title in (_("Customers"), _("Revenue"), _("Share"), _("Open receivables"))]
    groups = [
        _Sheet(_("Classes"), [Column(_("ABC class")), *numbers], _groups(overview.classes, classes)),
        _Sheet(_("Categories"), [Column(_("Category")), *numbers], _groups(overview.categories, category_names())),
        _Sheet(_("Portfolios"), [Column(_("Portfolio")), *numbers], _groups(overview.portfolios, portfolio_names)),
    ]
    return _blocks(copied, _Sheet(_("Customers"), columns()), groups)


@dataclass(frozen=True, slots=True)
class _Sheet:
    title: str
    columns: Sequence[Column]
    page: Sequence[Sequence[str]] = ()


def _blocks(copied: Path, customers: _Sheet, groups: Sequence[_Sheet]) -> Generator[bytes, None, None]:
    unsent = Unsent()
    with Workbook(unsent) as book:
        book.begin(customers.title, customers.columns)
        for page in pages(copied):
            book.write(page)
            yield unsent.take()
        for sheet in groups:
            book.begin(sheet.title, sheet.columns)
            book.write(sheet.page)
    yield unsent.take()


def _groups(groups: Sequence[Group], names: Mapping[Any, str]) -> list[list[str]]:
    return [
        [names.get(group.key, "–") for group in groups],
        [str(group.customers) for group in groups],
        [f"{group.revenue:.2f}" for group in groups],
        [f"{group.share:.4f}" for group in groups],
        [f"{group.open:.2f}" for group in groups],
    ]


def category_names() -> Mapping[str | None, str]:
    return {value: str(label) for value, label in Category.choices}
