"""Movidesk's endpoints. Ids stand in the query, also for single persons; lists speak a little OData."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from integrations.engine.errors import BadAnswer, FilterRefused, Gone, ProviderError, Retry, SkipRecord
from integrations.engine.types import Page, RawRecord, Reason, Ref
from integrations.kit.answers import Answer
from integrations.kit.http import Http, Params
from integrations.kit.paging import Cursor, read_list, same_page
from integrations.providers.movidesk import records
from integrations.providers.movidesk.records import COMPANY, PERSON, TYPE_OF, raw_record

PERSONS, TICKETS, OLD_TICKETS = "/persons", "/tickets", "/tickets/past"
KINDS = {"organisations": COMPANY, "people": PERSON}
MAX_SIZE = 100
MANY = 25
OVERLAP = timedelta(minutes=15)
DEFAULT_BLOCK = 60.0  # when a 429 does not say how long
_EXPAND = "addresses,contacts,emails,relationships"
_BOTH = f"(personType eq {TYPE_OF[PERSON]} or personType eq {TYPE_OF[COMPANY]})"
_TICKET = "id,subject,status,baseStatus,createdDate,lastUpdate"


class Client:
    def __init__(self, http: Http, env: Mapping[str, str]) -> None:
        self._http = http
        size = env.get("MOVIDESK_PAGE_SIZE", "")
        self.size = min(MAX_SIZE, max(1, int(size))) if size.isdigit() else MAX_SIZE

    def page(self, resource: str, cursor: Cursor | None) -> Page:
        kind = KINDS[resource]
        with _their_ways():
            answer = read_list(self._http, PERSONS, params=self._params(f"personType eq {TYPE_OF[kind]}", cursor))
        return _page(answer, cursor, kinds=(kind,))

    def changes(self, since: str, cursor: Cursor | None) -> Page:
        """Persons and companies made or changed since then, a little earlier ones too. Raises FilterRefused."""
        begin = records.moment(since)
        if begin is None:
            raise FilterRefused(Reason("filter_refused"), detail=f"no watermark: {since!r}")
        edge = records.stamp(begin - OVERLAP)
        condition = f"(changedDate ge {edge} or createdDate ge {edge}) and {_BOTH}"
        try:
            with _their_ways():
                answer = self._http.get(PERSONS, params=self._params(condition, cursor))
        except (SkipRecord, Gone) as error:
            raise FilterRefused(Reason("filter_refused"), detail=error.detail) from None
        return _page(answer, cursor, kinds=(PERSON, COMPANY))

    def get(self, ref: Ref) -> RawRecord:
        found = self.look_up(ref.id, kind=ref.kind)
        if found is None:
            raise Gone(Reason("gone"), detail=f"no person {ref.id}")
        return found

    def look_up(self, id: str, *, kind: str) -> RawRecord | None:
        """One person by its code, None when there is none."""
        try:
            with _their_ways():
                body = self._http.get(PERSONS, params={"id": id}).body
        except Gone:
            return None
        entries = body if isinstance(body, list) else [body]
        return next((raw_record(entry, kind=kind) for entry in entries if isinstance(entry, dict)), None)

    def get_many(self, refs: Sequence[Ref]) -> Mapping[Ref, RawRecord]:
        condition = " or ".join(f"id eq {_quoted(ref.id)}" for ref in refs[:MANY])
        found = self._search(condition) if refs else []
        by_id = {record.ref.id.casefold(): record for record in found}
        return {
            ref: RawRecord(ref, by_id[ref.id.casefold()].body, by_id[ref.id.casefold()].version)
            for ref in refs
            if ref.id.casefold() in by_id
        }

    def named(self, name: str, *, kind: str) -> Sequence[RawRecord]:
        condition = f"personType eq {TYPE_OF[kind]} and businessName eq {_quoted(name)}"
        return [record for record in self._search(condition) if record.ref.kind == kind]

    def create(self, body: Mapping[str, Any], *, kind: str) -> RawRecord:
        """The whole person is asked for in the answer; where it does not come, it is read."""
        with _their_ways():
            answer = self._http.post(PERSONS, params={"returnAllProperties": "true"}, json=body)
        made = raw_record(answer.body, kind=kind) if isinstance(answer.body, dict) else None
        if made is None:
            raise BadAnswer(Reason("bad_answer"), detail="created, but the answer has no id", in_doubt=True)
        return made if records.kind_of(made.body) == kind else self._read_made(made.ref)

    def update(self, current: RawRecord, changes: Mapping[str, Any]) -> RawRecord:
        """Their answer is empty, so the record is taken as read with the changes put in; the next reading shows what they made of it."""
        with _their_ways():
            body = self._http.patch(PERSONS, params={"id": current.ref.id}, json=changes).body
        told = raw_record(body, kind=current.ref.kind) if isinstance(body, dict) else None
        if told is not None and told.ref.id.casefold() == current.ref.id.casefold() and records.kind_of(told.body):
            return RawRecord(current.ref, told.body, told.version)
        merged = {**current.body, **changes}
        return RawRecord(current.ref, merged, records.version(merged))

    def tickets(self, ref: Ref, *, limit: int) -> list[Mapping[str, Any]]:
        """Newest first. Tickets that did not move for 90 days are in a list of their own, which is asked only when it is needed."""
        path = "id" if ref.kind == PERSON else "organization/id"
        params: Params = {
            "$select": _TICKET,
            "$expand": "owner",
            "$filter": f"clients/any(client: client/{path} eq {_quoted(ref.id)})",
            "$orderby": "createdDate desc",
            "$top": limit,
        }
        found = self._list(TICKETS, params)
        if len(found) < limit:
            found = [*found, *self._old_tickets(params)]
        return found

    def probe(self) -> None:
        """The cheapest read that needs the token."""
        self._list(PERSONS, {"$select": "id", "$top": 1})

    def _old_tickets(self, params: Params) -> list[Mapping[str, Any]]:
        try:
            return self._list(OLD_TICKETS, params)
        except BadAnswer:  # how this list is asked is not documented: without it the recent ones are shown
            return []

    def _params(self, condition: str, cursor: Cursor | None) -> Params:
        skip = int(cursor["skip"]) if cursor else 0
        return {"$filter": condition, "$orderby": "id", "$top": self.size, "$skip": skip, "$expand": _EXPAND}

    def _search(self, condition: str) -> Sequence[RawRecord]:
        entries = self._list(PERSONS, {"$filter": condition, "$orderby": "id", "$top": MAX_SIZE, "$expand": _EXPAND})
        return records.listing(entries, kinds=(PERSON, COMPANY)).records

    def _list(self, path: str, params: Params) -> list[Any]:
        with _their_ways():
            entries = records.entries_of(read_list(self._http, path, params=params).body)
        if entries is None:
            raise BadAnswer(Reason("bad_answer"), detail=f"{path}: no list")
        return entries

    def _read_made(self, ref: Ref) -> RawRecord:
        try:
            return self.get(ref)
        except ProviderError as error:
            raise BadAnswer(Reason("bad_answer"), detail=f"created, but not readable: {error}", in_doubt=True) from None


def _page(answer: Answer, cursor: Cursor | None, *, kinds: Sequence[str]) -> Page:
    """A list goes on until a page comes that is empty: a short one may only mean that they give fewer than we ask for."""
    entries = records.entries_of(answer.body)
    number, skip = (int(cursor["page"]), int(cursor["skip"])) if cursor else (0, 0)
    if entries is None:
        raise BadAnswer(Reason("bad_answer"), detail=f"page {number}: no list")
    clock = records.clock_of(answer.headers)
    found = records.listing(entries, kinds=kinds, clock=clock)
    if not found.count:
        return Page((), None, number, clock=clock)
    mark = same_page(found.ids, cursor=cursor, number=number)
    following = {"skip": skip + found.count, "page": number + 1, "mark": mark}
    return Page(found.records, following, number, bad=found.bad, watermark=found.latest, clock=clock)


@contextmanager
def _their_ways() -> Iterator[None]:
    """A block without an end lasts as long as their shortest one."""
    try:
        yield
    except Retry as error:
        if error.reason.code == "rate_limited" and error.after is None:
            error.after = DEFAULT_BLOCK
        raise


def _quoted(value: str) -> str:
    return "'{}'".format(value.replace("'", "''"))
