"""The writing phase of a run: decisions become contacts, links, outbox rows and log lines in one transaction per batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from accounts.domain.bulk import insert_rows
from accounts.scoping import Origin
from contacts.domain.store import insert_contacts, restore_contacts, update_contacts
from crmsync.lib.text import clip
from integrations.domain.batches import Batch, decide, load_batch, provider_manifest
from integrations.domain.belonging import Place, agreed, gather, place_of
from integrations.domain.journal import line_of, reason_json
from integrations.domain.outbox import enqueue
from integrations.domain.parties import local_of, new_row, row_changes, with_values
from integrations.domain.renumbered import suspect
from integrations.domain.settings import team_id_of
from integrations.engine.matching import name_key
from integrations.engine.merge import read_back
from integrations.engine.provider import Provider
from integrations.engine.types import Action, Base, Conflict, Decision, Fields, Ref, Remote
from integrations.enums import LinkState
from integrations.models import Link, Run, RunLine, Staged
from invoices.domain.store import attach

COUNTED = {
    Action.CREATE: "created",
    Action.RESTORE: "created",
    Action.LINK: "linked",
    Action.UPDATE: "updated",
    Action.UNCHANGED: "unchanged",
    Action.HOLD: "held",
    Action.SKIP: "skipped",
    Action.FAIL: "failed",
}
BLANK = {field.attname: field.get_default() for field in Link._meta.concrete_fields if field.attname != "id"}
COLUMNS = tuple(field.attname for field in Link._meta.concrete_fields if field.attname != "id")
UPDATED = (
    "contact_id", "remote_name", "match_key", "remote_url", "state", "base_ours", "base_theirs", "version",
    "reason", "detail", "candidates", "conflicts", "tries", "synced_at", "missed",
)  # fmt: skip
WAITING = frozenset({Action.HOLD, Action.FAIL, Action.SKIP})


@dataclass
class Applied:
    """What a batch did: counters to add, and whose contact each record is now."""

    counters: Counter[str] = field(default_factory=Counter)
    contact_of: dict[Ref, int] = field(default_factory=dict)
    created: list[int] = field(default_factory=list)
    kept: dict[int, Fields] = field(default_factory=dict)  # what the changed contacts say now


def apply_batch(run: Run, provider: Provider, rows: Sequence[Staged], *, origin: Origin) -> Applied:
    """Inside the page's transaction: plan the batch and carry it out."""
    batch = load_batch(run, provider, rows, lock=True)
    decisions = decide(batch, run.connection, provider_manifest(run.connection))
    applied = Applied(counters=Counter(COUNTED[d.action] for d in decisions))
    _write_contacts(run, batch, decisions, applied, origin=origin)
    links = _write_links(run, batch, decisions, applied)
    _tell_provider(run, decisions, applied)
    _attach_invoices(run, links)
    gather(run, decisions, applied.contact_of, origin=origin)
    suspect(run, provider, decisions)
    _log(run, batch, decisions, applied)
    return applied


def _write_contacts(run: Run, batch: Batch, decisions: Sequence[Decision], applied: Applied, *, origin: Origin) -> None:
    creates = [d for d in decisions if d.contact_id is None and d.action in {Action.CREATE, Action.RESTORE}]
    _create(run, batch, creates, applied, origin=origin)
    applied.contact_of |= {d.ref: d.contact_id for d in decisions if d.contact_id is not None}
    restored = [d.contact_id for d in decisions if d.action is Action.RESTORE and d.contact_id is not None]
    if restored:
        restore_contacts(run.workspace, restored, origin=origin)
    changes = {
        d.contact_id: row_changes(batch.contacts[d.contact_id], d.changes)
        for d in decisions
        if d.contact_id in batch.contacts and d.changes
    }
    rows = _with_homes(batch, decisions, _with_tags(batch, decisions, changes))
    if rows:
        update_contacts(run.workspace, rows, origin=origin)
    applied.kept = {pk: local_of(with_values(batch.contacts[pk], row)).fields for pk, row in changes.items()}


