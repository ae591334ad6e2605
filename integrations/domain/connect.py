"""Tie a workspace to a provider, and untie it. Calls to the provider happen outside transactions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Membership, User, Workspace
from accounts.scoping import Origin, workspace_tx
from crmsync.lib.crypto import digest
from integrations import registry
from integrations.domain.access import oauth_client, open_access, token_secrets
from integrations.domain.hooks import close_door, open_door
from integrations.domain.journal import reason_json
from integrations.domain.marks import forget_marks
from integrations.domain.runs import cancel, open_runs, request_run
from integrations.domain.settings import InvalidSettings, audit, clean_settings, name_of, title_from
from integrations.domain.vault import read_verifier, seal_secrets, seal_verifier
from integrations.domain.wake import sleep_until, wake_at
from integrations.engine.errors import BadSettings, ProviderError, Reconnect
from integrations.engine.provider import Manifest
from integrations.engine.types import Account, Reason
from integrations.enums import ConnectionStatus, LinkState, OutboxState, RunKind
from integrations.kit import oauth
from integrations.models import Connection, Link, OAuthAttempt, Outbox, Pairing
from invoices.domain.store import hide as hide_invoices

CONSENT_LIFE = timedelta(minutes=15)


class ConsentFailed(Exception):
    """The consent did not end in a connection; nothing was stored. `reason` has the sentence."""

    def __init__(self, reason: Reason, *, workspace: Workspace | None = None, provider: str = "", detail: str = "") -> None:
        super().__init__(reason.code)
        self.reason = reason
        self.workspace = workspace
        self.provider = provider
        self.detail = detail


def callback_url(provider: str) -> str:
    """The one address that is registered at the vendor."""
    return f"{settings.PUBLIC_URL}/connect/{provider}/callback/"


class GroupTaken(InvalidSettings):
    """Another integration of the same group is enabled; the error names it."""


def enable(workspace: Workspace, provider: str, *, settings: Mapping[str, Any], user: User | None) -> Connection:
    """Store the answers of the set-up form. Raises InvalidSettings; gives the live connection when there is one already."""
    manifest = registry.installed(provider)
    with workspace_tx(workspace):
        _refuse_second(workspace, manifest)
        cleaned = clean_settings(manifest, settings, workspace)
        mine = Connection.objects.filter(workspace=workspace, provider=provider).exclude(status=ConnectionStatus.OFF)
        # Locked and read anew: a worker may be storing fresh tokens in the row that is there.
        live = mine.select_for_update(no_key=True, of=("self",)).first()
        connection = live or Connection(workspace=workspace, provider=provider, connected_by=user)
        connection.settings, connection.title = cleaned, title_from(manifest, cleaned)
        connection.save()
        audit(connection, "connection.enabled", user=user, data={"settings": cleaned})
    return connection


def set_up(
    workspace: Workspace,
    provider: str,
    *,
    settings: Mapping[str, Any],
    secrets: Mapping[str, Any],
    user: User | None,
    check: bool = True,
    match_first: bool = False,
) -> Connection:
    """Ask the vendor about the secrets first, then store everything at once and start the first sync.

    Raises InvalidSettings or ProviderError, and then nothing is stored. Call it outside a transaction.
    """
    manifest = registry.installed(provider)
    with workspace_tx(workspace):
        _refuse_second(workspace, manifest)
        trial = Connection(workspace=workspace, provider=provider, settings=clean_settings(manifest, settings, workspace))
    account = prove(trial, secrets) if check else Account()
    with workspace_tx(workspace):
        connection = enable(workspace, provider, settings=settings, user=user)
        connection.workspace = workspace
        _keep(connection, secrets=dict(secrets), account=account, user=user, match_first=match_first)
    return connection


def other_of_group(workspace: Workspace, manifest: Manifest) -> Connection | None:
    """The live connection that excludes this provider: two of one group would fight over the same contacts."""
    if not manifest.exclusive_group:
        return None
    rivals = [key for key, each in registry.manifests().items() if each.exclusive_group == manifest.exclusive_group and key != manifest.key]
    return Connection.objects.filter(workspace=workspace, provider__in=rivals).exclude(status=ConnectionStatus.OFF).first()


def _refuse_second(workspace: Workspace, manifest: Manifest) -> None:
    """Raises GroupTaken. Two who enable at once come here one after the other."""
    Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)
    other = other_of_group(workspace, manifest)
    if other is not None:
        raise GroupTaken({"": _("Only one of these at a time: disable %(name)s first.") % {"name": name_of(other)}})


def begin_consent(connection: Connection, *, user: User, session_key: str) -> str:
    """The address of the provider's consent page; its state works once, for this person in this browser session. Raises BadSettings."""
    manifest = registry.manifest(connection.provider)
    if manifest.auth is None:
        raise BadSettings(Reason("not_configured", {"variable": "auth"}))
    request = oauth.authorize_url(oauth_client(manifest.auth, redirect_uri=callback_url(connection.provider)))
    with workspace_tx(connection.workspace):
        attempt = OAuthAttempt.objects.create(
            workspace_id=connection.workspace_id,
            connection=connection,
            user=user,
            verifier="",
            state_digest=digest(request.state),
            session_digest=digest(session_key),
        )
        attempt.verifier = seal_verifier(attempt, request.verifier)
        attempt.save(update_fields=["verifier"])
    return request.url


