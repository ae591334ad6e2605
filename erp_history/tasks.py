"""The bell of the nights: tasks carry ids only, and every one of them finds its work in PostgreSQL."""

from __future__ import annotations

import logging
from typing import Any

from celery import shared_task
from django.db import transaction
from django.dispatch import receiver
from django.utils import timezone
from kombu.exceptions import OperationalError

from accounts.models import Workspace
from contacts.signals import contacts_merged, contacts_unmerged
from erp_history.domain import attend, companies, sources

log = logging.getLogger(__name__)


@shared_task(name="erp_history.tick")
def tick(**_future: Any) -> int:
    """Every minute: ring for every workspace whose ERP data are due."""
    due = sources.claim_due(now=timezone.now())
    for workspace_id in due:
        ring(workspace_id)
    return len(due)


@shared_task(name="erp_history.night")
def night(*, workspace_id: int, **_future: Any) -> None:
    """One slice of the night; more of it goes to the end of the queue, so that others get their turn."""
    workspace = Workspace.objects.filter(pk=workspace_id).first()
    if workspace is not None and attend.attend(workspace, now=timezone.now()):
        ring(workspace_id)


@shared_task(name="erp_history.nightly_housekeeping")
def nightly_housekeeping(**_future: Any) -> None:
    for workspace in Workspace.objects.order_by("pk").iterator():
        attend.tidy(workspace, now=timezone.now())


def ring(workspace_id: int) -> None:
    """Ask a worker to look now. Without Redis the beat's next minute does it."""
    try:
        night.apply_async(kwargs={"workspace_id": workspace_id}, retry=False)
    except OperationalError:
        log.warning("the broker does not answer: workspace %s waits for the next tick", workspace_id)


def ring_after_commit(workspace: Workspace) -> None:
    workspace_id = workspace.pk
    sources.look_at(workspace, timezone.now())
    transaction.on_commit(lambda: ring(workspace_id))


@receiver(contacts_merged, dispatch_uid="erp_history.contacts_merged")
def _merged(workspace: Workspace, kept_id: int, gone_id: int, **_signal: Any) -> None:
    companies.move_links(workspace.pk, kept_id=kept_id, gone_id=gone_id)


@receiver(contacts_unmerged, dispatch_uid="erp_history.contacts_unmerged")
def _unmerged(workspace: Workspace, kept_id: int, gone_id: int, **_signal: Any) -> None:
    companies.move_links_back(workspace.pk, kept_id=kept_id, gone_id=gone_id)
