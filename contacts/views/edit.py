from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import Membership
from contacts import panels
from contacts.domain import edit, queries
from contacts.domain.custom import fields_of, together
from contacts.domain.describe import LABELS, Line, Names, lines, names_for
from contacts.domain.faults import FieldError, Invalid
from contacts.domain.visibility import to_change_or_404, visible_or_404, visible_to
from contacts.enums import Kind
from contacts.forms import Editor, QuickForm
from contacts.models import Contact, ContactChange
from contacts.views.common import address, membership_of, origin_of
from crmsync.lib.text import exact_name, row_number


@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    membership = membership_of(request)
    kind = _kind(request)
    fields = fields_of(membership.workspace, kind=kind)
    if request.method != "POST":
        return _form(request, Editor(membership, kind=kind, fields=fields, initial=_start(request, membership)))
    editor = Editor(membership, kind=kind, fields=fields, data=request.POST)
    try:
        contact = edit.create(membership, edit.checked(membership, _typed(request, editor)), origin=origin_of(request))
    except Invalid as faults:
        editor.show(faults.errors)
        return _form(request, editor, status=422)
    messages.success(request, _("%(name)s is added.") % {"name": contact.name})
    return HttpResponseRedirect(address(request, "detail", pk=contact.pk))


def _kind(request: HttpRequest) -> str:
    asked = (request.POST if request.method == "POST" else request.GET).get("kind", "")
    return asked if asked in Kind.values else Kind.PERSON


def _start(request: HttpRequest, membership: Membership) -> dict[str, Any]:
    """What the address brings along: a name, an organisation; a restricted member owns what they add."""
    start: dict[str, Any] = {"name": request.GET.get("name", "")[:300], "organisation": request.GET.get("organisation", "")[:18]}
    for row, part in (("emails", "email"), ("phones", "number")):
        if request.GET.get(part):
            start[row] = [{part: request.GET[part][:254]}]
    return start | ({"owner": membership.user_id} if membership.is_restricted else {})


@require_http_methods(["GET", "HEAD", "POST"])
def update(request: HttpRequest, pk: int) -> HttpResponse:
    membership = membership_of(request)
    contact = (to_change_or_404 if request.method == "POST" else visible_or_404)(membership, pk)
    kind = request.POST.get("kind", contact.kind) if request.method == "POST" else request.GET.get("kind", contact.kind)
    kind = kind if kind in Kind.values else contact.kind
    fields = fields_of(membership.workspace, kind=kind)
    if request.method != "POST":
        editor = Editor(membership, kind=kind, fields=fields, contact=contact)
        editor.remark(panels.field_remarks(contact))
        return _form(request, editor, contact=contact)
    editor = Editor(membership, kind=kind, fields=fields, contact=contact, data=request.POST)
    try:
        clean = edit.checked(membership, _typed(request, editor), current=contact)
    except Invalid as faults:
        editor.show(faults.errors)
        return _form(request, editor, contact=contact, status=422)
    saved = edit.save(contact, clean, version=_version(request), origin=origin_of(request), resolve=_resolve(request))
    if saved.clashes:
        return _form(request, editor, contact=contact, clashes=_shown(membership, contact, saved.clashes), status=409)
    messages.success(request, _("Saved.") if saved.written else _("Nothing was changed."))
    return HttpResponseRedirect(address(request, "detail", pk=pk))


def _typed(request: HttpRequest, editor: Editor) -> dict[str, Any]:
    """What was typed; an organisation written out instead of picked from the list is looked up."""
    data = editor.api_data()
    typed = exact_name(request.POST.get("typed", "").replace("\x00", ""))
    if "organisation" not in data:
        return data
    if data["organisation"] and not typed and _chosen_organisation(request, editor) is not None:
        data["organisation"] = ""  # the name was wiped out; an organisation that this member cannot see has none to wipe
    elif typed and not data["organisation"]:
        found = visible_to(membership_of(request)).filter(kind=Kind.ORGANISATION, exact_name=typed)[:2]
        if len(found) != 1:
            message = _("Choose an organisation from the list, or leave it empty.")
            raise Invalid([FieldError("organisation", "unknown", message)])
        data["organisation"] = str(found[0].pk)
    return data


