"""The bell of the nights: tasks carry ids only, and every one of them finds its work in PostgreSQL."""

from __future__ import annotations

import logging
from typing import Any

from celery import Task, shared_task
from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.utils import timezone
from kombu.exceptions import OperationalError

from accounts.models import Workspace
from accounts.scoping import workspace_tx
from contacts.signals import contacts_merged, contacts_unmerged
from erp_history.domain import attend, companies, exports, ready, sources

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
    if workspace is None:
        return
    with workspace_tx(workspace):
        is_export_waiting = exports.is_waiting(workspace)
    if is_export_waiting:
        ring_export(workspace_id)
    if attend.attend(workspace, now=timezone.now()):
        ring(workspace_id)
        return
    with workspace_tx(workspace):
        is_due = ready.is_due(workspace)
    if is_due:
        _send(make_ready, workspace_id)


@shared_task(name="erp_history.export", soft_time_limit=3500, time_limit=3600)
def export(*, workspace_id: int, **_future: Any) -> None:
    """Make the Excel file that somebody waits for. Delivered twice, the second one finds it taken."""
    workspace = Workspace.objects.filter(pk=workspace_id).first()
    if workspace is not None:
        exports.advance(workspace)


@shared_task(name="erp_history.make_ready")
def make_ready(*, workspace_id: int, **_future: Any) -> None:
    """What the screens show after a night, computed before somebody looks."""
    workspace = Workspace.objects.filter(pk=workspace_id).first()
    if workspace is not None:
        ready.prepare(workspace)


@shared_task(name="erp_history.nightly_housekeeping")
def nightly_housekeeping(**_future: Any) -> None:
    """A task for each workspace: trouble with one holds up no other."""
    for workspace_id in Workspace.objects.order_by("pk").values_list("pk", flat=True):
        tidy.apply_async(kwargs={"workspace_id": workspace_id}, retry=False)


@shared_task(name="erp_history.hourly_housekeeping")
def hourly_housekeeping(**_future: Any) -> None:
    """Files of a day and older go within the hour, and not only with the next night."""
    for workspace_id in exports.outdated(now=timezone.now()):
        tidy.apply_async(kwargs={"workspace_id": workspace_id}, retry=False)


@shared_task(name="erp_history.tidy")
def tidy(*, workspace_id: int, **_future: Any) -> None:
    """Forget what has been kept long enough."""
    workspace = Workspace.objects.filter(pk=workspace_id).first()
    if workspace is not None:
        attend.tidy(workspace, now=timezone.now())


def ring(workspace_id: int) -> None:
    """Ask a worker to look now. Without Redis the beat's next minute does it."""
    _send(night, workspace_id)


def ring_export(workspace_id: int) -> None:
    _send(export, workspace_id)


def _send(task: Task[Any, Any], workspace_id: int) -> None:
    try:
        task.apply_async(kwargs={"workspace_id": workspace_id}, retry=False)
    except OperationalError:
        log.warning("the broker does not answer: workspace %s waits for the next tick", workspace_id)


def ring_after_commit(workspace: Workspace) -> None:
    workspace_id = workspace.pk
    sources.look_at(workspace, timezone.now())
    transaction.on_commit(lambda: ring(workspace_id))


def ring_export_after_commit(workspace: Workspace) -> None:
    workspace_id = workspace.pk
    sources.look_at(workspace, timezone.now() + sources.CHECK_AGAIN)
    transaction.on_commit(lambda: ring_export(workspace_id))


def ring_ready_after_commit(workspace: Workspace) -> None:
    workspace_id = workspace.pk
    transaction.on_commit(lambda: _send(make_ready, workspace_id))


@receiver(post_save, sender=Workspace, dispatch_uid="erp_history.clock_changed")
def _clock_changed(instance: Workspace, created: bool, update_fields: frozenset[str] | None, **_signal: Any) -> None:
    if not created and (update_fields is None or "time_zone" in update_fields):
        sources.look_again(instance.pk)


@receiver(contacts_merged, dispatch_uid="erp_history.contacts_merged")
def _merged(workspace: Workspace, kept_id: int, gone_id: int, **_signal: Any) -> None:
    companies.move_links(workspace.pk, kept_id=kept_id, gone_id=gone_id)


@receiver(contacts_unmerged, dispatch_uid="erp_history.contacts_unmerged")
def _unmerged(workspace: Workspace, kept_id: int, gone_id: int, **_signal: Any) -> None:
    companies.move_links_back(workspace.pk, kept_id=kept_id, gone_id=gone_id)
