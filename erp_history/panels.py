"""What contacts show of the ERP: figures in the API, filters of lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import QuerySet
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, Workspace
from contacts.models import Contact
from contacts.panels import ApiField, Filter, register_api_field, register_filter
from crmsync.lib.text import row_number
from erp_history.domain import dashboard_lists as lists
from erp_history.domain.kept import Sight
from erp_history.domain.offers import portfolios
from erp_history.domain.shown import erp_block, with_code
from erp_history.enums import Category, Curve, Deployment
from erp_history.models import ErpSource

SCHEMA: Mapping[str, Any] = {
    "type": ["object", "null"],
    "properties": {
        "class": {"type": ["string", "null"], "enum": ["A", "B", "C", None]},
        "category": {"type": ["string", "null"]},
        "portfolio": {"type": ["object", "null"]},
        "last_purchase_on": {"type": ["string", "null"], "format": "date"},
        "revenue_12m": {"type": "string"},
        "open_receivables": {"type": "string"},
        "codes": {"type": "array", "items": {"type": "string"}},
    },
}


def register() -> None:
    register_api_field(ApiField(key="erp", values=erp_block, empty=lambda: None, schema=SCHEMA))
    register_filter(Filter(key="erp_code", label=_("ERP code"), apply=with_code))
    register_filter(Filter(key="erp_class", label=_("ABC class"), apply=_by("abc_class"), options=_classes, where=_has_erp, order=70))
    register_filter(Filter(key="erp_category", label=_("Category"), apply=_by("category"), options=_categories, where=_has_erp, order=71))
    register_filter(Filter(key="erp_portfolio", label=_("Portfolio"), apply=_by_portfolio, options=_portfolios, order=72))
    after, before = lists.bought("gte"), lists.bought("lt")
    register_filter(Filter(key="erp_bought_since", label=_("Last purchase since"), apply=after, is_day=True, where=_has_erp, order=73))
    register_filter(Filter(key="erp_bought_before", label=_("Last purchase before"), apply=before, is_day=True, where=_has_erp, order=74))
    # The lists behind the figures of the dashboard.
    register_filter(Filter(key="erp_customers", label=_("Customers"), apply=lists.customers, words=_customers_words))
    register_filter(Filter(key="erp_curve", label=_("Curve"), apply=lists.on_curve, words=_curve_words))
    register_filter(Filter(key="erp_moved", label=_("Migration"), apply=lists.moved, words=_move_words))
    register_filter(Filter(key="erp_revenue", label=_("Revenue"), apply=lists.of_revenue, words=_revenue_words))


def _curve_words(value: str) -> str:
    place = lists.read_place(value)
    if place is None:
        return value
    months = ngettext("%(number)d month", "%(number)d months", place.months) % {"number": place.months}
    return " · ".join(filter(None, [_place_word(place.abc_class), place.brand, months]))


def _place_word(abc_class: str) -> str:
    if abc_class == lists.ANY:
        return gettext("Bought in the window")
    return _class_word(None if abc_class == lists.NONE else abc_class)


def _customers_words(value: str) -> str:
    known = {"all": gettext("Customers of the ERP"), "bought": gettext("Bought in the window"), "open": gettext("Open receivables")}
    return known.get(value, value)


def _move_words(value: str) -> str:
    change = lists.read_change(value)
    if change is None:
        return value
    words = {"old": change.old or gettext("No class"), "new": change.new or gettext("No class"), "day": date_format(change.since, "j M Y")}
    return gettext("%(old)s → %(new)s since %(day)s") % words


def _revenue_words(value: str) -> str:
    bounds = lists.read_range(value)
    if bounds is None:
        return value
    low, high = (number_format(bound, 2, force_grouping=True) for bound in bounds)
    return gettext("Revenue of %(low)s to %(high)s") % {"low": low, "high": high}


def _class_word(letter: str | None) -> str:
    return gettext("Class %(letter)s") % {"letter": letter} if letter else gettext("No class")


def _by(column: str) -> Any:
    def apply(contacts: QuerySet[Contact], value: str) -> QuerySet[Contact]:
        if value == "none":
            return contacts.filter(**{"erp_figures__isnull": False, f"erp_figures__{column}": None})
        return contacts.filter(**{f"erp_figures__{column}": value})

    return apply


def _by_portfolio(contacts: QuerySet[Contact], value: str) -> QuerySet[Contact]:
    number = row_number(value)
    return contacts.none() if number is None else contacts.filter(erp_figures__portfolio_id=number)


def _has_erp(workspace: Workspace) -> bool:
    return ErpSource.objects.filter(workspace=workspace).exclude(deployment=Deployment.NOT_STARTED).exists()


def _classes(_membership: Membership) -> Sequence[tuple[str, Any]]:
    return [*((letter, _class_word(letter)) for letter in Curve.values), ("none", _("No class"))]


def _categories(_membership: Membership) -> Sequence[tuple[str, Any]]:
    return Category.choices


def _portfolios(membership: Membership) -> Sequence[tuple[str, Any]]:
    return [(str(pk), name) for pk, name in portfolio_names(membership).items()]


def portfolio_names(membership: Membership, *, sight: Sight | None = None) -> dict[int, str]:
    """As every select names them."""
    return {pk: name or gettext("General portfolio") for pk, name in portfolios(membership, sight=sight).items()}
