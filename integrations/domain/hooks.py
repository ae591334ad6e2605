"""The door for a vendor's calls. A call is a hint to read something again, never a fact; everything else is done later by a worker."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import connection as database
from django.db.models import F
from django.db.models.functions import Greatest, Least
from django.utils import timezone

from accounts.models import User, Workspace
from accounts.scoping import workspace_tx
from crmsync.lib.crypto import digest
from integrations import registry
from integrations.domain.access import open_access
from integrations.domain.settings import audit
from integrations.domain.wake import wake_at
from integrations.engine.errors import ProviderError
from integrations.engine.hooks import Hint, HookAddress, HookCall, OffersHooks, Subscription
from integrations.engine.types import Reason
from integrations.enums import ConnectionStatus
from integrations.models import Connection, HookDoor
from integrations.models import Hint as Inbox

SETTING = "webhooks"  # where a provider asks whether the vendor may call
CALM = timedelta(seconds=60)  # calls that point to nothing bring the next look forward at most so often
LONGEST_ID = 100
OPEN = (ConnectionStatus.ACTIVE, ConnectionStatus.PAUSED, ConnectionStatus.RECONNECT)


@dataclass(frozen=True, slots=True)
class HookState:
    """What there is to enter by hand, and what exists at the vendor."""

    addresses: Sequence[HookAddress] = ()
    subscriptions: Sequence[Subscription] = ()
    reachable: bool = True
    trouble: Reason | None = None
    missing: Sequence[HookAddress] = field(default_factory=tuple)


def root_of(connection: Connection) -> str:
    """Our own address for calls about this connection."""
    return f"{settings.PUBLIC_URL}/hooks/{connection.provider}/{connection.hook_key}/"


def open_door(row: Connection) -> None:
    """Let the vendor's calls in, where he makes any."""
    if registry.manifest(row.provider).hints is not None:
        HookDoor.objects.update_or_create(connection=row, defaults={"workspace_id": row.workspace_id, "key_digest": digest(row.hook_key)})


def close_door(row: Connection) -> None:
    HookDoor.objects.filter(connection=row).delete()
    Inbox.objects.filter(workspace_id=row.workspace_id, connection=row).delete()


def renew_key(connection: Connection, *, user: User | None) -> None:
    """The old addresses lead nowhere from now on."""
    with workspace_tx(connection.workspace):
        connection.hook_key = secrets.token_urlsafe(16)
        connection.save(update_fields=["hook_key"])
        open_door(connection)
        audit(connection, "connection.hook_key", user=user)


def take_call(provider: str, key: str, call: HookCall) -> tuple[int, int] | None:
    """Note what a call points to; (workspace, connection) to look at, None when the address leads nowhere."""
    door = HookDoor.objects.select_related("workspace").filter(key_digest=digest(key)).first()
    if door is None:
        return None
    with workspace_tx(door.workspace):
        _commit_lazily()
        connection = Connection.objects.filter(pk=door.connection_id, provider=provider, status__in=OPEN).first()
        read = registry.manifest(provider).hints if connection else None
        if connection is None or read is None:
            return None
        hints = [hint for hint in read(call) if _is_sound(hint)]
        if hints:
            _note(door.workspace, connection, hints)
            wake_at(connection)
        else:
            _look_soon(connection)
    return door.workspace_id, door.connection_id


def _commit_lazily() -> None:
    """A hint only hurries what the regular look finds as well: losing the last moments in a crash of PostgreSQL costs nothing else."""
    with database.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO off")


def _is_sound(hint: Hint) -> bool:
    ids = [hint.ref.id, hint.was.id if hint.was else ""]
    return bool(hint.ref.id) and all(len(each) <= LONGEST_ID and "\0" not in each for each in ids)


def _note(workspace: Workspace, connection: Connection, hints: Sequence[Hint]) -> None:
    """Calls about one record become one row; the newest one counts, and it is tried anew."""
    rows = {(hint.ref.kind, hint.ref.id): hint.was.id if hint.was else "" for hint in hints}
    now = timezone.now()
    with database.cursor() as cursor:
        # In one order, so that two calls at once do not wait for each other.
        for (kind, id), was in sorted(rows.items()):
            cursor.execute(
                "INSERT INTO integrations_hint (workspace_id, connection_id, remote_kind, remote_id, was_id, at, tries)"
                " VALUES (%s, %s, %s, %s, %s, %s, 0) ON CONFLICT (workspace_id, connection_id, remote_kind, remote_id) DO UPDATE"
                " SET at = excluded.at, tries = 0, not_before = NULL,"
                " was_id = coalesce(nullif(excluded.was_id, ''), integrations_hint.was_id)",
                [workspace.pk, connection.pk, kind, id, was, now],
            )


def _look_soon(connection: Connection) -> None:
    """Something changed, and nobody knows what: the next run comes earlier."""
    if connection.status != ConnectionStatus.ACTIVE or connection.next_due_at is None:
        return
    now = timezone.now()
    calm = Greatest(F("last_attempt_at") + CALM, now) if connection.last_attempt_at else now
    Connection.objects.filter(pk=connection.pk).update(next_due_at=Least(F("next_due_at"), calm))
    connection.refresh_from_db(fields=["next_due_at"])
    wake_at(connection, connection.next_due_at)


# At the vendor: outside transactions


def hook_state(connection: Connection) -> HookState:
    """Asks the vendor which of our addresses he calls. Call it outside a transaction."""
    provider = open_access(connection).provider
    if not isinstance(provider, OffersHooks):
        return HookState()
    root = root_of(connection)
    addresses = provider.hook_addresses(root)
    try:
        found = provider.subscriptions()
    except ProviderError as error:
        return HookState(addresses, reachable=is_reachable(), trouble=error.reason)
    ours = [Subscription(each.event, each.url, broken=each.broken or not each.url.startswith(root.rstrip("/"))) for each in found]
    working = {each.event for each in ours if not each.broken}
    return HookState(addresses, ours, is_reachable(), missing=[each for each in addresses if each.event not in working])


def is_reachable() -> bool:
    """Vendors call over https only."""
    return settings.PUBLIC_URL.startswith("https://")


def subscribe(connection: Connection) -> None:
    """Have the vendor call us. Raises ProviderError. Call it outside a transaction."""
    provider = open_access(connection).provider
    if isinstance(provider, OffersHooks):
        provider.subscribe(root_of(connection))


def unsubscribe(connection: Connection) -> None:
    """Have him call no more. Raises ProviderError. Call it outside a transaction."""
    provider = open_access(connection).provider
    if isinstance(provider, OffersHooks):
        provider.unsubscribe()


def follow_setting(connection: Connection, *, leaving: bool = False) -> Reason | None:
    """Subscribe or not, as the setting says; the reason when the vendor or the address does not allow it. Outside a transaction."""
    if registry.manifest(connection.provider).hints is None or connection.status == ConnectionStatus.SETUP or not connection.secrets:
        return None
    wanted = bool(connection.settings.get(SETTING)) and not leaving
    try:
        (subscribe if wanted else unsubscribe)(connection)
    except ProviderError as error:
        return error.reason
    return None
