"""Send one outbox row: read, merge, write, remember. No transaction is open while the provider is spoken to."""

from __future__ import annotations

import logging
import secrets
from dataclasses import replace
from datetime import timedelta

from django.utils import timezone

from accounts.scoping import workspace_tx
from contacts.models import Contact
from integrations import registry
from integrations.domain.access import Access
from integrations.domain.ahead import known_record, read_ahead
from integrations.domain.batches import engine_link, links_by_ref, policy_of
from integrations.domain.exchanges import store_exchanges
from integrations.domain.fields import all_fields, fields_of, kind_there, party_to_create
from integrations.domain.journal import reason_json
from integrations.domain.outbox import enqueue, put_back
from integrations.domain.outgoing import Verdict, living_organisation, out_rules, parent_of, whereabouts, why_not_in, writable_kinds
from integrations.domain.parties import checked, local_of, party_of
from integrations.domain.poison import POISON, words
from integrations.domain.settling import OPEN, Agreement, Subject, hold_reused, is_ours_still, settle_create, settle_update
from integrations.engine import plan
from integrations.engine.capabilities import ReusesIds, UpdatesAgreed
from integrations.engine.errors import BadAnswer, BadSettings, Conflict, Denied, Gone, ProviderError, Reconnect, Retry, SkipRecord
from integrations.engine.merge import outgoing_only
from integrations.engine.schedule import backoff
from integrations.engine.types import Base, Fields, Kind, Party, RawRecord, Reason, Ref, Remote
from integrations.enums import LinkState, OutboxOperation, OutboxState
from integrations.models import Connection, Link, Outbox

log = logging.getLogger(__name__)
AT_ONCE = 3  # tries without a pause after a record changed under our hands
MOST_TRIES = 5  # with an answer that breaks its reader, until a person sees it


def send(row: Outbox, access: Access) -> bool:
    """Carry the row out. True when a record was written there.

    Raises Reconnect, Denied and BadSettings, which concern all rows, and Retry when the provider asks for patience.
    """
    subject = _subject(row)
    if subject is None or _is_kept_here(subject):
        _finish(row)
        return False
    try:
        wrote = _create(subject, access) if subject.link is None else _update(subject, subject.link, access)
    except (Retry, Conflict) as error:
        _try_later(subject, error, access)
        if error.reason.code == "rate_limited":
            raise
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
    except POISON as error:
        _broken(subject, error, access)
        return False
    return wrote


def _subject(row: Outbox) -> Subject | None:
    """None: there is nothing to say any more. A create in doubt is followed up even when the contact is in the trash."""
    with workspace_tx(row.workspace):
        connection = Connection.objects.select_related("workspace").get(pk=row.connection_id)
        contact = Contact.objects.select_related("organisation").filter(pk=row.contact_id).first()
        if contact is None or (contact.deleted_at is not None and not row.in_doubt):
            return None
        manifest = registry.manifest(connection.provider)
        links = Link.objects.filter(
            workspace_id=row.workspace_id, connection=connection, contact=contact, remote_kind__in=writable_kinds(manifest)
        )
        link = links.exclude(state__in=[LinkState.GONE, LinkState.HIDDEN, LinkState.IGNORED]).first()
        if link is None and row.operation == OutboxOperation.UPDATE:
            return None
        parent = parent_of(connection, manifest, contact)
        return Subject(row, connection, contact, link, parent, _verdict(row, connection, contact, link))


def _verdict(row: Outbox, connection: Connection, contact: Contact, link: Link | None) -> Verdict:
    """The rules once more, about the contact and its organisation as they are now."""
    rules = out_rules(connection)
    if link is not None:
        return Verdict(rules.why_not(contact))
    organisation = living_organisation(contact)
    there = whereabouts(connection, rules.manifest, [organisation.pk] if organisation else [])
    return rules.why_not_made(contact, there=there, by_hand=row.requested_by_id is not None)


def _is_kept_here(subject: Subject) -> bool:
    """A rule says so. A record that may exist and is not known yet is looked up all the same."""
    return subject.verdict.reason is not None and not (subject.row.in_doubt and subject.link is None)


