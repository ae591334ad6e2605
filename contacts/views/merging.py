from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.domain.keyset import keyset_page
from accounts.models import Membership
from contacts import panels
from contacts.domain import describe, duplicates
from contacts.domain import merge as merging
from contacts.domain.custom import fields_of
from contacts.domain.faults import Invalid
from contacts.domain.queries import mark_organisations
from contacts.domain.visibility import visible_or_404, visible_to
from contacts.models import Contact, ContactChange, Merge
from contacts.views.common import address, membership_of, origin_of, say_undoable
from crmsync.lib.paging import CursorError
from crmsync.lib.text import row_number

PAGE = 25
QUESTION = "choice."
TAKE = "take."


@dataclass(frozen=True, slots=True)
class Row:
    """One field in the side-by-side view. `chosen`: a person picks a side, otherwise `merged` says what happens by itself."""

    name: str
    label: str
    kept: str
    gone: str
    is_choice: bool


@require_http_methods(["GET", "HEAD", "POST"])
def merge(request: HttpRequest, pk: int) -> HttpResponse:
    """Pick the other contact, compare, choose, merge."""
    membership = membership_of(request)
    contact = visible_or_404(membership, pk)
    other = _other(request, membership, contact)
    if other is None:
        suggested = duplicates.of_contact(membership, contact)
        return render(request, "contacts/merge_pick.html", {"contact": contact, "suggested": suggested})
    if request.method == "POST":
        return _merge(request, membership, kept=contact, gone=other)
    return _compare(request, membership, contact, other)


def _other(request: HttpRequest, membership: Membership, contact: Contact) -> Contact | None:
    wanted = row_number((request.POST if request.method == "POST" else request.GET).get("other"))
    if wanted is None:
        return None
    found = visible_to(membership).filter(pk=wanted).exclude(pk=contact.pk)
    return found.select_related("organisation", "owner", "team").first()


def _compare(request: HttpRequest, membership: Membership, kept: Contact, gone: Contact, *, error: str = "") -> HttpResponse:
    context = {
        "contact": kept,
        "other": gone,
        "rows": rows(membership, kept, gone),
        "questions": panels.rendered("merge_question", request, kept, gone),
        "swap_url": f"{address(request, 'merge', pk=gone.pk)}?other={kept.pk}",
        "error": error,
    }
    return render(request, "contacts/merge.html", context, status=422 if error else 200)


def rows(membership: Membership, kept: Contact, gone: Contact) -> list[Row]:
    """Every field that either has, in words; the ones to choose first."""
    told = _told(membership, kept, gone)
    chosen = set(merging.differences(kept, gone)) | {f"custom.{key}" for key in merging.custom_differences(kept, gone)}
    found = [Row(name, label, ours, theirs, name in chosen) for name, label, ours, theirs in told]
    return sorted(found, key=lambda row: not row.is_choice)


def _told(membership: Membership, kept: Contact, gone: Contact) -> list[tuple[str, str, str, str]]:
    """(name, label, kept's value, gone's value), through the words that the history uses."""
    told = []
    for name in [column for column in describe.LABELS if column not in ("kind", "custom")]:
        ours, theirs = (_text(membership, name, getattr(contact, name)) for contact in (kept, gone))
        if ours or theirs:
            told.append((name, str(describe.LABELS[name]), ours, theirs))
    fields = {field.key: field for field in fields_of(membership.workspace)}
    for key in dict.fromkeys([*kept.custom, *gone.custom]):
        if key in fields:
            ours, theirs = (describe.custom_text(fields[key], contact.custom.get(key)) for contact in (kept, gone))
            told.append((f"custom.{key}", fields[key].label, ours, theirs))
    return told


def _text(membership: Membership, name: str, value: Any) -> str:
    change = ContactChange(changes={name: [None, value]})
    names = describe.names_for(membership, [change]) if name in describe.REFERENCES and value else describe.Names()
    return next((line.new for line in describe.lines(change, names) if value), "")


