"""The list of contacts and the page of one: what is asked for, read in a fixed number of queries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from accounts.models import Membership, Team
from contacts import panels
from contacts.domain import search
from contacts.domain.faults import FieldError, Invalid
from contacts.domain.visibility import visible_to
from contacts.enums import Kind, LifeCycle
from contacts.models import Contact
from crmsync.lib.paging import CursorError, decode_cursor, encode_cursor

PAGE = 50
COUNT_CAP = 10_000
FILTERED_CAP = 1_000
PEOPLE_SHOWN = 20
SORTS = {"name", "changed"}


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What a list shows. `extra` holds the values of registered filters."""

    q: str = ""
    kind: str = ""
    owner: str = ""
    team: str = ""
    tags: tuple[str, ...] = ()
    life_cycle: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)
    updated_since: dt.datetime | None = None
    sort: search.Sort = "name"

    @property
    def is_filtered(self) -> bool:
        return bool(self.q.strip() or self.facets or self.tags or self.updated_since)

    @property
    def facets(self) -> dict[str, str]:
        named = {"kind": self.kind, "owner": self.owner, "team": self.team, "life_cycle": self.life_cycle}
        return {name: value for name, value in (named | dict(self.extra)).items() if value}


@dataclass(frozen=True, slots=True)
class ContactPage:
    contacts: list[Contact]
    after: str | None = None
    before: str | None = None


def read_query(params: Mapping[str, Any], *, tags: Sequence[str] = ()) -> ListQuery:
    """Take the list's parameters out of a query string; raises `Invalid` naming what cannot be understood."""
    faults: list[FieldError] = []
    since = _since(params.get("updated_since", ""), faults)
    query = ListQuery(
        q=str(params.get("q", ""))[:200].replace("\x00", ""),
        kind=_one_of("kind", params, Kind.values, faults),
        owner=_reference("owner", params, faults, words=("me", "none")),
        team=_reference("team", params, faults, words=("none",), slug=True),
        tags=tuple(tag[:60].replace("\x00", "") for tag in tags if tag),
        life_cycle=_one_of("life_cycle", params, [*filter(None, LifeCycle.values), "none"], faults),
        extra={item.key: str(params.get(item.key, ""))[:200].replace("\x00", "") for item in panels.filters() if params.get(item.key)},
        updated_since=since,
        sort=_one_of("sort", params, SORTS, faults) or ("since" if since else "name"),  # type: ignore[arg-type]  # checked just here
    )
    if faults:
        raise Invalid(faults)
    return query


def _one_of(name: str, params: Mapping[str, Any], allowed: Iterable[str], faults: list[FieldError]) -> str:
    value = str(params.get(name, ""))
    if value and value not in allowed:
        faults.append(FieldError(name, "invalid", _("Choose one of: %(choices)s.") % {"choices": ", ".join(sorted(filter(None, allowed)))}))
        return ""
    return value


def _reference(name: str, params: Mapping[str, Any], faults: list[FieldError], *, words: Sequence[str], slug: bool = False) -> str:
    value = str(params.get(name, ""))
    is_id = value.isascii() and value.isdigit() and len(value) <= 18
    if not value or is_id or value in words or (slug and value.isascii() and value.replace("-", "").replace("_", "").isalnum()):
        return value
    faults.append(FieldError(name, "invalid", _("Give the id as a whole number.")))
    return ""


def _since(value: Any, faults: list[FieldError]) -> dt.datetime | None:
    text = str(value).strip().replace(" ", "+")
    if not text:
        return None
    try:
        found = parse_datetime(text)
        day = parse_date(text) if found is None else None
    except ValueError:
        found = day = None
    if day is not None:
        found = dt.datetime.combine(day, dt.time())
    if found is None:
        faults.append(FieldError("updated_since", "invalid", _("Give a moment such as 2026-08-31T12:00:00Z.")))
        return None
    return timezone.make_aware(found, dt.UTC) if timezone.is_naive(found) else found


def find(membership: Membership, query: ListQuery) -> search.Find:
    """The search behind a list: visibility and facets first, words on top."""
    base = visible_to(membership)
    if search.asks_for_nothing(query.q):
        base = base.none()
    if query.kind:
        base = base.filter(kind=query.kind)
    if query.life_cycle:
        base = base.filter(life_cycle="" if query.life_cycle == "none" else query.life_cycle)
    if query.owner:
        base = base.filter(_owner(membership, query.owner))
    if query.team:
        base = base.filter(_team(membership, query.team))
    if query.updated_since:
        base = base.filter(updated_at__gte=query.updated_since)
    for item in panels.filters():
        if query.extra.get(item.key):
            base = item.apply(base, query.extra[item.key])
    alternatives = search.terms(query.q, tags=query.tags)
    return search.Find(base=base, workspace=membership.workspace, alternatives=alternatives, sort=query.sort)


