from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.middleware import outside_transaction
from accounts.models import Membership
from contacts import panels
from contacts.domain import bulk, export, queries, saved_lists
from contacts.domain.faults import FieldError, Invalid
from contacts.domain.queries import ListQuery
from contacts.enums import Kind, LifeCycle
from contacts.forms import BulkForm, FilterForm, Offers
from contacts.views.common import address, membership_of, origin_of, picked, say_undoable
from crmsync.lib.paging import CursorError
from crmsync.lib.text import row_number

PLAIN, NUMERIC = SafeString(""), SafeString(' class="num"')
# Columns that a narrow table leaves out (static/css/app.css).
ROOMY, WIDE = SafeString(' class="col-if-roomy"'), SafeString(' class="col-if-wide"')


@require_safe
def contact_list(request: HttpRequest) -> HttpResponse:
    membership = membership_of(request)
    query = lenient(request.GET)
    asked = queries.find(membership, query)
    after, before = request.GET.get("after", ""), request.GET.get("before", "")
    try:
        page = queries.list_page(membership, query, after=after, before=before, asked=asked)
    except CursorError:
        return HttpResponseRedirect(_address_of(request, query))
    offers = Offers.of(membership)
    context: dict[str, Any] = {
        "query": query,
        "is_bare": not page.contacts and not query.is_filtered,
        "page": page,
        "columns": _columns(membership, page.contacts),
        "next_url": _address_of(request, query, after=page.after) if page.after else "",
        "previous_url": _address_of(request, query, before=page.before) if page.before else "",
        "number": queries.count(membership, query, asked=asked) if after or before or page.after else f"{len(page.contacts):,}",
        "export_url": f"{address(request, 'export')}?{_params(query).urlencode()}",
        "here": _address_of(request, query, after=after, before=before),
        "here_query": _params(query).urlencode(),
        "clear_url": address(request, "list"),
        "bulk": BulkForm(offers=offers, auto_id="picked_%s"),
    }
    if request.headers.get("HX-Target") == "list":
        response = render(request, "contacts/_list.html", context | {"is_fragment": True})
        response["HX-Push-Url"] = context["here"]
        return response
    form = FilterForm(_values(query), membership=membership, offers=offers)
    more = {"form": form, "count": _count(context["number"]), "chips": _chips(request, query, shown=form.fields)}
    more["saved"] = list(saved_lists.seen_by(membership))
    return render(request, "contacts/list.html", context | more)


def _chips(request: HttpRequest, query: ListQuery, *, shown: Container[str]) -> list[dict[str, str]]:
    """Filters that came with a link and have no field of their own."""
    found = []
    for item in panels.filters():
        value = query.extra.get(item.key, "")
        if value and item.key not in shown:
            rest = {name: text for name, text in query.extra.items() if name != item.key}
            words = item.words(value) if item.words else f"{item.label}: {value}"
            found.append({"name": item.key, "value": value, "label": words, "url": _address_of(request, replace(query, extra=rest))})
    return found


def lenient(params: QueryDict) -> ListQuery:
    """What can be understood of an address; the rest is left out."""
    given = {name: value for name, value in params.items() if value}
    tags = [tag for tag in params.getlist("tag") if tag]
    try:
        return queries.read_query(given, tags=tags)
    except Invalid as faults:
        return queries.read_query({name: value for name, value in given.items() if name not in {e.field for e in faults.errors}}, tags=tags)


def _values(query: ListQuery) -> dict[str, Any]:
    return {"q": query.q, **query.facets, "tag": query.tags[0] if query.tags else "", "sort": "" if query.sort == "name" else query.sort}


def _params(query: ListQuery) -> QueryDict:
    params = QueryDict(mutable=True)
    for name, value in _values(query).items():
        if value:
            params[name] = value
    if len(query.tags) > 1:
        params.setlist("tag", list(query.tags))
    return params


def _address_of(request: HttpRequest, query: ListQuery, *, after: str | None = None, before: str | None = None) -> str:
    params = _params(query)
    for name, cursor in (("after", after), ("before", before)):
        if cursor:
            params[name] = cursor
    return f"{address(request, 'list')}?{params.urlencode()}" if params else address(request, "list")


def _count(number: str) -> str:
    return format_html('<span id="list-count">{}</span>', number)


EMAIL = '<span class="muted cell-clip">{}</span>'
CELL = '<td data-label="{}"{}>{}</td>'


