"""Everything that a contact page shows of its connections, from the database alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext

from contacts.models import Contact
from integrations import registry
from integrations.domain.fields import all_fields
from integrations.domain.flows import Flows, flows_of
from integrations.domain.outgoing import writable_kinds
from integrations.domain.sentences import hint, sentence
from integrations.engine.provider import Capability, Manifest
from integrations.enums import ConnectionStatus, LinkState, OutboxOperation, OutboxState
from integrations.models import Connection, Link, Outbox
from invoices.domain.summarise import shown


@dataclass(frozen=True, slots=True)
class ContactPanel:
    """One connection on one contact. `state`: in_sync, pending, waits, held, failing, gone, reconnect, paused, withdrawn or unlinked."""

    connection: Connection
    manifest: Manifest
    state: str
    sentence: str
    hint: str = ""
    detail: str = ""
    links: list[Link] = field(default_factory=list)
    outbox: Outbox | None = None
    conflicts: list[Mapping[str, Any]] = field(default_factory=list)
    can_export: bool = False
    shows_invoices: bool = False
    through_firm: bool = False  # a person whose organisation is linked, or on its way there
    flows: Flows = field(default_factory=Flows)
    faults: list[tuple[str, str]] = field(default_factory=list)  # (label of the field, the vendor's words)


def contact_panels(contact: Contact) -> list[ContactPanel]:
    """Three queries, whatever the number of connections; two more for a person of an organisation, four per provider with rules."""
    live = [ConnectionStatus.ACTIVE, ConnectionStatus.PAUSED, ConnectionStatus.RECONNECT]
    connections = list(Connection.objects.filter(workspace_id=contact.workspace_id, status__in=live).order_by("pk"))
    if not connections:
        return []
    # What waits to be sent is read before the links: a row that a worker turns into a link in between is seen twice, never not at all.
    rows = list(Outbox.objects.filter(workspace_id=contact.workspace_id, contact=contact).exclude(state=OutboxState.IGNORED))
    firms = _firm_connections(contact)
    links = list(Link.objects.filter(workspace_id=contact.workspace_id, contact=contact).exclude(state=LinkState.HIDDEN).order_by("pk"))
    return [
        _panel(
            contact,
            each,
            [link for link in links if link.connection_id == each.pk],
            [row for row in rows if row.connection_id == each.pk],
            through_firm=each.pk in firms,
        )
        for each in connections
    ]


def _firm_connections(contact: Contact) -> set[int]:
    """Where the organisation of a person is linked, or about to be."""
    if not contact.is_person or contact.organisation_id is None:
        return set()
    of_firm = {"workspace_id": contact.workspace_id, "contact_id": contact.organisation_id}
    made = Outbox.objects.filter(**of_firm, operation=OutboxOperation.CREATE).exclude(state=OutboxState.IGNORED)
    sent = set(made.values_list("connection_id", flat=True))
    links = Link.objects.filter(**of_firm).exclude(state__in=[LinkState.HIDDEN, LinkState.GONE])
    return sent.union(links.values_list("connection_id", flat=True))


def _panel(contact: Contact, connection: Connection, links: list[Link], rows: list[Outbox], *, through_firm: bool) -> ContactPanel:
    manifest = registry.manifest(connection.provider)
    stuck = next((row for row in rows if row.state == OutboxState.STUCK), None)
    waiting = next((row for row in rows if row.state != OutboxState.STUCK), None)
    trouble = next((link for link in links if link.state in {LinkState.HELD, LinkState.FAILING, LinkState.GONE}), None)
    problem = stuck or trouble or (waiting if waiting and waiting.reason else None)
    flows = flows_of(contact, connection, manifest, links, stuck or waiting)
    through_firm = through_firm and not manifest.kinds
    return ContactPanel(
        connection=connection,
        manifest=manifest,
        state=_state(connection, links, stuck, waiting),
        sentence=sentence(problem.reason, connection.provider, name=contact.name) if problem else "",
        hint=hint(problem.reason, connection.provider) if problem else "",
        detail=problem.detail if problem else "",
        links=links,
        outbox=stuck or waiting,
        conflicts=[conflict for link in links for conflict in link.conflicts if conflict["winner"] == "ask"],
        can_export=_can_export(manifest, links, flows) and not through_firm,
        shows_invoices=bool(links) and (manifest.can(Capability.PULL_INVOICES) or _has_left_invoices(connection, contact)),
        through_firm=through_firm,
        flows=flows,
        faults=_faults(manifest, stuck.fields) if stuck else [],
    )


def _has_left_invoices(connection: Connection, contact: Contact) -> bool:
    """Of a provider that is not installed any more: what it has brought stays."""
    if registry.is_installed(connection.provider):
        return False
    return shown(contact.workspace).filter(contact=contact, connection_id=connection.pk).exists()


def _can_export(manifest: Manifest, links: list[Link], flows: Flows) -> bool:
    kinds = writable_kinds(manifest) if manifest.kinds else [manifest.export_kind]
    taken = any(link.remote_kind in kinds for link in links if link.state != LinkState.GONE)
    return manifest.can(Capability.EXPORT) and not taken and flows.why_no_export is None


def _faults(manifest: Manifest, fields: Mapping[str, str]) -> list[tuple[str, str]]:
    """What the vendor said about single fields; parts of an address under the address."""
    labels = {each.ours: each.label for each in all_fields(manifest)}
    return [(gettext(labels.get(name.partition(".")[0], name)), words) for name, words in fields.items()]


def _state(connection: Connection, links: list[Link], stuck: Outbox | None, waiting: Outbox | None) -> str:
    if not registry.is_installed(connection.provider):
        return "withdrawn"
    if connection.status == ConnectionStatus.RECONNECT:
        return "reconnect"
    if connection.status == ConnectionStatus.PAUSED:
        return "paused"
    if stuck is not None:
        return "failing"
    worst = [state for state in (LinkState.FAILING, LinkState.HELD, LinkState.GONE) if any(link.state == state for link in links)]
    if worst:
        return worst[0].lower()
    if waiting is not None:
        return "waits" if waiting.reason else "pending"
    return "in_sync" if links else "unlinked"


def refused_fields(contact: Contact) -> list[tuple[str, str, str]]:
    """What providers did not take: (canonical field or part of one, the provider's label, its words)."""
    rows = Outbox.objects.select_related("connection").filter(workspace_id=contact.workspace_id, contact=contact, state=OutboxState.STUCK)
    return [(name, registry.manifest(row.connection.provider).label, words) for row in rows for name, words in row.fields.items()]
