"""What the ERP adds to an organisation's page: badges behind the name, and a card that is read when it comes into view."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_safe

from accounts.middleware import WorkspaceRequest
from contacts import panels
from contacts.domain.visibility import visible_or_404
from contacts.models import Contact
from crmsync.templatetags.ui import money_text
from erp_history.domain.company_page import KINDS, Change, Document, Documents, Month, company_page, is_known
from erp_history.domain.dashboard import last_night
from erp_history.domain.dashboard_sheets import category_names
from erp_history.enums import Category
from erp_history.models import ContactFigures
from erp_history.views.dashboard import CATEGORY_TONES, CURRENCY, class_badge

WIDTH, HEIGHT = 240, 40
TITLES = {
    "nota": pgettext_lazy("ERP", "Invoices"),
    "pedido": gettext_lazy("Orders"),
    "cotacao": pgettext_lazy("ERP", "Quotes"),
    "fatura": gettext_lazy("Open receivables"),
}
WORDS = {
    "aberto": gettext_lazy("Open"), "aberta": gettext_lazy("Open"), "faturado": gettext_lazy("Invoiced"),
    "parcial": gettext_lazy("Partial"),
    "cancelado": gettext_lazy("Cancelled"), "cancelada": gettext_lazy("Cancelled"), "autorizada": gettext_lazy("Authorised"),
    "denegada": gettext_lazy("Denied"), "ganha": gettext_lazy("Won"), "perdida": gettext_lazy("Lost"), "ativo": gettext_lazy("Active"),
    "inativo": gettext_lazy("Inactive"), "prospect": gettext_lazy("Prospect"), "bloqueado": gettext_lazy("Blocked"),
    "devolucao": gettext_lazy("Return"), "complemento": gettext_lazy("Complement"), "vencido": gettext_lazy("Overdue"),
}  # fmt: skip
USUAL = {"autorizada"}  # of an invoice that needs no word
STATE_TONES = {
    "faturado": "green", "ganha": "green", "ativo": "green", "aberto": "blue", "aberta": "blue", "parcial": "amber",
    "prospect": "accent", "devolucao": "amber", "cancelado": "gray", "cancelada": "gray", "denegada": "red", "perdida": "red",
    "bloqueado": "red",
}  # fmt: skip


def register() -> None:
    """Called when the apps are ready."""
    panels.register(panels.Panel(key="erp", slot="badge", render=badges, order=20))
    panels.register(panels.Panel(key="erp", slot="main", render=card, order=20))


def badges(request: WorkspaceRequest, contact: Contact) -> SafeString | None:
    """Class and category behind the name."""
    if contact.is_person:
        return None
    figures = ContactFigures.objects.filter(workspace=request.workspace, contact=contact).only("abc_class", "category").first()
    if figures is None:
        return None
    words = format_html('{} <span class="badge badge-soft-{}">{}</span>', *_category(figures)) if figures.category else ""
    return format_html("{} {}", class_badge(figures.abc_class), words)


def _category(figures: ContactFigures) -> tuple[str, str, str]:
    category = Category(figures.category or "")
    label = format_html('<span class="visually-hidden">{}</span>', _("Category"))
    return label, CATEGORY_TONES[category], str(category.label)


def card(request: WorkspaceRequest, contact: Contact) -> SafeString | None:
    """A place holder that fetches the card; nothing for contacts that the ERP does not know."""
    if contact.is_person or not is_known(contact):
        return None
    html = render_to_string("erp_history/company_wait.html", {"url": _address(request, contact)}, request=request)
    return mark_safe(html)  # noqa: S308  our own template


def _address(request: WorkspaceRequest, contact: Contact) -> str:
    return reverse("erp_history:company", kwargs={"slug": request.workspace.slug, "pk": contact.pk})


@require_safe
def panel(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The card itself."""
    contact = visible_or_404(request.membership, pk)
    wide = request.GET.get("all", "")
    found = company_page(request.workspace, contact, wide=wide)
    if found is None:
        raise Http404
    context: dict[str, Any] = {
        "contact": contact,
        "found": found,
        "currency": CURRENCY,
        "night": last_night(request.workspace),
        "url": _address(request, contact),
        "spark": sparkline(found.months),
        "months_text": _months_text(found.months),
        "revenue_12m": found.figures.revenue_12m if found.figures else None,
        "sections": [_section(part, found.today, wide=wide) for part in found.documents],
        "brands": [
            {"row": brand, "state": _word(brand.situacao_comercial), "tone": _tone(brand.situacao_comercial)} for brand in found.brands
        ],
        "changes": [(change, _change_words(change)) for change in found.changes],
    }
    return render(request, "erp_history/company.html", context)


def _section(part: Documents, today: dt.date, *, wide: str) -> dict[str, Any]:
    return {
        "key": part.kind,
        "title": TITLES[part.kind],
        "rows": [_row(part.kind, document, today) for document in part.shown],
        "more": part.more and wide != part.kind,
        "is_open": part.kind == (wide or KINDS[0].key),
    }


def _row(kind: str, document: Document, today: dt.date) -> dict[str, Any]:
    row = document.row
    state = row.tipo if kind == "nota" and row.tipo in ("devolucao", "complemento") else row.situacao
    is_late = kind == "fatura" and document.day is not None and document.day < today
    return {
        "name": " ".join(filter(None, [row.numero or row.codigo_erp, row.parcela if kind == "fatura" else ""])),
        "day": document.day,
        "amount": document.amount,
        "currency": getattr(row, "moeda", None) or CURRENCY,
        "state": _("Overdue") if is_late else "" if state in USUAL else _word(state),
        "tone": "red" if is_late else _tone(state),
        "lines": document.lines,
    }


def _word(state: str | None) -> str:
    return str(WORDS.get(state or "", state or ""))


def _tone(state: str | None) -> str:
    return STATE_TONES.get(state or "", "gray")


def _change_words(change: Change) -> str:
    if change.what == "class":
        none = _("No class")
        return _("ABC class: %(old)s → %(new)s") % {"old": change.old or none, "new": change.new or none}
    names = category_names()
    if change.old is None:
        return _("Category: %(new)s") % {"new": names.get(change.new, change.new or "–")}
    return _("Category: %(old)s → %(new)s") % {"old": names.get(change.old, change.old), "new": names.get(change.new, change.new or "–")}


def sparkline(months: Sequence[Month]) -> dict[str, Any]:
    """Points of a line from left to right; losses (more returned than bought) stand on the ground line."""
    highest = max((month.revenue for month in months), default=0)
    if highest <= 0:
        return {}
    step = WIDTH / max(1, len(months) - 1)
    points = [(round(index * step, 1), _height(month.revenue, highest)) for index, month in enumerate(months)]
    line = " ".join(f"{x},{y}" for x, y in points)
    return {"line": line, "area": f"0,{HEIGHT} {line} {WIDTH},{HEIGHT}", "box": f"0 0 {WIDTH} {HEIGHT}"}


def _height(value: Any, highest: Any) -> float:
    return round(HEIGHT - 2 - float(max(value, 0) / highest) * (HEIGHT - 4), 1)


def _months_text(months: Sequence[Month]) -> str:
    """What the line shows, in words."""
    return ", ".join(f"{date_format(month.first, 'M Y')}: {money_text(month.revenue, CURRENCY)}" for month in months)
