"""Customers by value: the curve, the groups behind it, and the way from each figure to its list."""

from __future__ import annotations

import contextlib
import datetime as dt
import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_safe

from accounts.middleware import WorkspaceRequest
from contacts.domain.visibility import visible_to
from crmsync import nav
from crmsync.lib.sheets import safe_filename
from crmsync.lib.text import row_number
from erp_history.domain import dashboard, dashboard_moves, dashboard_sheets, offers, windows
from erp_history.domain.dashboard import AtRisk, Bar, Group, Overview, View
from erp_history.domain.dashboard_lists import ANY, NONE, Change, Place
from erp_history.domain.onboarding import rule_in_words
from erp_history.enums import Category
from erp_history.models import CompanyFigures
from erp_history.panels import portfolio_names
from erp_history.tasks import ring_ready_after_commit
from erp_history.views.pages import held_count
from erp_history.views.ranges import XLSX

CURRENCY = "BRL"
MANY = 12  # portfolios shown before "all"
TONES = {"A": "green", "B": "blue", "C": "gray"}
CATEGORY_TONES = {
    Category.ACTIVE: "green", Category.NEW: "blue", Category.AT_RISK: "amber", Category.INACTIVE: "gray", Category.BLOCKED: "red",
    Category.PROSPECT: "accent", Category.SUSPECT: "gray",
}  # fmt: skip


def register() -> None:
    """Called when the apps are ready."""
    nav.register(
        nav.NavItem(
            label=gettext_lazy("Customers by value"),
            short=gettext_lazy("By value"),
            icon="chart-histogram",
            url_name="erp_history:dashboard",
            order=35,
            covers=("erp_history:dashboard",),
        )
    )


@dataclass(frozen=True, slots=True)
class Row:
    """A group as its table shows it."""

    label: str
    group: Group
    url: str
    tone: str = ""

    @property
    def percent(self) -> float:
        return float(round(self.group.share * 100, 1))


class Links:
    """From a figure to the contacts behind it."""

    def __init__(self, request: WorkspaceRequest, view: View) -> None:
        self._list = reverse("contacts:list", kwargs={"slug": request.workspace.slug})
        self._contact = lambda pk: reverse("contacts:detail", kwargs={"slug": request.workspace.slug, "pk": pk})
        self._view = view

    def contact(self, pk: int) -> str:
        return self._contact(pk)

    def listed(self, **filters: Any) -> str:
        asked = {"erp_portfolio": self._view.asked.portfolio} | filters
        return f"{self._list}?{urlencode({name: value for name, value in asked.items() if value})}"

    def of_class(self, key: Any) -> str:
        asked = self._view.asked
        if self._view.is_published:
            return self.listed(erp_class=key or NONE)
        return self.listed(erp_curve=Place(key or NONE, asked.months, asked.brand).text)

    def bought(self) -> str:
        """Everybody on the curve."""
        asked = self._view.asked
        if self._view.is_published:
            return self.listed(erp_customers="bought")
        return self.listed(erp_curve=Place(ANY, asked.months, asked.brand).text)

    def bar(self, bar: Bar) -> str:
        """One customer's page, or the customers of the bar: by their revenue where it stands on the contacts, else by class."""
        if bar.contact_id is not None:
            return self.contact(bar.contact_id)
        if not self._view.has_stored_revenue:
            return self.of_class(bar.abc_class)
        return self.listed(erp_class=bar.abc_class, erp_revenue=f"{bar.lowest:.2f}-{bar.highest:.2f}")

    def move(self, move: dashboard_moves.Move, since: dt.date) -> str:
        return self.listed(erp_moved=Change(move.old, move.new, since).text)


