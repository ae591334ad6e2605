"""The address of the ERP's database: encrypted, and bound to workspace, table, row and field."""

from __future__ import annotations

import json
from typing import Any

from accounts.domain.keys import key_ring
from accounts.models import Workspace
from erp_history.models import ErpSource


def _place(source: ErpSource) -> str:
    return f"{source.workspace_id}|{source._meta.db_table}|{source.pk}|secrets"


def read_secrets(source: ErpSource) -> dict[str, Any]:
    """host, port, database, user, password, tls, ca. Raises SecretError when the key is not in the ring."""
    if not source.secrets:
        return {}
    found: dict[str, Any] = json.loads(key_ring().decrypt(source.secrets, _place(source)))
    return found


def seal_secrets(source: ErpSource, secrets: dict[str, Any]) -> str:
    """The text to store in `source.secrets`; the source must have been saved once."""
    return key_ring().encrypt(json.dumps(secrets), _place(source)) if secrets else ""


def rotate(workspace: Workspace) -> int:
    """Encrypt anew what another than the first key encrypts; inside workspace_tx."""
    source = ErpSource.objects.select_for_update(of=("self",)).filter(workspace=workspace).exclude(secrets="").first()
    if source is None or not key_ring().needs_rotation(source.secrets):
        return 0
    source.secrets = seal_secrets(source, read_secrets(source))
    source.save(update_fields=["secrets"])
    return 1
