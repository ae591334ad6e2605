"""Store what an answer of the provider means. Since the contact was read anything may have happened here; none of it is overwritten."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils import timezone

from accounts.scoping import Origin, workspace_tx
from contacts.domain.store import update_contacts
from contacts.models import Contact
from crmsync.lib.text import clip
from integrations import registry
from integrations.domain.access import Access
from integrations.domain.apply import conflict_json
from integrations.domain.by_rule import queue_people
from integrations.domain.exchanges import store_exchanges
from integrations.domain.journal import reason_json
from integrations.domain.outbox import enqueue
from integrations.domain.outgoing import Verdict
from integrations.domain.parties import local_of, row_changes
from integrations.domain.settings import name_of
from integrations.engine.matching import name_key
from integrations.engine.merge import read_back, same
from integrations.engine.plan import PushPlan
from integrations.engine.types import Base, Fields, RawRecord, Reason, Ref, Remote
from integrations.enums import ConnectionStatus, LinkState, OutboxState
from integrations.models import Connection, Link, Outbox, Staged

OPEN = frozenset({LinkState.LINKED, LinkState.HELD, LinkState.FAILING})


@dataclass(frozen=True, slots=True)
class Subject:
    """The row at hand with everything about it that the database knew when we started."""

    row: Outbox
    connection: Connection
    contact: Contact
    link: Link | None
    parent: Ref | None  # the record of the contact's organisation
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Agreement:
    """What both sides have come to: `local` is still to be written here. `record` None: the provider's side is not known for sure.

    `kept_out`: why nothing comes in from the record.
    """

    base: Base
    local: Fields
    push: PushPlan
    record: RawRecord | None = None
    url: str = ""
    kept_out: Reason | None = None


def origin_of(connection: Connection) -> Origin:
    return Origin(kind="sync", label=name_of(connection))


def settle_update(subject: Subject, link: Link, access: Access, agreement: Agreement, *, done: bool = True) -> None:
    """Store the agreement on the link as it is now. An edit made while we were sending stays, and goes out next."""
    origin = origin_of(subject.connection)
    with workspace_tx(subject.row.workspace, origin=origin):
        contact = Contact.objects.select_for_update(of=("self",)).filter(pk=subject.contact.pk).first()
        now = Link.objects.select_for_update(of=("self",)).filter(pk=link.pk, contact=subject.contact).first()
        if contact is not None and now is not None:
            written = _write_here(subject, contact, agreement.local, origin)
            left = agreement.local.keys() - written.keys()
            base = read_back(agreement.base, written=written, kept=written)
            _store(now, link, base, agreement, left=left)
            _overtake(subject.connection, agreement.record)
        store_exchanges(subject.connection, access.recorder.take())
        if done:
            _done(subject.row)


def _done(row: Outbox) -> None:
    """Said, and with it whatever was refused before."""
    rows = Outbox.objects.filter(workspace_id=row.workspace_id, connection_id=row.connection_id, contact_id=row.contact_id)
    rows.filter(Q(pk=row.pk) | Q(state__in=[OutboxState.STUCK, OutboxState.IGNORED])).delete()


def _write_here(subject: Subject, contact: Contact, local: Fields, origin: Origin) -> Fields:
    """Write the values whose field nobody touched since we read the contact. Gives them as the CRM keeps them."""
    before, today = local_of(subject.contact).fields, local_of(contact).fields
    free = {name: value for name, value in local.items() if same(name, before.get(name), today.get(name))}
    if not free:
        return {}
    update_contacts(contact.workspace, {contact.pk: row_changes(contact, free)}, origin=origin)
    contact.refresh_from_db()
    kept = local_of(contact).fields
    return {name: kept.get(name, "") for name in free}


def _store(now: Link, read: Link, base: Base, agreement: Agreement, *, left: Iterable[str]) -> None:
    push, record = agreement.push, agreement.record
    met = (now.base_ours, now.base_theirs, now.version) != (read.base_ours, read.base_theirs, read.version)
    now.base_ours, now.base_theirs = _joined(now, read, base, left=frozenset(left))
    # What a rule leaves out is looked at again with every sync.
    now.version = record.version if record and not left and not met and not agreement.kept_out else ""
    if now.state in OPEN:
        asked = any(conflict.winner == "ask" for conflict in push.conflicts)
        now.state = LinkState.HELD if asked else LinkState.LINKED
        now.reason, now.detail = reason_json(push.reason or agreement.kept_out), ""
        now.conflicts = [conflict_json(conflict) for conflict in push.conflicts]
    now.remote_url = agreement.url or now.remote_url
    now.tries, now.synced_at, now.missed = 0, timezone.now(), 0
    now.save()


def _joined(now: Link, read: Link, base: Base, *, left: frozenset[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The stored agreement with the pairs that this exchange has changed; a pull may have changed others meanwhile."""
    ours, theirs = dict(now.base_ours), dict(now.base_theirs)
    for name in (base.ours.keys() | base.theirs.keys()) - left:
        pair = base.ours.get(name), base.theirs.get(name)
        if pair != (read.base_ours.get(name), read.base_theirs.get(name)):
            ours[name], theirs[name] = pair
    return ours, theirs


