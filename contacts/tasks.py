"""Work in the background, and what contacts do when contacts change."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from django.dispatch import receiver
from django.utils import timezone

from accounts.models import Workspace
from accounts.scoping import Origin, workspace_tx
from contacts.domain import tags, trash
from contacts.models import Tag
from contacts.signals import contacts_changed


@shared_task(name="contacts.nightly")
def nightly(**_future: Any) -> None:
    """Empty the trash of what has been in it long enough."""
    for workspace in Workspace.objects.order_by("pk").iterator():
        trash.purge(workspace, now=timezone.now())


@shared_task(name="contacts.replace_tag")
def replace_tag(*, workspace_id: int, tag_id: int, name: str, actor_id: int, label: str, **_future: Any) -> None:
    """Rename a tag that many contacts carry, or take it off them (no name). It stands until all are done: asking again is safe."""
    workspace = Workspace.objects.get(pk=workspace_id)
    origin = Origin(kind="web", actor_id=actor_id, label=label)
    with workspace_tx(workspace, origin=origin):
        tag = Tag.objects.filter(pk=tag_id).first()
        if tag is not None:
            tags.replace(workspace, tag, name, origin=origin)


@receiver(contacts_changed, dispatch_uid="contacts.remember_tags")
def remember_tags(*, workspace: Workspace, fields: dict[int, set[str]], **_kwargs: Any) -> None:
    """A tag that comes in with a contact is offered from then on."""
    tagged = [pk for pk, names in fields.items() if "tags" in names]
    if tagged:
        tags.remember(workspace, tagged)
