"""What the ERP knows of one organisation: figures, history, last documents with their lines. In as many queries for one as for many."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import Contact
from crmsync.lib.periods import local_day
from erp_history.domain.days import AUTHORISED, NET
from erp_history.domain.figures import months_before
from erp_history.domain.sources import zone_of
from erp_history.enums import LinkKind, LinkState
from erp_history.models import (
    CategoryChange,
    ClassChange,
    CompanyFigures,
    ContactFigures,
    Cotacao,
    Empresa,
    EmpresaMarca,
    ErpLink,
    ErpRow,
    Fatura,
    ItensCotacao,
    ItensNota,
    ItensPedido,
    Nota,
    Pedido,
)

SHOWN = 5
MOST = 50
MONTHS = 12
CHANGES = 12
LINES_SHOWN = 50
LIVE: Mapping[str, Any] = {"excluido": False, "gone_at": None}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of document, and where its lines stand."""

    key: str
    model: type[ErpRow]
    day: str
    lines: type[ErpRow] | None = None
    parent: str = ""


KINDS: Sequence[Kind] = (
    Kind("nota", Nota, "data_emissao", ItensNota, "codigo_nota"),
    Kind("pedido", Pedido, "data_emissao", ItensPedido, "codigo_pedido"),
    Kind("cotacao", Cotacao, "data", ItensCotacao, "codigo_cotacao"),
    Kind("fatura", Fatura, "data_vencimento"),
)


@dataclass(slots=True)
class Document:
    """An order, invoice, quote or receivable."""

    row: Any
    day: dt.date | None
    amount: Decimal | None
    lines: list[Any] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Documents:
    """The last ones of a kind; `more` tells that there are others."""

    kind: str
    shown: list[Document]
    more: bool


@dataclass(frozen=True, slots=True)
class Month:
    """What was bought in a month, net of returns."""

    first: dt.date
    revenue: Decimal


@dataclass(frozen=True, slots=True)
class Change:
    """A class or category that became another one."""

    on: dt.date
    what: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class CompanyPage:
    """Everything that the card shows."""

    codes: list[str]
    figures: ContactFigures | None
    companies: list[CompanyFigures]
    months: list[Month]
    documents: list[Documents]
    brands: list[EmpresaMarca]
    changes: list[Change]
    today: dt.date

    @property
    def overdue(self) -> Decimal:
        return sum((row.overdue_receivables for row in self.companies), Decimal(0))

    @property
    def interval(self) -> int | None:
        known = [row.interval_days for row in self.companies if row.interval_days]
        return round(min(known)) if known else None

    @property
    def purchases(self) -> int:
        return sum(row.purchases for row in self.companies)


def is_known(contact: Contact) -> bool:
    """Does the ERP know this contact as a company?"""
    return _links(contact).exists()


def _links(contact: Contact) -> QuerySet[ErpLink]:
    return ErpLink.objects.filter(workspace=contact.workspace_id, contact=contact, kind=LinkKind.COMPANY, state=LinkState.LINKED)


def company_page(workspace: Workspace, contact: Contact, *, wide: str = "", now: dt.datetime | None = None) -> CompanyPage | None:
    """The card of an organisation; None when the ERP does not know it. `wide`: the kind of which more than the last few are shown."""
    rows = list(_links(contact).values_list("row_id", flat=True))
    companies = list(Empresa.objects.filter(workspace=workspace, pk__in=rows).order_by("id"))
    if not companies:
        return None
    ids = [company.pk for company in companies]
    own = _own(workspace, companies)
    today = local_day(now or timezone.now(), zone_of(workspace))
    return CompanyPage(
        codes=[company.key for company in companies],
        figures=ContactFigures.objects.filter(workspace=workspace, contact=contact).select_related("portfolio__user").first(),
        companies=list(CompanyFigures.objects.filter(workspace=workspace, company_id__in=ids)),
        months=_months(workspace, own, today),
        documents=[_documents(workspace, kind, own, limit=MOST if wide == kind.key else SHOWN) for kind in KINDS],
        brands=list(EmpresaMarca.objects.filter(own, workspace=workspace, **LIVE).order_by("marca")[:MOST]),
        changes=_changes(workspace, ids),
        today=today,
    )


