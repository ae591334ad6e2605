from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.db import transaction
from django.utils.text import slugify

from accounts.domain.audit import record
from accounts.enums import Role
from accounts.models import Membership, User, Workspace
from crmsync.lib.crypto import new_token
from crmsync.lib.text import fold

SLUG_LENGTH = 48
NUMBERED = 50


class Customs(NamedTuple):
    """What a workspace starts with; its owner may change it."""

    country: str
    currency: str
    time_zone: str


BRITISH = Customs("GB", "GBP", "Europe/London")
CUSTOMS = {
    "pt-br": Customs("BR", "BRL", "America/Sao_Paulo"),
    "fr": Customs("FR", "EUR", "Europe/Paris"),
    "da": Customs("DK", "DKK", "Europe/Copenhagen"),
}


def create_workspace(name: str, *, owner: User, language: str = "en") -> Workspace:
    """A new workspace with its owner inside."""
    customs = CUSTOMS.get(language, BRITISH)
    with transaction.atomic():
        workspace = _with_free_slug(name.strip(), language=language, **customs._asdict())
        Membership.objects.create(workspace=workspace, user=owner, role=Role.OWNER)
        record(workspace, actor=owner, action="workspace.created", target=workspace.name)
        remember(owner, workspace)
    return workspace


def hold(workspace: Workspace) -> Workspace:
    """The workspace as it is now. Who changes its people, places and teams does so one after the other, to the end of the transaction."""
    return Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)


def remember(user: User, workspace: Workspace) -> None:
    """The next log-in opens this workspace."""
    if user.last_workspace_id != workspace.pk:
        user.last_workspace_id = workspace.pk
        user.save(update_fields=["last_workspace_id"])


def home_of(user: User) -> Workspace | None:
    """The workspace to open: the last one, else the first."""
    mine = list(Workspace.objects.filter(memberships__user=user).order_by("pk")[:100])
    return next((workspace for workspace in mine if workspace.pk == user.last_workspace_id), mine[0] if mine else None)


def change_workspace(workspace: Workspace, *, values: dict[str, Any], actor: User) -> list[str]:
    """Write the settings that differ; their names come back."""
    changed = [name for name, value in values.items() if getattr(workspace, name) != value]
    if not changed:
        return []
    before = {name: str(getattr(workspace, name)) for name in changed}
    for name in changed:
        setattr(workspace, name, values[name])
    workspace.save(update_fields=changed)
    changes = {name: [before[name], str(getattr(workspace, name))] for name in changed}
    record(workspace, actor=actor, action="workspace.changed", data={"changes": changes})
    return changed


def _with_free_slug(name: str, **fields: Any) -> Workspace:
    """Two sign-ups may want the same address at the same moment: the database decides."""
    for slug in _slugs(name):
        workspace, made = Workspace.objects.get_or_create(slug=slug, defaults={"name": name, **fields})
        if made:
            return workspace
    raise AssertionError("unreachable: the slugs never end")


def _slugs(name: str) -> Iterator[str]:
    base = re.sub("-+", "-", slugify(fold(name)) or "workspace")[:SLUG_LENGTH].strip("-") or "workspace"
    yield base
    yield from (f"{base}-{number}" for number in range(2, NUMBERED))
    yield from (f"{base}-{new_token(6).lower().replace('_', '-').strip('-')}" for _ in itertools.count())
