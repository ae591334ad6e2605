from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import AuditEvent, User, Workspace
from accounts.scoping import Origin, workspace_tx

_labels: dict[str, str | Promise] = {
    "workspace.created": _("Workspace created"),
    "workspace.changed": _("Settings changed"),
    "member.changed": _("Member changed"),
    "member.removed": _("Member removed"),
    "invitation.sent": _("Invitation sent"),
    "invitation.sent_again": _("Invitation sent again"),
    "invitation.revoked": _("Invitation revoked"),
    "invitation.accepted": _("Invitation accepted"),
    "team.created": _("Team added"),
    "team.renamed": _("Team renamed"),
    "team.deleted": _("Team deleted"),
    "token.created": _("API token made"),
    "token.revoked": _("API token revoked"),
}


def record(workspace: Workspace, *, actor: User | None, action: str, target: str = "", data: dict[str, Any] | None = None) -> None:
    """Write down who did what. Never pass a secret."""
    with workspace_tx(workspace):
        AuditEvent.objects.create(workspace=workspace, actor=actor, action=action, target=target[:120], data=data or {})


def name_actions(labels: Mapping[str, str | Promise]) -> None:
    """Words for the actions that another app records; call it in AppConfig.ready()."""
    _labels.update(labels)


def label_of(action: str) -> str:
    """The action in words."""
    return str(_labels.get(action) or action.replace(".", " ").replace("_", " ").capitalize())


def details_of(data: Mapping[str, Any]) -> list[str]:
    """What is known of it, a line for each; `changes` holds {field: [before, after]}: "role: MEMBER → ADMIN"."""
    changes = [f"{_plain(key)}: {_plain(old)} → {_plain(new)}" for key, (old, new) in data.get("changes", {}).items() if old != new]
    others = [f"{_plain(key)}: {_plain(value)}" for key, value in data.items() if key != "changes" and value not in (None, "", [])]
    return changes + others


def target_of(event: AuditEvent) -> str:
    """What it was done to; "connection:12" is for machines, the details name it."""
    return "" if re.fullmatch(r"\w+:\d+", event.target) else event.target


def origin_of(actor: User, *, kind: str = "web") -> Origin:
    return Origin(kind=kind, actor_id=actor.pk, label=str(actor))


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{_plain(key)} = {_plain(inner)}" for key, inner in value.items() if inner not in (None, "", [])) or "–"
    if isinstance(value, bool):
        return str(_("Yes") if value else _("No"))
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or "–"
    return str(value).replace("_", " ") if value not in (None, "") else "–"
