"""Contacts that go out by themselves: found set-wise, organisations before people, and never twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from django.db.models import Exists, F, OuterRef, QuerySet

from accounts.domain.bulk import set_wise
from contacts.models import Contact
from integrations import registry
from integrations.domain.backlinks import write_back_links
from integrations.domain.outbox import enqueue
from integrations.domain.outgoing import (
    LEFT,
    OutRules,
    creates_by_rule,
    has_rules,
    living_organisation,
    out_rules,
    pushes,
    whereabouts,
    writable_kinds,
)
from integrations.engine.provider import Manifest
from integrations.enums import OutboxOperation, OutboxState
from integrations.kit.fingerprint import fingerprint
from integrations.models import Connection, Link, Outbox

AT_ONCE = 1000
HALF = 32  # of the two digests in `asked_out`: settings, choices of fields
SETTING_FAULTS = frozenset({"setting_missing", "setting_refused"})


def queue_new(connection: Connection, contact_ids: Iterable[int], *, names: Mapping[int, set[str]]) -> bool:
    """Queue those of the contacts that the rules let out and that are not there yet. `names`: which fields were edited.

    A fixed number of queries. True when anything was queued. Before the first sync nobody is: it may find them there, and asks for all.
    """
    manifest = registry.manifest(connection.provider)
    if connection.last_success_at is None and not manifest.creates_new_only:
        return False
    contacts = _candidates(connection, manifest).filter(pk__in=set(contact_ids))
    rules = out_rules(connection)
    fresh = [each for each in contacts if each.pk not in names or rules.became_eligible(each, names[each.pk])]
    return _queue(connection, rules, fresh)


def queue_people(connection: Connection, organisation: Contact) -> None:
    """The organisation is there now: its people may follow, and those that wait for it wait no longer."""
    manifest = registry.manifest(connection.provider)
    if not creates_by_rule(manifest) or organisation.is_person:
        return
    waiting = Outbox.objects.filter(workspace_id=connection.workspace_id, connection=connection, state=OutboxState.WAITING)
    waiting.filter(contact__organisation=organisation, operation=OutboxOperation.CREATE).update(not_before=None)
    if pushes(connection):
        _queue(connection, out_rules(connection), list(_candidates(connection, manifest).filter(organisation=organisation)))


def queue_all(connection: Connection) -> int:
    """Queue everybody whom the rules let out and who is not there: once per reading of the whole, and when the settings change."""
    manifest = registry.manifest(connection.provider)
    if not creates_by_rule(manifest) or manifest.creates_new_only or not pushes(connection):
        return 0
    rules = out_rules(connection)
    links = Link.objects.filter(connection=connection, contact=OuterRef("pk"), remote_kind__in=writable_kinds(manifest))
    rows = Outbox.objects.filter(connection=connection, contact=OuterRef("pk"), operation=OutboxOperation.CREATE)
    missing = _candidates(connection, manifest).filter(~Exists(links), ~Exists(rows))
    with set_wise():
        return sum(_queue(connection, rules, chunk) for chunk in _chunks(missing))


def queue_unsaid(connection: Connection, *, everybody: bool = False) -> int:
    """Queue what was edited here while nothing was sent; `everybody`: other fields go out from now on."""
    manifest = registry.manifest(connection.provider)
    if not has_rules(manifest) or not pushes(connection):
        return 0
    links = Link.objects.filter(
        workspace_id=connection.workspace_id,
        connection=connection,
        remote_kind__in=writable_kinds(manifest),
        contact__deleted_at=None,
    )
    links = links if everybody else links.filter(contact__updated_at__gt=F("synced_at"))
    if manifest.life_cycles_out:
        links = links.filter(contact__life_cycle__in=manifest.life_cycles_out)
    with set_wise():
        ids = list(links.exclude(state__in=LEFT).values_list("contact_id", flat=True))
        for start in range(0, len(ids), AT_ONCE):
            enqueue(connection, [pk for pk in ids[start : start + AT_ONCE] if pk is not None])
    return len(ids)


def ask_again(connection: Connection) -> bool:
    """The settings are not those under which everybody was asked: ask everybody. True when that was done.

    Before the first sync nobody is asked: it may find them there.
    """
    manifest = registry.manifest(connection.provider)
    now = fingerprint(connection.settings) + fingerprint(connection.field_choices)
    before = connection.asked_out
    if not has_rules(manifest) or connection.last_success_at is None or before == now:
        return False
    _forget_setting_faults(connection)
    queue_all(connection)
    if before:  # after the first sync everything that was to be said has been queued
        queue_unsaid(connection, everybody=before[HALF:] != now[HALF:])
    write_back_links(connection, everywhere=True)
    connection.asked_out = now
    connection.save(update_fields=["asked_out"])
    return True


def _forget_setting_faults(connection: Connection) -> None:
    """What waited for an answer in the settings is tried with the new ones."""
    reason = connection.denied.get(OutboxOperation.CREATE) or {}
    if reason.get("code") not in SETTING_FAULTS:
        return
    connection.denied = {ability: why for ability, why in connection.denied.items() if ability != OutboxOperation.CREATE}
    connection.save(update_fields=["denied"])
    rows = Outbox.objects.filter(workspace_id=connection.workspace_id, connection=connection, state=OutboxState.WAITING)
    rows.filter(operation=OutboxOperation.CREATE).update(not_before=None, reason={}, detail="")


def _candidates(connection: Connection, manifest: Manifest) -> QuerySet[Contact]:
    """Organisations first."""
    rows = Contact.objects.select_related("organisation").filter(workspace_id=connection.workspace_id, deleted_at=None)
    rows = rows.filter(life_cycle__in=manifest.life_cycles_out) if manifest.life_cycles_out else rows
    return rows.order_by("kind", "pk")


def _chunks(rows: QuerySet[Contact]) -> Iterator[Sequence[Contact]]:
    ids = list(rows.values_list("pk", flat=True))
    for start in range(0, len(ids), AT_ONCE):
        yield list(rows.filter(pk__in=ids[start : start + AT_ONCE]))


def _queue(connection: Connection, rules: OutRules, contacts: Sequence[Contact]) -> bool:
    """Organisations before their people, which wait for them."""
    firms = {each.pk: firm for each in contacts if (firm := living_organisation(each)) is not None}
    there = whereabouts(connection, rules.manifest, [*(each.pk for each in contacts), *(firm.pk for firm in firms.values())])
    rules = rules.knowing(contacts)
    organisations: set[int] = set()
    people: set[int] = set()
    for contact in (each for each in contacts if each.pk not in there):
        verdict = rules.why_not_made(contact, there=there)
        if verdict.reason is not None:
            continue
        if verdict.waits and firms[contact.pk].pk not in there:
            organisations.add(firms[contact.pk].pk)
        (people if contact.is_person else organisations).add(contact.pk)
    enqueue(connection, organisations, operation=OutboxOperation.CREATE)
    enqueue(connection, people, operation=OutboxOperation.CREATE)
    return bool(organisations or people)
