"""The bell: tasks carry ids only, and every one of them finds its work in PostgreSQL. Losing one costs a minute."""

from __future__ import annotations

import logging
from typing import Any

from celery import shared_task
from django.db import transaction
from django.dispatch import receiver
from kombu.exceptions import OperationalError

from accounts.models import Workspace
from accounts.scoping import Origin
from contacts.signals import contacts_changed, contacts_deleted, contacts_merged, contacts_restored, contacts_unmerged
from integrations.domain import edits, housekeeping, links, wake
from integrations.domain.attend import attend
from integrations.models import Connection

log = logging.getLogger(__name__)


@shared_task(name="integrations.tick")
def tick(**_future: Any) -> int:
    """Every minute: ring for every connection that is due."""
    due = wake.claim_due()
    for workspace_id, connection_id in due:
        ring(workspace_id, connection_id)
    return len(due)


@shared_task(name="integrations.attend")
def attend_connection(*, workspace_id: int, connection_id: int, **_future: Any) -> None:
    """One slice of work; more of it goes to the end of the queue, so that others get their turn."""
    workspace = Workspace.objects.filter(pk=workspace_id).first()
    if workspace is not None and attend(workspace, connection_id):
        ring(workspace_id, connection_id)


@shared_task(name="integrations.nightly_housekeeping")
def nightly_housekeeping(**_future: Any) -> None:
    """A task for each workspace: trouble with one holds up no other."""
    for workspace_id in Workspace.objects.order_by("pk").values_list("pk", flat=True):
        tidy.apply_async(kwargs={"workspace_id": workspace_id}, retry=False)


@shared_task(name="integrations.tidy")
def tidy(*, workspace_id: int, **_future: Any) -> None:
    """Forget what has been kept long enough."""
    workspace = Workspace.objects.filter(pk=workspace_id).first()
    if workspace is not None:
        housekeeping.tidy(workspace)


def ring(workspace_id: int, connection_id: int) -> None:
    """Ask a worker to look now. Without Redis the beat's next minute does it."""
    try:
        attend_connection.apply_async(kwargs={"workspace_id": workspace_id, "connection_id": connection_id}, retry=False)
    except OperationalError:
        log.warning("the broker does not answer: connection %s waits for the next tick", connection_id)


def ring_after_commit(connection: Connection) -> None:
    workspace_id, connection_id = connection.workspace_id, connection.pk
    transaction.on_commit(lambda: ring(workspace_id, connection_id))


@receiver(contacts_changed, dispatch_uid="integrations.contacts_changed")
def _changed(
    workspace: Workspace, contact_ids: list[int], fields: dict[int, set[str]], origin: Origin, fresh: bool, **_signal: Any
) -> None:
    touched = edits.on_contacts_changed(workspace=workspace, contact_ids=contact_ids, fields=fields, origin=origin, fresh=fresh)
    for connection in touched:
        ring_after_commit(connection)


@receiver(contacts_deleted, dispatch_uid="integrations.contacts_deleted")
def _deleted(workspace: Workspace, contact_ids: list[int], **_signal: Any) -> None:
    links.on_contacts_deleted(workspace=workspace, contact_ids=contact_ids)


@receiver(contacts_restored, dispatch_uid="integrations.contacts_restored")
def _restored(workspace: Workspace, contact_ids: list[int], origin: Origin, **_signal: Any) -> None:
    links.on_contacts_restored(workspace=workspace, contact_ids=contact_ids)
    for connection in edits.on_contacts_restored(workspace=workspace, contact_ids=contact_ids, origin=origin):
        ring_after_commit(connection)


@receiver(contacts_merged, dispatch_uid="integrations.contacts_merged")
def _merged(workspace: Workspace, kept_id: int, gone_id: int, choices: dict[str, Any], **_signal: Any) -> None:
    links.on_contacts_merged(workspace=workspace, kept_id=kept_id, gone_id=gone_id, choices=choices)


@receiver(contacts_unmerged, dispatch_uid="integrations.contacts_unmerged")
def _unmerged(workspace: Workspace, kept_id: int, gone_id: int, **_signal: Any) -> None:
    links.on_contacts_unmerged(workspace=workspace, kept_id=kept_id, gone_id=gone_id)
