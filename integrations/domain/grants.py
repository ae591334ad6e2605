"""A permission that a vendor's page hands over as a token (`Manifest.grant`): asked for, taken back, shown, confirmed.

No state comes back by itself, so ours is a part of the address that the vendor sends the browser to. Until a person has seen whose
account the token opens and said yes, it is kept, encrypted, in the attempt only.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from django.conf import settings as deployment
from django.utils import timezone

from accounts.models import User, Workspace
from accounts.scoping import workspace_tx
from crmsync.lib.crypto import digest
from integrations import registry
from integrations.domain.connect import CONSENT_LIFE, connect_with_secrets, consent_failed, prove, take_attempt
from integrations.domain.vault import read_verifier, seal_verifier
from integrations.engine.capabilities import GrantToken
from integrations.engine.errors import BadSettings, SkipRecord
from integrations.engine.types import Account, Reason
from integrations.enums import ConnectionStatus
from integrations.kit.grant import clean_token, grant_url, granted
from integrations.models import Connection, OAuthAttempt


def begin_grant(connection: Connection, *, user: User, session_key: str) -> str:
    """The address of the vendor's page. Raises BadSettings."""
    grant = _grant_of(connection)
    state = secrets.token_urlsafe(32)
    back = f"{deployment.PUBLIC_URL}/connect/{connection.provider}/callback/{state}/"
    address = grant_url(grant, deployment.ENVIRON, return_to=back)
    with workspace_tx(connection.workspace):
        _attempt(connection, user=user, session_key=session_key, state=state)
    return address


def take_grant(provider: str, state: str, *, user: User, session_key: str, params: Mapping[str, str]) -> OAuthAttempt:
    """The browser is back, perhaps with a token. Raises ConsentFailed, and then nothing was stored."""
    attempt = take_attempt(user, session_key=session_key, state=state)
    connection = attempt.connection
    if connection.provider != provider:
        raise consent_failed(connection, "consent_state_unknown")
    if connection.status == ConnectionStatus.OFF:
        raise consent_failed(connection, "consent_state_used")
    try:
        token = granted(_grant_of(connection), params)
    except SkipRecord as error:
        raise consent_failed(connection, "consent_refused", detail=error.detail) from None
    _keep(attempt, token)
    return attempt


def paste_token(connection: Connection, text: str, *, user: User, session_key: str) -> OAuthAttempt:
    """A token that a person copied from the vendor's page. Raises SkipRecord when it cannot be one."""
    token = clean_token(text)
    with workspace_tx(connection.workspace):
        attempt = _attempt(connection, user=user, session_key=session_key, state=secrets.token_urlsafe(32))
        attempt.used_at = timezone.now()
        attempt.save(update_fields=["used_at"])
    _keep(attempt, token)
    return attempt


def waiting_grant(workspace: Workspace, attempt_id: int, *, user: User, session_key: str) -> OAuthAttempt | None:
    """A token that waits for this person, in this browser session, to say yes. Inside workspace_tx."""
    rows = OAuthAttempt.objects.select_related("connection", "connection__workspace").exclude(verifier="").exclude(used_at=None)
    found = rows.filter(
        workspace=workspace,
        pk=attempt_id,
        user=user,
        session_digest=digest(session_key),
        created_at__gt=timezone.now() - CONSENT_LIFE,
    ).first()
    return found if found is not None and registry.manifest(found.connection.provider).grant else None


def account_of(attempt: OAuthAttempt) -> Account:
    """Whose account the token opens. Raises ProviderError. Outside a transaction."""
    return prove(attempt.connection, _secrets(attempt))


def confirm_grant(attempt: OAuthAttempt, *, user: User, shown: str | None = None) -> Connection:
    """Store the token for good and start the first sync. `shown`: the `key_of` of the account that the person said yes to.

    Raises ProviderError, also when the token opens another account by now. Outside a transaction.
    """
    connect_with_secrets(attempt.connection, secrets=_secrets(attempt), user=user, shown=shown)
    drop_grant(attempt)
    return attempt.connection


def drop_grant(attempt: OAuthAttempt) -> None:
    """Forget the token."""
    with workspace_tx(attempt.connection.workspace):
        OAuthAttempt.objects.filter(pk=attempt.pk).update(verifier="")


def _grant_of(connection: Connection) -> GrantToken:
    grant = registry.manifest(connection.provider).grant
    if grant is None:
        raise BadSettings(Reason("not_configured", {"variable": "grant"}))
    return grant


def _attempt(connection: Connection, *, user: User, session_key: str, state: str) -> OAuthAttempt:
    return OAuthAttempt.objects.create(
        workspace_id=connection.workspace_id,
        connection=connection,
        user=user,
        verifier="",
        state_digest=digest(state),
        session_digest=digest(session_key),
    )


def _keep(attempt: OAuthAttempt, token: str) -> None:
    with workspace_tx(attempt.connection.workspace):
        attempt.verifier = seal_verifier(attempt, token)
        attempt.save(update_fields=["verifier"])


def _secrets(attempt: OAuthAttempt) -> dict[str, str]:
    return {_grant_of(attempt.connection).secret: read_verifier(attempt)}