def _version(request: HttpRequest) -> int | None:
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _resolve(request: HttpRequest) -> edit.Resolve:
    chosen = request.POST.get("resolve", "")
    return "mine" if chosen == "mine" else "theirs" if chosen == "theirs" else ""


def _shown(membership: Membership, contact: Contact, clashes: list[edit.Clash]) -> list[Line]:
    """Clashes in words: old = theirs, new = mine."""
    theirs = together({clash.column: clash.theirs for clash in clashes}, held={})
    mine = together({clash.column: clash.mine for clash in clashes}, held={})
    change = ContactChange(contact_id=contact.pk, changes={column: [theirs[column], mine[column]] for column in theirs})
    names: Names = names_for(membership, [change])
    return lines(change, names) or [Line(str(LABELS[column]), "", "") for column in theirs]


def _form(
    request: HttpRequest, editor: Editor, *, contact: Contact | None = None, clashes: list[Line] | None = None, status: int = 200
) -> HttpResponse:
    context = {
        "editor": editor,
        "contact": contact,
        "clashes": clashes,
        "organisation": _chosen_organisation(request, editor),
        "cancel_url": address(request, "detail", pk=contact.pk) if contact else address(request, "list"),
        "wrong": bool(status == 422),
    }
    return render(request, "contacts/form.html", context, status=status)


def _chosen_organisation(request: HttpRequest, editor: Editor) -> Contact | None:
    chosen = row_number(str(editor.form["organisation"].value() or "")) if "organisation" in editor.form.fields else None
    if chosen is None:
        return None
    return visible_to(membership_of(request)).filter(pk=chosen, kind=Kind.ORGANISATION).first()


@require_http_methods(["GET", "HEAD", "POST"])
def quick(request: HttpRequest) -> HttpResponse:
    """Name and one way to reach them, in a dialog."""
    membership = membership_of(request)
    form = QuickForm(request.POST if request.method == "POST" else None, initial={"kind": _kind(request)})
    if request.method != "POST":
        if not request.headers.get("HX-Request"):
            return HttpResponseRedirect(address(request, "create"))
        return render(request, "contacts/_quick.html", {"form": form})
    form.full_clean()
    form.errors.clear()
    try:
        contact = edit.create(membership, edit.checked(membership, _quick_data(request.POST, membership)), origin=origin_of(request))
    except Invalid as faults:
        for error in faults.errors:
            name = {"emails": "email", "phones": "phone"}.get(error.field.partition("[")[0], error.field)
            form.add_error(name if name in form.fields else None, error.message)
        return render(request, "contacts/_quick.html", {"form": form}, status=422)
    messages.success(request, _("%(name)s is added.") % {"name": contact.name})
    response = HttpResponseRedirect(address(request, "detail", pk=contact.pk))
    if request.headers.get("HX-Request"):
        response = HttpResponse(status=204)  # type: ignore[assignment]  # either answer sends the browser there
        response["HX-Redirect"] = address(request, "detail", pk=contact.pk)
    return response


def _quick_data(typed: Mapping[str, str], membership: Membership) -> dict[str, Any]:
    data: dict[str, Any] = {"kind": typed.get("kind", ""), "name": typed.get("name", "")}
    data["emails"] = [{"email": typed.get("email", "")}]
    data["phones"] = [{"number": typed.get("phone", "")}]
    return data | ({"owner": membership.user_id} if membership.is_restricted else {})


@require_safe
def pick(request: HttpRequest) -> HttpResponse:
    """Suggestions of a picker: contacts by typed words."""
    kind = request.GET.get("kind", "")
    without = row_number(request.GET.get("without"))
    found = queries.pick(
        membership_of(request),
        request.GET.get("typed", "")[:200].replace("\x00", ""),
        kind=kind if kind in Kind.values else "",
        without=[] if without is None else [without],
    )
    link = request.GET.get("link", "")
    context = {"found": found, "typed": request.GET.get("typed", ""), "merge_from": without if link == "merge" else ""}
    return render(request, "contacts/_pick.html", context)
