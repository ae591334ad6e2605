"""The reading phase of a run: pages are read without a transaction; every second or so they are stored together with the cursor.

Of a record whose version is the stored one only its id is kept (Seen). Others are staged whole for the writing phase.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.utils import timezone

from accounts.scoping import Origin, workspace_tx
from integrations import registry
from integrations.domain.access import Access
from integrations.domain.exchanges import store_exchanges
from integrations.domain.leases import page_tx, save_progress
from integrations.domain.marks import Mark, keep_marks, marks_of, note_marked, place_of
from integrations.domain.poison import POISON, words
from integrations.domain.reach import current_step
from integrations.domain.readings import with_marks
from integrations.domain.seen import distinct, note_seen
from integrations.domain.staging import log_bad, stage
from integrations.engine.capabilities import SkipsSamePages
from integrations.engine.errors import BadAnswer, ProviderError
from integrations.engine.provider import Provider, Resource, gettext_noop
from integrations.engine.types import BadRecord, Page, RawRecord, Reason, Ref
from integrations.enums import RunKind
from integrations.models import Connection, Run, Seen, Staged

ROUNDS = 2
FLUSH_AFTER = 1.0  # seconds of reading that a killed worker may cost
FLUSH_AT = 2000  # records
LONGEST_ID = 100
FRESH = frozenset({"first_total", "restarts"})
RESTARTS = 3


@dataclass
class Pages:
    """Pages that were read and not stored yet."""

    resource: Resource
    since: float = field(default_factory=time.monotonic)
    began: datetime = field(default_factory=timezone.now)
    places: list[tuple[str, Page]] = field(default_factory=list)
    same: list[Mark] = field(default_factory=list)  # those that came as they were last time
    first: Page | Mark | None = None
    last: Page | Mark | None = None
    bulk: int = 0  # records that have to be looked at

    def add(self, place: str, page: Page | Mark) -> None:
        self.first, self.last = self.first or page, page
        if isinstance(page, Mark):
            self.same.append(page)
        else:
            self.places.append((place, page))
            self.bulk += len(page.records)

    @property
    def pages(self) -> list[Page]:
        return [page for _place, page in self.places]

    @property
    def records(self) -> dict[Ref, RawRecord]:
        return {record.ref: record for page in self.pages for record in page.records}

    @property
    def count(self) -> int:
        return self.bulk + sum(mark.count for mark in self.same)

    @property
    def is_full(self) -> bool:
        over = self.last is not None and self.last.next is None
        return over or time.monotonic() - self.since > FLUSH_AFTER or self.bulk >= FLUSH_AT


def active_resources(connection: Connection) -> list[Resource]:
    """The collections that this connection's settings ask for and the vendor lets us read."""
    manifest = registry.manifest(connection.provider)
    wanted = [r for r in manifest.resources if r.when is None or connection.settings.get(r.when[0]) == r.when[1]]
    return [r for r in wanted if r.key not in connection.denied]


def start_cursor(connection: Connection, kind: str = "") -> dict[str, Any]:
    keys = [r.key for r in active_resources(connection)]
    if kind == RunKind.MATCH:
        keys = [registry.manifest(connection.provider).match_screen]
    return {"resources": keys, "at": 0, "page": None, "round": 1, "read": 0, "partial": []}


def current_resource(run: Run) -> Resource | None:
    """The collection that is being read, None when all are."""
    step = current_step(run)
    manifest = registry.manifest(run.connection.provider)
    return next((r for r in manifest.resources if r.key == step), None)


def fetch_pages(run: Run, access: Access, resource: Resource, *, origin: Origin) -> None:
    """Read pages for about a second and store them. Raises engine errors; what was read before the fault is stored first."""
    pages = Pages(resource)
    at = run.cursor["page"]
    marks = _marks(run, access, resource)
    try:
        while pages.last is None or not pages.is_full:
            place = place_of(at)
            page = _page(access.provider, resource, at, marks.get(place))
            pages.add(place, page)
            at = page.next
    except ProviderError:
        _store(run, access, pages, origin=origin)
        raise
    _store(run, access, pages, origin=origin)


def _marks(run: Run, access: Access, resource: Resource) -> dict[str, Mark]:
    """Looked up once per slice and collection."""
    if not isinstance(access.provider, SkipsSamePages):
        return {}
    if resource.key not in access.marks:
        with workspace_tx(run.workspace):
            access.marks[resource.key] = marks_of(run.connection, resource)
    return access.marks[resource.key]


