"""What providers have still to be told. Written in the transaction of the edit; sent later; edits of one contact coalesce."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection as database
from django.db.models import Case, DateTimeField, ExpressionWrapper, F, Min, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import User
from accounts.scoping import Origin, workspace_tx
from contacts.models import Contact
from integrations import registry
from integrations.domain.outgoing import creates_by_rule, has_rules, is_on, out_rules
from integrations.domain.wake import wake_at
from integrations.enums import OutboxOperation, OutboxState
from integrations.models import Connection, Outbox

SENDING_LIMIT = timedelta(minutes=5)  # a row whose worker died is free again after this
LOCAL_NAMES = {"emails": "email", "phones": "phone", "addresses": "address", "organisation_id": "organisation"}


def enqueue(
    connection: Connection,
    contact_ids: Iterable[int],
    *,
    operation: str = OutboxOperation.UPDATE,
    user: User | None = None,
    wake: bool = True,
) -> None:
    """Tell the provider about these contacts, soon. A contact that waits already is not queued twice; a stuck one gets a fresh try.
    Contacts that the provider's rules or the settings keep here are left out.

    `wake` False: somebody is at work on the connection and sends afterwards.
    """
    ids = sorted(set(contact_ids))
    ids = _let_out(connection, ids) if operation == OutboxOperation.UPDATE else ids
    if not ids:
        return
    if operation == OutboxOperation.CREATE:
        _take_up_doubts(connection, ids)
    with database.cursor() as cursor:
        cursor.execute(
            "DELETE FROM integrations_outbox WHERE workspace_id = %s AND connection_id = %s AND contact_id = ANY(%s) AND state = 'STUCK'"
            " AND NOT in_doubt",
            [connection.workspace_id, connection.pk, ids],
        )
    rows = [
        Outbox(workspace_id=connection.workspace_id, connection=connection, contact_id=pk, operation=operation, requested_by=user)
        for pk in ids
    ]
    Outbox.objects.bulk_create(rows, ignore_conflicts=True)
    if wake:
        wake_at(connection)


def _take_up_doubts(connection: Connection, ids: list[int]) -> None:
    """A create whose answer never came waits again as it is, instead of a new one: its look-up comes before anything is made."""
    rows = Outbox.objects.filter(workspace_id=connection.workspace_id, connection=connection, contact__any=ids)
    lost = rows.filter(in_doubt=True, state__in=[OutboxState.STUCK, OutboxState.IGNORED])
    waiting = rows.filter(state=OutboxState.WAITING).values("contact")
    first = lost.exclude(contact__in=waiting).order_by("contact", "pk").distinct("contact")
    Outbox.objects.filter(pk__in=first.values("pk")).update(state=OutboxState.WAITING, not_before=None, tries=0)


def _let_out(connection: Connection, ids: list[int]) -> list[int]:
    """One query, and none where there are no rules."""
    manifest = registry.manifest(connection.provider)
    if not ids or not has_rules(manifest):
        return ids
    if not is_on(connection, manifest):
        return []
    rules = out_rules(connection)
    contacts = Contact.objects.select_related("organisation").filter(workspace_id=connection.workspace_id, pk__in=ids)
    return sorted(contact.pk for contact in contacts if rules.why_not(contact) is None)


def is_news(connection: Connection, origin: Origin) -> bool:
    """Whether an edit here is one that the provider does not know of."""
    return not _is_echo(connection, origin)


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
    """Rows that may be sent: where the provider refuses an ability, what needs it waits for the next connect.

    What rules alone create waits for the first sync, which may find it there.
    """
    rows = Outbox.objects.filter(workspace_id=connection.workspace_id, connection=connection)
    if connection.last_success_at is None and creates_by_rule(registry.manifest(connection.provider)):
        rows = rows.exclude(operation=OutboxOperation.CREATE, requested_by=None)
    return rows.exclude(operation__in=[operation for operation in OutboxOperation.values if operation in connection.denied])


def _free_abandoned(connection: Connection, now: datetime) -> None:
    # Since a moment to come: the clock was put back meanwhile.
    too_long = Q(sending_since__lt=now - SENDING_LIMIT) | Q(sending_since__gt=now + SENDING_LIMIT)
    stale = Outbox.objects.filter(too_long, workspace_id=connection.workspace_id, connection=connection, state=OutboxState.SENDING)
    for row in stale.select_for_update(skip_locked=True, of=("self",)):
        put_back(row, not_before=None)


def put_back(row: Outbox, *, not_before: datetime | None) -> None:
    """Let the row wait again, unless another worker has it by now; an edit that queued itself meanwhile melts into it."""
    Outbox.objects.filter(
        workspace_id=row.workspace_id, connection_id=row.connection_id, contact_id=row.contact_id, state=OutboxState.WAITING
    ).delete()
    Outbox.objects.filter(pk=row.pk, state=OutboxState.SENDING, tries=row.tries).update(
        state=OutboxState.WAITING,
        not_before=not_before,
        sending_since=None,
        reason=row.reason,
        detail=row.detail,
        fields=row.fields,
        ahead={},
    )


def hold_back(connection: Connection, until: datetime) -> None:
    """The provider asks for patience: whatever is due waits until then."""
    rows = Outbox.objects.filter(workspace_id=connection.workspace_id, connection=connection, state=OutboxState.WAITING)
    rows.filter(Q(not_before=None) | Q(not_before__lt=until)).update(not_before=until)


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
