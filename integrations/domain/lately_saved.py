"""What was saved on the matching screen lately: each Save can be taken back as a whole, as long as no sync has joined the two sides."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from accounts.models import User
from integrations.domain.matches import CannotMatch, one_at_a_time
from integrations.domain.settings import audit
from integrations.enums import LinkState
from integrations.models import Connection, Link, Pairing


@dataclass(frozen=True, slots=True)
class Save:
    """`at` is its name: no two Saves of a connection share a moment. `count` pairs can be taken back, `joined` cannot any more."""

    at: datetime
    count: int
    joined: int = 0


def last_save(connection: Connection) -> Save | None:
    """The newest Save of which something can be taken back."""
    told = _saved(connection).values("saved_at").annotate(n=Count("pk"), free=Count("pk", filter=Q(Exists(_links(connection)))))
    newest = told.filter(free__gt=0).order_by("-saved_at").first()
    return Save(newest["saved_at"], newest["free"], newest["n"] - newest["free"]) if newest else None


def take_back(connection: Connection, at: datetime, *, user: User | None) -> Save:
    """Undo exactly the Save of that moment. Raises CannotMatch."""
    one_at_a_time(connection)
    pairings = _saved(connection).filter(saved_at=at)
    refs = set(pairings.values_list("remote_kind", "remote_id"))
    if not refs:
        raise CannotMatch("newer")
    links = _unsynced(connection).filter(remote_kind__in={kind for kind, _id in refs}, remote_id__in=[id_ for _kind, id_ in refs])
    found = [link for link in links.select_for_update(of=("self",)) if (link.remote_kind, link.remote_id) in refs]
    if not found:
        raise CannotMatch("synced")
    _undo(connection, pairings, found)
    audit(connection, "match.taken_back", user=user, data={"count": len(found)} | _name_of_one(found))
    return Save(at, len(found), len(refs) - len(found))


def forget_pairings(connection: Connection) -> None:
    """All but those that can be taken back."""
    kept = _saved(connection).filter(Exists(_links(connection)))
    rows = Pairing.objects.filter(workspace_id=connection.workspace_id, connection=connection)
    rows.exclude(pk__in=kept.values("pk")).delete()


def _undo(connection: Connection, pairings: QuerySet[Pairing], links: Collection[Link]) -> None:
    ids = [link.pk for link in links]
    pairings.filter(Exists(_links(connection).filter(pk__in=ids))).update(saved_at=None)
    Link.objects.filter(workspace_id=connection.workspace_id, pk__in=ids).delete()


def _name_of_one(links: Collection[Link]) -> dict[str, str]:
    only = next(iter(links)) if len(links) == 1 else None
    return {"record": f"{only.remote_id} {only.remote_name}"} if only else {}


def _saved(connection: Connection) -> QuerySet[Pairing]:
    return Pairing.objects.filter(workspace_id=connection.workspace_id, connection=connection, saved_at__isnull=False)


def _links(connection: Connection) -> QuerySet[Link]:
    """That of a pairing."""
    return _unsynced(connection).filter(remote_kind=OuterRef("remote_kind"), remote_id=OuterRef("remote_id"))


def _unsynced(connection: Connection) -> QuerySet[Link]:
    """Links that nothing has flowed over yet."""
    rows = Link.objects.filter(workspace_id=connection.workspace_id, connection=connection, contact__isnull=False)
    return rows.filter(state=LinkState.LINKED, synced_at=None, base_ours={}, base_theirs={})