def finish_consent(*, user: User, session_key: str, params: Mapping[str, str]) -> Connection:
    """Turn the redirect into a connection and start its first sync. Raises ConsentFailed. Call it outside a transaction."""
    attempt = take_attempt(user, session_key=session_key, state=params.get("state", ""))
    connection = attempt.connection
    if params.get("error"):
        code = "consent_refused" if params["error"] == "access_denied" else "consent_failed"
        raise consent_failed(connection, code, detail=params.get("error_description", params["error"])[:300])
    if not params.get("code"):
        raise consent_failed(connection, "consent_failed", detail="no code")
    manifest = registry.manifest(connection.provider)
    if manifest.auth is None:
        raise consent_failed(connection, "consent_failed")
    client = oauth_client(manifest.auth, redirect_uri=callback_url(connection.provider))
    try:
        tokens = oauth.exchange_code(client, code=params["code"], verifier=read_verifier(attempt))
    except ProviderError as error:
        raise consent_failed(connection, "consent_exchange_failed", detail=error.detail) from error
    try:
        connect_with_secrets(connection, secrets=token_secrets(tokens), user=user)
    except ProviderError as error:
        raise consent_failed(connection, "consent_check_failed", detail=error.detail) from error
    return connection


def consent_failed(connection: Connection, code: str, *, detail: str = "") -> ConsentFailed:
    return ConsentFailed(Reason(code), workspace=connection.workspace, provider=connection.provider, detail=detail)


def take_attempt(user: User, *, session_key: str, state: str) -> OAuthAttempt:
    """Find the attempt of a consent among the workspaces that the person administers and use it up. Raises ConsentFailed."""
    for membership in Membership.objects.select_related("workspace").filter(user=user):
        if not membership.is_admin:
            continue
        with workspace_tx(membership.workspace):
            rows = OAuthAttempt.objects.select_related("connection", "connection__workspace").filter(state_digest=digest(state))
            attempt = rows.select_for_update(of=("self",)).first()
            if attempt is None:
                continue
            _check_attempt(attempt, user, session_key)
            attempt.used_at = timezone.now()
            attempt.save(update_fields=["used_at"])
            return attempt
    raise ConsentFailed(Reason("consent_state_unknown"))


