"""Open a provider for a connection: its settings, its secrets, the one HTTP door, and tokens that are refreshed once whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts.scoping import workspace_tx
from integrations import registry
from integrations.domain.exchanges import Recorder
from integrations.domain.pace import SharedPace
from integrations.domain.vault import read_secrets, seal_secrets
from integrations.engine.errors import Reconnect
from integrations.engine.provider import Manifest, OAuth2, Provider
from integrations.engine.types import Reason
from integrations.kit import oauth
from integrations.kit.context import ProviderContext
from integrations.kit.http import Http, bearer
from integrations.models import Connection

EARLY = timedelta(seconds=60)  # refresh a token that would run out within this time


@dataclass
class Access:
    """A provider at hand, and the record of what was said to it."""

    provider: Provider
    recorder: Recorder


def open_access(connection: Connection) -> Access:
    """Call it outside a transaction or inside; the calls themselves belong outside."""
    manifest = registry.manifest(connection.provider)
    tokens = Tokens(connection, manifest)
    recorder = Recorder()
    http = Http(
        api_url(manifest),
        authorise=bearer(tokens.current),
        refresh=tokens.refresh if manifest.auth else None,
        pace=SharedPace(connection.pk, per_second=float(_env(manifest, "REQUESTS_PER_SECOND") or 0)),
        record=recorder,
        allow_private=settings.OUTBOUND_ALLOW_PRIVATE,
    )
    context = ProviderContext(settings=connection.settings, http=http, env=settings.ENVIRON, token=tokens.told())
    return Access(provider=registry.connect(connection.provider, context), recorder=recorder)


def api_url(manifest: Manifest) -> str:
    return _env(manifest, "API_URL") or manifest.api_url


def _env(manifest: Manifest, name: str) -> str:
    return str(settings.ENVIRON.get(f"{manifest.key.upper()}_{name}", ""))


def oauth_client(auth: OAuth2, *, redirect_uri: str = "") -> oauth.Client:
    """The registered client of this deployment. Raises BadSettings when an address is not set."""
    return oauth.client_from_env(settings.ENVIRON, auth, redirect_uri=redirect_uri, allow_private=settings.OUTBOUND_ALLOW_PRIVATE)


class Tokens:
    """Access tokens of one connection. A refresh happens under the row lock, and new tokens are stored before anyone uses them.

    The lock spans one token request of at most 15 seconds: the single place where a transaction waits for HTTP (docs/adr),
    since two refreshes at once would make one another's tokens worthless.
    """

    def __init__(self, connection: Connection, manifest: Manifest) -> None:
        self._connection = connection
        self._manifest = manifest
        self._secrets = read_secrets(connection)

    def current(self) -> str:
        expires_at = self._secrets.get("expires_at")
        if expires_at and self._secrets.get("refresh_token") and datetime.fromisoformat(expires_at) < timezone.now() + EARLY:
            self.refresh()
        return str(self._secrets.get("access_token") or self._secrets.get("token") or "")

    def told(self) -> dict[str, Any]:
        return dict(self._secrets.get("told") or {})

    def refresh(self) -> None:
        """Raises Reconnect when there is no way to get a new token."""
        used = self._secrets.get("access_token")
        with workspace_tx(self._connection.workspace):
            row = Connection.objects.select_for_update(no_key=True, of=("self",)).get(pk=self._connection.pk)
            self._secrets = read_secrets(row)
            if self._secrets.get("access_token") != used:
                return
            told = self.told()
            self._secrets |= self._renewed()
            self._secrets["told"] = self._secrets.get("told") or told
            row.secrets = seal_secrets(row, self._secrets)
            row.token_expires_at = _moment(self._secrets.get("expires_at"))
            row.save(update_fields=["secrets", "token_expires_at"])

    def _renewed(self) -> dict[str, Any]:
        token = self._secrets.get("refresh_token")
        if not token or self._manifest.auth is None:
            raise Reconnect(Reason("token_expired_no_refresh"))
        client = oauth_client(self._manifest.auth)
        return token_secrets(oauth.refresh(client, refresh_token=token))


def token_secrets(tokens: oauth.TokenSet, *, now: Callable[[], datetime] = timezone.now) -> dict[str, Any]:
    """A token reply as it is stored."""
    expires_at = (now() + timedelta(seconds=tokens.expires_in)).isoformat() if tokens.expires_in else None
    found = {"access_token": tokens.access, "expires_at": expires_at, "scope": tokens.scope, "told": dict(tokens.told)}
    return found | ({"refresh_token": tokens.refresh} if tokens.refresh else {})


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