def _create(run: Run, batch: Batch, decisions: Sequence[Decision], applied: Applied, *, origin: Origin) -> None:
    if not decisions:
        return
    team = team_id_of(run.connection)
    common = {"team_id": team} if team else {}
    rows = [new_row(d.remote, d.changes) | common | _home(batch, d) | _custom(batch, d.remote) for d in decisions if d.remote is not None]
    applied.created = insert_contacts(run.workspace, rows, origin=origin)
    applied.contact_of |= {d.ref: pk for d, pk in zip(decisions, applied.created, strict=True)}


def _with_tags(batch: Batch, decisions: Sequence[Decision], changes: Mapping[int, dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """A record linked to a contact that is there already brings its tags along ("Supplier")."""
    merged = dict(changes)
    for decision in decisions:
        if decision.action is Action.LINK and decision.remote is not None and decision.contact_id is not None:
            tags = batch.contacts[decision.contact_id].tags
            new = [tag for tag in decision.remote.party.tags if tag not in tags]
            if new:
                merged.setdefault(decision.contact_id, {})["tags"] = [*tags, *new]
    return merged


def _place(batch: Batch, decision: Decision) -> Place | None:
    if decision.remote is None or decision.base is None:
        return None
    contact = batch.contacts.get(decision.contact_id) if decision.contact_id else None
    return place_of(decision.remote, batch.links.get(decision.ref), contact, batch.homes)


def _home(batch: Batch, decision: Decision) -> dict[str, Any]:
    place = _place(batch, decision)
    return {"organisation_id": place.organisation} if place and place.moves else {}


def _custom(batch: Batch, remote: Remote) -> dict[str, Any]:
    return {"custom": batch.customs.of(remote.party)} if batch.customs else {}


def _with_homes(batch: Batch, decisions: Sequence[Decision], changes: Mapping[int, dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """People go where their organisation is."""
    merged = dict(changes)
    for decision in decisions:
        if decision.contact_id in batch.contacts and (home := _home(batch, decision)):
            merged[decision.contact_id] = {**merged.get(decision.contact_id, {}), **home}
    return merged


def _write_links(run: Run, batch: Batch, decisions: Sequence[Decision], applied: Applied) -> list[dict[str, Any]]:
    rows = [row for d in decisions if (row := _link(run, batch, d, applied)) is not None]
    _release_gone(run, batch, rows)
    insert_rows(Link, rows, unique=("workspace_id", "connection_id", "remote_kind", "remote_id"), update=UPDATED)
    return rows


def _link(run: Run, batch: Batch, decision: Decision, applied: Applied) -> dict[str, Any] | None:
    known = batch.links.get(decision.ref)
    if decision.action is Action.SKIP and known is None:
        return None
    row = _as_stored(known) if known else _new_link(run, decision.ref)
    if decision.action is Action.SKIP:
        return _skipped(decision, row)
    if decision.remote is not None:
        name = str(decision.remote.party.fields.get("name") or "")
        row |= {"version": decision.remote.version, "remote_url": decision.remote.url, "remote_name": name[:300]}
        row["match_key"] = clip(name_key(decision.remote), 300)
    if decision.base is not None:
        base = _as_kept(decision.base, decision, applied)
        more = agreed(_place(batch, decision))
        row |= {"base_ours": {**base.ours, **more.get("base_ours", {})}, "base_theirs": {**base.theirs, **more.get("base_theirs", {})}}
    return row | {
        "contact_id": applied.contact_of.get(decision.ref),
        "state": _state(decision),
        "reason": reason_json(decision.reason),
        "detail": batch.details.get(decision.ref, ""),
        "candidates": list(decision.candidates),
        "conflicts": [conflict_json(conflict) for conflict in decision.conflicts],
        "tries": row["tries"] + 1 if decision.action is Action.FAIL else 0,
        "synced_at": timezone.now(),
        "missed": 0,
    }


def _as_kept(base: Base, decision: Decision, applied: Applied) -> Base:
    """A new contact keeps what it was given; one that was there may have put it among what it had."""
    kept = applied.kept.get(decision.contact_id) if decision.contact_id else None
    return base if kept is None else read_back(base, written=decision.changes, kept=kept)


def _skipped(decision: Decision, row: dict[str, Any]) -> dict[str, Any] | None:
    """Looked at again with every sync, since a setting may decide differently; and who said "leave it" stays on record."""
    values = {"version": "", "reason": row["reason"] if row["state"] == LinkState.IGNORED else reason_json(decision.reason)}
    return None if values == {name: row[name] for name in values} else row | values


def _as_stored(link: Link) -> dict[str, Any]:
    return {name: getattr(link, name) for name in COLUMNS}


def _new_link(run: Run, ref: Ref) -> dict[str, Any]:
    fresh = {"workspace_id": run.workspace_id, "connection_id": run.connection_id, "remote_kind": ref.kind, "remote_id": ref.id}
    return BLANK | fresh | {"created_at": timezone.now()}


def _state(decision: Decision) -> str:
    if decision.action is Action.FAIL:
        return LinkState.FAILING
    asked = any(conflict.winner == "ask" for conflict in decision.conflicts)
    return LinkState.HELD if decision.action is Action.HOLD or asked else LinkState.LINKED


def conflict_json(conflict: Conflict) -> dict[str, Any]:
    return {"field": conflict.field, "ours": conflict.ours, "theirs": conflict.theirs, "winner": conflict.winner}


def _release_gone(run: Run, batch: Batch, rows: Sequence[Mapping[str, Any]]) -> None:
    """A contact whose old record is gone may be linked to a new one."""
    before = {(ref.kind, ref.id): link.contact_id for ref, link in batch.links.items()}
    fresh = [row for row in rows if row["contact_id"] and row["contact_id"] != before.get((row["remote_kind"], row["remote_id"]))]
    if fresh:
        links = Link.objects.filter(workspace_id=run.workspace_id, connection=run.connection, remote_kind=fresh[0]["remote_kind"])
        links.filter(contact__any=[row["contact_id"] for row in fresh], state=LinkState.GONE).update(contact=None)


def _tell_provider(run: Run, decisions: Sequence[Decision], applied: Applied) -> None:
    # What was edited here before the contact was deleted has not been told yet.
    told = [applied.contact_of[d.ref] for d in decisions if (d.push or d.action is Action.RESTORE) and d.ref in applied.contact_of]
    if told:
        # The row that holds the moment to wake is wanted by every edit: a batch does not hold it.
        enqueue(run.connection, told, wake=False)


def _attach_invoices(run: Run, rows: Sequence[Mapping[str, Any]]) -> None:
    fresh = {
        (row["remote_kind"], row["remote_id"]): row["contact_id"] for row in rows if row["contact_id"] and row["state"] == LinkState.LINKED
    }
    attach(run.workspace, run.connection_id, fresh)


def _log(run: Run, batch: Batch, decisions: Sequence[Decision], applied: Applied) -> None:
    insert_rows(RunLine, [line for d in decisions if (line := _line(run, batch, d, applied)) is not None])


def _line(run: Run, batch: Batch, decision: Decision, applied: Applied) -> dict[str, Any] | None:
    if decision.action is Action.UNCHANGED and not decision.conflicts:
        return None
    if decision.action in WAITING and batch.said.get(decision.ref) == reason_json(decision.reason):
        return None  # an open question is logged when it arises, not at every run
    known = batch.links.get(decision.ref)
    name = str(decision.remote.party.fields.get("name") or "") if decision.remote else (known.remote_name if known else "")
    return line_of(run, decision, contact_id=applied.contact_of.get(decision.ref), name=name, detail=batch.details.get(decision.ref, ""))
