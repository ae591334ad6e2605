"""Create and change one contact on a person's behalf: checks, tags as they are spelled, and nothing lost when two edit at once.

Whoever changes a contact has got it from `visibility.to_change_or_404`: values are checked against those that it has now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from accounts.models import Membership
from accounts.scoping import Origin
from contacts.domain import tags
from contacts.domain.custom import apart, fields_of, together
from contacts.domain.store import create_contacts, update_contacts
from contacts.domain.validate import clean_contact
from contacts.domain.visibility import check_references
from contacts.enums import ChangeAction
from contacts.models import Contact, ContactChange

Resolve = Literal["", "mine", "theirs"]


@dataclass(frozen=True, slots=True)
class Clash:
    """A field that somebody else changed meanwhile, to another value than ours; one of the workspace's own is `custom.<key>`."""

    column: str
    theirs: Any
    mine: Any


@dataclass(frozen=True, slots=True)
class Saved:
    """What saving did. With clashes nothing was written: the person chooses."""

    written: bool
    clashes: list[Clash] = field(default_factory=list)


def checked(membership: Membership, data: Mapping[str, Any], *, current: Contact | None = None) -> dict[str, Any]:
    """Clean values for `data`, or `Invalid`."""
    clean = clean_contact(data, custom_fields=fields_of(membership.workspace), partial=current is not None, current=current)
    check_references(membership, clean, current=current)
    if clean.get("tags"):
        clean["tags"] = tags.canonical(membership.workspace, clean["tags"])
    return clean


def create(membership: Membership, clean: Mapping[str, Any], *, origin: Origin) -> Contact:
    [contact] = create_contacts(membership.workspace, [clean], origin=origin)
    return contact


def save(contact: Contact, clean: Mapping[str, Any], *, version: int | None, origin: Origin, resolve: Resolve = "") -> Saved:
    """Write the values that the person changed since `version` (None: all that differ).

    What somebody else changed meanwhile stays, unless both changed one field: then the clash is told, or settled by `resolve`.
    """
    base = base_values(contact, version)
    held = {column: getattr(contact, column) for column in {*clean, *base}}
    keys = {key for values in (clean, base, held) for key in values.get("custom", ())}
    given, base, held = (apart(values, keys=keys) for values in (clean, base, held))
    theirs = {column for column, old in base.items() if old != held[column]}
    mine = {column: value for column, value in given.items() if value != base.get(column, held[column])}
    clashes = [Clash(column, held[column], value) for column, value in mine.items() if column in theirs and value != held[column]]
    if clashes and not resolve:
        return Saved(written=False, clashes=clashes)
    if resolve == "theirs":
        mine = {column: value for column, value in mine.items() if column not in theirs}
    changes = together(mine, held=contact.custom)
    return Saved(written=bool(update_contacts(contact.workspace, {contact.pk: changes}, origin=origin).updated))


def base_values(contact: Contact, version: int | None) -> dict[str, Any]:
    """The values, as of `version`, of the fields that were changed after it."""
    if version is None or version >= contact.version:
        return {}
    later = ContactChange.objects.filter(
        workspace=contact.workspace_id, contact_id=contact.pk, version__gt=version, action=ChangeAction.UPDATED
    ).order_by("-id")
    base: dict[str, Any] = {}
    for change in later:
        base |= {column: old for column, (old, _new) in change.changes.items()}
    return {column: old for column, old in base.items() if hasattr(contact, column)}
