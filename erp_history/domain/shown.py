"""ERP figures of contacts, for their API and lists: a fixed number of queries for a page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import QuerySet

from accounts.models import Workspace
from contacts.models import Contact
from erp_history.domain.rows import decimal_text
from erp_history.enums import LinkKind, LinkState
from erp_history.models import ContactFigures, Contato, Empresa, ErpLink


def erp_block(workspace: Workspace, contacts: Sequence[Contact]) -> Mapping[int, Any]:
    """The block `erp` of the contacts that the ERP knows. Before their first night the figures are empty."""
    ids = [contact.pk for contact in contacts]
    links = ErpLink.objects.filter(workspace=workspace, contact__in=ids, state=LinkState.LINKED, kind=LinkKind.COMPANY)
    rows: dict[int, list[int]] = defaultdict(list)
    for contact_id, row_id in links.order_by("id").values_list("contact_id", "row_id"):
        rows[contact_id].append(row_id)
    if not rows:
        return {}
    codes = Empresa.objects.filter(workspace=workspace).in_bulk([row for listed in rows.values() for row in listed])
    figures = {
        one.contact_id: one
        for one in ContactFigures.objects.filter(workspace=workspace, contact__in=list(rows)).select_related("portfolio")
    }
    return {pk: _block(figures.get(pk), [codes[row].key for row in listed if row in codes]) for pk, listed in rows.items()}


def _block(figures: ContactFigures | None, codes: list[str]) -> dict[str, Any]:
    portfolio = figures.portfolio if figures else None
    return {
        "class": figures.abc_class if figures else None,
        "category": figures.category if figures else None,
        "portfolio": {"id": portfolio.pk, "code": portfolio.code, "name": portfolio.name, "user": portfolio.user_id} if portfolio else None,
        "last_purchase_on": figures.last_purchase_on.isoformat() if figures and figures.last_purchase_on else None,
        "revenue_12m": money_text(figures.revenue_12m if figures else 0),
        "open_receivables": money_text(figures.open_receivables if figures else 0),
        "codes": codes,
    }


def money_text(value: Any) -> str:
    return decimal_text(value) if value else "0.00"


def with_code(contacts: QuerySet[Contact], code: str) -> QuerySet[Contact]:
    """The contact behind an ERP key ("C1", or "01|C1" with its filial)."""
    filial, bar, own = code.rpartition("|")
    named = {"codigo_erp": own, **({"filial": filial} if bar else {})}
    ids = [
        pk
        for kind, model in ((LinkKind.COMPANY, Empresa), (LinkKind.PERSON, Contato))
        for pk in ErpLink.objects.filter(
            kind=kind,
            state=LinkState.LINKED,
            contact__isnull=False,
            row_id__in=list(model.objects.filter(**named).values_list("pk", flat=True)),
        ).values_list("contact_id", flat=True)
    ]
    return contacts.filter(pk__in=ids)
