"""What becomes of links when contacts are deleted, restored or merged; and what a person does to a link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import Workspace
from contacts.domain.faults import FieldError, Invalid
from contacts.models import Contact
from integrations import registry
from integrations.domain.journal import reason_json
from integrations.domain.outbox import enqueue
from integrations.engine.types import Reason
from integrations.enums import LinkState, OutboxState
from integrations.models import Connection, Link, Outbox
from invoices.domain.store import attach, repoint


def on_contacts_deleted(*, workspace: Workspace, contact_ids: Sequence[int]) -> None:
    """Nothing is sent for them any more; the next sync looks at their records again and follows the connection's setting."""
    Outbox.objects.filter(workspace=workspace, contact__in=contact_ids, in_doubt=False).exclude(state=OutboxState.SENDING).delete()
    Link.objects.filter(workspace=workspace, contact__in=contact_ids).update(version="")


def on_contacts_restored(*, workspace: Workspace, contact_ids: Sequence[int]) -> None:
    Link.objects.filter(workspace=workspace, contact__in=contact_ids).update(version="")


def on_contacts_merged(*, workspace: Workspace, kept_id: int, gone_id: int, choices: Mapping[str, Any]) -> None:
    """The links move to the contact that stays, so that the merged name does not come back as new.

    Where both were linked to the same kind of record, `choices["link:<connection>:<kind>"]` names the link that stays; the other record
    is left alone from then on, so that it neither comes back nor is told anything. Raises Invalid.
    """
    repoint(workspace, gone_id, kept_id)
    kept = {(x.connection_id, x.remote_kind): x for x in Link.objects.filter(workspace=workspace, contact_id=kept_id)}
    for link in Link.objects.filter(workspace=workspace, contact_id=gone_id):
        rival = kept.get((link.connection_id, link.remote_kind))
        if rival is None:
            _move(link, kept_id)
        else:
            question = f"link:{link.connection_id}:{link.remote_kind}"
            chosen = str(choices.get(question, rival.pk))
            if chosen not in {str(link.pk), str(rival.pk)}:
                raise Invalid([FieldError(f"choices.{question}", "unknown", _("This is not one of their links."))])
            _choose(link, rival, kept_id, chosen=chosen)
    _retarget(workspace, kept_id, gone_id)
    for connection in _linked_connections(workspace, kept_id):
        enqueue(connection, [kept_id])


def _retarget(workspace: Workspace, kept_id: int, gone_id: int) -> None:
    """What waits for the contact that went is said of the one that stays; a create in doubt is still looked up as it was sent."""
    rows = Outbox.objects.filter(workspace=workspace, contact_id=gone_id).exclude(state=OutboxState.SENDING)
    for row in rows.filter(in_doubt=True):
        others = Outbox.objects.filter(workspace=workspace, connection_id=row.connection_id, contact_id=kept_id)
        if not others.filter(Q(in_doubt=True) | Q(state=OutboxState.SENDING)).exists():
            others.delete()
            row.contact_id = kept_id
            row.save(update_fields=["contact"])
    rows.filter(in_doubt=False).delete()


def on_contacts_unmerged(*, workspace: Workspace, kept_id: int, gone_id: int) -> None:
    """Every link goes back to whom it belonged before the merge, and so do the invoices of its record."""
    for link in Link.objects.select_related("connection").filter(workspace=workspace, merged_from_id__in=[kept_id, gone_id]):
        if link.state == LinkState.IGNORED:
            link.state, link.reason = link.hidden_state or LinkState.LINKED, {}
        link.contact_id, link.merged_from_id, link.version = link.merged_from_id, None, ""
        link.save(update_fields=["contact", "state", "reason", "merged_from_id", "version"])
        attach(workspace, link.connection_id, {(link.remote_kind, link.remote_id): link.contact_id})
    for contact_id in (kept_id, gone_id):
        for connection in _linked_connections(workspace, contact_id):
            enqueue(connection, [contact_id])


def _move(link: Link, contact_id: int) -> None:
    if link.contact_id != contact_id:
        link.merged_from_id = link.contact_id
    link.contact_id, link.version = contact_id, ""
    link.save(update_fields=["contact", "version", "merged_from_id"])


def _choose(link: Link, rival: Link, contact_id: int, *, chosen: str) -> None:
    stays, leaves = (link, rival) if chosen == str(link.pk) else (rival, link)
    leaves.merged_from_id, leaves.hidden_state = leaves.contact_id, leaves.state
    leaves.contact_id, leaves.state = None, LinkState.IGNORED
    leaves.reason = reason_json(Reason("merged_away", {"id": leaves.remote_id, "name": leaves.remote_name}))
    leaves.save(update_fields=["contact", "state", "hidden_state", "reason", "merged_from_id"])
    _move(stays, contact_id)


def _linked_connections(workspace: Workspace, contact_id: int) -> list[Connection]:
    rows = Link.objects.filter(workspace=workspace, contact_id=contact_id).exclude(Q(state=LinkState.HIDDEN) | Q(state=LinkState.GONE))
    found = rows.select_related("connection")
    writable = {
        r.remote_kind for key in {x.connection.provider for x in found} for r in registry.manifest(key).resources if not r.read_only
    }
    return [link.connection for link in found if link.remote_kind in writable and link.connection.is_live]


def unlink(link: Link) -> None:
    """A person says that these are not the same: the contact stays, the record is left alone."""
    # Whose it was stays on record: a contact that was untied is not created there anew by itself.
    words = {"id": link.remote_id, "name": link.remote_name, "contact": link.contact_id or ""}
    link.contact, link.state, link.version = None, LinkState.IGNORED, ""
    link.reason = reason_json(Reason("ignored_by_person", words))
    link.save(update_fields=["contact", "state", "version", "reason"])


def will_come_back(contact: Contact) -> list[Connection]:
    """Connections that would bring the contact back at their next sync if it were deleted here."""
    rows = Link.objects.filter(
        workspace_id=contact.workspace_id, contact=contact, state__in=[LinkState.LINKED, LinkState.FAILING, LinkState.HELD]
    )
    return [
        link.connection
        for link in rows.select_related("connection")
        if link.connection.is_live
        and registry.is_installed(link.connection.provider)
        and link.connection.settings.get("deleted_here", "bring_back") == "bring_back"
    ]