def _update(subject: Subject, link: Link, access: Access) -> bool:
    provider, connection = access.provider, subject.connection
    read_ahead(connection, subject.row, access)
    current = known_record(subject.row) or provider.get(Ref(link.remote_kind, link.remote_id))
    known = engine_link(link)
    if known.base and isinstance(provider, ReusesIds) and provider.is_another(current, known.base.theirs):
        hold_reused(subject, link, access, name=_name_there(access, current))
        return False
    policy, kept_out = policy_of(connection, provider.manifest), _why_not_in(subject, access, current)
    fresh = checked(provider.remote(current))
    fields = fields_of(connection, provider.manifest, kind=link.remote_kind)
    fields = outgoing_only(fields) if kept_out else fields
    push = plan.plan_push(known, local_of(subject.contact), fresh, fields=fields, policy=policy)
    agreed = Agreement(base=push.base, local=push.local, push=push, record=current, url=fresh.url, kept_out=kept_out)
    if push.nothing_to_say and not _has_moved(subject, access, fresh):
        settle_update(subject, link, access, agreed)
        return False
    try:
        answer = _put(subject, access, current, push.send, known.base)
    except SkipRecord:
        settle_update(subject, link, access, replace(agreed, base=push.pending, record=None), done=False)
        raise
    stored = provider.remote(answer)
    settled = plan.settle(push, stored=stored, fields=fields, policy=policy)
    local = {**push.local, **settled.local}
    settle_update(subject, link, access, replace(agreed, base=settled.base, local=local, record=answer, url=stored.url))
    if settled.push_again:
        with workspace_tx(subject.row.workspace):
            enqueue(connection, [subject.contact.pk])
    return answer is not current


def _put(subject: Subject, access: Access, current: RawRecord, changes: Fields, base: Base | None) -> RawRecord:
    provider, party = access.provider, party_of(subject.contact, parent=subject.parent)
    if isinstance(provider, UpdatesAgreed):
        return provider.update_agreed(current, changes, party, agreed=base or Base({}, {}))
    return provider.update(current, changes, party)


def _has_moved(subject: Subject, access: Access, fresh: Remote) -> bool:
    """The person belongs to another organisation here than there. Only vendors who keep lists can be told of that."""
    return isinstance(access.provider, UpdatesAgreed) and subject.parent is not None and fresh.parent != subject.parent


def _why_not_in(subject: Subject, access: Access, record: RawRecord) -> Reason | None:
    with workspace_tx(subject.row.workspace):
        return why_not_in(subject.connection, access.provider, record)


def _name_there(access: Access, record: RawRecord) -> str:
    try:
        return str(access.provider.remote(record).party.fields.get("name") or record.ref.id)
    except SkipRecord:
        return record.ref.id


def _create(subject: Subject, access: Access) -> bool:
    if subject.row.in_doubt:
        adopted = _look_up(subject, access)
        if adopted is not None:
            # What the vendor made of it is not known: both sides meet as at link time, where nothing is lost.
            settle_create(subject, access, adopted, access.provider.remote(adopted), base=Base({}, {}), look_again=True)
            return True
        if subject.contact.deleted_at is not None or subject.verdict.reason is not None:
            _finish(subject.row)
            return False
    if subject.verdict.waits:
        raise Retry(Reason("parent_not_there", {"name": subject.contact.name}))
    party = party_to_create(subject.contact, subject.connection, access.provider, parent=subject.parent)
    _check_complete(subject, access, party)
    _mark_in_doubt(subject, access)
    try:
        record = access.provider.create(party, key=subject.row.attempt_key)
    except (SkipRecord, Reconnect, Denied, Gone, BadSettings):
        _clear_doubt(subject)
        raise
    except Retry as error:
        if not error.in_doubt:
            _clear_doubt(subject)
        raise
    stored = access.provider.remote(record)
    base = plan.created(
        subject.row.sent, stored=stored, fields=fields_of(subject.connection, access.provider.manifest, kind=record.ref.kind)
    )
    settle_create(subject, access, record, stored, base=base, kept_out=_why_not_in(subject, access, record))
    return True


def _check_complete(subject: Subject, access: Access, party: Party) -> None:
    missing = access.provider.missing(party)
    if missing:
        labels = ", ".join(one.label for one in missing)
        raise SkipRecord(
            Reason("missing_fields", {"name": subject.contact.name, "fields": labels}), fields={m.field: m.label for m in missing}
        )


def _mark_in_doubt(subject: Subject, access: Access) -> None:
    """Before the request leaves: whatever happens next, a retry knows that a record may exist, and how it looked."""
    row, manifest = subject.row, access.provider.manifest
    names = [each.ours for each in all_fields(manifest)]
    fields = local_of(subject.contact).fields
    with workspace_tx(row.workspace):
        if not is_ours_still(row):
            raise Retry(Reason("timeout"), detail="the row was taken over by another worker")
        row.in_doubt, row.attempt_key = True, row.attempt_key or secrets.token_hex(16)
        row.sent = {name: fields.get(name, "") for name in names}
        row.sent_as = {
            "kind": kind_there(subject.contact, manifest).value,
            "contact": subject.contact.pk,
            "parent": _ref_json(subject.parent),
        }
        row.save(update_fields=["in_doubt", "attempt_key", "sent", "sent_as"])


