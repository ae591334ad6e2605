"""The second half of a match run: every record that was read and has no contact gets its suggestions, as rows of the matching screen."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from django.db import connection as database

from accounts.domain.bulk import insert_rows
from contacts.domain.store import live
from crmsync.lib.text import clip, strip_nul
from integrations.domain.batches import links_by_ref, next_rows, provider_manifest
from integrations.domain.lately_saved import forget_pairings
from integrations.domain.leases import page_tx, save_progress
from integrations.domain.poison import POISON
from integrations.domain.runs import finish, origin_of
from integrations.domain.suggestions import EXACT, UNSURE, Directory, Named, suggest
from integrations.engine.capabilities import Eligibility
from integrations.engine.errors import SkipRecord
from integrations.engine.provider import Manifest, Provider
from integrations.engine.types import RawRecord, Ref, Remote
from integrations.enums import LinkState, Outcome, PairingWhy, Phase
from integrations.models import Connection, Link, Pairing, Run, Staged

BATCH = 500
TURN = 4.0  # seconds of comparing before the worker is freed for others
NO_OBSTACLE = frozenset({"pull_off"})  # who only sends wants to know as well what is there already


def begin_pairing(run: Run) -> None:
    """Everything is read: what an earlier run proposed is forgotten, except what can still be taken back."""
    with page_tx(run, origin=origin_of(run)):
        forget_pairings(run.connection)
        total = Staged.objects.filter(workspace_id=run.workspace_id, run=run).count()
        save_progress(run, phase=Phase.APPLY, cursor={**run.cursor, "at": 0, "after": 0}, done=0, total=total, page=0, pages=0)


def pair_next(run: Run, provider: Provider) -> None:
    """Compare records with all contacts, batch by batch, for some seconds."""
    resource = provider_manifest(run.connection).match_screen
    until = time.monotonic() + TURN
    with page_tx(run, origin=origin_of(run)):
        directory = contacts_to_match(run.connection)
        save_progress(run)
    while time.monotonic() < until:
        with page_tx(run, origin=origin_of(run)):
            rows = next_rows(run, resource=resource, after=run.cursor["after"], limit=BATCH)
            if not rows:
                settle_rivals(run.connection)
                finish(run, Outcome.SUCCESS)
                return
            insert_rows(Pairing, _rows(run, _untied(run.connection, rows, provider), directory))
            save_progress(run, cursor={**run.cursor, "after": rows[-1].pk}, done=run.done + len(rows))


def contacts_to_match(connection: Connection) -> Directory:
    """Live contacts that may become a record of this kind and have none in this connection yet."""
    manifest = provider_manifest(connection)
    kind = match_kind(manifest)
    linked = Link.objects.filter(workspace_id=connection.workspace_id, connection=connection, remote_kind=kind, contact__isnull=False)
    rows = live(connection.workspace).exclude(pk__in=linked.exclude(state=LinkState.GONE).values("contact"))
    if manifest.kinds:
        rows = rows.filter(kind__in=[ours.value for ours, theirs in manifest.kinds if theirs == kind])
    found = rows.values_list("pk", "name", "trade_name", "legal_name", "tax_id").iterator(chunk_size=5000)
    return Directory.of(Named(pk, (name, trade, legal), tax_id) for pk, name, trade, legal, tax_id in found)


def match_kind(manifest: Manifest) -> str:
    """The kind of record that the matching screen is about."""
    return next(each.remote_kind for each in manifest.resources if each.key == manifest.match_screen)


def settle_rivals(connection: Connection) -> None:
    """A contact that more than one record claims is nobody's for sure."""
    with database.cursor() as cursor:
        cursor.execute(
            "UPDATE integrations_pairing p SET score = %s FROM ("
            " SELECT contact_id FROM integrations_pairing WHERE workspace_id = %s AND connection_id = %s AND score = %s"
            " GROUP BY contact_id HAVING count(*) > 1) twice"
            " WHERE p.workspace_id = %s AND p.connection_id = %s AND p.contact_id = twice.contact_id AND p.score = %s",
            [UNSURE, connection.workspace_id, connection.pk, EXACT, connection.workspace_id, connection.pk, EXACT],
        )


def _untied(connection: Connection, rows: Sequence[Staged], provider: Provider) -> list[Remote]:
    """Records that flow at all, and that nobody has tied to a contact or told us to leave alone."""
    remotes = [remote for row in rows if (remote := _understood(row, provider)) is not None]
    links = links_by_ref(connection, [remote.ref for remote in remotes])
    return [
        remote
        for remote in remotes
        if (link := links.get(remote.ref)) is None or (link.contact_id is None and link.state != LinkState.IGNORED)
    ]


def _understood(row: Staged, provider: Provider) -> Remote | None:
    raw = RawRecord(Ref(row.remote_kind, row.remote_id), row.body or {}, row.version)
    try:
        if isinstance(provider, Eligibility):
            why = provider.why_not_in(raw, parents={})
            if why is not None and why.code not in NO_OBSTACLE:
                return None
        return provider.remote(raw)
    except (SkipRecord, *POISON):
        return None


def _rows(run: Run, remotes: Sequence[Remote], directory: Directory) -> list[dict[str, Any]]:
    return [_row(run, place, remote, directory) for place, remote in enumerate(remotes)]


def _row(run: Run, place: int, remote: Remote, directory: Directory) -> dict[str, Any]:
    fields = remote.party.fields
    names = tuple(str(fields.get(name) or "") for name in ("name", "trade_name", "legal_name"))
    found = suggest(Named(place, names, str(fields.get("tax_id") or "")), directory)
    best = found[0] if found else None
    return {
        "workspace_id": run.workspace_id,
        "connection_id": run.connection_id,
        "remote_kind": remote.ref.kind,
        "remote_id": remote.ref.id,
        "name": clip(strip_nul(names[0]), 300),
        "tax_id": clip(str(fields.get("tax_id") or ""), 30),
        "place": clip(strip_nul(_place(fields.get("address") or {})), 200),
        "contact_id": best.contact if best else None,
        "why": best.why.value if best else PairingWhy.NONE.value,
        "score": best.score if best else 0,
        "others": [{"contact": each.contact, "why": each.why.value, "score": each.score} for each in found[1:]],
    }


def _place(address: Any) -> str:
    parts = (str(address.get(name) or "") for name in ("city", "region"))
    return ", ".join(part for part in parts if part)
