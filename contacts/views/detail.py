from __future__ import annotations

from typing import Any

from babel import Locale
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from contacts import panels
from contacts.domain import duplicates, queries, timeline
from contacts.domain.custom import fields_of
from contacts.domain.describe import custom_text
from contacts.domain.faults import Invalid
from contacts.domain.visibility import to_change_or_404, visible_or_404
from contacts.enums import CustomFieldKind, Kind, LifeCycle
from contacts.forms import NoteForm
from contacts.models import Contact, ContactChange, Merge, Note
from contacts.views.common import address, membership_of, origin_of, say
from crmsync.lib.paging import CursorError

SHOWS = ("all", "notes", "sync")
SLOTS: tuple[panels.Slot, ...] = ("main", "side", "badge", "action", "delete_warning")
TONES: dict[str, str] = {LifeCycle.CLIENT: "green", LifeCycle.LEAD: "blue", LifeCycle.PROSPECT: "blue"}


@require_safe
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    membership = membership_of(request)
    contact = visible_or_404(membership, pk)
    queries.mark_organisations(membership, [contact])
    context: dict[str, Any] = {
        "contact": contact,
        "fields": _custom_rows(contact),
        "addresses": [(row.get("label", ""), address_lines(row)) for row in contact.addresses],
        "place": _place(contact),
        "life_cycle_tone": TONES.get(contact.life_cycle, "gray"),
        "last_change": _last_change(contact),
        "duplicates": duplicates.of_contact(membership, contact),
        "merges": Merge.objects.filter(kept=contact, undone_at=None).select_related("gone").order_by("-id")[:3],
        "note_form": NoteForm(),
        "timeline": timeline.page(request, contact),
        "show": "all",
        **{slot: panels.rendered(slot, request, contact) for slot in SLOTS},
    }
    if contact.kind == Kind.ORGANISATION:
        context["people"], context["people_count"] = queries.people_of(membership, contact)
    return render(request, "contacts/detail.html", context)


def _custom_rows(contact: Contact) -> list[tuple[str, str, bool]]:
    """(label, value, is a web address) of the filled fields."""
    fields = fields_of(contact.workspace, kind=contact.kind) if contact.custom else []
    filled = [(field, contact.custom[field.key]) for field in fields if field.key in contact.custom]
    return [(field.label, custom_text(field, value), field.kind == CustomFieldKind.URL) for field, value in filled]


def country_name(code: str) -> str:
    return str(Locale.parse((get_language() or "en").replace("-", "_")).territories.get(code, code))


def address_lines(row: dict[str, str]) -> list[str]:
    town = " ".join(filter(None, [row.get("city", ""), row.get("postcode", "")]))
    lines = [row.get("line1", ""), row.get("line2", ""), town, row.get("region", ""), country_name(row.get("country", ""))]
    return [line for line in lines if line]


def _place(contact: Contact) -> str:
    row = contact.first_address
    return ", ".join(filter(None, [row.get("city", ""), country_name(row.get("country", ""))]))


def _last_change(contact: Contact) -> dict[str, Any] | None:
    found = (
        ContactChange.objects.filter(workspace=contact.workspace_id, contact_id=contact.pk).select_related("actor").order_by("-id").first()
    )
    return {"at": found.at, "by": timeline.said_by(found)} if found else None


@require_safe
def timeline_part(request: HttpRequest, pk: int) -> HttpResponse:
    contact = visible_or_404(membership_of(request), pk)
    return _timeline(request, contact, show=request.GET.get("show", "all"), cursor=request.GET.get("before", ""))


def _timeline(request: HttpRequest, contact: Contact, *, show: str = "all", cursor: str = "", form: NoteForm | None = None) -> HttpResponse:
    try:
        page = timeline.page(request, contact, show=show if show in SHOWS else "all", cursor=cursor)  # type: ignore[arg-type]  # checked
    except CursorError:
        page = timeline.page(request, contact)
    context = {"contact": contact, "timeline": page, "show": show, "note_form": form or NoteForm()}
    template = "contacts/_timeline_items.html" if cursor else "contacts/_timeline.html"
    return render(request, template, context, status=422 if form is not None and form.errors else 200)


@require_POST
def note_add(request: HttpRequest, pk: int) -> HttpResponse:
    membership = membership_of(request)
    contact = visible_or_404(membership, pk)
    form = NoteForm(request.POST)
    try:
        timeline.add_note(contact, request.POST.get("text", ""), author_id=membership.user_id)
    except Invalid as faults:
        form.full_clean()
        form.errors.clear()
        form.add_error("text", faults.errors[0].message)
        return _timeline(request, contact, form=form)
    if not request.headers.get("HX-Request"):
        return HttpResponseRedirect(address(request, "detail", pk=pk))
    return _timeline(request, contact)


@require_POST
def note_delete(request: HttpRequest, pk: int, note: int) -> HttpResponse:
    """Authors take their own notes away, administrators all."""
    membership = membership_of(request)
    contact = visible_or_404(membership, pk)
    found = get_object_or_404(Note, pk=note, contact_id__in=timeline.with_merged(contact))
    if found.author_id == membership.user_id or membership.is_admin:
        found.delete()
    return _timeline(request, contact)


@require_POST
def change_undo(request: HttpRequest, pk: int, change: int) -> HttpResponse:
    """Take one change back where its fields still hold the new values."""
    membership = membership_of(request)
    contact = to_change_or_404(membership, pk)
    found = get_object_or_404(ContactChange, pk=change, contact_id=contact.pk)
    left = timeline.undo_change(membership, contact, found, origin=origin_of(request))
    text = _("Not taken back, since it was changed later: %(fields)s.") % {"fields": ", ".join(left)} if left else _("Taken back.")
    if not request.headers.get("HX-Request"):
        messages.info(request, text)
        return HttpResponseRedirect(address(request, "detail", pk=pk))
    response = say(HttpResponse(status=204), text, tone="amber" if left else "green")
    response["HX-Redirect"] = address(request, "detail", pk=pk)
    messages.add_message(request, messages.WARNING if left else messages.SUCCESS, text)
    return response