@require_safe
def page(request: WorkspaceRequest) -> HttpResponse:
    run = dashboard.last_night(request.workspace)
    if run is None:
        return render(request, "erp_history/dashboard_empty.html", {"is_admin": request.membership.is_admin})
    view = _view(request, run)
    if not view.is_prepared:
        ring_ready_after_commit(request.workspace)
    found, links = dashboard.overview(view), Links(request, view)
    portfolios = portfolio_names(request.membership, sight=view.sight)
    context: dict[str, Any] = {
        "run": run,
        "currency": CURRENCY,
        "found": found,
        "all_url": links.listed(erp_customers="all"),
        "bought_url": links.bought(),
        "open_url": links.listed(erp_customers="open"),
        "risk": found.category(Category.AT_RISK),
        "risk_url": links.listed(erp_category=Category.AT_RISK),
        "risk_rows": _at_risk(request, found.at_risk, links),
        "sections": _sections(found, links, names=portfolios),
        "moves": [(move, links.move(move, dashboard_moves.since(view))) for move in dashboard_moves.moves(view)],
        "since": dashboard_moves.since(view),
        "is_published": view.is_published,
        "held": held_count(request) if request.membership.is_admin else 0,
        "filters": _filters(request, view, portfolios),
        "is_filtered": bool(request.GET.get("portfolio") or request.GET.get("brand") or request.GET.get("months")),
        "data_url": _address(request, "dashboard_data"),
        "csv_url": _address(request, "dashboard_csv"),
        "xlsx_url": _address(request, "dashboard_xlsx"),
        "months": view.asked.months,
        "rule": rule_in_words(view.source),
    }
    return render(request, "erp_history/dashboard.html", context)


@require_safe
def data(request: WorkspaceRequest) -> JsonResponse:
    """What the chart draws."""
    view = _view_or_404(request)
    bars, links = dashboard.pareto(view), Links(request, view)
    single = [bar.contact_id for bar in bars if bar.contact_id is not None]
    names = dict(visible_to(request.membership).filter(pk__in=single).values_list("pk", "name"))
    return JsonResponse(
        {
            "currency": CURRENCY,
            "a": float(view.source.abc_a),
            "b": float(view.source.abc_b),
            "bars": [
                {
                    "label": names.get(bar.contact_id, "–") if bar.contact_id is not None else _places(bar),
                    "class": bar.abc_class,
                    "customers": bar.customers,
                    "revenue": float(round(bar.revenue, 2)),
                    "share": float(round(bar.share * 100, 2)),
                    "cumulative": float(round(bar.cumulative * 100, 2)),
                    "url": links.bar(bar),
                }
                for bar in bars
            ],
        }
    )


def _places(bar: Bar) -> str:
    return _("Customers %(first)d to %(last)d") % {"first": bar.first, "last": bar.last}


@require_GET
def export_csv(request: WorkspaceRequest) -> HttpResponseBase:
    """Every customer in the order of the curve."""
    view = _view_or_404(request)
    try:
        folder, copied = _copied(view, is_excel=False)
    except OSError as error:
        return _not_written(request, error)
    return _sent(request, dashboard_sheets.csv_text(copied), folder, ending=".csv", content_type="text/csv; charset=utf-8")


@require_GET
def export_xlsx(request: WorkspaceRequest) -> HttpResponseBase:
    """The same and the groups, as a workbook."""
    view = _view_or_404(request)
    overview, names = dashboard.overview(view), portfolio_names(request.membership, sight=view.sight)
    try:
        folder, copied = _copied(view, is_excel=True)
    except OSError as error:
        return _not_written(request, error)
    blocks = dashboard_sheets.workbook_blocks(copied, overview, portfolio_names=names)
    return _sent(request, blocks, folder, ending=".xlsx", content_type=XLSX)


def _copied(view: View, *, is_excel: bool) -> tuple[tempfile.TemporaryDirectory[str], Path]:
    """The customers in a file of their own, so that no transaction stays open while they are sent."""
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name, "customers")
    try:
        dashboard_sheets.copy_customers(view, path, is_excel=is_excel)
    except BaseException:
        folder.cleanup()
        raise
    return folder, path


def _not_written(request: WorkspaceRequest, error: OSError) -> HttpResponse:
    messages.error(request, _("The file cannot be written: %(error)s") % {"error": error.strerror or type(error).__name__})
    return redirect(_address(request, "dashboard"))


def _sent(
    request: WorkspaceRequest,
    blocks: Generator[str | bytes, None, None],
    folder: tempfile.TemporaryDirectory[str],
    *,
    ending: str,
    content_type: str,
) -> StreamingHttpResponse:
    """A file that is sent while it is made: the first of it is there as soon as the customers are read."""

    def body() -> Iterator[str | bytes]:
        with folder, contextlib.closing(blocks):
            yield from blocks

    response = StreamingHttpResponse(body(), content_type=content_type)
    name = safe_filename(f"{request.workspace.slug}-customers-by-value", ending)
    response["Content-Disposition"] = str(content_disposition_header(as_attachment=True, filename=name))
    return response


