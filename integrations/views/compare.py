"""The compare page: both sides field by field, a value chosen per field, one Save for both systems."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.middleware import WorkspaceRequest, outside_transaction
from accounts.scoping import workspace_tx
from accounts.views.requests import is_swap
from contacts.domain.visibility import visible_or_404
from contacts.models import Contact
from crmsync.lib.countries import country_name
from integrations import registry
from integrations.domain.access import Access, open_access
from integrations.domain.choices import load_choices
from integrations.domain.compare_save import BadChoice, Case, ChangedMeanwhile, Saved, save
from integrations.domain.comparing import CannotCompare, Comparison, Row, comparison, link_of, read_record, seal, unseal
from integrations.engine.compare import TRUE, CompareKind
from integrations.engine.errors import ProviderError, Retry
from integrations.engine.types import Reason
from integrations.enums import ConnectionStatus
from integrations.models import Connection, Link
from integrations.tasks import ring_after_commit
from integrations.views.pages import live_connection_or_404
from integrations.views.words import hint, manifest_text, sentence

CHOICE = "choice."


@require_http_methods(["GET", "POST"])
@never_cache
@outside_transaction
def compare(request: WorkspaceRequest, contact_id: int, pk: int) -> HttpResponse:
    """A page, or the inside of a dialog on the contact."""
    with workspace_tx(request.workspace):
        connection = live_connection_or_404(request, pk)
        contact = visible_or_404(request.membership, contact_id)
        link = link_of(connection, contact)
    if not registry.manifest(connection.provider).compare:
        raise Http404
    if link is None:
        return _nothing(request, connection, contact, Reason("not_linked"))
    if connection.status != ConnectionStatus.ACTIVE:
        return _nothing(request, connection, contact, Reason("not_connected"))
    access = open_access(connection)
    if request.method == "POST":
        return _save(request, connection, contact, link, access)
    return _show(request, connection, contact, link, access)


def _show(
    request: WorkspaceRequest, connection: Connection, contact: Contact, link: Link, access: Access, *, changed: str = "", status: int = 200
) -> HttpResponse:
    try:
        record = read_record(access, connection, link)
        with workspace_tx(request.workspace):
            contact = visible_or_404(request.membership, contact.pk)
            shown = comparison(access, connection, contact, record)
    except (CannotCompare, ProviderError) as refused:
        return _nothing(request, connection, contact, refused.reason)
    return _page(request, connection, contact, link, shown, problem=changed, status=status)


def _page(request: WorkspaceRequest, connection: Connection, contact: Contact, link: Link, shown: Comparison, **more: Any) -> HttpResponse:
    """`errors`: row key -> why; `chosen`: what was marked before; `problem`: a sentence above all."""
    labels = load_choices(connection).choices if any(row.field.choices for row in shown.rows) else {}
    errors, chosen = more.get("errors", {}), more.get("chosen", {})
    rows = [_row(row, dict(labels.get(row.field.choices, [])), errors=errors, chosen=chosen) for row in shown.rows]
    context = _context(request, connection, contact) | {
        "different": [row for row in rows if row["differs"]],
        "alike": [row for row in rows if not row["differs"] and (row["ours"] or row["theirs"])],
        "shown": seal(connection, contact.pk, shown),
        "at": shown.at,
        "link": link,
        "problem": more.get("problem", ""),
    }
    return _rendered(request, context, more.get("status", 200))


def _row(row: Row, labels: dict[str, str], *, errors: dict[str, str], chosen: dict[str, str]) -> dict[str, Any]:
    empty_side = "theirs" if row.ours == "" else "ours" if row.theirs == "" and row.can_give else ""
    return {
        "key": row.key,
        "label": manifest_text(row.field.label),
        "ours": _said(row, row.ours, labels),
        "theirs": _said(row, row.theirs, labels),
        "has_place": row.ours is not None,
        "differs": row.differs,
        "can_give": row.can_give,
        "chosen": chosen.get(row.key, empty_side if row.differs and not chosen else ""),
        "error": errors.get(row.key, ""),
    }


def _said(row: Row, value: str | None, labels: dict[str, str]) -> str:
    if row.field.kind is CompareKind.BOOLEAN:
        return _("Yes") if value == TRUE else _("No") if value is not None else ""
    if row.field.kind is CompareKind.COUNTRY and value:
        return country_name(value, translation.get_language() or "en")
    return labels.get(value or "", value or "")


def _save(request: WorkspaceRequest, connection: Connection, contact: Contact, link: Link, access: Access) -> HttpResponse:
    choices = {key.removeprefix(CHOICE): value for key, value in request.POST.items() if key.startswith(CHOICE) and isinstance(value, str)}
    shown = unseal(access, connection, contact.pk, request.POST.get("shown", ""))
    if shown is None:
        return _show(request, connection, contact, link, access, changed=_("Look at both sides again, then choose."), status=409)
    case = Case(connection, contact, link, request.membership, request.origin)
    again = {"chosen": {key: side for key, side in choices.items() if side}}
    try:
        saved = save(case, shown, choices, access)
    except ChangedMeanwhile as changed:
        return _show(request, connection, contact, link, access, changed=_changed_words(connection, changed), status=409)
    except BadChoice as refused:
        words = {key: manifest_text(text) for key, text in refused.errors.items()}
        problem = _("Nothing was saved: one side does not take a value.")
        return _page(request, connection, contact, link, shown, errors=words, problem=problem, status=422, **again)
    except CannotCompare as refused:
        return _nothing(request, connection, contact, refused.reason)
    except ProviderError as error:
        return _page(request, connection, contact, link, shown, problem=_trouble(connection, error), status=409, **again)
    if not saved.given and not saved.taken and not saved.left:
        return _page(request, connection, contact, link, shown, problem=_("Choose a value first."), status=422)
    return _done(request, connection, contact, saved)


def _done(request: WorkspaceRequest, connection: Connection, contact: Contact, saved: Saved) -> HttpResponse:
    vendor = registry.manifest(connection.provider).label
    if saved.left:
        labels = {each.key: manifest_text(each.label) for each in registry.manifest(connection.provider).compare}
        fields = ", ".join(labels[key] for key in saved.left)
        text = _("Saved in %(vendor)s. Somebody edited this here meanwhile: %(fields)s. The edit stays, and both sides are settled soon.")
        messages.warning(request, text % {"vendor": vendor, "fields": fields})
    else:
        number = len(saved.given) + len(saved.taken)
        text = ngettext("%(n)s field saved, here and in %(vendor)s.", "%(n)s fields saved, here and in %(vendor)s.", number)
        messages.success(request, text % {"n": number, "vendor": vendor})
    with workspace_tx(request.workspace):
        ring_after_commit(connection)
    address = _contact_url(request, contact)
    if is_swap(request):
        return HttpResponse(headers={"HX-Redirect": address})
    return redirect(address)


def _changed_words(connection: Connection, changed: ChangedMeanwhile) -> str:
    vendor = registry.manifest(connection.provider).label
    if changed.side == "here":
        return _("The contact was changed here meanwhile. Nothing was saved; these are the values of now.")
    return _("It was changed in %(vendor)s meanwhile. Nothing was saved; these are the values of now.") % {"vendor": vendor}


def _trouble(connection: Connection, error: ProviderError) -> str:
    vendor = registry.manifest(connection.provider).label
    stored = {"code": error.reason.code, "params": dict(error.reason.params)}
    words = f"{sentence(stored, vendor=vendor)} {hint(stored, vendor=vendor)}"
    if isinstance(error, Retry) and error.in_doubt:
        return f"{words} " + _("Whether it was saved there is not known; nothing was saved here. Compare again.")
    return f"{words} " + _("Nothing was saved.")


def _nothing(request: WorkspaceRequest, connection: Connection, contact: Contact, reason: Reason) -> HttpResponse:
    """Why there is nothing to compare."""
    vendor = registry.manifest(connection.provider).label
    stored = {"code": reason.code, "params": {"name": contact.name, **reason.params}}
    said = {"why": sentence(stored, vendor=vendor), "why_hint": hint(stored, vendor=vendor)}
    return _rendered(request, _context(request, connection, contact) | said, 200)


def _context(request: WorkspaceRequest, connection: Connection, contact: Contact) -> dict[str, Any]:
    return {
        "connection": connection,
        "contact": contact,
        "manifest": registry.manifest(connection.provider),
        "contact_url": _contact_url(request, contact),
        "slug": request.workspace.slug,
    }


def _rendered(request: WorkspaceRequest, context: dict[str, Any], status: int) -> HttpResponse:
    with workspace_tx(request.workspace):
        return render(request, "integrations/_compare.html" if is_swap(request) else "integrations/compare.html", context, status=status)


def _contact_url(request: WorkspaceRequest, contact: Contact) -> str:
    return reverse("contacts:detail", kwargs={"slug": request.workspace.slug, "pk": contact.pk})
