"""The matching screen: records without a contact, the contacts that they may be, and a person's word about it.

A saved pair is a link without an agreement: the next sync merges both sides as at any first meeting, and nothing is lost.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.domain.bulk import insert_rows
from accounts.domain.keyset import keyset_page
from accounts.models import User
from contacts.domain.store import live
from contacts.models import Contact
from crmsync.lib.text import clip, exact_name
from integrations import registry
from integrations.domain.apply import BLANK
from integrations.domain.outbox import enqueue
from integrations.domain.settings import audit
from integrations.domain.suggestions import EXACT
from integrations.engine.provider import Capability
from integrations.enums import ConnectionStatus, LinkState, PairingWhy, RunKind
from integrations.models import Connection, Link, Pairing, Run

ORDER = ("-score", "id")
PAGE = 50
TOLD = ("contact_id", "state", "base_ours", "base_theirs", "version", "reason", "detail", "candidates", "conflicts", "synced_at")


class CannotMatch(Exception):
    """`str` says why: row (no such row any more), taken (the contact has a record already), contact (there is none).

    Of taking back: newer (another Save came after it), synced (a sync has brought the two together).
    """


@dataclass(frozen=True, slots=True)
class Suggested:
    contact: Contact
    why: str
    score: int

    @property
    def why_label(self) -> str:
        return str(PairingWhy(self.why).label)


@dataclass(frozen=True, slots=True)
class MatchRow:
    """One record and the contacts that it may be, best first; those that were linked meanwhile are left out."""

    pairing: Pairing
    suggested: list[Suggested] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class MatchPage:
    rows: list[MatchRow]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class MatchCounts:
    open: int
    suggested: int
    exact: int


def is_open(connection: Connection) -> bool:
    """Whether the provider has records that can be matched by hand, and this connection may be asked for them."""
    return bool(registry.manifest(connection.provider).match_screen) and connection.status == ConnectionStatus.ACTIVE


def waits_for_start(connection: Connection) -> bool:
    """Connected, but no sync has been started: the time to match."""
    if connection.last_success_at is not None or connection.next_due_at is not None or not is_open(connection):
        return False
    syncs = Run.objects.filter(workspace_id=connection.workspace_id, connection=connection)
    return not syncs.exclude(kind__in=[RunKind.MATCH, RunKind.PREVIEW]).exists()


def open_pairings(connection: Connection, *, q: str = "") -> QuerySet[Pairing]:
    """Records that nothing has been linked to since they were read."""
    tied = Link.objects.filter(
        workspace_id=connection.workspace_id,
        connection_id=connection.pk,
        remote_kind=OuterRef("remote_kind"),
        remote_id=OuterRef("remote_id"),
        contact__isnull=False,
    )
    found = Pairing.objects.filter(~Exists(tied), workspace_id=connection.workspace_id, connection=connection, saved_at=None)
    if q:
        found = found.filter(Q(name__icontains=q) | Q(tax_id__icontains=q) | Q(place__icontains=q) | Q(contact__name__icontains=q))
    return found


def counts(connection: Connection) -> MatchCounts:
    told = open_pairings(connection).aggregate(
        open=Count("pk"), suggested=Count("pk", filter=Q(score__gt=0)), exact=Count("pk", filter=Q(score=EXACT))
    )
    return MatchCounts(**told)


def match_page(connection: Connection, *, q: str = "", cursor: str | None = None, limit: int = PAGE) -> MatchPage:
    """Best suggestions first. Three queries, however many rows."""
    page = keyset_page(open_pairings(connection, q=q), order=ORDER, cursor=cursor, limit=limit)
    return MatchPage(rows=with_suggestions(connection, page.rows), next_cursor=page.next_cursor)


def with_suggestions(connection: Connection, pairings: Sequence[Pairing]) -> list[MatchRow]:
    ids = {each["contact"] for pairing in pairings for each in pairing.others} | {p.contact_id for p in pairings if p.contact_id}
    contacts = {contact.pk: contact for contact in live(connection.workspace).filter(pk__in=ids)} if ids else {}
    kinds = {pairing.remote_kind for pairing in pairings}
    taken = (
        set(_bonds(connection, list(contacts)).filter(remote_kind__in=kinds).values_list("contact_id", flat=True)) if contacts else set()
    )
    return [MatchRow(pairing, _suggested(pairing, contacts, taken)) for pairing in pairings]


def find(connection: Connection, pairing_id: int) -> Pairing:
    """Raises CannotMatch."""
    found = open_pairings(connection).filter(pk=pairing_id).first()
    if found is None:
        raise CannotMatch("row")
    return found


def kinds_of(connection: Connection) -> list[str]:
    """The kinds of contacts that the records of the screen can be; none: any kind."""
    manifest = registry.manifest(connection.provider)
    kind = next(each.remote_kind for each in manifest.resources if each.key == manifest.match_screen)
    return [ours.value for ours, theirs in manifest.kinds if theirs == kind]


def matchable(connection: Connection, contacts: QuerySet[Contact]) -> QuerySet[Contact]:
    kinds = kinds_of(connection)
    return contacts.filter(kind__in=kinds) if kinds else contacts


def save(connection: Connection, pairing_id: int, *, contact_id: int, user: User | None) -> Pairing:
    """Say that the record is this contact. Raises CannotMatch."""
    one_at_a_time(connection)
    pairing = find(connection, pairing_id)
    if not matchable(connection, live(connection.workspace)).filter(pk=contact_id).exists():
        raise CannotMatch("contact")
    if _bonds(connection, [contact_id]).filter(remote_kind=pairing.remote_kind).exists():
        raise CannotMatch("taken")
    _link(connection, [(pairing, contact_id)])
    audit(connection, "match.saved", user=user, data={"record": f"{pairing.remote_id} {pairing.name}", "contact": contact_id})
    return pairing


def save_exact(connection: Connection, *, user: User | None) -> int:
    """Save every pair that fits exactly and alone. A handful of statements, whatever their number."""
    live_ones = live(connection.workspace).filter(pk=OuterRef("contact_id"))
    bound = _bonds(connection, None).filter(contact=OuterRef("contact_id"), remote_kind=OuterRef("remote_kind"))
    one_at_a_time(connection)
    rows = open_pairings(connection).filter(Exists(live_ones), ~Exists(bound), score=EXACT, contact__isnull=False).order_by("pk")
    pairs = [(pairing, pairing.contact_id) for pairing in rows if pairing.contact_id]
    _link(connection, pairs)
    if pairs:
        audit(connection, "match.saved_exact", user=user, data={"count": len(pairs)})
    return len(pairs)


def one_at_a_time(connection: Connection) -> None:
    """Two people at two screens do not give one contact away twice."""
    Connection.objects.select_for_update(no_key=True, of=("self",)).get(pk=connection.pk)


def _bonds(connection: Connection, contact_ids: Sequence[int] | None) -> QuerySet[Link]:
    """Links that keep a contact from another record of the kind."""
    rows = Link.objects.filter(workspace_id=connection.workspace_id, connection=connection).exclude(state=LinkState.GONE)
    return rows if contact_ids is None else rows.filter(contact__in=contact_ids)


def _suggested(pairing: Pairing, contacts: Mapping[int, Contact], taken: Container[int | None]) -> list[Suggested]:
    best = [{"contact": pairing.contact_id, "why": pairing.why, "score": pairing.score}] if pairing.contact_id else []
    return [
        Suggested(contacts[each["contact"]], each["why"], each["score"])
        for each in (*best, *pairing.others)
        if each["contact"] in contacts and each["contact"] not in taken
    ]


def _link(connection: Connection, pairs: Sequence[tuple[Pairing, int]]) -> None:
    """A statement each: let go of records that are gone, link, take the rows off the screen, and tell a connection that is at work."""
    if not pairs:
        return
    ids = [contact_id for _pairing, contact_id in pairs]
    kinds = {pairing.remote_kind for pairing, _contact_id in pairs}
    gone = Link.objects.filter(workspace_id=connection.workspace_id, connection=connection, contact__in=ids, remote_kind__in=kinds)
    gone.filter(state=LinkState.GONE).update(contact=None)
    rows = [_link_row(connection, pairing, contact_id) for pairing, contact_id in pairs]
    try:
        with transaction.atomic():
            insert_rows(Link, rows, unique=("workspace_id", "connection_id", "remote_kind", "remote_id"), update=TOLD)
    except IntegrityError:
        raise CannotMatch("taken") from None  # a sync was quicker
    _mark_saved(connection, [pairing for pairing, _contact_id in pairs])
    if connection.last_success_at is not None and registry.manifest(connection.provider).can(Capability.PUSH_CONTACTS):
        enqueue(connection, ids)


def _mark_saved(connection: Connection, pairings: Sequence[Pairing]) -> None:
    now = timezone.now()
    Pairing.objects.filter(workspace_id=connection.workspace_id, pk__in=[pairing.pk for pairing in pairings]).update(saved_at=now)
    for pairing in pairings:
        pairing.saved_at = now


def _link_row(connection: Connection, pairing: Pairing, contact_id: int) -> dict[str, Any]:
    return BLANK | {
        "workspace_id": connection.workspace_id,
        "connection_id": connection.pk,
        "contact_id": contact_id,
        "remote_kind": pairing.remote_kind,
        "remote_id": pairing.remote_id,
        "remote_name": pairing.name,
        "match_key": clip(exact_name(pairing.name), 300),
        "state": LinkState.LINKED.value,
        "created_at": timezone.now(),
    }
