"""The records that need a person: why, in words, and what can be done about each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from django.db.models import Count, QuerySet

from accounts.models import User
from accounts.scoping import Origin
from contacts.domain.store import create_contacts, live
from contacts.models import Contact
from crmsync.lib.text import row_number
from integrations import registry
from integrations.domain.outbox import enqueue
from integrations.domain.parties import row_changes
from integrations.domain.runs import request_run
from integrations.domain.sentences import hint, sentence
from integrations.domain.settings import audit, team_id_of
from integrations.engine.merge import resolve
from integrations.engine.types import Base, Conflict
from integrations.enums import LinkState, OutboxOperation, OutboxState, RunKind
from integrations.kit.fingerprint import fingerprint
from integrations.models import Connection, Link, Outbox
from invoices.domain.store import attach

OPEN = (LinkState.HELD, LinkState.FAILING)
PAGE = 50


@dataclass(frozen=True, slots=True)
class AttentionRow:
    """One open question. `id` is "link:12" or "outbox:7"; `actions` are those of retry ignore choose settle edit that make sense."""

    id: str
    name: str
    contact: Contact | None
    remote_kind: str
    remote_id: str
    remote_url: str
    code: str
    sentence: str
    hint: str
    detail: str
    actions: tuple[str, ...]
    tries: int
    next_try_at: datetime | None
    candidates: Sequence[Contact] = ()
    conflicts: Sequence[Mapping[str, Any]] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    shown: str = ""  # brought back with a decision about the row, so that it is about what was seen


@dataclass(frozen=True, slots=True)
class Group:
    code: str
    sentence: str
    count: int


@dataclass(frozen=True, slots=True)
class AttentionPage:
    rows: list[AttentionRow]
    next: str | None  # id of the last row when there are more: pass it as `after`


class CannotDo(Exception):
    """The row is not open any more, or the choice does not fit it; the message says so."""


def failing(
    connection: Connection, *, states: Sequence[str] = OPEN, reason: str = "", q: str = "", after: str = "", limit: int = PAGE
) -> AttentionPage:
    """Open questions, the refused sends first: they are failing, too. Three queries whatever their number. Raises CannotDo (`after`)."""
    kind, last = _parse(after) if after else ("outbox", 0)
    shows_sends = LinkState.FAILING in states and kind == "outbox"
    stuck = list(_stuck(connection, reason, q).filter(pk__gt=last)[: limit + 1]) if shows_sends else []
    links = _links(connection, states=states, reason=reason, q=q).filter(pk__gt=last if kind == "link" else 0)
    found = list(links.order_by("pk")[: limit + 1 - len(stuck)])
    candidates = _candidates(connection, found)
    rows = [_outbox_row(row) for row in stuck] + [_link_row(link, candidates) for link in found]
    return AttentionPage(rows=rows[:limit], next=rows[limit - 1].id if len(rows) > limit else None)


def groups(connection: Connection) -> list[Group]:
    """One card per reason with its count."""
    tally: dict[str, tuple[dict[str, Any], int]] = {}
    for rows in (_links(connection), _stuck(connection)):
        for row in rows.values("reason__code").annotate(n=Count("pk")).order_by():
            code = row["reason__code"] or "refused"
            known = tally.get(code, ({"code": code}, 0))
            tally[code] = (known[0], known[1] + row["n"])
    cards = [Group(code, sentence(reason, connection.provider), n) for code, (reason, n) in tally.items()]
    return sorted(cards, key=lambda card: (-card.count, card.code))


def retry(connection: Connection, which: Sequence[str] | Literal["all"], *, reason: str = "", user: User | None) -> int:
    """Try again now: sends at once, records with the run that starts. Gives how many."""
    stuck, links = _stuck(connection, reason), _links(connection, reason=reason)
    if which != "all":
        stuck, links = stuck.filter(pk__in=_ids(which, "outbox")), links.filter(pk__in=_ids(which, "link"))
    rows = list(stuck.values_list("contact_id", "operation"))
    stuck.filter(in_doubt=False).delete()
    for operation in OutboxOperation.values:
        enqueue(connection, [pk for pk, of in rows if of == operation], operation=operation, user=user)
    touched = links.update(version="", next_try_at=None)
    if touched:
        request_run(connection, kind=RunKind.MANUAL, user=user)
    audit(connection, "attention.retry", user=user, data={"rows": len(rows) + touched})
    return len(rows) + touched


def ignore(connection: Connection, row_id: str, *, user: User | None) -> None:
    """Leave the record alone from now on; the contact stays as it is. Raises CannotDo."""
    kind, pk = _parse(row_id)
    if kind == "outbox":
        # Only a refused one: what a worker is sending at this moment may be there already, and then its row says whose it is.
        stuck = _stuck(connection).filter(pk=pk)
        row = stuck.select_for_update(of=("self",)).first()
        if row is None:
            raise CannotDo("row")
        if row.in_doubt:
            stuck.update(state=OutboxState.IGNORED)  # it may be there: whoever creates it again has to look first
        else:
            stuck.delete()
    else:
        link = _open_link(connection, pk)
        link.state, link.reason = (
            LinkState.IGNORED,
            {"code": "ignored_by_person", "params": {"name": link.remote_name, "id": link.remote_id}},
        )
        link.save(update_fields=["state", "reason"])
    audit(connection, "attention.ignore", user=user, data={"row": row_id})


def choose(connection: Connection, row_id: str, *, contact_id: int | None, user: User | None, shown: str = "") -> Link:
    """Say which contact the record is; None brings it in as a new one. `shown`: that of the row as the person saw it. Raises CannotDo."""
    link = _open_link(connection, _parse(row_id)[1])
    if shown and shown != _as_shown(link):
        raise CannotDo("changed")
    contact = _new_contact(connection, link, user) if contact_id is None else live(connection.workspace).filter(pk=contact_id).first()
    if contact is None:
        raise CannotDo("contact")
    rivals = Link.objects.filter(workspace_id=connection.workspace_id, connection=connection, contact=contact, remote_kind=link.remote_kind)
    if rivals.exclude(pk=link.pk).exclude(state=LinkState.GONE).exists():
        raise CannotDo("taken")
    rivals.exclude(pk=link.pk).update(contact=None)
    link.contact, link.state, link.version = contact, LinkState.LINKED, ""
    link.reason, link.candidates, link.base_ours, link.base_theirs = {}, [], {}, {}
    link.save(update_fields=["contact", "state", "version", "reason", "candidates", "base_ours", "base_theirs"])
    attach(connection.workspace, connection.pk, {(link.remote_kind, link.remote_id): contact.pk})
    enqueue(connection, [contact.pk], user=user)
    audit(connection, "attention.choose", user=user, data={"row": row_id, "contact": contact.pk})
    return link


def settle_conflict(connection: Connection, row_id: str, field_name: str, *, winner: Literal["crm", "remote"], user: User | None) -> None:
    """A person's answer to "both sides changed this": the chosen value flows by itself. Raises CannotDo."""
    link = _open_link(connection, _parse(row_id)[1])
    found = [c for c in link.conflicts if c["field"] == field_name]
    if not found:
        raise CannotDo("conflict")
    conflict = Conflict(field=field_name, ours=found[0]["ours"], theirs=found[0]["theirs"], winner="ask")
    base = resolve(Base(ours=link.base_ours, theirs=link.base_theirs), conflict, winner=winner)
    link.base_ours, link.base_theirs, link.version = dict(base.ours), dict(base.theirs), ""
    link.conflicts = [c for c in link.conflicts if c["field"] != field_name]
    if not any(c["winner"] == "ask" for c in link.conflicts):
        link.state, link.reason = LinkState.LINKED, {}
    link.save(update_fields=["base_ours", "base_theirs", "version", "conflicts", "state", "reason"])
    if link.contact_id:
        enqueue(connection, [link.contact_id], user=user)
    audit(connection, "attention.settle", user=user, data={"row": row_id, "field": field_name, "winner": winner})