def _owner(membership: Membership, value: str) -> Q:
    if value == "none":
        return Q(owner=None)
    return Q(owner_id=membership.user_id if value == "me" else int(value))


def _team(membership: Membership, value: str) -> Q:
    if value == "none":
        return Q(team=None)
    if value.isdigit():
        return Q(team_id=int(value))
    return Q(team_id__in=list(Team.objects.filter(workspace=membership.workspace, slug=value).values_list("pk", flat=True)))


def list_page(
    membership: Membership, query: ListQuery, *, after: str = "", before: str = "", limit: int = PAGE, asked: search.Find | None = None
) -> ContactPage:
    """One page; raises `CursorError` for a cursor that this list did not make."""
    asked = asked or find(membership, query)
    if asked.base.query.is_empty():
        return ContactPage([])
    backwards = bool(before and not after)
    key = _key(after or before, query.sort) if after or before else None
    ids = search.page_ids(asked, limit=limit + 1, after=key, backwards=backwards)
    more = len(ids) > limit
    ids = ids[-limit:] if backwards else ids[:limit]
    contacts = load(membership, ids)
    return ContactPage(
        contacts,
        after=_cursor(contacts[-1], query.sort) if contacts and (more or backwards) else None,
        before=_cursor(contacts[0], query.sort) if contacts and (after or (backwards and more)) else None,
    )


def _cursor(contact: Contact, sort: search.Sort) -> str:
    return encode_cursor([getattr(contact, search.ORDERS[sort][0]), contact.pk])


def _key(cursor: str, sort: search.Sort) -> search.Key:
    value, pk = decode_cursor(cursor, str if sort == "name" else dt.datetime, int)
    if isinstance(value, dt.datetime) and timezone.is_naive(value):
        raise CursorError
    return search.Key(value, pk)  # type: ignore[arg-type]  # decode_cursor has checked the kinds


LONG = ("emails", "phones", "addresses", "tags", "custom", "notes")  # what nobody asks of the organisation in a row


def load(membership: Membership, ids: Sequence[int]) -> list[Contact]:
    """These contacts in this order, with what a row shows."""
    rows = Contact.objects.filter(pk__in=ids).select_related("organisation", "owner", "team")
    found = {c.pk: c for c in rows.defer(*(f"organisation__{name}" for name in LONG))}
    contacts = [found[pk] for pk in ids if pk in found]
    mark_organisations(membership, contacts)
    return contacts


def mark_organisations(membership: Membership, contacts: Sequence[Contact]) -> None:
    """Give each contact `seen_organisation`: its organisation unless that is deleted or not this member's to see."""
    wanted = {c.organisation_id for c in contacts if c.organisation_id}
    seen = set(visible_to(membership).filter(pk__in=wanted).values_list("pk", flat=True)) if wanted else set()
    for contact in contacts:
        contact.seen_organisation = contact.organisation if contact.organisation_id in seen else None  # type: ignore[attr-defined]  # for display


def count(membership: Membership, query: ListQuery, *, asked: search.Find | None = None) -> str:
    """The number behind the heading, "10,000+" when there are more; "" when counting would cost more than it tells."""
    cap = FILTERED_CAP if query.is_filtered else COUNT_CAP
    asked = asked or find(membership, query)
    number = 0 if asked.base.query.is_empty() else search.count_up_to(asked, cap)
    if number is None:
        return ""
    return f"{cap:,}+" if number > cap else f"{number:,}"


def people_of(membership: Membership, organisation: Contact) -> tuple[list[Contact], int]:
    """The first people of an organisation and how many there are."""
    people = visible_to(membership).filter(organisation=organisation)
    shown = list(people.order_by("sort_name", "id")[: PEOPLE_SHOWN + 1])
    return shown[:PEOPLE_SHOWN], people.count() if len(shown) > PEOPLE_SHOWN else len(shown)


def pick(membership: Membership, typed: str, *, kind: str = "", without: Sequence[int] = (), limit: int = 8) -> list[Contact]:
    """A few contacts for a picker, by typed words."""
    query = replace(ListQuery(), q=typed, kind=kind)
    asked = find(membership, query)
    if asked.base.query.is_empty():
        return []
    ids = [pk for pk in search.page_ids(asked, limit=limit + len(without)) if pk not in without][:limit]
    return load(membership, ids)


def listed(membership: Membership, ids: Sequence[int]) -> QuerySet[Contact]:
    """Those of the picked contacts that the member may see."""
    return visible_to(membership).filter(pk__in=ids)
