"""Tab "To decide": companies and people of the ERP that fit several contacts, and rows whose parent has not come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib import messages
from django.db.models import Model, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.domain.audit import record
from accounts.middleware import WorkspaceRequest
from accounts.views.guards import admin_required
from accounts.views.requests import is_swap
from contacts.domain.visibility import visible_to
from contacts.enums import Kind
from contacts.models import Contact
from crmsync.lib.text import row_number
from erp_history.domain import companies
from erp_history.domain.tables import TABLES
from erp_history.enums import LinkKind, LinkState
from erp_history.models import Contato, Empresa, ErpLink, ErpPending
from erp_history.views.pages import back_to, page_context, page_of, part_or_page

FOUND = 20
REASONS = {
    "several": gettext_lazy("More than one contact has this tax id or code."),
    "same_name": gettext_lazy("A contact has the same name, but not the same tax id."),
}


@require_GET
@admin_required
def decision_list(request: WorkspaceRequest) -> HttpResponse:
    state = LinkState.IGNORED if request.GET.get("state") == LinkState.IGNORED else LinkState.HELD
    listed = page_of(request, ErpLink.objects.filter(workspace=request.workspace, state=state), order=("id",))
    context = page_context(request, "settings_decisions") | listed | {"rows": _rows(request, listed["rows"]), "state": state}
    return part_or_page(request, "decisions", context)


def _rows(request: WorkspaceRequest, links: Sequence[ErpLink]) -> list[dict[str, Any]]:
    """Held records with what is known of them; a query per kind of thing."""
    ids = defaultdict(list)
    for link in links:
        ids[link.kind].append(link.row_id)
    known: dict[tuple[str, int], Any] = {
        (LinkKind.COMPANY, row.pk): row for row in Empresa.objects.filter(workspace=request.workspace, pk__in=ids[LinkKind.COMPANY])
    }
    known |= {(LinkKind.PERSON, row.pk): row for row in Contato.objects.filter(workspace=request.workspace, pk__in=ids[LinkKind.PERSON])}
    wanted = {pk for link in links for pk in link.candidates}
    contacts = visible_to(request.membership).in_bulk(wanted) if wanted else {}
    return [_row(link, known.get((link.kind, link.row_id)), [contacts[pk] for pk in link.candidates if pk in contacts]) for link in links]


def _row(link: ErpLink, row: Any, candidates: list[Contact]) -> dict[str, Any]:
    is_company = link.kind == LinkKind.COMPANY
    facts: Iterable[Any] = (row.cnpj, row.cidade, row.uf) if is_company and row else (row.cpf, row.email) if row else ()
    return {
        "link": link,
        "name": ((row.razao_social if is_company else row.nome) if row else "") or f"#{link.row_id}",
        "key": row.key if row else "",
        "facts": " · ".join(filter(None, facts)),
        "reason": REASONS.get(link.reason, ""),
        "candidates": candidates,
        "is_company": is_company,
    }


@require_http_methods(["GET", "POST"])
@admin_required
def decide(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Which contact is this record? Candidates, a search over all contacts, or a new one."""
    link = _link_or_404(request, pk)
    [row] = _rows(request, [link])
    if request.method == "POST":
        return _decided(request, link, row)
    text = request.GET.get("q", "").replace("\0", "").strip()[:100]
    found = _choosable(request, link).filter(name__icontains=text).order_by("sort_name", "id")[:FOUND] if text else []
    context = page_context(request, "settings_decisions") | {"row": row, "q": text, "found": found}
    return render(request, "erp_history/_found.html" if is_swap(request) else "erp_history/decide.html", context)


def _choosable(request: WorkspaceRequest, link: ErpLink) -> QuerySet[Contact]:
    """A company is an organisation here, somebody at it a person, as the night has it."""
    kind = Kind.ORGANISATION if link.kind == LinkKind.COMPANY else Kind.PERSON
    return visible_to(request.membership).filter(kind=kind)


def _decided(request: WorkspaceRequest, link: ErpLink, row: dict[str, Any]) -> HttpResponse:
    picked = request.POST.get("contact", "")
    is_new, number = picked == "new", row_number(picked)
    if not is_new and number is None:
        messages.warning(request, _("Choose a contact first."))
        return redirect(request.get_full_path())
    contact = None if is_new else get_object_or_404(_choosable(request, link), pk=number)
    link.workspace = request.workspace
    companies.decide(link, contact=contact)
    record(request.workspace, actor=request.user, action="erp.decided", target=row["name"], data={"contact": link.contact_id or 0})
    text = _("%(name)s comes in as a new contact.") if is_new else _("%(name)s is linked. Its figures follow with the next run.")
    messages.success(request, text % {"name": row["name"]})
    return back_to(request, "settings_decisions")


@require_POST
@admin_required
def ignore(request: WorkspaceRequest, pk: int) -> HttpResponse:
    link = _link_or_404(request, pk)
    [row] = _rows(request, [link])
    companies.ignore(link)
    record(request.workspace, actor=request.user, action="erp.decided", target=row["name"], data={"ignored": True})
    messages.success(request, _("%(name)s is ignored from now on. You find it under “Ignored”.") % {"name": row["name"]})
    return back_to(request, "settings_decisions")


def _link_or_404(request: WorkspaceRequest, pk: int) -> ErpLink:
    """A second click waits for the first one, and then finds that it is decided."""
    rows = ErpLink.objects.filter(workspace=request.workspace, pk=pk).exclude(state=LinkState.LINKED)
    return get_object_or_404(rows.select_for_update(of=("self",)) if request.method == "POST" else rows)


@require_GET
@admin_required
def waiting(request: WorkspaceRequest) -> HttpResponse:
    """Rows whose parent has not come, the oldest first."""
    found = ErpPending.objects.filter(workspace=request.workspace)
    table = request.GET.get("table", "")
    if table in TABLES:
        found = found.filter(table=table)
    listed = page_of(request, found, order=("since", "id"))
    keys = _keys(request, listed["rows"])
    rows = [{"pending": row, "table": TABLES.get(row.table), "key": keys.get((row.table, row.row_id), "")} for row in listed["rows"]]
    context = page_context(request, "settings") | listed | {"rows": rows, "table": table, "tables": TABLES.values()}
    return part_or_page(request, "waiting", context)


def _keys(request: WorkspaceRequest, pending: Sequence[ErpPending]) -> dict[tuple[str, int], str]:
    """The keys of the waiting rows; a query per table."""
    ids = defaultdict(list)
    for row in pending:
        ids[row.table].append(row.row_id)
    found: dict[tuple[str, int], str] = {}
    for name, wanted in ids.items():
        if name in TABLES:
            rows: Iterable[Model] = TABLES[name].model.objects.filter(workspace=request.workspace, pk__in=wanted)
            found |= {(name, row.pk): row.key for row in rows}  # type: ignore[attr-defined]  # every one is an ErpRow
    return found