def _links(connection: Connection, *, states: Sequence[str] = OPEN, reason: str = "", q: str = "") -> QuerySet[Link]:
    rows = Link.objects.filter(workspace_id=connection.workspace_id, connection=connection, state__in=states).select_related(
        "contact", "connection"
    )
    rows = rows.filter(reason__code=reason) if reason else rows
    return rows.filter(remote_name__icontains=q) if q else rows


def _stuck(connection: Connection, reason: str = "", q: str = "") -> QuerySet[Outbox]:
    rows = Outbox.objects.filter(workspace_id=connection.workspace_id, connection=connection, state=OutboxState.STUCK).select_related(
        "contact", "connection"
    )
    rows = rows.filter(reason__code=reason) if reason else rows
    return (rows.filter(contact__name__icontains=q) if q else rows).order_by("pk")


def _candidates(connection: Connection, links: Sequence[Link]) -> dict[int, Contact]:
    ids = {pk for link in links for pk in link.candidates}
    return {contact.pk: contact for contact in live(connection.workspace).filter(pk__in=ids)} if ids else {}


def _link_row(link: Link, contacts: Mapping[int, Contact]) -> AttentionRow:
    asked = [c for c in link.conflicts if c["winner"] == "ask"]
    is_another = link.reason.get("code") == "number_reused"
    unmatched = link.state == LinkState.HELD and (link.contact_id is None or is_another)
    actions = ("choose", "ignore") if unmatched else ("settle", "ignore") if asked else ("retry", "ignore")
    provider = link.connection.provider
    return AttentionRow(
        id=f"link:{link.pk}",
        name=link.remote_name or link.remote_id,
        contact=link.contact,
        remote_kind=link.remote_kind,
        remote_id=link.remote_id,
        remote_url=link.remote_url,
        code=str(link.reason.get("code", "")),
        sentence=sentence(link.reason, provider),
        hint=hint(link.reason, provider),
        detail=link.detail,
        actions=actions,
        tries=link.tries,
        next_try_at=link.connection.next_due_at,
        candidates=[contacts[pk] for pk in link.candidates if pk in contacts],
        conflicts=asked,
        shown=_as_shown(link),
    )


