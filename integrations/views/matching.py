"""Matching by hand: which contact is each record? Offered before the first sync, and open at any time after it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.domain.keyset import BadCursor
from accounts.middleware import WorkspaceRequest
from accounts.views.guards import admin_required
from accounts.views.requests import is_swap, with_query
from contacts.domain.queries import pick
from contacts.domain.visibility import visible_to
from contacts.models import Contact
from crmsync.lib.text import row_number, strip_nul
from integrations import registry
from integrations.domain import matches as domain
from integrations.domain.lately_saved import Save, last_save, take_back
from integrations.domain.matches import CannotMatch, MatchRow, Suggested
from integrations.domain.progress import progress
from integrations.domain.runs import cancel, current_run, request_run
from integrations.enums import Outcome, PairingWhy, RunKind
from integrations.models import Connection, Run
from integrations.tasks import ring_after_commit
from integrations.views.pages import back_to, live_connection_or_404, page_context
from integrations.views.words import duration, hint, manifest_text, sentence

FOUND = 8
NOT_BACK = {
    "newer": gettext_lazy("This is no longer the newest match of these records, so nothing was changed."),
    "synced": gettext_lazy("This cannot be taken back any more: a sync has joined the two sides. Unlink them on the contact."),
}


@require_GET
@never_cache
@admin_required
def matches(request: WorkspaceRequest, pk: int) -> HttpResponse:
    connection = _connection(request, pk)
    reading = _reading(connection)
    if request.GET.get("part") == "progress":
        return _progress(request, connection, reading)
    text = _text(request)
    page = _page(connection, text, request.GET.get("cursor"))
    context = page_context(request, connection, "matches") | {
        "rows": page.rows,
        "q": text,
        "counts": domain.counts(connection),
        **_last_saved(request, connection),
        "records": _records(connection),
        "next_url": with_query(request, cursor=page.next_cursor) if page.next_cursor else "",
        "first_url": with_query(request, cursor=None) if request.GET.get("cursor") else "",
        **_run_words(connection, reading),
    }
    return render(request, "integrations/_matches.html" if is_swap(request) else "integrations/matches.html", context)


def _last_saved(request: WorkspaceRequest, connection: Connection) -> dict[str, Any]:
    found = None if is_swap(request) else last_save(connection)
    return {"saved": found, "joined": _joined_words(found.joined) if found else ""}


def _page(connection: Connection, text: str, cursor: str | None) -> domain.MatchPage:
    try:
        return domain.match_page(connection, q=text, cursor=cursor)
    except BadCursor:
        return domain.match_page(connection, q=text)


def _progress(request: WorkspaceRequest, connection: Connection, run: Run | None) -> HttpResponse:
    """The moving part, asked for every two seconds while records are read and compared."""
    context = page_context(request, connection, "matches") | _run_words(connection, run)
    response = render(request, "integrations/_match_progress.html", context)
    if run is None:
        response["HX-Refresh"] = "true"
    return response


def _reading(connection: Connection) -> Run | None:
    run = current_run(connection)
    return run if run is not None and run.kind == RunKind.MATCH else None


def _run_words(connection: Connection, run: Run | None) -> dict[str, Any]:
    vendor = registry.manifest(connection.provider).label
    runs = Run.objects.filter(workspace_id=connection.workspace_id, connection=connection, kind=RunKind.MATCH)
    last = run or runs.order_by("-pk").first()
    how_far = progress(run) if run else None
    has_failed = run is None and last is not None and last.outcome not in {"", Outcome.SUCCESS}
    return {
        "run": run,
        "last_run": last,
        "progress": how_far,
        "seconds_left": duration(how_far.seconds_left) if how_far and how_far.seconds_left else "",
        "run_reason": sentence(last.reason, vendor=vendor) if last and (run or has_failed) else "",
        "run_hint": hint(last.reason, vendor=vendor) if last and has_failed else "",
        "has_failed": has_failed,
    }


def _records(connection: Connection) -> str:
    manifest = registry.manifest(connection.provider)
    return manifest_text(next(each.label for each in manifest.resources if each.key == manifest.match_screen)).lower()


@require_POST
@admin_required
def read(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Read the other side's records and compare them with all contacts."""
    connection = _connection(request, pk)
    if not domain.is_open(connection):
        messages.warning(request, _("This connection is not active, so nothing was started."))
        return back_to("integrations:matches", connection)
    run, is_new = request_run(connection, kind=RunKind.MATCH, user=request.user)
    ring_after_commit(connection)
    if not is_new and run.kind != RunKind.MATCH:
        messages.warning(request, _("A sync is running already: %(kind)s.") % {"kind": run.get_kind_display()})
    return back_to("integrations:matches", connection)


