"""To which organisation a person belongs. The link's agreement remembers both sides: a move there and one here are told apart."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection as database

from accounts.domain.bulk import set_wise
from accounts.scoping import Origin
from contacts.domain.store import update_contacts
from contacts.models import Contact
from integrations.engine.types import Action, Decision, Kind, Ref, Remote
from integrations.enums import LinkState
from integrations.models import Connection, Link, Run

KEY = "organisation"  # in both maps of a link's agreement: the contact's primary key here, the record's name there
TIED = frozenset({Action.CREATE, Action.LINK})
LIVE = (LinkState.LINKED, LinkState.HELD, LinkState.FAILING)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a person belongs: `organisation` here once everything is written, and what both sides say of it."""

    organisation: int | None
    moves: bool
    ours: str
    theirs: str


def name_of(ref: Ref | None) -> str:
    return f"{ref.kind}:{ref.id}" if ref else ""


def place_of(remote: Remote, link: Link | None, contact: Contact | None, homes: Mapping[Ref, int]) -> Place | None:
    """None: this vendor does not say. A move there is followed unless the person was moved here since."""
    theirs = name_of(remote.parent)
    agreed = link.base_theirs.get(KEY) if link else None
    if remote.party.kind is not Kind.PERSON or (not theirs and agreed is None):
        return None
    target = homes.get(remote.parent) if remote.parent else None
    held = contact.organisation_id if contact else None
    before = str(link.base_ours.get(KEY) or "") if link and agreed is not None else ""
    is_news = agreed is None or theirs != agreed or not before
    moves = is_news and target not in (None, held) and (contact is None or target != contact.pk) and _told(held) == before
    if theirs != agreed and theirs and target is None:
        # Their organisation is not here yet: when it comes, those who were not moved meanwhile go there.
        return Place(held, moves=False, ours=_told(held) if agreed is None else before, theirs=theirs)
    organisation = target if moves else held
    return Place(organisation, moves=bool(moves), ours=_told(organisation) if is_news else before, theirs=theirs)


def homes_of(connection: Connection, refs: Collection[Ref]) -> dict[Ref, int]:
    """The live organisations that these records are linked to; two queries, and none without records."""
    if not refs:
        return {}
    links = Link.objects.filter(workspace_id=connection.workspace_id, connection=connection, state__in=LIVE, contact__isnull=False)
    among = links.filter(remote_kind__in={ref.kind for ref in refs}, remote_id__any=[ref.id for ref in refs])
    tied = {Ref(kind, id_): pk for kind, id_, pk in among.values_list("remote_kind", "remote_id", "contact_id")}
    rows = Contact.objects.filter(
        workspace_id=connection.workspace_id, pk__any=set(tied.values()), deleted_at=None, kind=Kind.ORGANISATION.value
    )
    alive = set(rows.values_list("pk", flat=True))
    return {ref: pk for ref, pk in tied.items() if ref in refs and pk in alive}


def gather(run: Run, decisions: Iterable[Decision], contact_of: Mapping[Ref, int], *, origin: Origin) -> None:
    """Organisations that have just been tied to their records: people who came before them go there now."""
    tied = {
        name_of(d.ref): contact_of[d.ref]
        for d in decisions
        if d.action in TIED and d.remote and d.remote.party.kind is Kind.ORGANISATION and d.ref in contact_of
    }
    waiting = _waiting(run, tied) if tied else []
    if not waiting:
        return
    update_contacts(run.workspace, {contact: {"organisation_id": tied[theirs]} for _link, contact, theirs in waiting}, origin=origin)
    with database.cursor() as cursor:
        cursor.execute(
            "UPDATE integrations_link l SET base_ours = l.base_ours || jsonb_build_object(%s::text, r.home) FROM"
            " unnest(%s::bigint[], %s::text[]) AS r(id, home) WHERE l.id = r.id AND l.workspace_id = %s",
            [KEY, [link for link, *_ in waiting], [str(tied[theirs]) for *_, theirs in waiting], run.workspace_id],
        )


def _waiting(run: Run, tied: Mapping[str, int]) -> Sequence[tuple[int, int, str]]:
    """(link, contact, their organisation) of people whom nobody has moved here since."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT l.id FROM integrations_link l WHERE l.workspace_id = %s AND l.connection_id = %s AND l.contact_id IS NOT NULL"
            " AND l.base_theirs ->> %s = ANY(%s)",
            [run.workspace_id, run.connection_id, KEY, list(tied)],
        )
        links = [row[0] for row in cursor.fetchall()]
    return _unmoved(run, links) if links else []


def _unmoved(run: Run, links: Sequence[int]) -> Sequence[tuple[int, int, str]]:
    with set_wise(), database.cursor() as cursor:
        cursor.execute(
            "SELECT l.id, c.id, l.base_theirs ->> %(key)s FROM integrations_link l JOIN contacts_contact c ON c.id = l.contact_id"
            " WHERE l.workspace_id = %(workspace)s AND l.id = ANY(%(links)s) AND c.workspace_id = %(workspace)s"
            " AND c.deleted_at IS NULL AND c.kind = 'person'"
            " AND coalesce(c.organisation_id::text, '') = coalesce(l.base_ours ->> %(key)s, '') FOR UPDATE OF c",
            {"key": KEY, "workspace": run.workspace_id, "links": list(links)},
        )
        rows: list[tuple[int, int, str]] = cursor.fetchall()
    return rows


def agreed(place: Place | None) -> dict[str, dict[str, Any]]:
    """What is added to a link's agreement."""
    return {"base_ours": {KEY: place.ours}, "base_theirs": {KEY: place.theirs}} if place else {}


def _told(organisation: int | None) -> str:
    return str(organisation or "")