def _check_attempt(attempt: OAuthAttempt, user: User, session_key: str) -> None:
    if attempt.user_id != user.pk:
        raise consent_failed(attempt.connection, "consent_other_user")
    if attempt.session_digest != digest(session_key):
        raise consent_failed(attempt.connection, "consent_other_session")
    if attempt.used_at is not None:
        raise consent_failed(attempt.connection, "consent_state_used")
    if attempt.created_at < timezone.now() - CONSENT_LIFE:
        raise consent_failed(attempt.connection, "consent_expired")


def connect_with_secrets(
    connection: Connection,
    *,
    secrets: Mapping[str, Any],
    user: User | None,
    check: bool = True,
    match_first: bool = False,
    shown: str | None = None,
) -> None:
    """Prove that the secrets work, store them, and start the first sync. Raises ProviderError, then nothing is stored.

    `match_first`: where records can be matched by hand they are read for that, and the first sync waits for a person to start it.
    `shown`: the `key_of` of the only account that it may be.
    """
    account = prove(connection, secrets) if check else Account()
    if shown is not None and shown != key_of(account):
        raise Reconnect(Reason("not_as_shown", {"found": account.name or account.id}))
    with workspace_tx(connection.workspace):
        _keep(connection, secrets=dict(secrets), account=account, user=user, match_first=match_first)


def _keep(connection: Connection, *, secrets: dict[str, Any], account: Account, user: User | None, match_first: bool = False) -> None:
    row = Connection.objects.select_for_update(no_key=True, of=("self",)).select_related("workspace").get(pk=connection.pk)
    if row.status == ConnectionStatus.OFF:
        raise Reconnect(Reason("not_connected"))
    _refuse_other_account(row, account)
    first = row.status == ConnectionStatus.SETUP
    _store(row, secrets, account, user)
    open_door(row)
    audit(row, "connection.connected", user=user, data={"account": account.name or account.id})
    manifest = registry.manifest(row.provider)
    run_kind = RunKind.INITIAL if first or manifest.one_time or row.last_success_at is None else RunKind.MANUAL
    if match_first and manifest.match_screen and run_kind == RunKind.INITIAL:
        run_kind = RunKind.MATCH
    request_run(row, kind=run_kind, user=user)
    wake_at(row)
    connection.refresh_from_db()


def prove(connection: Connection, secrets: Mapping[str, Any]) -> Account:
    """Whose account these secrets open. Raises ProviderError. Nothing is stored; call it outside a transaction."""
    trial = Connection(pk=connection.pk, workspace=connection.workspace, provider=connection.provider, settings=connection.settings)
    trial.secrets = seal_secrets(trial, dict(secrets))
    return open_access(trial, renew=False).provider.check()


def key_of(account: Account) -> str:
    """What tells one account from another."""
    return account.id or account.name


def _refuse_other_account(row: Connection, account: Account) -> None:
    """A live connection's links are those of its account."""
    if row.is_live and row.account_id and account.id and row.account_id != account.id:
        raise Reconnect(Reason("other_account", {"known": row.account_name or row.account_id, "found": account.name or account.id}))


def _store(row: Connection, secrets: dict[str, Any], account: Account, user: User | None) -> None:
    expires_at = secrets.get("expires_at")
    can_refresh = bool(secrets.get("refresh_token")) or not expires_at
    row.secrets = seal_secrets(row, secrets)
    row.token_expires_at = datetime.fromisoformat(expires_at) if expires_at else _end_of(row, secrets)
    row.can_refresh = can_refresh
    row.notice = {} if can_refresh else reason_json(Reason("no_refresh", {"until": expires_at or ""}))
    row.account_id, row.account_name = account.id or row.account_id, account.name or row.account_name
    row.connected_by, row.connected_at, row.disabled_at = user or row.connected_by, timezone.now(), None
    row.status, row.denied, row.failures = ConnectionStatus.ACTIVE, {}, 0
    row.restores_links = _has_history(row)
    row.save()


