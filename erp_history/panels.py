"""What contacts show of the ERP: figures in the API, filters of lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from contacts.models import Contact
from contacts.panels import ApiField, Filter, register_api_field, register_filter
from erp_history.domain.shown import erp_block, with_code
from erp_history.enums import Category, Curve
from erp_history.models import ErpSource, Portfolio

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
    register_filter(Filter(key="erp_class", label=_("ABC class"), apply=_by("abc_class"), options=_classes, order=70))
    register_filter(Filter(key="erp_category", label=_("Category"), apply=_by("category"), options=_categories, order=71))
    register_filter(Filter(key="erp_portfolio", label=_("Portfolio"), apply=_by_portfolio, options=_portfolios, order=72))


def _by(column: str) -> Any:
    def apply(contacts: QuerySet[Contact], value: str) -> QuerySet[Contact]:
        if value == "none":
            return contacts.filter(**{"erp_figures__isnull": False, f"erp_figures__{column}": None})
        return contacts.filter(**{f"erp_figures__{column}": value})

    return apply


def _by_portfolio(contacts: QuerySet[Contact], value: str) -> QuerySet[Contact]:
    if not (value.isascii() and value.isdigit() and len(value) < 19):
        return contacts.none()
    return contacts.filter(erp_figures__portfolio_id=int(value))


def _has_erp(workspace: Workspace) -> bool:
    return ErpSource.objects.filter(workspace=workspace).exclude(deployment="not_started").exists()


def _classes(workspace: Workspace) -> Sequence[tuple[str, Any]]:
    return [*Curve.choices, ("none", _("No class"))] if _has_erp(workspace) else []


def _categories(workspace: Workspace) -> Sequence[tuple[str, Any]]:
    return Category.choices if _has_erp(workspace) else []


def _portfolios(workspace: Workspace) -> Sequence[tuple[str, Any]]:
    found = Portfolio.objects.filter(workspace=workspace).order_by("name", "code")[:200]
    return [(str(one.pk), one.name or _("General portfolio")) for one in found]
