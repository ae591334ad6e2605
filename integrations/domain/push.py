"""Send one outbox row: read, merge, write, remember. No transaction is open while the provider is spoken to."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.scoping import Origin, workspace_tx
from contacts.domain.store import update_contacts
from contacts.models import Contact
from crmsync.lib.text import clip
from integrations import registry
from integrations.domain.access import Access
from integrations.domain.apply import conflict_json
from integrations.domain.batches import engine_link, links_by_ref, policy_of
from integrations.domain.exchanges import store_exchanges
from integrations.domain.journal import reason_json
from integrations.domain.outbox import enqueue, put_back
from integrations.domain.parties import checked, local_of, party_of, row_changes
from integrations.engine import plan
from integrations.engine.errors import BadSettings, Conflict, Denied, Gone, ProviderError, Reconnect, Retry, SkipRecord
from integrations.engine.matching import name_key
from integrations.engine.schedule import backoff
from integrations.engine.types import Base, Kind, RawRecord, Reason, Ref
from integrations.enums import LinkState, OutboxOperation, OutboxState
from integrations.models import Connection, Link, Outbox


@dataclass(frozen=True, slots=True)
class Subject:
    """The row at hand with everything about it that the database knows."""

    row: Outbox
    connection: Connection
    contact: Contact
    link: Link | None


def send(row: Outbox, access: Access) -> bool:
    """Carry the row out. True when a record was written there. Raises Reconnect, Denied and BadSettings: they concern all rows."""
    subject = _subject(row)
    if subject is None:
        _finish(row)
        return False
    try:
        wrote = _create(subject, access) if subject.link is None else _update(subject, subject.link, access)
    except (Retry, Conflict) as error:
        _try_later(subject, error, access)
        return False
    except Gone as error:
        _gone(subject, error, access)
        return False
    except SkipRecord as error:
        _refused(subject, error, access)
        return False
    except (Reconnect, Denied, BadSettings) as error:
        _try_later(subject, error, access)
        raise
    return wrote


def origin_of(connection: Connection) -> Origin:
    return Origin(kind="sync", label=registry.manifest(connection.provider).label)


def _subject(row: Outbox) -> Subject | None:
    with workspace_tx(row.workspace):
        connection = Connection.objects.select_related("workspace").get(pk=row.connection_id)
        contact = Contact.objects.filter(pk=row.contact_id, deleted_at=None).first()
        if contact is None:
            return None
        manifest = registry.manifest(connection.provider)
        read_only = [r.remote_kind for r in manifest.resources if r.read_only]
        links = Link.objects.filter(workspace_id=row.workspace_id, connection=connection, contact=contact).exclude(
            remote_kind__in=read_only
        )
        link = links.exclude(state__in=[LinkState.GONE, LinkState.HIDDEN]).first()
        if link is None and row.operation == OutboxOperation.UPDATE:
            return None
        return Subject(row=row, connection=connection, contact=contact, link=link)


def _update(subject: Subject, link: Link, access: Access) -> bool:
    manifest = registry.manifest(subject.connection.provider)
    policy = policy_of(subject.connection, manifest)
    current = access.provider.get(Ref(link.remote_kind, link.remote_id))
    fresh = checked(access.provider.remote(current))
    push = plan.plan_push(engine_link(link), local_of(subject.contact), fresh, fields=manifest.fields, policy=policy)
    if push.nothing_to_say:
        _settled(subject, link, access, base=push.base, local=push.local, version=current.version, push=push)
        return False
    try:
        answer = access.provider.update(current, push.send, party_of(subject.contact))
    except SkipRecord:
        _settled(subject, link, access, base=push.pending, local=push.local, version="", push=push, done=False)
        raise
    stored = access.provider.remote(answer)
    settled = plan.settle(push, stored=stored, fields=manifest.fields, policy=policy)
    _settled(
        subject, link, access, base=settled.base, local={**push.local, **settled.local}, version=answer.version, push=push, url=stored.url
    )
    if settled.push_again:
        with workspace_tx(subject.row.workspace):
            enqueue(subject.connection, [subject.contact.pk])
    return True


def _settled(
    subject: Subject,
    link: Link,
    access: Access,
    *,
    base: Base,
    local: Any,
    version: str,
    push: plan.PushPlan,
    url: str = "",
    done: bool = True,
) -> None:
    """Store the agreement. An edit made while we were sending is not overwritten, and goes out next."""
    with workspace_tx(subject.row.workspace, origin=origin_of(subject.connection)):
        if local:
            update_contacts(
                subject.row.workspace,
                {subject.contact.pk: row_changes(subject.contact, local)},
                origin=origin_of(subject.connection),
                expected={subject.contact.pk: subject.contact.version},
            )
        asked = any(conflict.winner == "ask" for conflict in push.conflicts)
        link.base_ours, link.base_theirs, link.version = dict(base.ours), dict(base.theirs), version
        link.state = LinkState.HELD if asked else LinkState.LINKED
        link.reason, link.detail = reason_json(push.reason), ""
        link.conflicts = [conflict_json(conflict) for conflict in push.conflicts]
        link.remote_url = url or link.remote_url
        link.tries, link.synced_at, link.missed = 0, timezone.now(), 0
        link.save(
            update_fields=[
                "base_ours",
                "base_theirs",
                "version",
                "state",
                "reason",
                "detail",
                "conflicts",
                "remote_url",
                "tries",
                "synced_at",
                "missed",
            ]
        )
        store_exchanges(subject.connection, access.recorder.take())
        if done:
            subject.row.delete()


def _create(subject: Subject, access: Access) -> bool:
    adopted = _look_up(subject, access) if subject.row.in_doubt else None
    if adopted is not None:
        _linked(subject, access, adopted)
        return True
    party = party_of(subject.contact, kind=Kind.ORGANISATION)
    missing = access.provider.missing(party)
    if missing:
        labels = ", ".join(one.label for one in missing)
        raise SkipRecord(
            Reason("missing_fields", {"name": subject.contact.name, "fields": labels}), fields={m.field: m.label for m in missing}
        )
    _mark_in_doubt(subject)
    try:
        record = access.provider.create(party, key=subject.row.attempt_key)
    except (SkipRecord, Reconnect, Denied, Gone):
        _clear_doubt(subject)
        raise
    except Retry as error:
        if not error.in_doubt:
            _clear_doubt(subject)
        raise
    _linked(subject, access, record)
    return True


def _mark_in_doubt(subject: Subject) -> None:
    """Before the request leaves: whatever happens next, a retry knows that a record may exist."""
    with workspace_tx(subject.row.workspace):
        subject.row.in_doubt = True
        subject.row.attempt_key = subject.row.attempt_key or secrets.token_hex(16)
        subject.row.save(update_fields=["in_doubt", "attempt_key"])


def _clear_doubt(subject: Subject) -> None:
    with workspace_tx(subject.row.workspace):
        subject.row.in_doubt = False
        subject.row.save(update_fields=["in_doubt"])


def _look_up(subject: Subject, access: Access) -> RawRecord | None:
    """The record that the lost create made: of that name, never seen by us, tied to nothing. None: it made none. Two: a person decides."""
    found = access.provider.find(party_of(subject.contact, kind=Kind.ORGANISATION))
    with workspace_tx(subject.row.workspace):
        known = links_by_ref(subject.connection, [record.ref for record in found])
    fits = [record for record in found if record.ref not in known or _is_ours(known[record.ref], subject)]
    if len(fits) > 1:
        raise SkipRecord(Reason("in_doubt_many", {"name": subject.contact.name}))
    if not fits:
        _clear_doubt(subject)
        return None
    return fits[0]


def _is_ours(link: Link, subject: Subject) -> bool:
    """A pull may have met the new record first, and held it or linked it to this very contact."""
    newer = link.created_at >= subject.row.created_at
    return link.contact_id == subject.contact.pk or (link.contact_id is None and newer)


def _linked(subject: Subject, access: Access, record: RawRecord) -> None:
    manifest = registry.manifest(subject.connection.provider)
    stored = access.provider.remote(record)
    base = plan.created(local_of(subject.contact).fields, stored=stored, fields=manifest.fields)
    with workspace_tx(subject.row.workspace, origin=origin_of(subject.connection)):
        Link.objects.filter(workspace_id=subject.row.workspace_id, connection=subject.connection, contact=subject.contact).exclude(
            remote_kind__in=[r.remote_kind for r in manifest.resources if r.read_only]
        ).update(contact=None)
        Link.objects.update_or_create(
            workspace_id=subject.row.workspace_id,
            connection=subject.connection,
            remote_kind=record.ref.kind,
            remote_id=record.ref.id,
            defaults={
                "contact": subject.contact,
                "state": LinkState.LINKED,
                "base_ours": dict(base.ours),
                "base_theirs": dict(base.theirs),
                "version": record.version,
                "remote_name": str(stored.party.fields.get("name") or "")[:300],
                "match_key": clip(name_key(stored), 300),
                "remote_url": stored.url,
                "synced_at": timezone.now(),
                "reason": {},
                "candidates": [],
                "conflicts": [],
                "tries": 0,
                "missed": 0,
            },
        )
        store_exchanges(subject.connection, access.recorder.take())
        changed = Contact.objects.filter(pk=subject.contact.pk).exclude(version=subject.contact.version).exists()
        subject.row.delete()
        if changed:
            enqueue(subject.connection, [subject.contact.pk])


def _finish(row: Outbox) -> None:
    with workspace_tx(row.workspace):
        row.delete()


def _try_later(subject: Subject, error: ProviderError, access: Access) -> None:
    after = error.after if isinstance(error, Retry) and error.after else None
    wait = timedelta(seconds=after) if after else backoff(subject.row.tries, key=str(subject.row.pk))
    if isinstance(error, Conflict):
        wait = timedelta(0)
    subject.row.reason, subject.row.detail = reason_json(error.reason), error.detail[:4000]
    with workspace_tx(subject.row.workspace):
        store_exchanges(subject.connection, access.recorder.take())
        put_back(subject.row, not_before=timezone.now() + wait)


def _refused(subject: Subject, error: SkipRecord, access: Access) -> None:
    """The provider does not take it: shown with its words; the next edit of the contact tries again by itself."""
    row = subject.row
    with workspace_tx(row.workspace):
        store_exchanges(subject.connection, access.recorder.take())
        Outbox.objects.filter(workspace_id=row.workspace_id, connection_id=row.connection_id, contact_id=row.contact_id).filter(
            state=OutboxState.STUCK
        ).delete()
        row.state, row.reason, row.detail, row.fields = OutboxState.STUCK, reason_json(error.reason), error.detail[:4000], error.fields
        row.save(update_fields=["state", "reason", "detail", "fields"])


def _gone(subject: Subject, error: Gone, access: Access) -> None:
    """A single read said that the record does not exist any more: the contact stays, its link says so."""
    with workspace_tx(subject.row.workspace):
        store_exchanges(subject.connection, access.recorder.take())
        if subject.link is not None:
            reason = reason_json(Reason("gone_there", {"id": subject.link.remote_id}))
            Link.objects.filter(pk=subject.link.pk).update(state=LinkState.GONE, reason=reason, detail=error.detail[:4000])
        subject.row.delete()
