"""Records on their way from the reading to the writing phase: those that are not stored in this very version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection as database
from django.utils import timezone

from accounts.domain.bulk import as_json, insert_rows
from crmsync.lib.text import clip
from integrations.domain.eligible import stays_out
from integrations.domain.journal import write_lines
from integrations.domain.keys import staged_keys
from integrations.domain.poison import POISON
from integrations.engine.errors import SkipRecord
from integrations.engine.matching import name_key
from integrations.engine.provider import Provider, Resource, ResourceKind
from integrations.engine.types import BadRecord, RawRecord, Ref
from integrations.enums import Level
from integrations.models import Connection, Run, RunLine, Staged
from invoices.domain.store import changed_versions


def stage(run: Run, provider: Provider, resource: Resource, records: Mapping[Ref, RawRecord], *, began: datetime) -> None:
    """Stage the records that are not known in this very version, in two statements whatever their number."""
    changed = _changed(run.connection, resource, records, began=began)
    if not changed:
        return
    rows = [_row(run, provider, resource, records[ref]) for ref in changed]
    # A later round reads everything again: what it says replaces what the first one said.
    insert_rows(
        Staged,
        rows,
        unique=("workspace_id", "run_id", "remote_kind", "remote_id"),
        update=("version", "match_key", "keys", "body", "round"),
    )


def _changed(connection: Connection, resource: Resource, records: Mapping[Ref, RawRecord], *, began: datetime) -> list[Ref]:
    pairs = [(ref.id, record.version) for ref, record in records.items() if ref.kind == resource.remote_kind]
    if not pairs:
        return []
    if resource.kind is ResourceKind.INVOICES:
        ids = changed_versions(connection.workspace, connection.pk, kind=resource.remote_kind, pairs=pairs)
    else:
        ids = _changed_links(connection, resource.remote_kind, pairs, began=began)
    return [Ref(resource.remote_kind, id_) for id_ in ids]


def _changed_links(connection: Connection, kind: str, pairs: Sequence[tuple[str, str]], *, began: datetime) -> list[str]:
    """Those not stored in this version. Of a record that we wrote while the page was read, the page may show what was before."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT r.id FROM json_to_recordset(%s::json) AS r(id text, version text) WHERE NOT EXISTS (SELECT 1 FROM integrations_link l"
            " WHERE l.workspace_id = %s AND l.connection_id = %s AND l.remote_kind = %s AND l.remote_id = r.id"
            " AND l.state = 'LINKED' AND l.version <> '' AND (l.version = r.version OR l.synced_at >= %s))",
            [as_json([{"id": id_, "version": version} for id_, version in pairs]), connection.workspace_id, connection.pk, kind, began],
        )
        return [row[0] for row in cursor.fetchall()]


def _row(run: Run, provider: Provider, resource: Resource, record: RawRecord) -> dict[str, Any]:
    key, keys = _keys(provider, record) if resource.kind is ResourceKind.CONTACTS else ("", [])
    return {
        "workspace_id": run.workspace_id,
        "run_id": run.pk,
        "round": run.cursor["round"],
        "resource": resource.key,
        "remote_kind": record.ref.kind,
        "remote_id": record.ref.id,
        "version": record.version,
        "match_key": key,
        "keys": keys,
        "body": record.body,
    }


def _keys(provider: Provider, record: RawRecord) -> tuple[str, list[str]]:
    """The name, and what else the provider's rules compare. Nothing of a record that is left out anyway: it is nobody's double."""
    try:
        if stays_out(provider, record):
            return "", []
        remote = provider.remote(record)
        return clip(name_key(remote), 300).replace("\x00", ""), staged_keys(provider.manifest, remote)
    except (SkipRecord, *POISON):
        return "", []


def log_bad(run: Run, resource: Resource, bad: Sequence[BadRecord]) -> None:
    now = timezone.now()
    write_lines(
        [
            RunLine(
                workspace_id=run.workspace_id,
                run=run,
                at=now,
                level=Level.ERROR,
                action="fail",
                remote_kind=resource.remote_kind,
                reason={"code": one.reason.code, "params": dict(one.reason.params)},
            )
            for one in bad
        ]
    )
