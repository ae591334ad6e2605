"""Who goes out, and why not: the provider's rules, asked without a call to anybody, and the connection's own switches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings as deployment
from django.db import connection as database

from contacts.enums import ChangeAction
from contacts.models import Contact, ContactChange
from integrations import registry
from integrations.domain.parties import local_of
from integrations.engine.capabilities import Eligibility
from integrations.engine.errors import SkipRecord
from integrations.engine.provider import Capability, Manifest, Provider
from integrations.engine.reasons_rules import NOT_BY_ITSELF
from integrations.engine.types import Kind, Local, RawRecord, Reason, Ref
from integrations.enums import LinkState, OutboxOperation, OutboxState
from integrations.kit.context import ProviderContext
from integrations.kit.http import Http
from integrations.models import Connection, Link, Outbox

LEFT = frozenset({LinkState.GONE, LinkState.HIDDEN, LinkState.IGNORED})


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a contact without a link is not made there; `waits`: it is, once its organisation is there."""

    reason: Reason | None = None
    waits: bool = False


@dataclass(frozen=True, slots=True)
class OutRules:
    """The rules of one connection. A contact comes with its organisation already loaded.

    `brought`: see `knowing`; without it the history is asked about each contact.
    """

    connection: Connection
    manifest: Manifest
    rules: Eligibility | None
    brought: Mapping[int, str] | None = None

    def knowing(self, contacts: Iterable[Contact]) -> OutRules:
        """The same rules for many contacts at once: who brought them in is asked in one query, if it matters."""
        return replace(self, brought=_brought_by(self.connection, contacts) if self.manifest.creates_new_only else {})

    def why_not(self, contact: Contact) -> Reason | None:
        """Why a linked contact is told nothing."""
        reason = self._ask(contact)
        return None if reason is None or reason.code in NOT_BY_ITSELF else reason

    def why_not_made(self, contact: Contact, *, there: Mapping[int, str], by_hand: bool = False) -> Verdict:
        """`there`: of the contacts that are there "linked", of those on their way "coming"."""
        reason = self._ask(contact, is_new=True)
        if reason is not None and not (by_hand and reason.code in NOT_BY_ITSELF):
            return Verdict(reason)
        organisation = living_organisation(contact)
        where = there.get(organisation.pk) if organisation else "linked"
        if organisation is None or not self.manifest.kinds or where == "linked":
            return Verdict()
        if where == "coming" or (where is None and self._goes_by_itself(organisation)):
            return Verdict(waits=True)
        # Without its organisation the person goes only where the rules let such people go.
        alone = self.rules.why_not_out(local_of(contact), organisation=None) if self.rules else None
        return Verdict(Reason("parent_not_there", {"name": contact.name}) if alone else None)

    def became_eligible(self, contact: Contact, changed: Iterable[str]) -> bool:
        """Where only new ones go by themselves: whether this edit lets the contact out.

        A person who goes where the organisation is goes with any edit: the organisation may have come there unseen, by a sync.
        """
        names = set(changed)
        if not self.manifest.creates_new_only or "kind" in names:
            return True
        local = local_of(contact)
        organisation = _local(living_organisation(contact))
        if self.rules is None:
            return False
        if "life_cycle" in names:
            before = Local(local.id, local.kind, {**local.fields, "life_cycle": ""}, local.version)
            if self.rules.why_not_out(before, organisation=organisation) is not None:
                return True
        return organisation is not None and self.rules.why_not_out(local, organisation=None) is not None

    def _goes_by_itself(self, organisation: Contact) -> bool:
        return creates_by_rule(self.manifest) and not self.manifest.creates_new_only and self._ask(organisation) is None

    def _ask(self, contact: Contact, *, is_new: bool = False) -> Reason | None:
        if not is_on(self.connection, self.manifest):
            return Reason("push_off", {"name": contact.name})
        if self.rules is None:
            return None
        local = replace(local_of(contact), brought_by=self._who_brought(contact) if is_new else "")
        return self.rules.why_not_out(local, organisation=_local(living_organisation(contact)))

    def _who_brought(self, contact: Contact) -> str:
        known = self.knowing([contact]).brought if self.brought is None else self.brought
        return (known or {}).get(contact.pk, "")


def out_rules(connection: Connection) -> OutRules:
    provider = offline(connection)
    return OutRules(connection, provider.manifest, provider if isinstance(provider, Eligibility) else None)


def offline(connection: Connection) -> Provider:
    """The provider for questions that need no call; it has no secrets."""
    manifest = registry.manifest(connection.provider)
    http = Http("https://nowhere.invalid")
    services = {each.key: http for each in manifest.services}
    context = ProviderContext(settings=connection.settings, http=http, env=deployment.ENVIRON, services=services)
    return registry.connect(connection.provider, context)


def is_on(connection: Connection, manifest: Manifest) -> bool:
    """Whether the settings let anything go out at all."""
    return manifest.directions is None or bool(connection.settings.get(manifest.directions.push, True))