def _ref_json(ref: Ref | None) -> dict[str, str] | None:
    return {"kind": ref.kind, "id": ref.id} if ref else None


def _party_sent(subject: Subject) -> Party:
    """The party as the lost create sent it."""
    known = subject.row.sent_as
    parent = known.get("parent")
    return Party(
        kind=Kind(known.get("kind") or Kind.ORGANISATION),
        fields=subject.row.sent,
        parent=Ref(parent["kind"], parent["id"]) if parent else None,
        contact_id=known.get("contact") or subject.contact.pk,
    )


def _clear_doubt(subject: Subject) -> None:
    subject.row.in_doubt = False
    with workspace_tx(subject.row.workspace):
        Outbox.objects.filter(pk=subject.row.pk).update(in_doubt=False)


def _look_up(subject: Subject, access: Access) -> RawRecord | None:
    """The record that the lost create made: as it was sent, tied to nothing. None: it made none. More than one: a person decides."""
    found = access.provider.find(_party_sent(subject))
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
    return link.contact_id == subject.contact.pk or (link.contact_id is None and newer and link.state != LinkState.IGNORED)


def _finish(row: Outbox) -> None:
    with workspace_tx(row.workspace):
        row.delete()


def _try_later(subject: Subject, error: ProviderError, access: Access) -> None:
    after = error.after if isinstance(error, Retry) and error.after else None
    wait = timedelta(seconds=after) if after else backoff(subject.row.tries, key=str(subject.row.pk))
    if isinstance(error, Conflict) and subject.row.tries <= AT_ONCE:
        wait = timedelta(0)
    subject.row.reason, subject.row.detail = reason_json(error.reason), error.detail[:4000]
    with workspace_tx(subject.row.workspace):
        store_exchanges(subject.connection, access.recorder.take())
        put_back(subject.row, not_before=timezone.now() + wait)


def _broken(subject: Subject, error: Exception, access: Access) -> None:
    """What the answer does to our code or to the database may pass; what does not becomes visible, and the others go out meanwhile."""
    log.warning("Connection %s: contact %s cannot be sent", subject.connection.pk, subject.contact.pk, exc_info=error)
    if subject.row.tries < MOST_TRIES:
        _try_later(subject, BadAnswer(Reason("bad_answer"), detail=words(error)), access)
        return
    reason = Reason("bad_record", {"id": subject.link.remote_id if subject.link else subject.contact.name, "problem": type(error).__name__})
    _refused(subject, SkipRecord(reason, detail=words(error)), access)


def _refused(subject: Subject, error: ProviderError, access: Access) -> None:
    """The provider does not take it: shown with its words; the next edit of the contact tries again by itself."""
    row = subject.row
    fields = error.fields if isinstance(error, SkipRecord) else {}
    with workspace_tx(row.workspace):
        store_exchanges(subject.connection, access.recorder.take())
        others = Outbox.objects.filter(workspace_id=row.workspace_id, connection_id=row.connection_id, contact_id=row.contact_id)
        others.filter(state=OutboxState.STUCK).delete()
        waiting = others.filter(state=OutboxState.WAITING)
        if row.in_doubt:
            waiting.filter(operation=OutboxOperation.CREATE).delete()  # asked for once more meanwhile: that would not look it up first
        elif waiting.exists():
            row.delete()  # edited while it was sent: the next try says it all
            return
        Outbox.objects.filter(pk=row.pk).update(
            state=OutboxState.STUCK, reason=reason_json(error.reason), detail=error.detail[:4000], fields=fields
        )


def _gone(subject: Subject, error: Gone, access: Access) -> None:
    """A single read said that the record does not exist any more: the contact stays, its link says so."""
    if subject.link is None:
        _refused(subject, error, access)
        return
    with workspace_tx(subject.row.workspace):
        store_exchanges(subject.connection, access.recorder.take())
        reason = reason_json(Reason("gone_there", {"id": subject.link.remote_id}))
        Link.objects.filter(pk=subject.link.pk, state__in=OPEN).update(state=LinkState.GONE, reason=reason, detail=error.detail[:4000])
        subject.row.delete()
