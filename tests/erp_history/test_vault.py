from __future__ import annotations

import base64
from typing import Any

import pytest

from accounts.scoping import workspace_tx
from crmsync.lib.crypto import KeyRing, SecretError
from erp_history.domain import vault
from erp_history.domain.sources import source_of
from integrations.domain.rotation import rotate
from tests.fixtures import Cast

SECRETS = {"host": "erp.example.com", "password": "hunter2"}


def test_the_address_of_the_erp_s_database_is_bound_to_its_row_and_follows_the_keys(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))
    use(monkeypatch, f"a:{old}")
    with workspace_tx(cast.workspace):
        source = source_of(cast.workspace)
        source.secrets = vault.seal_secrets(source, SECRETS)
        source.save()
    assert "hunter2" not in source.secrets
    with workspace_tx(cast.elsewhere):
        other = source_of(cast.elsewhere)
        other.secrets = source.secrets
        with pytest.raises(SecretError):
            vault.read_secrets(other)
    use(monkeypatch, f"b:{new},a:{old}")
    assert (rotate(cast.workspace), rotate(cast.workspace)) == (1, 0)
    use(monkeypatch, f"b:{new}")
    with workspace_tx(cast.workspace):
        assert vault.read_secrets(source_of(cast.workspace)) == SECRETS


def use(monkeypatch: pytest.MonkeyPatch, keys: str) -> None:
    ring = KeyRing.from_env(keys)
    for module in ("erp_history.domain.vault", "integrations.domain.rotation", "integrations.domain.vault"):
        monkeypatch.setattr(f"{module}.key_ring", _always(ring))


def _always(ring: KeyRing) -> Any:
    return lambda: ring
