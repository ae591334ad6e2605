"""The same plan, only counted: for the preview, and for the guard against mass changes. Writes nothing but the run's own row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from integrations.domain.apply import COUNTED
from integrations.domain.batches import Batch, decide, live_link_count, load_batch, next_rows, provider_manifest
from integrations.domain.journal import reason_json
from integrations.domain.leases import page_tx, save_progress
from integrations.domain.parties import local_of
from integrations.domain.runs import COUNTERS, origin_of
from integrations.domain.sweep import about_to_go, resources_of
from integrations.engine.guard import Impact, Stop, allowed, check_impact, weigh
from integrations.engine.provider import Manifest, Provider, ResourceKind
from integrations.engine.types import Action, Decision
from integrations.enums import LinkState
from integrations.models import Link, Run, Staged

BATCH = 500
FIRST_ROWS = 25


def plan_run(run: Run, provider: Provider) -> tuple[dict[str, Any], Impact]:
    """Plan everything that is staged. Gives counts for both sides with the first rows of each kind, and what would be taken away."""
    manifest = provider_manifest(run.connection)
    counts: Counter[str] = Counter()
    first: dict[str, list[dict[str, Any]]] = {}
    with page_tx(run, origin=origin_of(run)):
        impact = Impact(unlinked=about_to_go(run, manifest))
        counts.update(read_counts(run, manifest))
    counts["gone"] = impact.unlinked
    for resource in resources_of(run, manifest, ResourceKind.CONTACTS):
        for decisions, batch in _planned(run, provider, resource.key):
            news = [each for each in decisions if not _was_out(each, batch)]
            impact += weigh(news, contacts={pk: local_of(contact) for pk, contact in batch.contacts.items()})
            _count(decisions, counts, first, names={pk: contact.name for pk, contact in batch.contacts.items()})
    return {"counts": {name: counts[name] for name in (*COUNTERS, "gone")}, "first": first}, impact


def _planned(run: Run, provider: Provider, resource: str) -> Iterator[tuple[list[Decision], Batch]]:
    """The decisions of one collection, batch by batch, each in a short transaction that also holds the lease on."""
    after = 0
    while True:
        with page_tx(run, origin=origin_of(run)):
            rows = next_rows(run, resource=resource, after=after, limit=BATCH)
            if not rows:
                return
            batch = load_batch(run, provider, rows, lock=False)
            decisions = decide(batch, run.connection, provider_manifest(run.connection))
            save_progress(run)
        yield decisions, batch
        after = rows[-1].pk


def _was_out(decision: Decision, batch: Batch) -> bool:
    """Left out for the same reason as before: nothing more is taken away."""
    said = batch.said.get(decision.ref, {})
    return decision.action is Action.SKIP and decision.reason is not None and said.get("code") == decision.reason.code


def guard(run: Run, provider: Provider) -> Stop | None:
    """Ask before a pull takes away a lot. Planning everything twice is spared when too few linked records changed to matter."""
    if run.confirmed or not (run.cursor["staged"] or run.cursor["lacking"] or run.cursor.get("gone")):
        return None
    with page_tx(run, origin=origin_of(run)):
        links = live_link_count(run.connection)
        gone = about_to_go(run, provider_manifest(run.connection))
        harmless = not links or _changed_links(run) + gone <= allowed(links)
    if harmless:
        return None
    _plan, impact = plan_run(run, provider)
    return check_impact(impact, links=links)


def _changed_links(run: Run) -> int:
    rows = Link.objects.filter(workspace_id=run.workspace_id, connection=run.connection, state=LinkState.LINKED)
    staged = Staged.objects.filter(workspace_id=run.workspace_id, run=run)
    return rows.filter(remote_id__in=staged.values("remote_id"), remote_kind__in=staged.values("remote_kind").distinct()).count()


def read_counts(run: Run, manifest: Manifest) -> dict[str, int]:
    """What is known before anything is decided: records that are as they were, entries that are no records, invoices."""
    contacts, invoices = ([r.key for r in resources_of(run, manifest, kind)] for kind in (ResourceKind.CONTACTS, ResourceKind.INVOICES))
    bad = run.cursor.get("bad", {})
    return {
        "unchanged": untouched(run, manifest),
        "failed": sum(bad.get(key, 0) for key in contacts),
        "invoices": sum(run.cursor["counts"].get(key, 0) for key in invoices),
    }


def untouched(run: Run, manifest: Manifest) -> int:
    keys = [r.key for r in resources_of(run, manifest, ResourceKind.CONTACTS)]
    staged = Staged.objects.filter(workspace_id=run.workspace_id, run=run, resource__in=keys).count()
    return sum(count for key, count in run.cursor["counts"].items() if key in keys) - staged


def _count(decisions: list[Decision], counts: Counter[str], first: dict[str, list[dict[str, Any]]], *, names: dict[int, str]) -> None:
    for decision in decisions:
        counts[COUNTED[decision.action]] += 1
        counts["pushed"] += decision.push
        shown = first.setdefault(decision.action.value, [])
        if decision.action is not Action.UNCHANGED and len(shown) < FIRST_ROWS:
            shown.append(_row(decision, names))


def _row(decision: Decision, names: dict[int, str]) -> dict[str, Any]:
    name = str(decision.remote.party.fields.get("name") or "") if decision.remote else ""
    contact = names.get(decision.contact_id, "") if decision.contact_id else ""
    return {
        "kind": decision.ref.kind,
        "id": decision.ref.id,
        "name": name or contact,
        "contact_id": decision.contact_id,
        "contact": contact,
        "changes": dict(decision.changes) if decision.action is not Action.CREATE else {},
        "push": decision.push,
        "reason": reason_json(decision.reason),
    }
