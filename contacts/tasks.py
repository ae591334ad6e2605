"""Work in the background, and what contacts do when contacts change."""

from __future__ import annotations

import logging
from typing import Any

from celery import shared_task
from django.db import transaction
from django.dispatch import receiver
from django.utils import timezone
from kombu.exceptions import OperationalError

from accounts.models import Workspace
from accounts.scoping import workspace_tx
from contacts.domain import tags, trash
from contacts.models import Tag
from contacts.signals import contacts_changed

log = logging.getLogger(__name__)


@shared_task(name="contacts.nightly")
def nightly(**_future: Any) -> None:
    """A task for each workspace: trouble with one holds up no other."""
    for workspace_id in Workspace.objects.order_by("pk").values_list("pk", flat=True):
        purge_trash.apply_async(kwargs={"workspace_id": workspace_id}, retry=False)


@shared_task(name="contacts.purge_trash")
def purge_trash(*, workspace_id: int, **_future: Any) -> None:
    """Empty the trash of what has been in it long enough."""
    workspace = Workspace.objects.filter(pk=workspace_id).first()
    if workspace is not None:
        trash.purge(workspace, now=timezone.now())


@shared_task(name="contacts.hourly")
def hourly(**_future: Any) -> None:
    """Do what a lost message has left undone."""
    for workspace in Workspace.objects.order_by("pk").iterator():
        with workspace_tx(workspace):
            waiting = tags.unfinished(workspace)
        for tag_id in waiting:
            finish_tag.run(workspace_id=workspace.pk, tag_id=tag_id)


@shared_task(name="contacts.finish_tag")
def finish_tag(*, workspace_id: int, tag_id: int, **_future: Any) -> None:
    """Rename a tag that many contacts carry, or take it off them, as it was asked for."""
    workspace = Workspace.objects.filter(pk=workspace_id).first()
    if workspace is not None:
        with workspace_tx(workspace):
            tags.finish(workspace, tag_id)


def finish_tag_after_commit(tag: Tag) -> None:
    """Without Redis the next hour does it: the wish stands in the tag's row."""
    ids = {"workspace_id": tag.workspace_id, "tag_id": tag.pk}
    transaction.on_commit(lambda: _ring(ids))


def _ring(ids: dict[str, int]) -> None:
    try:
        finish_tag.apply_async(kwargs=ids, retry=False)
    except OperationalError:
        log.warning("the broker does not answer: tag %s waits for the next hour", ids["tag_id"])


@receiver(contacts_changed, dispatch_uid="contacts.remember_tags")
def remember_tags(*, workspace: Workspace, fields: dict[int, set[str]], **_kwargs: Any) -> None:
    """A tag that comes in with a contact is offered from then on."""
    tagged = [pk for pk, names in fields.items() if "tags" in names]
    if tagged:
        tags.remember(workspace, tagged)
