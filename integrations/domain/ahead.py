"""Records read together with others, for vendors who give many for the price of one call. They wait on their outbox rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from accounts.scoping import workspace_tx
from integrations.domain.access import Access
from integrations.domain.outgoing import writable_kinds
from integrations.engine.capabilities import ReadsMany
from integrations.engine.errors import Denied, Gone, Retry, SkipRecord
from integrations.engine.types import RawRecord, Ref
from integrations.enums import LinkState, OutboxOperation, OutboxState
from integrations.models import Connection, Link, Outbox

FRESH = timedelta(minutes=5)  # what was read longer ago is read again
LAG = timedelta(minutes=10)  # lists may not show yet what was written since then


def read_ahead(connection: Connection, row: Outbox, access: Access) -> None:
    """Read the row's record and those of the rows after it in one call. Whatever fails here is told by the single reading."""
    provider = access.provider
    if not isinstance(provider, ReadsMany) or row.operation != OutboxOperation.UPDATE or known_record(row) is not None:
        return
    with workspace_tx(connection.workspace):
        rows = [row, *_following(connection, limit=provider.many - 1)]
        refs = _refs(connection, writable_kinds(access.provider.manifest), rows)
    if len(refs) < 2 or row.contact_id not in refs:
        return
    try:
        found = provider.get_many(list(refs.values()))
    except (Retry, SkipRecord, Gone, Denied):
        return
    now = timezone.now()
    for each in rows:
        record = found.get(refs[each.contact_id]) if each.contact_id in refs else None
        each.ahead = _as_json(record, now) if record else {}
    with workspace_tx(connection.workspace):
        Outbox.objects.bulk_update(rows, ["ahead"])


def known_record(row: Outbox) -> RawRecord | None:
    """The record as read ahead, unless that was too long ago."""
    kept = row.ahead
    if not kept or datetime.fromisoformat(kept["at"]) < timezone.now() - FRESH:
        return None
    return RawRecord(Ref(kept["kind"], kept["id"]), kept["body"], kept["version"])


def _following(connection: Connection, *, limit: int) -> list[Outbox]:
    now = timezone.now()
    rows = Outbox.objects.filter(
        workspace_id=connection.workspace_id, connection=connection, state=OutboxState.WAITING, operation=OutboxOperation.UPDATE
    )
    return list(rows.filter(Q(not_before=None) | Q(not_before__lte=now)).order_by("pk")[: max(0, limit)])


def _refs(connection: Connection, kinds: Sequence[str], rows: Sequence[Outbox]) -> dict[int, Ref]:
    links = Link.objects.filter(
        workspace_id=connection.workspace_id,
        connection=connection,
        contact__in={row.contact_id for row in rows},
        remote_kind__in=kinds,
        state=LinkState.LINKED,
    ).exclude(synced_at__gt=timezone.now() - LAG)
    return {link.contact_id: Ref(link.remote_kind, link.remote_id) for link in links if link.contact_id is not None}


def _as_json(record: RawRecord, now: datetime) -> dict[str, object]:
    ref = record.ref
    return {"kind": ref.kind, "id": ref.id, "version": record.version, "body": dict(record.body), "at": now.isoformat()}
