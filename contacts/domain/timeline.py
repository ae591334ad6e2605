"""What happened to a contact: changes, notes and what upper apps tell, newest first, a page at a time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Membership
from accounts.scoping import Origin
from contacts import panels
from contacts.domain import describe
from contacts.domain.custom import together
from contacts.domain.faults import FieldError, Invalid
from contacts.domain.store import update_contacts
from contacts.domain.values import paragraphs
from contacts.domain.visibility import check_references
from contacts.enums import ChangeAction
from contacts.models import Contact, ContactChange, CustomField, Note
from crmsync.lib.paging import CursorError, decode_cursor, encode_cursor

PAGE = 20
MAX_NOTE = 20_000
Show = Literal["all", "notes", "sync"]


@dataclass(frozen=True, slots=True)
class Item:
    """One entry: a change with its lines, a note, or an entry of an upper app."""

    at: dt.datetime
    kind: Literal["change", "note", "entry"]
    by: str = ""
    change: ContactChange | None = None
    lines: Sequence[describe.Line] = ()
    can_undo: bool = False
    run_url: str = ""
    note: Note | None = None
    entry: panels.Entry | None = None

    @property
    def tone(self) -> str:
        if self.entry is not None:
            return self.entry.tone
        if self.note is not None:
            return "note"
        return "sync" if self.change is not None and self.change.origin == "sync" else ""


@dataclass(frozen=True, slots=True)
class TimelinePage:
    items: list[Item]
    older: str | None


def page(request: HttpRequest, contact: Contact, *, show: Show = "all", cursor: str = "") -> TimelinePage:
    """The newest PAGE entries before the cursor. Needs `request.membership`."""
    before = _before(cursor)
    ids = with_merged(contact)
    items: list[Item] = []
    oldest: dt.datetime | None = None
    if show != "notes":
        items, oldest = _changes(request, contact, ids, before=before, only_sync=show == "sync")
        items += _entries(request, contact, before)
    if show != "sync":
        items += _notes(contact, ids, before)
    # Older changes are still to come, though some of these may say nothing: what is older than these has its place among them.
    items = [item for item in items if oldest is None or item.at >= oldest]
    items.sort(key=lambda item: item.at, reverse=True)
    shown = items[:PAGE]
    last = shown[-1].at if len(items) > PAGE else oldest
    return TimelinePage(shown, encode_cursor([last]) if last is not None else None)


def with_merged(contact: Contact) -> list[int]:
    """The contact and those that were merged into it: their past is part of its own."""
    merged = Contact.objects.filter(workspace=contact.workspace_id, merged_into=contact).values_list("pk", flat=True)
    return [contact.pk, *merged]


def _before(cursor: str) -> dt.datetime | None:
    if not cursor:
        return None
    [moment] = decode_cursor(cursor, dt.datetime)
    if not isinstance(moment, dt.datetime) or timezone.is_naive(moment):
        raise CursorError
    return moment


def _changes(
    request: HttpRequest, contact: Contact, ids: Sequence[int], *, before: dt.datetime | None, only_sync: bool
) -> tuple[list[Item], dt.datetime | None]:
    """What the newest PAGE changes say, and the time of the last one when there are more."""
    membership: Membership = request.membership  # type: ignore[attr-defined]  # set by the middleware
    found = ContactChange.objects.filter(workspace=contact.workspace_id, contact_id__in=ids).select_related("actor")
    if before is not None:
        found = found.filter(at__lt=before)
    if only_sync:
        found = found.filter(origin="sync")
    read = list(found.order_by("-id")[: PAGE + 1])
    changes = read[:PAGE]
    names = describe.names_for(membership, changes)
    items = [_item(request, contact, change, names) for change in changes]
    # A change without lines is worth an entry only when it created, deleted or restored.
    told = [item for item, change in zip(items, changes, strict=True) if item.lines or change.action != ChangeAction.UPDATED]
    return told, changes[-1].at if len(read) > PAGE else None


def _item(request: HttpRequest, contact: Contact, change: ContactChange, names: describe.Names) -> Item:
    lines = describe.lines(change, names) if change.action != ChangeAction.CREATED else []
    own = change.contact_id == contact.pk
    return Item(
        at=change.at,
        kind="change",
        by=said_by(change),
        change=change,
        lines=lines,
        can_undo=own and bool(lines) and change.action == ChangeAction.UPDATED,
        run_url=panels.run_url(request, change.run_id) if change.run_id else "",
    )


def said_by(change: ContactChange) -> str:
    """Who did it, as people say it."""
    if change.origin == "sync":
        return _("%(connection)s sync") % {"connection": change.label} if change.label else _("Sync")
    name = str(change.actor) if change.actor else change.label
    if change.origin == "api":
        return _("%(name)s through the API") % {"name": name}
    return name or _("crmsync")


def _notes(contact: Contact, ids: Sequence[int], before: dt.datetime | None) -> list[Item]:
    found = Note.objects.filter(workspace=contact.workspace_id, contact_id__in=ids).select_related("author")
    if before is not None:
        found = found.filter(created_at__lt=before)
    return [
        Item(at=note.created_at, kind="note", by=str(note.author) if note.author else _("A former member"), note=note)
        for note in found.order_by("-created_at")[: PAGE + 1]
    ]


def _entries(request: HttpRequest, contact: Contact, before: dt.datetime | None) -> list[Item]:
    told = [entry for source in panels.timeline_sources() for entry in source.entries(request, contact, before, PAGE + 1)]
    return [Item(at=entry.at, kind="entry", by=str(entry.by), entry=entry) for entry in told]


def add_note(contact: Contact, text: Any, *, author_id: int) -> Note:
    try:
        clean = paragraphs(text, limit=MAX_NOTE)
    except ValueError as fault:
        raise Invalid([FieldError("text", "invalid", str(fault))]) from None
    if not clean:
        raise Invalid([FieldError("text", "required", _("Write something first."))])
    return Note.objects.create(workspace_id=contact.workspace_id, contact=contact, author_id=author_id, text=clean)


def undo_change(membership: Membership, contact: Contact, change: ContactChange, *, origin: Origin) -> list[str]:
    """Put the old values back where nobody has changed them since. Returns the labels of the fields left alone."""
    changed, today = describe.columns_of(contact, change)
    back = {column: old for column, (old, new) in changed.items() if today[column] == new}
    left = [column for column in changed if column not in back]
    for column in [column for column in describe.REFERENCES if back.get(column)]:
        try:
            check_references(membership, {column: back[column]}, current=contact)
        except Invalid:
            back.pop(column)
            left.append(column)
    update_contacts(membership.workspace, {contact.pk: together(back, held=contact.custom)}, origin=origin)
    own = {f"custom.{field.key}": field.label for field in CustomField.objects.filter(workspace=membership.workspace)}
    return [own.get(column) or str(describe.LABELS[column.partition(".")[0]]) for column in left]