def _overtake(connection: Connection, record: RawRecord | None) -> None:
    """A run under way may have read the record before we wrote it: what it says now replaces that."""
    if record is None:
        return
    staged = Staged.objects.filter(workspace_id=connection.workspace_id, run__connection=connection)
    staged.filter(remote_kind=record.ref.kind, remote_id=record.ref.id).update(body=dict(record.body), version=record.version)


def hold_reused(subject: Subject, link: Link, access: Access, *, name: str) -> None:
    """The id belongs to another record now: a person says whose it is, and until then nothing is written on either side."""
    reason = reason_json(Reason("number_reused", {"id": link.remote_id, "name": name}))
    with workspace_tx(subject.row.workspace, origin=origin_of(subject.connection)):
        rows = Link.objects.filter(pk=link.pk, contact=subject.contact, state__in=OPEN)
        rows.update(state=LinkState.HELD, reason=reason, detail="", version="", candidates=[subject.contact.pk])
        store_exchanges(subject.connection, access.recorder.take())
        _done(subject.row)


def settle_create(
    subject: Subject,
    access: Access,
    record: RawRecord,
    stored: Remote,
    *,
    base: Base,
    look_again: bool = False,
    kept_out: Reason | None = None,
) -> None:
    """Tie the new record to its contact. What was edited since it was sent goes out next; `look_again`: also over there may be news."""
    connection = subject.connection
    manifest = registry.manifest(connection.provider)
    read_only = [r.remote_kind for r in manifest.resources if r.read_only]
    with workspace_tx(subject.row.workspace, origin=origin_of(connection)):
        status = Connection.objects.values_list("status", flat=True).get(pk=connection.pk)
        contact = _survivor(subject.contact.pk)
        rival = _free(connection, contact, record, read_only)
        values = _fresh_link(record, stored, base) | {"contact": None if rival else contact}
        if look_again or kept_out:
            values |= {"version": "", "reason": reason_json(kept_out)}
        if rival:
            values |= {"state": LinkState.HELD, "reason": reason_json(Reason("taken", {"name": contact.name, "id": record.ref.id}))}
        if status == ConnectionStatus.OFF:
            values |= {"state": LinkState.HIDDEN, "hidden_state": values["state"]}
        Link.objects.update_or_create(
            workspace_id=connection.workspace_id,
            connection=connection,
            remote_kind=record.ref.kind,
            remote_id=record.ref.id,
            defaults=values,
        )
        _overtake(connection, record)
        store_exchanges(connection, access.recorder.take())
        _done(subject.row)
        if status != ConnectionStatus.OFF and (look_again or not _same(contact, base)):
            enqueue(connection, [contact.pk])
        if status != ConnectionStatus.OFF and not rival:
            queue_people(connection, contact)


def _survivor(contact_id: int) -> Contact:
    """The contact, or the one that it was merged into while we were sending."""
    contact = Contact.objects.select_for_update(of=("self",)).get(pk=contact_id)
    while contact.merged_into_id is not None and contact.deleted_at is not None:
        contact = Contact.objects.select_for_update(of=("self",)).get(pk=contact.merged_into_id)
    return contact


def _free(connection: Connection, contact: Contact, record: RawRecord, read_only: Sequence[str]) -> Link | None:
    """Let go of the contact's links to records that are gone. Gives the one that a pull has made meanwhile, if any."""
    links = Link.objects.filter(workspace_id=connection.workspace_id, connection=connection, contact=contact)
    links = links.exclude(remote_kind__in=read_only).exclude(remote_kind=record.ref.kind, remote_id=record.ref.id)
    links.filter(state=LinkState.GONE).update(contact=None)
    return links.exclude(state__in=[LinkState.GONE, LinkState.HIDDEN]).first()


def _fresh_link(record: RawRecord, stored: Remote, base: Base) -> dict[str, Any]:
    return {
        "state": LinkState.LINKED,
        "base_ours": dict(base.ours),
        "base_theirs": dict(base.theirs),
        "version": record.version,
        "remote_name": str(stored.party.fields.get("name") or "")[:300],
        "match_key": clip(name_key(stored), 300),
        "remote_url": stored.url,
        "synced_at": timezone.now(),
        "reason": {},
        "detail": "",
        "candidates": [],
        "conflicts": [],
        "tries": 0,
        "missed": 0,
    }


def _same(contact: Contact, base: Base) -> bool:
    today: Mapping[str, Any] = local_of(contact).fields
    return all(same(name, value, today.get(name)) for name, value in base.ours.items())


def is_ours_still(row: Outbox) -> bool:
    """Whether this worker still holds the row: one that was slow for too long has lost it to another."""
    return Outbox.objects.filter(pk=row.pk, state=OutboxState.SENDING, tries=row.tries).exists()