def _own(workspace: Workspace, companies: Sequence[Empresa]) -> Q:
    """A document is of the company of its filial; where the code is unique, of that one whatever the filial."""
    codes = {company.codigo_erp for company in companies}
    named = Empresa.objects.filter(workspace=workspace, codigo_erp__in=codes).values_list("codigo_erp").annotate(number=Count("id"))
    unique = {code for code, number in named if number == 1}
    found = Q(codigo_empresa__in=sorted(unique))
    for company in companies:
        if company.codigo_erp not in unique:
            found |= Q(codigo_empresa=company.codigo_erp, filial=company.filial)
    return found


def _documents(workspace: Workspace, kind: Kind, own: Q, *, limit: int) -> Documents:
    live: QuerySet[Any] = kind.model.objects.filter(own, workspace=workspace, **LIVE)
    if kind.key == "fatura":
        rows = list(live.filter(saldo__gt=0).order_by(kind.day, "id")[: limit + 1])
    else:
        rows = list(live.order_by(f"-{kind.day}", "-id")[: limit + 1])
    shown = [Document(row, getattr(row, kind.day), row.saldo if kind.key == "fatura" else row.valor_total) for row in rows[:limit]]
    if kind.lines is not None and shown:
        _add_lines(workspace, kind, shown)
    return Documents(kind.key, shown, len(rows) > limit)


def _add_lines(workspace: Workspace, kind: Kind, shown: Sequence[Document]) -> None:
    """The lines of all the documents at once; a line belongs to the document of its filial."""
    assert kind.lines is not None  # noqa: S101  the caller has asked
    codes = [document.row.codigo_erp for document in shown]
    found: dict[tuple[str, str], list[Any]] = defaultdict(list)
    asked = {f"{kind.parent}__in": codes, "workspace": workspace, **LIVE}
    for line in kind.lines.objects.filter(**asked).order_by("item", "id")[: LINES_SHOWN * len(codes)]:
        found[line.filial, getattr(line, kind.parent)].append(line)
    for document in shown:
        document.lines = found[document.row.filial, document.row.codigo_erp][:LINES_SHOWN]


# As the figures count: authorised sales less returns, by the day of each.
BY_MONTH = f"""
SELECT date_trunc('month', d.data_emissao)::date, sum({NET})
FROM ({{own}}) d WHERE {AUTHORISED} AND d.data_emissao >= %s AND d.data_emissao <= %s GROUP BY 1
"""


def _months(workspace: Workspace, own: Q, today: dt.date) -> list[Month]:
    """The last twelve months, the current one included."""
    firsts = [months_before(today.replace(day=1), back) for back in range(MONTHS - 1, -1, -1)]
    live = Nota.objects.filter(own, workspace=workspace, **LIVE).order_by()
    text, params = live.values("data_emissao", "tipo", "situacao", "valor_total").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(BY_MONTH.format(own=text), [*params, firsts[0], today])
        sums: Mapping[dt.date, Decimal | None] = dict(cursor.fetchall())
    return [Month(first, sums.get(first) or Decimal(0)) for first in firsts]


def _changes(workspace: Workspace, ids: Sequence[int]) -> list[Change]:
    found = [
        *_history("class", ClassChange.objects.filter(workspace=workspace, company_id__in=ids)),
        *_history("category", CategoryChange.objects.filter(workspace=workspace, company_id__in=ids)),
    ]
    return sorted(found, key=lambda change: change.on, reverse=True)[:CHANGES]


def _history(what: str, rows: QuerySet[Any]) -> list[Change]:
    return [Change(row.on, what, row.old, row.new) for row in rows.order_by("-id")[:CHANGES]]
