from __future__ import annotations

from typing import Any

from accounts.models import AuditEvent, User, Workspace
from accounts.scoping import Origin, workspace_tx


def record(workspace: Workspace, *, actor: User | None, action: str, target: str = "", data: dict[str, Any] | None = None) -> None:
    """Write down who did what. Never pass a secret."""
    with workspace_tx(workspace):
        AuditEvent.objects.create(workspace=workspace, actor=actor, action=action, target=target[:120], data=data or {})


def origin_of(actor: User, *, kind: str = "web") -> Origin:
    return Origin(kind=kind, actor_id=actor.pk, label=str(actor))
