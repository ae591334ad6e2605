"""Everything that a contact page shows of its connections, from the database alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contacts.models import Contact
from integrations import registry
from integrations.domain.sentences import hint, sentence
from integrations.engine.provider import Capability, Manifest
from integrations.enums import ConnectionStatus, LinkState, OutboxOperation, OutboxState
from integrations.models import Connection, Link, Outbox


@dataclass(frozen=True, slots=True)
class ContactPanel:
    """One connection on one contact. `state`: in_sync, pending, held, failing, gone, reconnect, paused or unlinked."""

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


def contact_panels(contact: Contact) -> list[ContactPanel]:
    """Three queries, whatever the number of connections; two more for a person of an organisation."""
    live = [ConnectionStatus.ACTIVE, ConnectionStatus.PAUSED, ConnectionStatus.RECONNECT]
    connections = list(Connection.objects.filter(workspace_id=contact.workspace_id, status__in=live).order_by("pk"))
    if not connections:
        return []
    links = list(Link.objects.filter(workspace_id=contact.workspace_id, contact=contact).exclude(state=LinkState.HIDDEN).order_by("pk"))
    rows = list(Outbox.objects.filter(workspace_id=contact.workspace_id, contact=contact))
    firms = _firm_connections(contact)
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
    links = Link.objects.filter(**of_firm).exclude(state__in=[LinkState.HIDDEN, LinkState.GONE])
    sent = Outbox.objects.filter(**of_firm, operation=OutboxOperation.CREATE)
    return {*links.values_list("connection_id", flat=True), *sent.values_list("connection_id", flat=True)}


def _panel(contact: Contact, connection: Connection, links: list[Link], rows: list[Outbox], *, through_firm: bool) -> ContactPanel:
    manifest = registry.manifest(connection.provider)
    stuck = next((row for row in rows if row.state == OutboxState.STUCK), None)
    waiting = next((row for row in rows if row.state != OutboxState.STUCK), None)
    problem = stuck or next((link for link in links if link.state in {LinkState.HELD, LinkState.FAILING, LinkState.GONE}), None)
    living = [link for link in links if link.state != LinkState.GONE]
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
        can_export=manifest.can(Capability.EXPORT)
        and not through_firm
        and not any(link.remote_kind == manifest.export_kind for link in living),
        shows_invoices=manifest.can(Capability.PULL_INVOICES) and bool(links),
        through_firm=through_firm,
    )


def _state(connection: Connection, links: list[Link], stuck: Outbox | None, waiting: Outbox | None) -> str:
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
        return "pending"
    return "in_sync" if links else "unlinked"
