"""`manage.py rotate_keys`: afterwards the new key alone opens every secret."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from pytest_django import Settings

from accounts.domain.keys import key_ring
from accounts.domain.seeds import seal, unseal
from accounts.models import Workspace
from accounts.scoping import workspace_tx
from integrations.domain.vault import read_secrets, seal_secrets
from integrations.models import Connection
from tests.fixtures import Cast

SECRET = {"access_token": "planted-secret"}


def key(name: str) -> str:
    return f"{name}:{base64.b64encode(os.urandom(32)).decode()}"


def use(settings: Settings, *keys: str) -> None:
    settings.FIELD_KEYS = ",".join(keys)
    key_ring.cache_clear()


def rotate_keys() -> dict[str, Any]:
    out = StringIO()
    call_command("rotate_keys", "--json", stdout=out)
    return dict(json.loads(out.getvalue()))


@pytest.fixture(autouse=True)
def _fresh_ring() -> Iterator[None]:
    yield
    key_ring.cache_clear()


def connect(workspace: Workspace) -> Connection:
    with workspace_tx(workspace):
        connection = Connection.objects.create(workspace=workspace, provider="crunch")
        connection.secrets = seal_secrets(connection, SECRET)
        connection.save(update_fields=["secrets"])
    return connection


def test_every_workspace_is_moved_to_the_first_key(cast: Cast, settings: Settings) -> None:
    old, new = key("old"), key("new")
    use(settings, old)
    connections = [connect(cast.workspace), connect(cast.elsewhere)]
    kept = Authenticator.objects.create(user=cast.alice, type=Authenticator.Type.TOTP, data={"secret": seal("JBSWY3DP")})
    use(settings, new, old)
    assert rotate_keys() == {"key": "new", "workspaces": 2, "rotated": 3}
    assert rotate_keys()["rotated"] == 0
    use(settings, new)
    for connection in connections:
        with workspace_tx(connection.workspace):
            connection.refresh_from_db()
            assert read_secrets(connection) == SECRET
    kept.refresh_from_db()
    assert unseal(kept.data["secret"]) == "JBSWY3DP"


def test_a_key_that_is_missing_is_said_in_one_line_and_changes_nothing(cast: Cast, settings: Settings) -> None:
    use(settings, key("lost"))
    connection = connect(cast.workspace)
    use(settings, key("new"))
    with pytest.raises(CommandError, match="cannot be read") as caught:
        rotate_keys()
    assert "planted-secret" not in str(caught.value)
    with workspace_tx(cast.workspace):
        assert Connection.objects.get(pk=connection.pk).secrets == connection.secrets