def _merge(request: HttpRequest, membership: Membership, *, kept: Contact, gone: Contact) -> HttpResponse:
    take = {name.removeprefix(TAKE) for name, value in request.POST.items() if name.startswith(TAKE) and value == "gone"}
    choices = {name.removeprefix(QUESTION): str(value) for name, value in request.POST.items() if name.startswith(QUESTION)}
    try:
        _do(request, membership, kept=kept, gone=gone, take=take, choices=choices)
    except Invalid as faults:
        return _compare(request, membership, kept, gone, error=faults.errors[0].message)
    return HttpResponseRedirect(address(request, "detail", pk=kept.pk))


def _do(
    request: HttpRequest, membership: Membership, *, kept: Contact, gone: Contact, take: Collection[str], choices: dict[str, str]
) -> None:
    done = merging.merge(
        membership.workspace, kept_id=kept.pk, gone_id=gone.pk, take_from_gone=take, choices=choices, origin=origin_of(request)
    )
    text = _("%(gone)s is merged into %(kept)s.") % {"gone": gone.name, "kept": kept.name}
    say_undoable(request, text, address(request, "merge_undo", pk=done.pk))


@require_POST
def merge_undo(request: HttpRequest, pk: int) -> HttpResponse:
    membership = membership_of(request)
    found = get_object_or_404(Merge, pk=pk, kept__in=visible_to(membership))
    undone = merging.undo(membership.workspace, found, origin=origin_of(request))
    text = _("The two contacts are apart again.")
    if undone.left:
        fields = ", ".join(str(describe.LABELS.get(name, name)) for name in undone.left)
        kept = _("Left as they are, since they were changed later: %(fields)s.") % {"fields": fields}
        messages.warning(request, f"{text} {kept}")
    else:
        messages.success(request, text)
    return HttpResponseRedirect(address(request, "detail", pk=found.kept_id))


@require_safe
def duplicate_list(request: HttpRequest) -> HttpResponse:
    membership = membership_of(request)
    pairs = duplicates.open_pairs(membership).select_related("first__organisation", "second__organisation", "first__owner", "second__owner")
    try:
        page = keyset_page(pairs, order=("-score", "-id"), cursor=request.GET.get("cursor"), limit=PAGE)
    except CursorError:
        return HttpResponseRedirect(address(request, "duplicates"))
    next_url = f"{address(request, 'duplicates')}?cursor={page.next_cursor}" if page.next_cursor else ""
    mark_organisations(membership, [side for pair in page.rows for side in (pair.first, pair.second)])
    return render(request, "contacts/duplicates.html", {"pairs": page.rows, "next_url": next_url})


@require_POST
def duplicate_merge(request: HttpRequest, pk: int) -> HttpResponse:
    """One click: the older contact stays, or the one that the person named, with the name that another system knows by the letter.

    Undo is one click as well.
    """
    membership = membership_of(request)
    pair = get_object_or_404(duplicates.open_pairs(membership).select_related("first", "second"), pk=pk)
    kept, gone = (pair.second, pair.first) if request.POST.get("keep") == str(pair.second_id) else (pair.first, pair.second)
    if panels.rendered("merge_question", request, kept, gone):
        return HttpResponseRedirect(f"{address(request, 'merge', pk=kept.pk)}?other={gone.pk}")
    try:
        take = {"name"} if panels.name_holders([kept.pk, gone.pk]) == {gone.pk} else set()
        _do(request, membership, kept=kept, gone=gone, take=take, choices={})
    except Invalid as faults:
        messages.error(request, faults.errors[0].message)
    return HttpResponseRedirect(address(request, "duplicates"))


@require_POST
def duplicate_dismiss(request: HttpRequest, pk: int) -> HttpResponse:
    if not duplicates.dismiss(membership_of(request), pk):
        raise Http404
    if request.headers.get("HX-Request"):
        return HttpResponse("")
    return HttpResponseRedirect(address(request, "duplicates"))