def _page(provider: Provider, resource: Resource, at: Mapping[str, Any] | None, mark: Mark | None) -> Page | Mark:
    """One page, or its mark when it came as it was last time; a page that breaks its reader is no page."""
    try:
        if mark is not None and isinstance(provider, SkipsSamePages):
            page = provider.page_unless(resource.key, at, digest=mark.digest)
            return mark if page is None else fitting(page)
        return fitting(provider.page(resource.key, at))
    except POISON as error:
        raise BadAnswer(Reason("bad_answer"), detail=words(error)) from error


def fitting(page: Page) -> Page:
    """A record whose id cannot be kept is named by its place."""
    fits = [record for record in page.records if len(record.ref.id) <= LONGEST_ID]
    if len(fits) == len(page.records):
        return page
    places = [place for place, record in enumerate(page.records, start=1) if len(record.ref.id) > LONGEST_ID]
    bad = [
        BadRecord(place, Reason("bad_record", {"problem": gettext_noop("its id is too long"), "position": str(place)})) for place in places
    ]
    return replace(page, records=fits, bad=[*page.bad, *bad])


def skip_resource(run: Run) -> None:
    """Leave out the collection at hand (the vendor refused it) inside an open page transaction."""
    key = current_step(run)
    save_progress(run, cursor=following(run.cursor) | {"partial": [*run.cursor["partial"], key]})


def start_over(run: Run) -> bool:
    """A page that came twice: the list moved by a page, or it has no end. Read the collection from its beginning, but not for ever."""
    step, resource = current_step(run), current_resource(run)
    restarts = run.cursor.get("restarts", 0) + 1
    if step is None or restarts > RESTARTS:
        return False
    if resource is not None:
        _forget(run, resource)
    kept = {name: value for name, value in run.cursor.items() if name not in FRESH}
    bad = kept.get("bad", {}) | {step: 0}
    save_progress(run, cursor=kept | {"page": None, "read": 0, "restarts": restarts, "bad": bad}, done=0, page=0)
    return True


def _store(run: Run, access: Access, pages: Pages, *, origin: Origin) -> None:
    last = pages.last
    if last is None:
        return
    with page_tx(run, origin=origin, lazy_commit=True):
        stage(run, access.provider, pages.resource, pages.records, began=pages.began)
        keep_marks(run.connection, pages.resource, pages.places)
        note_seen(run, pages.resource, [ref.id for ref in pages.records])
        note_marked(run, pages.resource, pages.same)
        bad = [one for page in pages.pages for one in page.bad]
        log_bad(run, pages.resource, bad)
        read = run.cursor["read"] + pages.count
        cursor = dict(run.cursor) | {"read": read, "tries": 0, "bad": _with_bad(run.cursor, pages.resource, len(bad))}
        cursor = with_marks(run, pages.resource.key, pages.pages, cursor)
        cursor.setdefault("first_total", pages.first.total if pages.first else None)
        cursor = cursor | {"page": dict(last.next)} if last.next is not None else _ended(run, pages, cursor)
        store_exchanges(run.connection, access.recorder.take(), run_id=run.pk)
        save_progress(run, cursor=cursor, done=read, total=last.total or read, page=last.number + 1, pages=last.pages or run.pages)


def _ended(run: Run, pages: Pages, cursor: dict[str, Any]) -> dict[str, Any]:
    """The end of a collection. One that moved while we read it is read once more; one that moves again is not complete."""
    moved = pages.last is None or cursor["first_total"] != pages.last.total
    # A record that came twice in this round: the list moved while it was read.
    different = distinct(run, pages.resource)
    if not moved and different == cursor["read"]:
        return following(cursor) | {"counts": {**cursor.get("counts", {}), pages.resource.key: different}}
    if cursor["round"] < ROUNDS:
        _forget(run, pages.resource)
        kept = {name: value for name, value in cursor.items() if name not in FRESH}
        return kept | {"page": None, "round": cursor["round"] + 1, "read": 0, "bad": kept["bad"] | {pages.resource.key: 0}}
    return following(cursor) | {"partial": [*cursor["partial"], pages.resource.key]}


def _with_bad(cursor: Mapping[str, Any], resource: Resource, more: int) -> dict[str, int]:
    bad: dict[str, int] = cursor.get("bad", {})
    return {**bad, resource.key: bad.get(resource.key, 0) + more} if more else dict(bad)


def _forget(run: Run, resource: Resource) -> None:
    """What was read of a list that moved is read anew: some of it may not be there any more."""
    Staged.objects.filter(workspace_id=run.workspace_id, run=run, resource=resource.key).delete()
    Seen.objects.filter(workspace_id=run.workspace_id, run=run, resource=resource.key).delete()


def following(cursor: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in cursor.items() if name not in FRESH}
    return kept | {"at": cursor["at"] + 1, "page": None, "round": 1, "read": 0}
