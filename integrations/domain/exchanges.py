"""Keep what was said to a provider and what it answered, free of secrets, for some days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import orjson
from django.db import connection as database
from django.utils import timezone

from integrations.kit.http import Exchange as Said
from integrations.models import Connection, Exchange

KEEP = timedelta(days=7)
CLIP = 2_000


@dataclass
class Recorder:
    """Collects the exchanges of one step; they are stored with the step's own transaction."""

    said: list[Said] = field(default_factory=list)

    def __call__(self, exchange: Said) -> None:
        self.said.append(exchange)

    def take(self) -> list[Said]:
        taken, self.said = self.said, []
        return taken


def store_exchanges(connection: Connection, said: Sequence[Said], *, run_id: int | None = None) -> None:
    """Write them in one statement."""
    if not said:
        return
    rows = [
        {
            "at": one.at,
            "method": one.method,
            "url": one.url,
            "status": one.status,
            "milliseconds": round(one.seconds * 1000),
            "request": one.request_body[:CLIP],
            "response": (one.error or one.response_body)[:CLIP].replace("\x00", ""),
        }
        for one in said
    ]
    with database.cursor() as cursor:
        cursor.execute(
            "INSERT INTO integrations_exchange"
            " (workspace_id, connection_id, run_id, at, method, url, status, milliseconds, request, response)"
            " SELECT %s, %s, %s, r.* FROM jsonb_to_recordset(%s::jsonb)"
            " AS r(at timestamptz, method text, url text, status int, milliseconds int, request text, response text)",
            [connection.workspace_id, connection.pk, run_id, orjson.dumps(rows).decode()],
        )


def forget_old_exchanges() -> int:
    """Drop what is older than a week in the open workspace."""
    return Exchange.objects.filter(at__lt=timezone.now() - KEEP).delete()[0]
