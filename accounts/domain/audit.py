from __future__ import annotations

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
    """What changed, a line for each: "role: MEMBER → ADMIN"."""
    return [f"{key.replace('_', ' ')}: {_in_words(value)}" for key, value in data.items() if _says_something(value)]


def origin_of(actor: User, *, kind: str = "web") -> Origin:
    return Origin(kind=kind, actor_id=actor.pk, label=str(actor))


def _is_change(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2


def _says_something(value: Any) -> bool:
    return value not in (None, "", []) and not (_is_change(value) and value[0] == value[1])


def _in_words(value: Any) -> str:
    if _is_change(value):
        return f"{_plain(value[0])} → {_plain(value[1])}"
    return _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or "–"
    return str(value) if value not in (None, "") else "–"
