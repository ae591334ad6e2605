"""Needs attention: the records that wait for a person, each with its sentence and the button that helps."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.middleware import WorkspaceRequest
from accounts.views.guards import admin_required
from accounts.views.requests import is_swap, with_query
from contacts.domain.visibility import visible_to
from crmsync.lib.text import row_number, strip_nul
from integrations import registry
from integrations.domain import attention, lists
from integrations.domain.attention import AttentionPage, AttentionRow, CannotDo
from integrations.domain.health import counts
from integrations.domain.parties import local_of
from integrations.models import Connection
from integrations.tasks import ring_after_commit
from integrations.views.pages import live_connection_or_404, page_context, url_of
from integrations.views.samples import shown_value
from integrations.views.words import manifest_text, reason_title

STATES = (
    ("", gettext_lazy("All")),
    ("HELD", gettext_lazy("Wait for you")),
    ("FAILING", gettext_lazy("Failing")),
    ("IGNORED", pgettext_lazy("records", "Left alone")),
    ("GONE", pgettext_lazy("records", "Deleted there")),
    ("WAITING", gettext_lazy("Waiting to be sent")),
)
COUNT_OF = {"HELD": "held", "FAILING": "failing", "IGNORED": "ignored", "GONE": "gone", "WAITING": "pending"}
FOUND = 20
TRY_AGAIN = {
    "taken": gettext_lazy("That contact is linked to another record already. Choose another one, or unlink it first."),
    "changed": gettext_lazy("The record has changed since you looked at it. Look again, and then choose."),
}


@require_GET
@admin_required
def attention_list(request: WorkspaceRequest, pk: int) -> HttpResponse:
    connection = live_connection_or_404(request, pk)
    state = request.GET.get("state", "") if request.GET.get("state", "") in dict(STATES) else ""
    reason, text = _text(request, "reason"), _text(request, "q")
    listed = _page(connection, state=state, reason=reason, text=text, after=_after(request))
    found = counts(connection)
    context = page_context(request, connection, "attention") | {
        "rows": listed.rows,
        "groups": _groups(connection) if not state else [],
        "states": _states(connection, state, found),
        "state": state,
        "reason": reason,
        "q": text,
        "is_open": state in {"", "HELD", "FAILING"},
        "is_narrowed": bool(reason or text),
        "next_url": with_query(request, after=listed.next) if listed.next else "",
        "first_url": with_query(request, after=None) if request.GET.get("after") else "",
        "here": request.get_full_path(),
    }
    return render(request, "integrations/_attention.html" if is_swap(request) else "integrations/attention.html", context)


def _groups(connection: Connection) -> list[dict[str, Any]]:
    vendor = registry.manifest(connection.provider).label
    return [
        {"code": group.code, "count": group.count, "title": reason_title(group.code, vendor=vendor) or group.sentence}
        for group in attention.groups(connection)
    ]


def _page(connection: Connection, *, state: str, reason: str, text: str, after: str) -> AttentionPage:
    if state == "WAITING":
        return lists.waiting(connection, q=text, after=after if after.startswith("outbox:") else "")
    return attention.failing(connection, states=(state,) if state else attention.OPEN, reason=reason, q=text, after=after)


def _text(request: WorkspaceRequest, name: str) -> str:
    return strip_nul(request.GET.get(name, "")).strip()[:100]


def _after(request: WorkspaceRequest) -> str:
    """The last row of the page before."""
    text = request.GET.get("after", "")
    return text if attention.is_row_id(text) else ""


def _states(connection: Connection, current: str, found: dict[str, int]) -> list[dict[str, Any]]:
    address = url_of("integrations:attention", connection)
    total = found["held"] + found["failing"]
    return [
        {
            "label": label,
            "url": f"{address}?state={key}" if key else address,
            "active": key == current,
            "count": found[COUNT_OF[key]] if key else total,
        }
        for key, label in STATES
    ]


@require_POST
@admin_required
def retry(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """One row, one reason or all."""
    connection = live_connection_or_404(request, pk)
    rows = request.POST.getlist("row")
    try:
        tried = attention.retry(connection, rows or "all", reason=strip_nul(request.POST.get("reason", "")), user=request.user)
    except CannotDo:
        tried = 0
    if tried:
        ring_after_commit(connection)
        messages.success(request, _("It is tried again now."))
    else:
        messages.warning(request, _("There is nothing to try again any more."))
    return _back(request, connection)


@require_POST
@admin_required
def ignore(request: WorkspaceRequest, pk: int, row_id: str) -> HttpResponse:
    connection = live_connection_or_404(request, pk)
    try:
        attention.ignore(connection, row_id, user=request.user)
    except CannotDo:
        return _no_longer(request, connection)
    if row_id.startswith("outbox:"):
        messages.success(request, _("It is not sent, until somebody edits or exports the contact."))
    else:
        messages.success(request, _("Left alone from now on. You find it under “Left alone”."))
    return _back(request, connection)


@require_POST
@admin_required
def take_back(request: WorkspaceRequest, pk: int, row_id: str) -> HttpResponse:
    connection = live_connection_or_404(request, pk)
    try:
        lists.take_back(connection, row_id, user=request.user)
    except CannotDo:
        return _no_longer(request, connection)
    ring_after_commit(connection)
    messages.success(request, _("It is looked at again now."))
    return _back(request, connection)


@require_http_methods(["GET", "POST"])
@admin_required
def choose(request: WorkspaceRequest, pk: int, row_id: str) -> HttpResponse:
    """Which contact is this record? Candidates, a search over all contacts, or a new one."""
    connection = live_connection_or_404(request, pk)
    row = _row_or_404(connection, row_id)
    if request.method == "POST":
        return _chosen(request, connection, row)
    text = _text(request, "q")
    context = page_context(request, connection, "attention") | {
        "row": row,
        "q": text,
        "found": visible_to(request.membership).filter(name__icontains=text).order_by("sort_name", "id")[:FOUND] if text else [],
    }
    return render(request, "integrations/_found.html" if is_swap(request) else "integrations/choose.html", context)


def _chosen(request: WorkspaceRequest, connection: Connection, row: AttentionRow) -> HttpResponse:
    picked = request.POST.get("contact", "")
    is_new, number = picked == "new", row_number(picked)
    if not is_new and number is None:
        messages.warning(request, _("Choose a contact first."))
        return redirect(request.get_full_path())
    contact_id = None if number is None else visible_to(request.membership).filter(pk=number).values_list("pk", flat=True).first()
    if not is_new and contact_id is None:
        raise Http404
    try:
        attention.choose(connection, row.id, contact_id=contact_id, user=request.user, shown=request.POST.get("shown", ""))
    except CannotDo as refused:
        if str(refused) not in TRY_AGAIN:
            return _no_longer(request, connection)
        messages.warning(request, TRY_AGAIN[str(refused)])
        return redirect(request.get_full_path())
    ring_after_commit(connection)
    text = _("%(name)s comes in as a new contact.") if is_new else _("%(name)s is linked.")
    messages.success(request, text % {"name": row.name})
    return _back(request, connection)


@require_http_methods(["GET", "POST"])
@admin_required
def settle(request: WorkspaceRequest, pk: int, row_id: str) -> HttpResponse:
    """Both values side by side; one choice per field, one save for all."""
    connection = live_connection_or_404(request, pk)
    row = _row_or_404(connection, row_id)
    if request.method == "POST":
        return _settled(request, connection, row)
    labels = {each.ours: manifest_text(each.label) for each in registry.manifest(connection.provider).fields}
    today = local_of(row.contact).fields if row.contact else {}
    compared = [
        {
            "field": each["field"],
            "label": labels.get(each["field"], each["field"]),
            "ours": shown_value(today.get(each["field"], each.get("ours"))),
            "theirs": shown_value(each.get("theirs")),
        }
        for each in row.conflicts
    ]
    context = page_context(request, connection, "attention") | {"row": row, "compared": compared}
    return render(request, "integrations/settle.html", context)


def _settled(request: WorkspaceRequest, connection: Connection, row: AttentionRow) -> HttpResponse:
    answers = {each["field"]: request.POST.get(f"winner.{each['field']}", "") for each in row.conflicts}
    chosen = {name: winner for name, winner in answers.items() if winner in {"crm", "remote"}}
    if not chosen:
        messages.warning(request, _("Choose a value first."))
        return redirect(request.get_full_path())
    try:
        for name, winner in chosen.items():
            attention.settle_conflict(connection, row.id, name, winner="crm" if winner == "crm" else "remote", user=request.user)
    except CannotDo:  # somebody else was quicker
        return _no_longer(request, connection)
    ring_after_commit(connection)
    messages.success(request, _("Settled. Both sides get the values you chose."))
    return _back(request, connection)


def _row_or_404(connection: Connection, row_id: str) -> AttentionRow:
    try:
        return lists.link_row(connection, row_id)
    except CannotDo:
        raise Http404 from None


def _no_longer(request: WorkspaceRequest, connection: Connection) -> HttpResponse:
    messages.warning(request, _("This is not open any more."))
    return _back(request, connection)


def _back(request: WorkspaceRequest, connection: Connection) -> HttpResponse:
    """To where the button was, if that was one of our pages."""
    came_from = request.POST.get("next", "")
    own = f"/w/{request.workspace.slug}/"
    return redirect(came_from if came_from.startswith(own) else url_of("integrations:attention", connection))
