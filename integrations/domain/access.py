"""Open a provider for a connection: its settings, its secrets, the one HTTP door, and tokens that are refreshed once whoever asks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts.scoping import workspace_tx
from integrations import registry
from integrations.domain.allowance import SharedBudget
from integrations.domain.exchanges import Recorder
from integrations.domain.marks import Mark
from integrations.domain.pace import SharedPace
from integrations.domain.vault import read_secrets, seal_secrets
from integrations.engine.errors import BadSettings, Reconnect
from integrations.engine.provider import Manifest, OAuth2, Provider
from integrations.engine.types import Reason
from integrations.kit import oauth
from integrations.kit.context import ProviderContext
from integrations.kit.credentials import authorise_with
from integrations.kit.http import Authorise, Exchange, Http, bearer
from integrations.models import Connection

EARLY = 60.0  # seconds before its end at which a token is renewed; a short-lived one at a tenth of its life


@dataclass
class Access:
    """A provider at hand, and the record of what was said to it."""

    provider: Provider
    recorder: Recorder
    marks: dict[str, dict[str, Mark]] = field(default_factory=dict)  # by collection and place, as this slice found them


def open_access(connection: Connection, *, renew: bool = True) -> Access:
    """Call it outside a transaction or inside; the calls themselves belong outside. `renew` False: these very tokens or none.

    Raises BadSettings when the provider is not installed any more.
    """
    if not registry.is_installed(connection.provider):
        raise BadSettings(Reason("withdrawn"))
    manifest = registry.manifest(connection.provider)
    tokens = Tokens(connection, manifest, renew=renew)
    recorder = Recorder()
    common: dict[str, Any] = {
        "authorise": _authorise(manifest, tokens),
        "refresh": tokens.refresh if manifest.auth and renew else None,
        "rest_after": manifest.rest_after,
        "allow_private": settings.OUTBOUND_ALLOW_PRIVATE,
        **_paced(connection, manifest, recorder),
    }
    context = ProviderContext(
        settings=connection.settings,
        http=Http(api_url(manifest), **common),
        env=settings.ENVIRON,
        token=tokens.told(),
        services={each.key: Http(settings.ENVIRON.get(each.variable) or each.url, **common) for each in manifest.services},
    )
    return Access(provider=registry.connect(connection.provider, context), recorder=recorder)


def _paced(connection: Connection, manifest: Manifest, recorder: Recorder) -> dict[str, Any]:
    """All hosts of a vendor and all workers share one pace. A connection that is only being tried has none of its own yet."""
    owner = str(connection.pk or f"{connection.workspace_id}-{connection.provider}")
    if manifest.budget is None:
        return {"pace": SharedPace(owner, per_second=float(_env(manifest, "REQUESTS_PER_SECOND") or 0)), "record": recorder}
    pace = SharedBudget(owner, manifest.budget, connection.settings, zone=connection.workspace.time_zone)

    def record(exchange: Exchange) -> None:
        recorder(exchange)
        pace.note(exchange)

    return {"pace": pace, "record": record, "attempts": manifest.budget.attempts}


def _authorise(manifest: Manifest, tokens: Tokens) -> Authorise:
    """A bearer token, or the secrets where the vendor wants them."""
    if not manifest.credentials:
        return bearer(tokens.current)
    return authorise_with(manifest.credentials, tokens.secret, settings.ENVIRON)


def api_url(manifest: Manifest) -> str:
    told = settings.ENVIRON.get(manifest.api_variable, "") if manifest.api_variable else _env(manifest, "API_URL")
    return str(told) or manifest.api_url


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

    def __init__(self, connection: Connection, manifest: Manifest, *, renew: bool = True) -> None:
        self._connection = connection
        self._manifest = manifest
        self._renew = renew
        self._secrets = read_secrets(connection)
        self._sent = threading.local()  # the token that this thread has used last: only for that one it asks for another

    def current(self) -> str:
        self._sent.token = self._secrets.get("access_token")
        renew_at = self._secrets.get("renew_at")
        if self._renew and renew_at and self._secrets.get("refresh_token") and datetime.fromisoformat(renew_at) < timezone.now():
            self.refresh()
            self._sent.token = self._secrets.get("access_token")
        return str(self._sent.token or self._secrets.get("token") or "")

    def secret(self, key: str) -> str:
        """A secret that a person has given, by its key."""
        return str(self._secrets.get(key) or "")

    def told(self) -> dict[str, Any]:
        return dict(self._secrets.get("told") or {})

    def refresh(self) -> None:
        """Raises Reconnect when there is no way to get a new token."""
        with workspace_tx(self._connection.workspace):
            row = Connection.objects.select_for_update(no_key=True, of=("self",)).get(pk=self._connection.pk)
            known = read_secrets(row)
            if known.get("access_token") == getattr(self._sent, "token", None):
                fresh = self._renewed(known)
                known |= fresh | {"told": fresh["told"] or known.get("told") or {}}
                row.secrets = seal_secrets(row, known)
                row.token_expires_at = _moment(known.get("expires_at"))
                row.save(update_fields=["secrets", "token_expires_at"])
        self._secrets = known

    def _renewed(self, known: dict[str, Any]) -> dict[str, Any]:
        token = known.get("refresh_token")
        if not token or self._manifest.auth is None:
            raise Reconnect(Reason("token_expired_no_refresh"))
        client = oauth_client(self._manifest.auth)
        return token_secrets(oauth.refresh(client, refresh_token=token))


def token_secrets(tokens: oauth.TokenSet, *, now: Callable[[], datetime] = timezone.now) -> dict[str, Any]:
    """A token reply as it is stored."""
    found = {"access_token": tokens.access, "expires_at": None, "renew_at": None, "scope": tokens.scope, "told": dict(tokens.told)}
    if tokens.expires_in:
        found["expires_at"] = (now() + timedelta(seconds=tokens.expires_in)).isoformat()
        found["renew_at"] = (now() + timedelta(seconds=tokens.expires_in - min(EARLY, tokens.expires_in / 10))).isoformat()
    return found | ({"refresh_token": tokens.refresh} if tokens.refresh else {})


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