def _as_shown(link: Link) -> str:
    """Whose record it is said to be, and why it waits: a sync may have found another one under its number meanwhile."""
    return fingerprint([link.remote_name, link.reason, link.contact_id])


def _outbox_row(row: Outbox) -> AttentionRow:
    provider = row.connection.provider
    return AttentionRow(
        id=f"outbox:{row.pk}",
        name=row.contact.name,
        contact=row.contact,
        remote_kind="",
        remote_id="",
        remote_url="",
        code=str(row.reason.get("code", "")),
        sentence=sentence(row.reason, provider),
        hint=hint(row.reason, provider),
        detail=row.detail,
        actions=("edit", "retry", "ignore"),
        tries=row.tries,
        next_try_at=row.not_before,
        fields=row.fields,
    )


def _ids(which: Sequence[str], kind: str) -> list[int]:
    return [pk for found, pk in map(_parse, which) if found == kind]


def is_row_id(text: str) -> bool:
    try:
        _parse(text)
    except CannotDo:
        return False
    return True


def _parse(row_id: str) -> tuple[str, int]:
    kind, _sep, text = row_id.partition(":")
    pk = row_number(text)
    if kind not in {"link", "outbox"} or pk is None:
        raise CannotDo("row")
    return kind, pk


def _open_link(connection: Connection, pk: int) -> Link:
    link = Link.objects.select_for_update(of=("self",)).filter(workspace_id=connection.workspace_id, connection=connection, pk=pk).first()
    if link is None or link.state not in OPEN:
        raise CannotDo("row")
    return link


def _new_contact(connection: Connection, link: Link, user: User | None) -> Contact:
    """With the name that we know; the sync that follows fills in the rest."""
    kinds = {theirs: ours.value for ours, theirs in registry.manifest(connection.provider).kinds}
    row: dict[str, Any] = {"kind": kinds.get(link.remote_kind, "organisation"), **row_changes(None, {"name": link.remote_name})}
    team = team_id_of(connection)
    origin = Origin(kind="web", actor_id=user.pk if user else None, label=str(user or ""))
    return create_contacts(connection.workspace, [row | ({"team_id": team} if team else {})], origin=origin)[0]
