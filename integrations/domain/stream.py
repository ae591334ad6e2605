"""The reading phase where only changes are read: the vendor's stream of them, records asked for again, and those they belong to."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from accounts.scoping import Origin
from integrations import registry
from integrations.domain.access import Access
from integrations.domain.eligible import read_records, unknown_parents
from integrations.domain.exchanges import store_exchanges
from integrations.domain.fetch import FLUSH_AFTER, FLUSH_AT, ROUNDS, fitting, following
from integrations.domain.journal import note
from integrations.domain.leases import page_tx, save_progress
from integrations.domain.poison import POISON, words
from integrations.domain.reach import AGAIN, CHANGES, PARENTS
from integrations.domain.readings import MOST_AGAIN, asked_again, note_refusal, whole_instead, with_marks
from integrations.domain.seen import forget_seen, note_seen, seen_among
from integrations.domain.staging import log_bad, stage
from integrations.engine.capabilities import ReadsChanges
from integrations.engine.errors import BadAnswer, FilterRefused, ProviderError
from integrations.engine.provider import Provider, Resource
from integrations.engine.types import Page, RawRecord, Reason, Ref
from integrations.enums import Level
from integrations.models import Run, Seen, Staged

GROUP = 25  # records asked for between two saves
ROWS = 100  # staged records whose organisations are looked at between two saves


def read_step(run: Run, access: Access, step: str, *, origin: Origin) -> None:
    """About a second of reading. Raises engine errors; what was read before the fault is stored first."""
    _STEPS[step](run, access, origin)


def _changes(run: Run, access: Access, origin: Origin) -> None:
    began, since = timezone.now(), time.monotonic()
    pages: list[Page] = []
    at: Mapping[str, Any] | None = run.cursor["page"]
    try:
        while not pages or not (at is None or time.monotonic() - since > FLUSH_AFTER or _count(pages) >= FLUSH_AT):
            pages.append(_page(access.provider, run.cursor["since"], at))
            at = pages[-1].next
    except ProviderError:
        if pages:
            _store(run, access, pages, began=began, origin=origin)
        raise
    _store(run, access, pages, began=began, origin=origin)


def _page(provider: Provider, since: str, at: Mapping[str, Any] | None) -> Page:
    if not isinstance(provider, ReadsChanges):
        raise BadAnswer(Reason("bad_answer"), detail="changes cannot be read")
    try:
        return fitting(provider.changes(since, at))
    except POISON as error:
        raise BadAnswer(Reason("bad_answer"), detail=words(error)) from error


def _count(pages: Sequence[Page]) -> int:
    return sum(len(page.records) for page in pages)


def _store(run: Run, access: Access, pages: Sequence[Page], *, began: datetime, origin: Origin) -> None:
    last = pages[-1]
    with page_tx(run, origin=origin, lazy_commit=True):
        records = [record for page in pages for record in page.records]
        again = _keep(run, access.provider, records, began=began)
        bad = [one for page in pages for one in page.bad]
        place, known = _resources(run)[0], run.cursor.get("bad", {})
        log_bad(run, place, bad)
        counts = {**known, place.key: known.get(place.key, 0) + len(bad)}
        cursor = dict(run.cursor) | {"read": run.cursor["read"] + len(records), "tries": 0, "bad": counts}
        cursor["moved"] = cursor.get("moved", False) or again
        cursor = with_marks(run, CHANGES, pages, cursor)
        cursor = cursor | {"page": dict(last.next)} if last.next is not None else _ended(run, cursor)
        store_exchanges(run.connection, access.recorder.take(), run_id=run.pk)
        save_progress(run, cursor=cursor, done=cursor["read"], total=cursor["read"], page=last.number + 1)


def _keep(run: Run, provider: Provider, records: Sequence[RawRecord], *, began: datetime) -> bool:
    """Stage each record with the collection of its kind. True when one of them has come before."""
    repeated = False
    for resource in _resources(run):
        mine = [record for record in records if record.ref.kind == resource.remote_kind]
        ids = list(dict.fromkeys(record.ref.id for record in mine))
        repeated = repeated or len(ids) < len(mine) or bool(seen_among(run, resource.remote_kind, ids))
        stage(run, provider, resource, {record.ref: record for record in mine}, began=began)
        note_seen(run, resource, ids)
    return repeated


def _ended(run: Run, cursor: dict[str, Any]) -> dict[str, Any]:
    """A stream that moved while it was read is read once more; after one that moves again the next run begins where this one did."""
    moved = cursor.pop("moved")
    if not moved:
        return following(cursor)
    if cursor["round"] < ROUNDS:
        keys = run.cursor["changes"]
        Staged.objects.filter(workspace_id=run.workspace_id, run=run, resource__in=keys).delete()
        Seen.objects.filter(workspace_id=run.workspace_id, run=run, resource__in=keys).delete()
        return cursor | {"page": None, "round": cursor["round"] + 1, "read": 0, "bad": {}}
    return following(cursor) | {"marks": {}}


def _again(run: Run, access: Access, origin: Origin) -> None:
    """Records that are wanted whatever their version, a group of them at a time."""
    after, done = (run.cursor["page"] or {"after": 0, "done": 0}).values()
    with page_tx(run, origin=origin):
        links = list(asked_again(run.connection).filter(pk__gt=after)[:GROUP]) if done < MOST_AGAIN else []
        wanted = _unread(run, [Ref(link.remote_kind, link.remote_id) for link in links])
        if not links:
            save_progress(run, cursor=following(run.cursor))
            return
    page = {"after": links[-1].pk, "done": done + len(links)}
    _read_and_keep(run, access, wanted, page=page, origin=origin)


def _parents(run: Run, access: Access, origin: Origin) -> None:
    """Whether a person flows depends on organisations: those that nobody vouches for are read, and then looked at themselves."""
    after = int((run.cursor["page"] or {"after": 0})["after"])
    with page_tx(run, origin=origin):
        rows = list(Staged.objects.filter(workspace_id=run.workspace_id, run=run, pk__gt=after).order_by("pk")[:ROWS])
        wanted = _unread(run, unknown_parents(run, access.provider, rows))
        if not rows:
            save_progress(run, cursor=following(run.cursor))
            return
    _read_and_keep(run, access, wanted, page={"after": rows[-1].pk}, origin=origin)


def _read_and_keep(run: Run, access: Access, refs: Sequence[Ref], *, page: Mapping[str, Any], origin: Origin) -> None:
    began = timezone.now()
    found = read_records(access.provider, refs)
    with page_tx(run, origin=origin):
        _keep(run, access.provider, list(found.values()), began=began)
        store_exchanges(run.connection, access.recorder.take(), run_id=run.pk)
        save_progress(run, cursor={**run.cursor, "page": dict(page), "tries": 0})


def _unread(run: Run, refs: Sequence[Ref]) -> list[Ref]:
    """Those of kinds that this run reads and that it has not read yet."""
    kinds = {resource.remote_kind for resource in _resources(run)}
    seen = {kind: seen_among(run, kind, [ref.id for ref in refs if ref.kind == kind]) for kind in kinds}
    return [ref for ref in refs if ref.kind in kinds and ref.id not in seen[ref.kind]]


def _resources(run: Run) -> list[Resource]:
    covered: Collection[str] = run.cursor["changes"]
    resources: Iterable[Resource] = registry.manifest(run.connection.provider).resources
    return [each for each in resources if each.key in covered]


def read_whole_instead(run: Run, error: FilterRefused) -> None:
    """This account does not let changes be read by themselves: the same run reads everything. Inside an open page transaction."""
    note_refusal(run.connection)
    note(run, "reading", level=Level.WARNING, reason=error.reason, detail=error.detail)
    Staged.objects.filter(workspace_id=run.workspace_id, run=run).delete()
    forget_seen(run)
    save_progress(run, cursor=whole_instead(run), done=0, page=0)


_STEPS: dict[str, Callable[[Run, Access, Origin], None]] = {CHANGES: _changes, AGAIN: _again, PARENTS: _parents}
