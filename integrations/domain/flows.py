"""Why a contact flows or does not, each way, in words: out from the rules as they are now, in from what the last sync said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from contacts.models import Contact
from integrations.domain.journal import reason_json
from integrations.domain.outgoing import OutRules, creates_by_rule, has_rules, living_organisation, out_rules, whereabouts
from integrations.domain.sentences import hint, sentence
from integrations.engine.provider import Capability, Manifest
from integrations.engine.reasons import RULES
from integrations.engine.types import Reason
from integrations.enums import LinkState, OutboxOperation
from integrations.models import Connection, Link, Outbox


@dataclass(frozen=True, slots=True)
class Flow:
    """One way. `tone`: green it flows, blue it is about to, amber a person must decide, gray a rule or a setting says no."""

    tone: str
    words: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Flows:
    out: Flow | None = None
    into: Flow | None = None
    why_no_export: Reason | None = None  # why not even a person may create it there


def flows_of(contact: Contact, connection: Connection, manifest: Manifest, links: Sequence[Link], row: Outbox | None) -> Flows:
    """Nothing to say where the provider has no rules: everything flows."""
    if not has_rules(manifest):
        return Flows()
    living = [link for link in links if link.state not in {LinkState.GONE, LinkState.IGNORED}]
    rules = out_rules(connection)
    into = _into(contact, connection, manifest, living)
    if not manifest.can(Capability.PUSH_CONTACTS):
        return Flows(into=into)
    if living:
        return Flows(out=_told(contact, connection, rules, living), into=into)
    organisation = living_organisation(contact)
    there = whereabouts(connection, manifest, [contact.pk, *([organisation.pk] if organisation else [])])
    blocked = rules.why_not_made(contact, there=there, by_hand=True).reason
    return Flows(out=_made(contact, connection, rules, there, row), into=into, why_no_export=blocked)


def _told(contact: Contact, connection: Connection, rules: OutRules, links: Sequence[Link]) -> Flow | None:
    reason = rules.why_not(contact)
    if reason is not None:
        return _no(reason, connection, contact)
    if any(link.state != LinkState.LINKED for link in links):
        return None  # the trouble speaks for itself
    return Flow("green", _("What changes here is sent within a minute."))


def _made(contact: Contact, connection: Connection, rules: OutRules, there: Mapping[int, str], row: Outbox | None) -> Flow | None:
    verdict = rules.why_not_made(contact, there=there, by_hand=row is not None and row.requested_by_id is not None)
    if verdict.reason is not None:
        return _no(verdict.reason, connection, contact)
    if row is not None and row.operation == OutboxOperation.CREATE:
        return None if row.reason else _soon(contact, connection, waits=verdict.waits)
    if there.get(contact.pk) == "asked":
        return Flow("amber", sentence({"code": "still_held"}, connection.provider, name=contact.name), _("An administrator has to decide."))
    if not creates_by_rule(rules.manifest) or rules.manifest.creates_new_only or contact.pk in there:
        return None
    return _soon(contact, connection, waits=verdict.waits)


def _soon(contact: Contact, connection: Connection, *, waits: bool) -> Flow:
    if waits:
        reason = reason_json(Reason("parent_not_there", {"name": contact.name}))
        return Flow("blue", sentence(reason, connection.provider), hint(reason, connection.provider))
    if connection.last_success_at is None:
        return Flow("blue", _("It is created there once the first sync has looked for it."))
    return Flow("blue", _("It is created there by itself."))


def _into(contact: Contact, connection: Connection, manifest: Manifest, links: Sequence[Link]) -> Flow | None:
    if not manifest.can(Capability.PULL_CONTACTS) or not links:
        return None
    if manifest.directions is not None and not connection.settings.get(manifest.directions.pull, True):
        return _no(Reason("pull_off", {"name": contact.name}), connection, contact)
    left_out = next((link.reason for link in links if link.reason.get("code") in RULES), None)
    if left_out is not None:
        return Flow("gray", sentence(left_out, connection.provider, name=contact.name), hint(left_out, connection.provider))
    if any(link.state != LinkState.LINKED for link in links):
        return None
    return Flow("green", _("What changes there is brought in at every sync."))


def _no(reason: Reason, connection: Connection, contact: Contact) -> Flow:
    stored = reason_json(reason)
    return Flow("gray", sentence(stored, connection.provider, name=contact.name), hint(stored, connection.provider))