@require_POST
@admin_required
def start(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The first sync, once the person has matched what there was to match."""
    connection = live_connection_or_404(request, pk)
    if not domain.waits_for_start(connection):
        return back_to("integrations:detail", connection)
    reading = _reading(connection)
    if reading is not None:
        cancel(reading, user=request.user)
    run, is_new = request_run(connection, kind=RunKind.INITIAL, user=request.user)
    ring_after_commit(connection)
    if is_new or run.kind == RunKind.INITIAL:
        messages.success(request, _("The first sync has started."))
        return back_to("integrations:detail", connection)
    messages.info(request, _("The reading is being stopped. Start the sync again in a moment."))
    return back_to("integrations:matches", connection)


@require_http_methods(["GET", "POST"])
@never_cache
@admin_required
def row(request: WorkspaceRequest, pk: int, pairing_id: int) -> HttpResponse:
    """One row: GET with `contact` shows it with that contact chosen, POST saves it."""
    connection = _connection(request, pk)
    if request.method == "POST":
        return _save(request, connection, pairing_id)
    return _one_row(request, connection, pairing_id, chosen=_chosen(request, connection, request.GET.get("contact", "")))


def _one_row(
    request: WorkspaceRequest,
    connection: Connection,
    pairing_id: int,
    *,
    chosen: Contact | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    try:
        [found] = domain.with_suggestions(connection, [domain.find(connection, pairing_id)])
    except CannotMatch:
        return HttpResponse("")
    if chosen is not None:
        others = [each for each in found.suggested if each.contact.pk != chosen.pk]
        known = next((each for each in found.suggested if each.contact.pk == chosen.pk), None)
        found = MatchRow(found.pairing, [known or Suggested(chosen, PairingWhy.NONE, 0), *others])
    context = {"row": found, "connection": connection, "slug": request.workspace.slug, "problem": problem, "is_open": bool(problem)}
    return render(request, "integrations/_match.html", context, status=409 if problem else 200)


def _save(request: WorkspaceRequest, connection: Connection, pairing_id: int) -> HttpResponse:
    chosen = _chosen(request, connection, request.POST.get("contact", ""))
    if chosen is None:
        return _refused(request, connection, pairing_id, _("Choose a contact first."), chosen=None)
    try:
        saved = domain.save(connection, pairing_id, contact_id=chosen.pk, user=request.user)
    except CannotMatch as refused:
        if str(refused) == "row":
            return _saved(request, connection, text=_("This row was settled meanwhile."))
        return _refused(request, connection, pairing_id, _("That contact is linked to another record already."), chosen=chosen)
    ring_after_commit(connection)
    text = _("%(record)s is linked with %(contact)s.") % {"record": saved.name or saved.remote_id, "contact": chosen.name}
    return _saved(request, connection, text=text, saved=Save(saved.saved_at, 1) if saved.saved_at else None)


def _refused(request: WorkspaceRequest, connection: Connection, pairing_id: int, text: str, *, chosen: Contact | None) -> HttpResponse:
    if is_swap(request):
        return _one_row(request, connection, pairing_id, chosen=chosen, problem=text)
    messages.warning(request, text)
    return back_to("integrations:matches", connection)


def _saved(request: WorkspaceRequest, connection: Connection, *, text: str, saved: Save | None = None) -> HttpResponse:
    """The row goes, the figures change, and one line offers to take it back."""
    if not is_swap(request):
        messages.success(request, text)
        return back_to("integrations:matches", connection)
    context = {
        "connection": connection,
        "slug": request.workspace.slug,
        "text": text,
        "saved": saved,
        "counts": domain.counts(connection),
        "records": _records(connection),
    }
    return render(request, "integrations/_match_saved.html", context)


@require_POST
@admin_required
def undo(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Take one Save back, and no other."""
    connection = _connection(request, pk)
    moment = _moment(request.POST.get("undo", ""))
    if moment is None:
        raise Http404
    try:
        back = take_back(connection, moment, user=request.user)
    except CannotMatch as refused:
        messages.warning(request, NOT_BACK[str(refused)])
        return back_to("integrations:matches", connection)
    text = ngettext("%(n)s match is taken back and open again.", "%(n)s matches are taken back and open again.", back.count)
    messages.info(request, f"{text % {'n': back.count}} {_joined_words(back.joined)}".strip())
    return back_to("integrations:matches", connection)


def _joined_words(number: int) -> str:
    """What a Save keeps when it is taken back."""
    text = ngettext(
        "%(n)s has been synced meanwhile and stays linked; unlink it on the contact.",
        "%(n)s have been synced meanwhile and stay linked; unlink them on their contacts.",
        number,
    )
    return text % {"n": number} if number else ""


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


@require_POST
@admin_required
def save_exact(request: WorkspaceRequest, pk: int) -> HttpResponse:
    connection = _connection(request, pk)
    try:
        saved = domain.save_exact(connection, user=request.user)
    except CannotMatch:
        messages.warning(request, _("A sync has linked some of them meanwhile. Try again."))
        return back_to("integrations:matches", connection)
    if saved:
        ring_after_commit(connection)
        text = ngettext("%(n)s exact match is linked.", "%(n)s exact matches are linked.", saved)
        messages.success(request, text % {"n": saved})
    else:
        messages.warning(request, _("There is no exact match left."))
    return back_to("integrations:matches", connection)


@require_GET
@admin_required
def contacts(request: WorkspaceRequest, pk: int, pairing_id: int) -> HttpResponse:
    """Another contact for a row, by typed words."""
    connection = _connection(request, pk)
    text = _text(request)
    kinds = domain.kinds_of(connection)
    found = pick(request.membership, text, kind=kinds[0] if len(kinds) == 1 else "", limit=FOUND) if text else []
    context = {"found": found, "q": text, "pairing_id": pairing_id, "connection": connection, "slug": request.workspace.slug}
    return render(request, "integrations/_match_contacts.html", context)


def _connection(request: WorkspaceRequest, pk: int) -> Connection:
    found = live_connection_or_404(request, pk)
    if not registry.manifest(found.provider).match_screen:
        raise Http404
    return found


def _chosen(request: WorkspaceRequest, connection: Connection, text: str) -> Contact | None:
    number = row_number(text)
    return None if number is None else domain.matchable(connection, visible_to(request.membership)).filter(pk=number).first()


def _text(request: WorkspaceRequest) -> str:
    return strip_nul(request.GET.get("q", "")).strip()[:100]
