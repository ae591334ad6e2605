"""What a hint leads to: the record as it is now, those that belong to it, and the same decisions as in any pull."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection as database
from django.db.models import F, QuerySet
from django.db.models.functions import Greatest
from django.utils import timezone

from accounts.scoping import workspace_tx
from integrations.domain.apply import apply_batch
from integrations.domain.batches import next_rows
from integrations.domain.eligible import read_one, unvouched
from integrations.domain.exchanges import store_exchanges
from integrations.domain.fetch import active_resources
from integrations.domain.invoicing import apply_invoices
from integrations.domain.journal import note, reason_json
from integrations.domain.runs import COUNTERS, origin_of
from integrations.domain.staging import stage
from integrations.engine.capabilities import HasChildren, ReusesIds
from integrations.engine.plan import PULLS_UNTIL_GONE
from integrations.engine.provider import Provider, Resource, ResourceKind
from integrations.engine.types import RawRecord, Reason, Ref
from integrations.enums import ConnectionStatus, Level, LinkState, Outcome, Phase, RunKind, RunStatus
from integrations.kit.http import Exchange
from integrations.models import Connection, Hint, Link, Run, RunLine, Staged

LIVE = (LinkState.LINKED, LinkState.HELD, LinkState.FAILING)


@dataclass(frozen=True, slots=True)
class Told:
    """One hint, and what the vendor said when it was asked. `renamed`: the record that was known by another number."""

    hint: Hint
    ref: Ref
    began: datetime
    records: Mapping[Ref, RawRecord] = field(default_factory=dict)
    renamed: Ref | None = None


def read_hint(connection: Connection, provider: Provider, hint: Hint) -> Told:
    """Ask the vendor. Raises engine errors; outside a transaction."""
    began, ref = timezone.now(), Ref(hint.remote_kind, hint.remote_id)
    kinds = {each.remote_kind: each.kind for each in active_resources(connection)}
    if ref.kind not in kinds:
        return Told(hint, ref, began)
    found = _found(provider, ref)
    if kinds[ref.kind] is ResourceKind.INVOICES:
        return Told(hint, ref, began, found)
    was = _former(connection, hint) if hint.was_id and hint.was_id != ref.id else None
    before = _found(provider, was) if was else {}
    renamed = was if was and ref in found and not before and _is_same(connection, provider, found[ref], was) else None
    found |= before
    if isinstance(provider, HasChildren):
        found |= {raw.ref: raw for each in list(found) for raw in provider.children(each) if raw.ref.kind in kinds}
    for parent in unvouched(connection, provider, found):
        found |= _found(provider, parent) if parent.kind in kinds else {}
    return Told(hint, ref, began, found, renamed)


def store(connection: Connection, provider: Provider, told: Sequence[Told], *, exchanges: Sequence[Exchange] = ()) -> None:
    """One transaction for all: the records as in a pull, the hints gone. What changed nothing leaves no trace."""
    with workspace_tx(connection.workspace):
        if not _is_active(connection):
            store_exchanges(connection, exchanges)
            return
        run = _run(connection)
        _rename(connection, [each for each in told if each.renamed])
        records = {ref: raw for each in told for ref, raw in each.records.items()}
        counters = _apply(run, provider, records, began=min(each.began for each in told))
        _overtake(run, records)
        _doubt(connection, [each for each in told if each.ref not in each.records])
        store_exchanges(connection, exchanges, run_id=run.pk)
        _forget([each.hint for each in told])
        Staged.objects.filter(workspace_id=run.workspace_id, run=run).delete()
        _end(run, counters)


def spoil(connection: Connection, hint: Hint, reason: Reason, detail: str) -> None:
    """It was tried often enough: a person sees it, and the next sync of the whole tries again."""
    with workspace_tx(connection.workspace):
        if not _is_active(connection):
            return
        run = _run(connection)
        names: dict[str, Any] = {"remote_kind": hint.remote_kind, "remote_id": hint.remote_id}
        line = {"level": Level.ERROR, "action": "fail", "reason": reason_json(reason), "detail": detail[:4000]}
        RunLine.objects.create(workspace_id=run.workspace_id, run=run, at=timezone.now(), **names, **line)
        contacts = {each.remote_kind for each in active_resources(connection) if each.kind is ResourceKind.CONTACTS}
        if hint.remote_kind in contacts:
            values = {"state": LinkState.FAILING, "reason": reason_json(reason), "detail": detail[:4000], "version": ""}
            Link.objects.update_or_create(workspace_id=run.workspace_id, connection=connection, **names, defaults=values)
        Hint.objects.filter(pk=hint.pk).delete()
        _end(run, Counter(failed=1), Outcome.PARTIAL)


def _is_active(connection: Connection) -> bool:
    """Somebody may have paused it or switched it off while the vendor was asked: then nothing comes in. A paused one keeps its hints."""
    return Connection.objects.filter(pk=connection.pk, status=ConnectionStatus.ACTIVE).exists()


def _former(connection: Connection, hint: Hint) -> Ref:
    """The number under which we know the record: calls come in any order, so a number before that one may be it."""
    with workspace_tx(connection.workspace):
        rows = Hint.objects.filter(workspace_id=connection.workspace_id, connection=connection, remote_kind=hint.remote_kind)
        before = dict(rows.exclude(was_id="").values_list("remote_id", "was_id"))
        path = [hint.was_id]
        while path[-1] in before and before[path[-1]] not in path and not _links(connection, [Ref(hint.remote_kind, path[-1])]).exists():
            path.append(before[path[-1]])
    return Ref(hint.remote_kind, path[-1])


def _found(provider: Provider, ref: Ref) -> dict[Ref, RawRecord]:
    raw = read_one(provider, ref)
    return {raw.ref: raw} if raw is not None else {}


def _is_same(connection: Connection, provider: Provider, raw: RawRecord, was: Ref) -> bool:
    """Whether the record is the one that was linked under its former number."""
    with workspace_tx(connection.workspace):
        link = _links(connection, [was]).filter(state__in=LIVE, contact__isnull=False).first()
    if link is None:
        return False
    return not (isinstance(provider, ReusesIds) and provider.is_another(raw, link.base_theirs))


def _links(connection: Connection, refs: Iterable[Ref]) -> QuerySet[Link]:
    listed = list(refs)
    rows = Link.objects.filter(workspace_id=connection.workspace_id, connection=connection)
    return rows.filter(remote_kind__in={ref.kind for ref in listed}, remote_id__in={ref.id for ref in listed})


def _run(connection: Connection) -> Run:
    """A run that is over when it begins: it carries the log and the history, and takes nobody's turn."""
    now = timezone.now()
    keys = [each.key for each in active_resources(connection)]
    run = Run.objects.create(
        workspace_id=connection.workspace_id,
        connection=connection,
        kind=RunKind.WEBHOOK,
        status=RunStatus.DONE,
        outcome=Outcome.SUCCESS,
        phase=Phase.DONE,
        counters=dict.fromkeys(COUNTERS, 0),
        cursor={"resources": keys, "changes": keys, "at": 0, "page": None, "round": 1, "read": 0, "partial": []},
        started_at=now,
        finished_at=now,
    )
    run.connection = connection
    return run


