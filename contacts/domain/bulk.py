"""One change for many picked contacts, set-wise."""

from __future__ import annotations

from collections.abc import Sequence

from accounts.models import Membership
from accounts.scoping import Origin
from contacts.domain import tags as tags_domain
from contacts.domain.queries import listed
from contacts.domain.store import delete_contacts, restore_contacts, update_contacts
from contacts.domain.visibility import check_references, trash_of

MAX_PICKED = 500


def add_tag(membership: Membership, ids: Sequence[int], tag: str, *, origin: Origin) -> int:
    [name] = tags_domain.canonical(membership.workspace, [tag])
    # Locked: a tag that somebody gives at this moment must not be written over.
    found = listed(membership, ids[:MAX_PICKED]).select_for_update(of=("self",)).order_by("pk").values_list("pk", "tags")
    changes = {pk: {"tags": [*held, name]} for pk, held in found if name not in held}
    return len(update_contacts(membership.workspace, changes, origin=origin).updated)


def assign(membership: Membership, ids: Sequence[int], column: str, value: int | None, *, origin: Origin) -> int:
    """Set owner_id or team_id; raises `Invalid` when it cannot be chosen."""
    contacts = list(listed(membership, ids[:MAX_PICKED]))
    for contact in contacts[:1] if not membership.is_restricted else contacts:
        check_references(membership, {column: value}, current=contact if membership.is_restricted else None)
    return len(update_contacts(membership.workspace, {contact.pk: {column: value} for contact in contacts}, origin=origin).updated)


def delete(membership: Membership, ids: Sequence[int], *, origin: Origin) -> list[int]:
    allowed = list(listed(membership, ids[:MAX_PICKED]).values_list("pk", flat=True))
    return delete_contacts(membership.workspace, allowed, origin=origin) if allowed else []


def restore(membership: Membership, ids: Sequence[int], *, origin: Origin) -> list[int]:
    allowed = list(trash_of(membership).filter(pk__in=ids[:MAX_PICKED]).values_list("pk", flat=True))
    return restore_contacts(membership.workspace, allowed, origin=origin) if allowed else []
