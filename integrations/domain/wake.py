"""The bell's memory: when each connection wants to be looked at next. Nothing is lost when Redis forgets."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection as database
from django.utils import timezone

from integrations.models import Connection, Wake

RING_AGAIN = timedelta(seconds=60)


def wake_at(connection: Connection, at: datetime | None = None) -> None:
    """Look at the connection at `at` (now) or sooner. Call it in the transaction that makes the work."""
    at = at or timezone.now()
    with database.cursor() as cursor:
        cursor.execute(
            "INSERT INTO integrations_wake (connection_id, workspace_id, at) VALUES (%s, %s, %s)"
            " ON CONFLICT (connection_id) DO UPDATE SET at = least(integrations_wake.at, excluded.at)",
            [connection.pk, connection.workspace_id, at],
        )


def take_up(connection: Connection) -> datetime:
    """Somebody begins to look. If he dies, the beat rings in a minute. Whoever asks for a look meanwhile changes the moment given here."""
    at = timezone.now() + RING_AGAIN
    Wake.objects.filter(connection_id=connection.pk).update(at=at)
    return at


def sleep_until(connection: Connection, at: datetime | None, *, rung_at: datetime | None) -> None:
    """The work is done: the next look is at `at`, unless somebody asked for an earlier one meanwhile (`rung_at` has moved)."""
    rows = Wake.objects.filter(connection_id=connection.pk)
    if rung_at is not None:
        rows = rows.filter(at=rung_at)
    if at is None:
        rows.delete()
        return
    rows.update(at=at)


def claim_due(*, limit: int = 500) -> list[tuple[int, int]]:
    """Due connections as (workspace id, connection id). Each is due again a minute later, until its work says otherwise."""
    now = timezone.now()
    with database.cursor() as cursor:
        cursor.execute(
            "WITH due AS (SELECT connection_id FROM integrations_wake WHERE at <= %s ORDER BY at LIMIT %s FOR UPDATE SKIP LOCKED)"
            " UPDATE integrations_wake w SET at = %s FROM due WHERE w.connection_id = due.connection_id"
            " RETURNING w.workspace_id, w.connection_id",
            [now, limit, now + RING_AGAIN],
        )
        return [(row[0], row[1]) for row in cursor.fetchall()]