def pushes(connection: Connection) -> bool:
    manifest = registry.manifest(connection.provider)
    return manifest.can(Capability.PUSH_CONTACTS) and "update" not in connection.denied and is_on(connection, manifest)


def has_rules(manifest: Manifest) -> bool:
    """Whether the edit of another field than those in sync may let a contact out."""
    return creates_by_rule(manifest) or bool(manifest.life_cycles_out) or manifest.directions is not None


def _brought_by(connection: Connection, contacts: Iterable[Contact]) -> dict[int, str]:
    """Which connection or import made each contact, by its name; what was made here is absent. The history tells."""
    made = ContactChange.objects.filter(workspace_id=connection.workspace_id, action=ChangeAction.CREATED, origin="sync")
    return dict(made.filter(contact_id__in=[each.pk for each in contacts]).values_list("contact_id", "label"))


def creates_by_rule(manifest: Manifest) -> bool:
    return manifest.can(Capability.CREATE_ELIGIBLE)


def writable_kinds(manifest: Manifest) -> list[str]:
    return [each.remote_kind for each in manifest.resources if not each.read_only]


def living_organisation(contact: Contact) -> Contact | None:
    """Of a person."""
    organisation = contact.organisation if contact.is_person and contact.organisation_id else None
    return organisation if organisation is not None and organisation.deleted_at is None else None


def whereabouts(connection: Connection, manifest: Manifest, contact_ids: Iterable[int]) -> dict[int, str]:
    """Which of the contacts are there ("linked"), on their way there ("coming"), or are not to go by themselves ("left", "asked")."""
    ids = sorted(set(contact_ids))
    if not ids:
        return {}
    rows = Outbox.objects.filter(workspace_id=connection.workspace_id, connection=connection, contact__in=ids)
    creates = rows.filter(operation=OutboxOperation.CREATE).values_list("contact_id", "state")
    found = {pk: "left" if state == OutboxState.IGNORED else "coming" for pk, state in creates}
    links = Link.objects.filter(workspace_id=connection.workspace_id, connection=connection, remote_kind__in=writable_kinds(manifest))
    for contact_id, state in links.filter(contact__in=ids).values_list("contact_id", "state"):
        if contact_id is not None and found.get(contact_id) != "linked":
            found[contact_id] = "left" if state in LEFT else "linked"
    for contact_id, why in _left_to_people(connection, ids):
        found.setdefault(contact_id, why)
    return found


def _left_to_people(connection: Connection, ids: Sequence[int]) -> list[tuple[int, str]]:
    """Contacts that a person has untied from their record ("left"), or that may be one which waits for a decision ("asked")."""
    mine = "l.workspace_id = %s AND l.connection_id = %s AND l.contact_id IS NULL"
    known: list[Any] = [connection.workspace_id, connection.pk, [str(pk) for pk in ids]]
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT l.reason->'params'->>'contact', 'left' FROM integrations_link l"  # noqa: S608  a constant
            f" WHERE {mine} AND l.state = 'IGNORED' AND l.reason->'params'->>'contact' = ANY(%s)"
            " UNION SELECT v.id, 'asked' FROM integrations_link l, jsonb_array_elements_text(l.candidates) AS v(id)"
            f" WHERE {mine} AND l.state = 'HELD' AND v.id = ANY(%s)",
            [*known, *known],
        )
        return [(int(pk), why) for pk, why in cursor.fetchall()]


def parent_of(connection: Connection, manifest: Manifest, contact: Contact) -> Ref | None:
    """The record of the contact's organisation."""
    organisation = living_organisation(contact)
    if organisation is None or not manifest.kinds:
        return None
    kind = manifest.remote_kind(Kind.ORGANISATION)
    links = Link.objects.filter(workspace_id=connection.workspace_id, connection=connection, contact=organisation, remote_kind=kind)
    found = links.exclude(state__in=LEFT).values_list("remote_id", flat=True).first()
    return Ref(kind, found) if found else None


def why_not_in(connection: Connection, provider: Provider, record: RawRecord) -> Reason | None:
    """Why nothing may come in from a record that we are about to write. Its parents are judged by what their links say."""
    if not isinstance(provider, Eligibility):
        return None
    try:
        refs = list(provider.parents_of(record))
        return provider.why_not_in(record, parents=_parents(connection, refs))
    except SkipRecord as error:
        return error.reason


def _parents(connection: Connection, refs: Sequence[Ref]) -> dict[Ref, Reason | None]:
    if not refs:
        return {}
    rows = Link.objects.filter(
        workspace_id=connection.workspace_id,
        connection=connection,
        remote_kind__in={ref.kind for ref in refs},
        remote_id__in=[ref.id for ref in refs],
    ).exclude(state__in=LEFT)
    return {Ref(link.remote_kind, link.remote_id): _stored(link.reason) for link in rows}


def _stored(reason: Mapping[str, Any]) -> Reason | None:
    return Reason(reason["code"], reason.get("params") or {}) if reason.get("code") else None


def _local(contact: Contact | None) -> Local | None:
    return local_of(contact) if contact is not None else None