def _rename(connection: Connection, told: Sequence[Told]) -> None:
    """The record goes by another number now: its link follows, unless a living one is there already."""
    for each in told:
        was = each.renamed
        link = _links(connection, [was]).filter(state__in=LIVE).first() if was else None
        rival = _links(connection, [each.ref]).first()
        if was is None or link is None or (rival is not None and rival.contact_id is not None and rival.state != LinkState.GONE):
            continue
        if rival is not None:
            rival.delete()
        link.remote_id, link.missed, link.version = each.ref.id, 0, ""
        link.save(update_fields=["remote_id", "missed", "version"])
        Hint.objects.filter(workspace_id=connection.workspace_id, connection=connection, remote_kind=was.kind, remote_id=was.id).delete()


def _apply(run: Run, provider: Provider, records: Mapping[Ref, RawRecord], *, began: datetime) -> Counter[str]:
    """Organisations before people, and both before invoices, as the manifest has them."""
    counters: Counter[str] = Counter()
    for resource in active_resources(run.connection):
        mine = {ref: raw for ref, raw in records.items() if ref.kind == resource.remote_kind}
        if mine:
            stage(run, provider, resource, mine, began=began)
            counters += _apply_some(run, provider, resource, count=len(mine))
    return counters


def _apply_some(run: Run, provider: Provider, resource: Resource, *, count: int) -> Counter[str]:
    rows = next_rows(run, resource=resource.key, after=0, limit=count)
    if resource.kind is ResourceKind.INVOICES:
        if rows:
            apply_invoices(run, provider, rows)
        return Counter(invoices=count)
    done = apply_batch(run, provider, rows, origin=origin_of(run)).counters if rows else Counter()
    return done + Counter(unchanged=count - len(rows))


def _overtake(run: Run, records: Mapping[Ref, RawRecord]) -> None:
    """A run under way may have read an older version."""
    rows = Staged.objects.filter(workspace_id=run.workspace_id, run__connection=run.connection).exclude(run=run)
    for row in rows.filter(remote_kind__in={ref.kind for ref in records}, remote_id__in={ref.id for ref in records}):
        raw = records.get(Ref(row.remote_kind, row.remote_id))
        if raw is not None:
            Staged.objects.filter(pk=row.pk).update(body=dict(raw.body), version=raw.version)


def _forget(hints: Sequence[Hint]) -> None:
    """One that came again meanwhile has another time, and stays."""
    with database.cursor() as cursor:
        cursor.execute(
            "DELETE FROM integrations_hint h USING unnest(%s::bigint[], %s::timestamptz[]) AS r(id, at) WHERE h.id = r.id AND h.at = r.at",
            [[hint.pk for hint in hints], [hint.at for hint in hints]],
        )


def _doubt(connection: Connection, told: Sequence[Told]) -> None:
    """That a number leads nowhere is no proof: it may have been given another. The next sync of the whole decides."""
    lost = [each.ref for each in told]
    moved = Hint.objects.filter(workspace_id=connection.workspace_id, connection=connection, was_id__in=[ref.id for ref in lost])
    known = set(moved.values_list("remote_kind", "was_id")) if lost else set()
    for kind in {ref.kind for ref in lost}:
        doubtful = [ref for ref in lost if ref.kind == kind and (ref.kind, ref.id) not in known]
        _links(connection, doubtful).filter(state__in=LIVE).update(missed=Greatest(F("missed"), PULLS_UNTIL_GONE - 1))


def _end(run: Run, counters: Counter[str], outcome: str = Outcome.SUCCESS) -> None:
    contacts = ("created", "updated", "linked", "unchanged", "held", "skipped", "failed")
    told = {**run.counters, **counters, "seen": sum(counters[name] for name in contacts)}
    if not any(count for name, count in told.items() if name not in {"seen", "unchanged"}):
        run.delete()
        return
    run.counters, run.finished_at = told, timezone.now()
    run.outcome = Outcome.PARTIAL if counters["held"] or counters["failed"] else outcome
    run.save(update_fields=["counters", "finished_at", "outcome"])
    note(run, "end")