def _columns(membership: Membership, contacts: list[Any]) -> list[tuple[str, SafeString]]:
    """Heading and class of each column between name and owner; the cells are put on the contacts, in the same order.

    Built here and not in the template: words are looked up once instead of once per row, and a page of fifty costs a third less.
    """
    life_cycles = {value: str(label) for value, label in LifeCycle.choices if value}
    columns: list[tuple[str, SafeString, Callable[[Any], str]]] = [
        (_("E-mail"), PLAIN, lambda contact: format_html(EMAIL, contact.first_email)),
        (_("City"), WIDE, lambda contact: contact.city),
        (_("Life cycle"), ROOMY, lambda contact: life_cycles.get(contact.life_cycle, "")),
    ]
    for column in panels.columns():
        values = column.values(membership.workspace, contacts) if contacts else {}
        columns.append((str(column.label), NUMERIC if column.numeric else PLAIN, partial(_registered, values)))
    organisation = str(Kind.ORGANISATION.label)
    for contact in contacts:
        contact.cells = format_html_join("", CELL, ((label, css, html(contact)) for label, css, html in columns))
        contact.subtitle = _subtitle(contact) if contact.is_person else organisation
    return [(label, css) for label, css, _html in columns]


def _registered(values: Mapping[int, str], contact: Any) -> str:
    return values.get(contact.pk, "")


def _subtitle(contact: Any) -> str:
    """What stands under a person's name: job and organisation."""
    organisation = contact.seen_organisation.name if contact.seen_organisation else ""
    return ", ".join(filter(None, [contact.job_title, organisation]))


@require_safe
@outside_transaction
def export_csv(request: HttpRequest) -> StreamingHttpResponse:
    """The whole of the current list, streamed."""
    membership = membership_of(request)
    response = StreamingHttpResponse(export.csv_lines(membership, lenient(request.GET)), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{membership.workspace.slug}-contacts.csv"'
    return response


@require_POST
def bulk_change(request: HttpRequest) -> HttpResponse:
    """One change for all picked rows."""
    ids = picked(request)
    act = ACTIONS.get(request.POST.get("action", ""))
    if act is not None and ids:
        try:
            act(request, membership_of(request), ids)
        except Invalid as faults:
            messages.error(request, faults.errors[0].message)
    return HttpResponseRedirect(_safe_return(request))


def _safe_return(request: HttpRequest) -> str:
    wanted = request.POST.get("next", "")
    home = address(request, "list")
    return wanted if wanted == home or wanted.startswith(f"{home}?") else home


def _tag(request: HttpRequest, membership: Membership, ids: list[int]) -> None:
    name = request.POST.get("tag", "").strip()
    if not name:
        raise Invalid([_fault(_("Say which tag."))])
    number = bulk.add_tag(membership, ids, name, origin=origin_of(request))
    messages.success(request, ngettext("%(number)d contact tagged.", "%(number)d contacts tagged.", number) % {"number": number})


def _owner(request: HttpRequest, membership: Membership, ids: list[int]) -> None:
    _assign(request, membership, ids, column="owner_id", value=request.POST.get("owner", ""))


def _team(request: HttpRequest, membership: Membership, ids: list[int]) -> None:
    _assign(request, membership, ids, column="team_id", value=request.POST.get("team", ""))


def _assign(request: HttpRequest, membership: Membership, ids: list[int], *, column: str, value: str) -> None:
    chosen = row_number(value)
    if value != "none" and chosen is None:
        raise Invalid([_fault(_("Choose one from the list."))])
    number = bulk.assign(membership, ids, column, chosen, origin=origin_of(request))
    messages.success(request, ngettext("%(number)d contact changed.", "%(number)d contacts changed.", number) % {"number": number})


def _delete(request: HttpRequest, membership: Membership, ids: list[int]) -> None:
    gone = bulk.delete(membership, ids, origin=origin_of(request))
    text = ngettext("%(number)d contact is in the trash.", "%(number)d contacts are in the trash.", len(gone)) % {"number": len(gone)}
    say_undoable(request, text, address(request, "restore"), [("picked", pk) for pk in gone])


def _fault(message: str) -> FieldError:
    return FieldError("picked", "invalid", message)


ACTIONS: dict[str, Callable[[HttpRequest, Membership, list[int]], None]] = {
    "tag": _tag,
    "owner": _owner,
    "team": _team,
    "delete": _delete,
}
