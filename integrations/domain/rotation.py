"""Move stored secrets to the first key of the ring, so that an old key can be taken away."""

from __future__ import annotations

from collections.abc import Callable

from accounts.domain.keys import key_ring
from accounts.models import Workspace
from accounts.scoping import workspace_tx
from integrations.domain.vault import read_secrets, seal_secrets
from integrations.models import Connection

ALSO: list[Callable[[Workspace], int]] = []  # apps above keep secrets too: each rotates its own inside workspace_tx


def rotate(workspace: Workspace) -> int:
    """Encrypt anew what another key encrypts; the row lock keeps a token refresh out meanwhile. Raises SecretError."""
    with workspace_tx(workspace):
        rows = Connection.objects.select_for_update(no_key=True, of=("self",)).filter(workspace=workspace).exclude(secrets="")
        old = [row for row in rows.order_by("pk") if key_ring().needs_rotation(row.secrets)]
        for row in old:
            row.secrets = seal_secrets(row, read_secrets(row))
            row.save(update_fields=["secrets"])
        return len(old) + sum(rotate_others(workspace) for rotate_others in ALSO)