def _address(request: WorkspaceRequest, name: str) -> str:
    """Another address with the same filters."""
    url = reverse(f"erp_history:{name}", kwargs={"slug": request.workspace.slug})
    return f"{url}?{request.GET.urlencode()}" if request.GET else url


def _view_or_404(request: WorkspaceRequest) -> View:
    run = dashboard.last_night(request.workspace)
    if run is None:
        raise Http404
    return _view(request, run)


def _view(request: WorkspaceRequest, run: Any) -> View:
    """What is asked for; what cannot be understood is left out."""
    months, portfolio = row_number(request.GET.get("months")), row_number(request.GET.get("portfolio"))
    return dashboard.view_of(
        request.membership,
        run,
        months=months,
        brand=request.GET.get("brand", "")[:80].replace("\x00", ""),
        portfolio=portfolio if portfolio and portfolio in offers.portfolios(request.membership) else None,
    )


def _filters(request: WorkspaceRequest, view: View, portfolios: Mapping[int, str]) -> list[dict[str, Any]]:
    """(name, label, options) of the selects above the page."""
    months = [("" if value == view.source.abc_months else str(value), _months(value)) for value in windows.offered(view.source)]
    brands = [("", _("All brands")), *((name, name) for name in offers.brands(view))]
    listed = [("", _("All portfolios")), *((str(pk), name) for pk, name in portfolios.items())]
    asked = view.asked
    return [
        {"name": "portfolio", "label": _("Portfolio"), "options": listed, "value": str(asked.portfolio or "")},
        {"name": "brand", "label": _("Brand"), "options": brands, "value": asked.brand},
        {"name": "months", "label": _("Window"), "options": months, "value": str(asked.months) if not _is_usual(view) else ""},
    ]


def _is_usual(view: View) -> bool:
    return bool(view.asked.months == view.source.abc_months)


def _months(number: int) -> str:
    return ngettext("Last %(number)d month", "Last %(number)d months", number) % {"number": number}


def _sections(found: Overview, links: Links, *, names: Mapping[Any, str]) -> list[dict[str, Any]]:
    """The three tables of groups."""
    labels = dashboard_sheets.category_names()
    classes = [
        Row(_("Class %(letter)s") % {"letter": group.key} if group.key else _("No class"), group, links.of_class(group.key),
            TONES.get(str(group.key), ""))
        for group in found.classes
    ]  # fmt: skip
    categories = [
        Row(labels[str(group.key)], group, links.listed(erp_category=group.key), CATEGORY_TONES.get(Category(str(group.key)), ""))
        for group in found.categories
        if group.key
    ]
    portfolios = [Row(names.get(group.key, "–"), group, links.listed(erp_portfolio=group.key)) for group in found.portfolios]
    return [
        {"key": "classes", "title": _("Classes"), "head": _("ABC class"), "rows": classes, "more": []},
        {"key": "categories", "title": _("Categories"), "head": _("Category"), "rows": categories, "more": []},
        {"key": "portfolios", "title": _("Portfolios"), "head": _("Portfolio"), "rows": portfolios[:MANY], "more": portfolios[MANY:]},
    ]


def _at_risk(request: WorkspaceRequest, found: Sequence[AtRisk], links: Links) -> list[dict[str, Any]]:
    ids = [one.contact_id for one in found]
    names = dict(visible_to(request.membership).filter(pk__in=ids).values_list("pk", "name"))
    pace = CompanyFigures.objects.filter(contact__in=ids, interval_days__isnull=False).values_list("contact_id", "interval_days")
    intervals = {pk: days for pk, days in pace if pk is not None and days is not None}
    return [
        {
            "name": names[one.contact_id],
            "url": links.contact(one.contact_id),
            "badge": class_badge(one.abc_class),
            "last_on": one.last_purchase_on,
            "interval": round(intervals[one.contact_id]) if one.contact_id in intervals else None,
            "revenue": one.revenue,
        }
        for one in found
        if one.contact_id in names
    ]


def class_badge(letter: str | None) -> str:
    """The letter of a class in its colour."""
    if not letter:
        return ""
    return format_html(
        '<span class="badge badge-soft-{}"><span class="visually-hidden">{} </span>{}</span>', TONES[letter], _("Class"), letter
    )
