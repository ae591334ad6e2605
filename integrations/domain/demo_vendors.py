"""Connect the demo to the sandbox vendors, whose control address hands out tokens without a browser. Calls run outside transactions."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from accounts.models import User, Workspace
from accounts.scoping import workspace_tx
from integrations import registry
from integrations.domain.access import token_secrets
from integrations.domain.connect import connect_with_secrets, enable
from integrations.engine.errors import Retry
from integrations.kit.http import Http
from integrations.kit.oauth import TokenSet
from integrations.models import Connection

PATIENCE = 30.0  # seconds until the sandbox answers
STANDARD = {"access_token", "refresh_token", "token_type", "expires_in", "scope"}


def connect_sandboxes(workspace: Workspace, *, user: User, base_url: str) -> list[Connection]:
    """Connect every provider that asks for consent and that this workspace has never dealt with; the first sync starts by itself."""
    return [_connect(workspace, key, user=user, base_url=base_url) for key in _untouched(workspace)]


def _untouched(workspace: Workspace) -> list[str]:
    with workspace_tx(workspace):
        dealt_with = set(Connection.objects.filter(workspace=workspace).values_list("provider", flat=True))
    return [key for key, manifest in registry.manifests().items() if manifest.auth and key not in dealt_with]


def _connect(workspace: Workspace, key: str, *, user: User, base_url: str) -> Connection:
    told = _ask_for_token(f"{base_url}/{key}")
    extra = {name: value for name, value in told.items() if name not in STANDARD}
    tokens = TokenSet(told["access_token"], told.get("refresh_token"), told.get("expires_in"), told.get("scope", ""), extra)
    with workspace_tx(workspace):
        connection = enable(workspace, key, settings={}, user=user)
    connect_with_secrets(connection, secrets=token_secrets(tokens), user=user)
    return connection


def _ask_for_token(vendor_url: str) -> Mapping[str, Any]:
    """Wait for a sandbox that is just starting. Raises ProviderError."""
    http = Http(vendor_url, allow_private=True)
    until = time.monotonic() + PATIENCE
    while True:
        try:
            found: Mapping[str, Any] = http.post("/_control", json={"token": True}).body["token"]
            return found
        except Retry:
            if time.monotonic() > until:
                raise
            time.sleep(0.5)
