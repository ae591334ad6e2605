"""A connection's secrets: encrypted, and bound to workspace, table, row and field, so that a copy opens nowhere else."""

from __future__ import annotations

import json
from typing import Any

from accounts.domain.keys import key_ring
from integrations.models import Connection, OAuthAttempt


def _place(row: Connection | OAuthAttempt, field: str) -> str:
    return f"{row.workspace_id}|{row._meta.db_table}|{row.pk}|{field}"


def read_secrets(connection: Connection) -> dict[str, Any]:
    """Raises SecretError when the key is not in the ring."""
    if not connection.secrets:
        return {}
    found: dict[str, Any] = json.loads(key_ring().decrypt(connection.secrets, _place(connection, "secrets")))
    return found


def seal_secrets(connection: Connection, secrets: dict[str, Any]) -> str:
    return key_ring().encrypt(json.dumps(secrets), _place(connection, "secrets")) if secrets else ""


def seal_verifier(attempt: OAuthAttempt, verifier: str) -> str:
    return key_ring().encrypt(verifier, _place(attempt, "verifier"))


def read_verifier(attempt: OAuthAttempt) -> str:
    return key_ring().decrypt(attempt.verifier, _place(attempt, "verifier"))
