"""Export a contact to a provider: what would be sent, what is missing, and the order to send it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import User
from contacts.models import Contact
from integrations import registry
from integrations.domain.fields import party_to_create
from integrations.domain.outbox import enqueue
from integrations.domain.outgoing import living_organisation, offline, out_rules, parent_of, whereabouts, writable_kinds
from integrations.domain.settings import audit
from integrations.engine.provider import Capability, Manifest, Missing
from integrations.engine.types import Reason
from integrations.enums import ConnectionStatus, LinkState, OutboxOperation
from integrations.models import Connection, Link, Outbox


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """What Export would do. `contact` is who is exported: the organisation of a person who belongs to one."""

    contact: Contact
    payload: list[tuple[str, str]]
    missing: list[Missing] = field(default_factory=list)
    note: str = ""
    why: Reason | None = None  # why it cannot be exported

    @property
    def possible(self) -> bool:
        return self.why is None and not self.missing


class NotExportable(Exception):
    """`plan` says why: what is missing, or that it is linked already."""

    def __init__(self, plan: ExportPlan) -> None:
        super().__init__(plan.why.code if plan.why else "missing_fields")
        self.plan = plan


def export_plan(contact: Contact, connection: Connection) -> ExportPlan:
    """No call to the provider is made."""
    manifest = registry.manifest(connection.provider)
    target, note = _target(contact, manifest)
    if not registry.is_installed(connection.provider):
        return ExportPlan(contact=target, payload=[], note=note, why=Reason("withdrawn"))
    provider = offline(connection)
    party = party_to_create(target, connection, provider, parent=parent_of(connection, manifest, target))
    return ExportPlan(
        contact=target,
        payload=flat(provider.payload(party)),
        missing=list(provider.missing(party)),
        note=note,
        why=_why_not(target, connection, manifest),
    )


def export(contact: Contact, connection: Connection, *, user: User | None) -> Outbox:
    """Queue it; the record is made within seconds. Raises NotExportable."""
    plan = export_plan(contact, connection)
    if not plan.possible:
        raise NotExportable(plan)
    enqueue(connection, [plan.contact.pk], operation=OutboxOperation.CREATE, user=user)
    audit(connection, "contact.exported", user=user, data={"contact": plan.contact.pk})
    return Outbox.objects.filter(workspace_id=connection.workspace_id, connection=connection, contact=plan.contact).latest("pk")


def target_of(contact: Contact, connection: Connection) -> Contact:
    """Who is exported when this contact is."""
    return _target(contact, registry.manifest(connection.provider))[0]


def resync(contact: Contact, connection: Connection) -> None:
    """Compare and send this one contact now."""
    Link.objects.filter(workspace_id=contact.workspace_id, connection=connection, contact=contact).update(version="")
    enqueue(connection, [contact.pk])


def _target(contact: Contact, manifest: Manifest) -> tuple[Contact, str]:
    if manifest.kinds:
        return contact, ""
    organisation = contact.organisation if contact.is_person else None
    if organisation is None or organisation.deleted_at is not None:
        return contact, _("Exported as an organisation.") if contact.is_person else ""
    words = {"person": contact.name, "organisation": organisation.name}
    return organisation, _("%(person)s belongs to %(organisation)s, so %(organisation)s is exported.") % words


def _why_not(contact: Contact, connection: Connection, manifest: Manifest) -> Reason | None:
    if not manifest.can(Capability.EXPORT):
        return Reason("not_supported")
    if connection.status != ConnectionStatus.ACTIVE:
        return Reason("not_connected")
    if "create" in connection.denied:
        stored = connection.denied["create"]
        return Reason(stored["code"], stored.get("params") or {})
    links = Link.objects.filter(workspace_id=contact.workspace_id, connection=connection, contact=contact)
    kinds = writable_kinds(manifest) if manifest.kinds else [manifest.export_kind]
    if links.filter(remote_kind__in=kinds).exclude(state__in=[LinkState.GONE, LinkState.HIDDEN]).exists():
        return Reason("already_linked", {"name": contact.name})
    return why_not_by_hand(contact, connection)


def why_not_by_hand(contact: Contact, connection: Connection) -> Reason | None:
    """Why the rules keep even a person from creating it there."""
    rules = out_rules(connection)
    organisation = living_organisation(contact)
    there = whereabouts(connection, rules.manifest, [organisation.pk] if organisation else [])
    return rules.why_not_made(contact, there=there, by_hand=True).reason


def flat(payload: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """The payload in the vendor's words, one line per value."""
    lines: list[tuple[str, str]] = []
    for name, value in payload.items():
        if isinstance(value, Mapping):
            lines += flat(value, f"{prefix}{name}.")
        elif value not in (None, ""):
            lines.append((f"{prefix}{name}", str(value)))
    return lines
