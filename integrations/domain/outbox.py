"""What providers have still to be told. Written in the transaction of the edit; sent later; edits of one contact coalesce."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection as database
from django.db.models import Case, DateTimeField, ExpressionWrapper, F, Min, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import User, Workspace
from accounts.scoping import Origin, workspace_tx
from integrations import registry
from integrations.domain.fields import fields_of
from integrations.domain.wake import wake_at
from integrations.engine.provider import Capability, Direction
from integrations.enums import ConnectionStatus, LinkState, OutboxOperation, OutboxState
from integrations.models import Connection, Link, Outbox

SENDING_LIMIT = timedelta(minutes=5)  # a row whose worker died is free again after this
PUSHING = (ConnectionStatus.ACTIVE, ConnectionStatus.PAUSED, ConnectionStatus.RECONNECT)
LOCAL_NAMES = {"emails": "email", "phones": "phone", "addresses": "address"}


def enqueue(
    connection: Connection,
    contact_ids: Iterable[int],
    *,
    operation: str = OutboxOperation.UPDATE,
    user: User | None = None,
    wake: bool = True,
) -> None:
    """Tell the provider about these contacts, soon. A contact that waits already is not queued twice; a stuck one gets a fresh try.

    `wake` False: somebody is at work on the connection and sends afterwards.
    """
    ids = sorted(set(contact_ids))
    if not ids:
        return
    with database.cursor() as cursor:
        cursor.execute(
            "DELETE FROM integrations_outbox WHERE workspace_id = %s AND connection_id = %s AND contact_id = ANY(%s) AND state = 'STUCK'"
            " AND (operation = %s OR NOT in_doubt)",
            [connection.workspace_id, connection.pk, ids, operation],
        )
    rows = [
        Outbox(workspace_id=connection.workspace_id, connection=connection, contact_id=pk, operation=operation, requested_by=user)
        for pk in ids
    ]
    Outbox.objects.bulk_create(rows, ignore_conflicts=True)
    if wake:
        wake_at(connection)


def on_contacts_changed(
    *, workspace: Workspace, contact_ids: Sequence[int], fields: dict[int, set[str]], origin: Origin
) -> list[Connection]:
    """Queue the changed contacts for every provider that gets one of the changed fields; gives the connections concerned."""
    touched: list[Connection] = []
    connections = [c for c in Connection.objects.filter(workspace=workspace, status__in=PUSHING) if _pushes(c)]
    for connection in connections:
        _try_stuck_again(connection, contact_ids)
        sent = _sent_fields(connection)
        changed = [pk for pk in contact_ids if sent & {LOCAL_NAMES.get(name, name) for name in fields.get(pk, ())}]
        linked = _linked(connection, changed) if changed else []
        if linked and not _is_echo(connection, origin):
            enqueue(connection, linked)
            touched.append(connection)
    return touched


def _try_stuck_again(connection: Connection, contact_ids: Sequence[int]) -> None:
    """A record that was refused may pass after this edit."""
    stuck = Outbox.objects.filter(
        workspace_id=connection.workspace_id,
        connection=connection,
        contact__in=contact_ids,
        state=OutboxState.STUCK,
        operation=OutboxOperation.CREATE,
    )
    waiting = Outbox.objects.filter(workspace_id=connection.workspace_id, connection=connection, state=OutboxState.WAITING).values(
        "contact"
    )
    if stuck.exclude(contact__in=waiting).update(state=OutboxState.WAITING, not_before=None, tries=0):
        wake_at(connection)


def _pushes(connection: Connection) -> bool:
    manifest = registry.manifest(connection.provider)
    return manifest.can(Capability.PUSH_CONTACTS) and "update" not in connection.denied


def _sent_fields(connection: Connection) -> set[str]:
    manifest = registry.manifest(connection.provider)
    return {each.ours for each in fields_of(connection, manifest) if each.direction is not Direction.IN}


def _linked(connection: Connection, contact_ids: Sequence[int]) -> list[int]:
    writable = [r.remote_kind for r in registry.manifest(connection.provider).resources if not r.read_only]
    rows = Link.objects.filter(
        workspace_id=connection.workspace_id,
        connection=connection,
        contact__in=contact_ids,
        remote_kind__in=writable,
        state__in=[LinkState.LINKED, LinkState.FAILING, LinkState.HELD],
    )
    return list(rows.values_list("contact_id", flat=True))


def _is_echo(connection: Connection, origin: Origin) -> bool:
    """The write came from this very connection's run: the plan has queued what must go back."""
    return origin.kind == "sync" and origin.run_id is not None and connection.runs.filter(pk=origin.run_id).exists()