def _end_of(row: Connection, secrets: Mapping[str, Any]) -> datetime | None:
    """When secrets that a person gave run out, as far as they tell."""
    ends = registry.manifest(row.provider).expires
    return ends({key: str(value) for key, value in secrets.items()}) if ends else None


def _has_history(row: Connection) -> bool:
    """There are links from before this consent: the first sync proves whether it is the same company."""
    return Link.objects.filter(workspace_id=row.workspace_id, connection__provider=row.provider, contact__isnull=False).exists()


def test_connection(connection: Connection) -> Account:
    """One cheap read at the provider. Raises ProviderError. Call it outside a transaction."""
    return open_access(connection).provider.check()


def pause(connection: Connection, *, user: User | None) -> None:
    """Nothing is read or sent until Resume; what waits is kept."""
    _set_status(connection, ConnectionStatus.ACTIVE, ConnectionStatus.PAUSED)
    for run in open_runs(connection):
        cancel(run, user=user)
    audit(connection, "connection.paused", user=user)


def resume(connection: Connection, *, user: User | None) -> None:
    """Go on, and catch up at once."""
    _set_status(connection, ConnectionStatus.PAUSED, ConnectionStatus.ACTIVE)
    request_run(connection, kind=RunKind.MANUAL, user=user)
    audit(connection, "connection.resumed", user=user)


def _set_status(connection: Connection, before: str, after: str) -> None:
    Connection.objects.filter(pk=connection.pk, status=before).update(status=after)
    connection.refresh_from_db()


def disable_effect(connection: Connection) -> dict[str, int]:
    """What goes and what stays, for the confirmation."""
    links = Link.objects.filter(workspace_id=connection.workspace_id, connection=connection)
    return {
        "links": links.exclude(contact=None).count(),
        "contacts": links.exclude(contact=None).values("contact").distinct().count(),
        "waiting": Outbox.objects.filter(workspace_id=connection.workspace_id, connection=connection).count(),
    }


def disable(connection: Connection, *, user: User | None) -> None:
    """At once nothing of it is shown and nothing is sent; contacts stay. The secrets are forgotten, the links kept hidden for a return."""
    with workspace_tx(connection.workspace, origin=Origin(kind="web", actor_id=user.pk if user else None, label=str(user or ""))):
        row = Connection.objects.select_for_update(no_key=True, of=("self",)).get(pk=connection.pk)
        for run in open_runs(row):
            cancel(run, user=user)
        row.status, row.secrets, row.next_due_at, row.disabled_at = ConnectionStatus.OFF, "", None, timezone.now()
        row.save(update_fields=["status", "secrets", "next_due_at", "disabled_at"])
        links = Link.objects.filter(workspace_id=row.workspace_id, connection=row).exclude(state=LinkState.HIDDEN)
        links.update(hidden_state=F("state"), state=LinkState.HIDDEN)
        Outbox.objects.filter(workspace_id=row.workspace_id, connection=row).exclude(state=OutboxState.SENDING).delete()
        hide_invoices(row.workspace, row.pk)
        Pairing.objects.filter(workspace_id=row.workspace_id, connection=row).delete()
        OAuthAttempt.objects.filter(workspace_id=row.workspace_id, connection=row).update(verifier="")
        forget_marks(row)
        close_door(row)
        sleep_until(row, None, rung_at=None)
        audit(row, "connection.disabled", user=user)
        connection.refresh_from_db()


def finish_import(connection: Connection) -> None:
    """A one-time import has brought everything over: nothing runs by itself any more, and its secret is forgotten.

    Call it in the transaction that ends the run. Connecting with a new secret starts the import again.
    """
    Connection.objects.filter(pk=connection.pk, status=ConnectionStatus.ACTIVE).update(
        status=ConnectionStatus.DONE, secrets="", next_due_at=None, token_expires_at=None, notice={}
    )
    connection.refresh_from_db()
    audit(connection, "connection.imported", user=None)
