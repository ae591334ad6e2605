"""Lists that somebody comes back to: a name for what the list of contacts is filtered by. They hold no contacts and show nobody more."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _

from accounts.models import Membership
from contacts import panels
from contacts.domain.faults import FieldError, Invalid
from contacts.domain.queries import read_query
from contacts.domain.values import one_line
from contacts.models import SavedList

OWN = ("q", "kind", "owner", "team", "tag", "life_cycle", "updated_since", "sort")
LONGEST = 2000
MOST = 200


def seen_by(membership: Membership) -> QuerySet[SavedList]:
    """One's own lists and the shared ones."""
    found = SavedList.objects.filter(Q(owner_id=membership.user_id) | Q(is_shared=True), workspace=membership.workspace)
    return found.select_related("owner").order_by("name", "id")


def changed_by(membership: Membership) -> QuerySet[SavedList]:
    """Those that this member may remove: one's own; administrators also shared ones."""
    found = seen_by(membership)
    return found if membership.is_admin else found.filter(owner_id=membership.user_id)


def save(membership: Membership, *, name: str, query: str, is_shared: bool) -> SavedList:
    """Keep a list; of one's own list of this name only the filters change."""
    try:
        clean = one_line(name, limit=80)
    except ValueError as error:
        raise Invalid([FieldError("name", "invalid", str(error))]) from None
    if not clean:
        raise Invalid([FieldError("name", "required", _("Give the list a name."))])
    own = SavedList.objects.filter(workspace=membership.workspace, owner_id=membership.user_id)
    if not own.filter(name=clean).exists() and own.count() >= MOST:
        raise Invalid([FieldError("name", "too_many", _("These are enough lists: remove one first."))])
    values = {"query": canonical(query), "is_shared": is_shared}
    kept, _made = SavedList.objects.update_or_create(
        workspace=membership.workspace, owner_id=membership.user_id, name=clean, defaults=values
    )
    return kept


def canonical(query: str) -> str:
    """What the list understands of a query string, in a fixed order; raises `Invalid` for what it cannot."""
    given = QueryDict(query.removeprefix("?").replace("\x00", "")[: 2 * LONGEST])
    read_query({name: value for name, value in given.items() if value}, tags=given.getlist("tag"))
    kept = QueryDict(mutable=True)
    for name in _names():
        values = [value for value in given.getlist(name) if value]
        if values:
            kept.setlist(name, values if name == "tag" else values[-1:])
    text: str = kept.urlencode()
    if len(text) > LONGEST:
        raise Invalid([FieldError("query", "too_long", _("These are too many filters for one list."))])
    return text


def _names() -> Iterable[str]:
    return (*OWN, *(item.key for item in panels.filters()))