def claim_next(connection: Connection) -> Outbox | None:
    """Take one due row for sending, in a short transaction of its own. Order per contact is kept by the one-sending constraint."""
    now = timezone.now()
    with workspace_tx(connection.workspace):
        _free_abandoned(connection, now)
        busy = Outbox.objects.filter(workspace_id=connection.workspace_id, connection=connection, state=OutboxState.SENDING).values(
            "contact"
        )
        due = _allowed(connection).filter(Q(not_before=None) | Q(not_before__lte=now), state=OutboxState.WAITING)
        row = due.exclude(contact__in=busy).order_by("pk").select_for_update(skip_locked=True, of=("self",)).first()
        if row is None:
            return None
        row.state, row.sending_since, row.tries = OutboxState.SENDING, now, row.tries + 1
        row.save(update_fields=["state", "sending_since", "tries"])
        return row


def _allowed(connection: Connection) -> QuerySet[Outbox]:
    """Rows that may be sent: where the provider refuses an ability, what needs it waits for the next connect."""
    rows = Outbox.objects.filter(workspace_id=connection.workspace_id, connection=connection)
    return rows.exclude(operation__in=[operation for operation in OutboxOperation.values if operation in connection.denied])


def _free_abandoned(connection: Connection, now: datetime) -> None:
    stale = Outbox.objects.filter(
        workspace_id=connection.workspace_id, connection=connection, state=OutboxState.SENDING, sending_since__lt=now - SENDING_LIMIT
    )
    for row in stale.select_for_update(skip_locked=True, of=("self",)):
        put_back(row, not_before=None)


def put_back(row: Outbox, *, not_before: datetime | None) -> None:
    """Let the row wait again, unless another worker has it by now; an edit that queued itself meanwhile melts into it."""
    Outbox.objects.filter(
        workspace_id=row.workspace_id, connection_id=row.connection_id, contact_id=row.contact_id, state=OutboxState.WAITING
    ).delete()
    Outbox.objects.filter(pk=row.pk, state=OutboxState.SENDING, tries=row.tries).update(
        state=OutboxState.WAITING, not_before=not_before, sending_since=None, reason=row.reason, detail=row.detail, fields=row.fields
    )


@dataclass(frozen=True, slots=True)
class Backlog:
    waiting: int
    stuck: int
    next_at: datetime | None


def backlog(connection: Connection) -> Backlog:
    """How much waits and is refused, and when to look again: at the next row that is due, or that its worker has left behind."""
    rows = Outbox.objects.filter(workspace_id=connection.workspace_id, connection=connection)
    waiting = rows.filter(state__in=[OutboxState.WAITING, OutboxState.SENDING])
    left_at = ExpressionWrapper(F("sending_since") + SENDING_LIMIT, output_field=DateTimeField())
    due = Case(When(state=OutboxState.SENDING, then=left_at), default=Coalesce("not_before", Value(timezone.now())))
    moment = _allowed(connection).filter(pk__in=waiting.values("pk")).aggregate(at=Min(due))["at"]
    return Backlog(waiting=waiting.count(), stuck=rows.filter(state=OutboxState.STUCK).count(), next_at=moment)
