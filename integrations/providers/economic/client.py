"""The REST surface (restapi.e-conomic.com): customers, invoices, quotes, and the lists that settings are chosen from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from integrations.engine.errors import BadAnswer, FilterRefused, Gone, ProviderError, SkipRecord
from integrations.engine.types import Page, RawRecord, Reason, Ref
from integrations.kit.answers import Answer
from integrations.kit.http import Http, Params
from integrations.kit.paging import MAX_PAGES, Cursor, same_page
from integrations.kit.values import identity, rows, table, text
from integrations.providers.economic import faults, filters
from integrations.providers.economic.records import (
    CONTACT,
    CUSTOMER,
    DRAFT,
    INVOICE,
    LIST,
    QUOTE,
    Listing,
    contact_from_rest,
    last_updated,
    listing,
    raw_record,
)

MAX_SIZE = 1000
NUMBER_FIELD = "customerNumber"
OPEN_QUOTES = ("drafts", "sent")  # archived ones are history
_PATHS = {CUSTOMER: "/customers/{id}", INVOICE: "/invoices/booked/{id}", DRAFT: "/invoices/drafts/{id}"}
_LISTS = {"invoices": (INVOICE, "/invoices/booked"), "drafts": (DRAFT, "/invoices/drafts")}


class Client:
    def __init__(self, http: Http, env: Mapping[str, str]) -> None:
        self._http = http
        size = env.get("ECONOMIC_PAGE_SIZE", "")
        self.size = min(MAX_SIZE, max(1, int(size))) if size.isdigit() else MAX_SIZE

    def agreement(self) -> Mapping[str, Any]:
        return table(self._http.get("/self").body)

    def customers(self, cursor: Cursor | None, *, since: str = "") -> Page:
        """Customers in the order of their numbers, each page beginning behind the last number: nothing moves while we read."""
        number, after = (int(cursor["page"]), int(cursor["after"])) if cursor else (0, 0)
        changed = filters.clause("lastUpdated", "gte", since) if since else ""
        behind = filters.clause(NUMBER_FIELD, "gt", after) if after else ""
        params: dict[str, str | int] = {"pagesize": self.size, "sort": NUMBER_FIELD}
        if changed or behind:
            params["filter"] = filters.all_of(changed, behind)
        answer, found = self._list(CUSTOMER, "/customers", params, filtered=bool(since))
        mark = same_page([record.ref.id for record in found.records], cursor=cursor, number=number) if found.records else ""
        last = max((int(record.ref.id) for record in found.records if record.ref.id.isdigit()), default=after)
        if found.more and last <= after:
            raise BadAnswer(Reason("loop", {"page": str(number + 1)}), detail=f"customers: a page behind {after} does not go on")
        total = cursor.get("total") if cursor else found.total
        following = {"page": number + 1, "after": last, "mark": mark, "total": total} if found.more else None
        watermark = max((last_updated(record) for record in found.records), default="")
        return Page(found.records, following, number, total=total, bad=found.bad, watermark=watermark, clock=clock(answer))

    def invoices(self, resource: str, cursor: Cursor | None) -> Page:
        kind, path = _LISTS[resource]
        return self._numbered(kind, path, cursor)

    def quotes(self, cursor: Cursor | None) -> Page:
        """Drafts, then those that were sent; each remembers which it is."""
        at = str(cursor["list"]) if cursor else OPEN_QUOTES[0]
        inner = cursor if cursor and "skip" in cursor else None
        page = self._numbered(QUOTE, f"/quotes/{at}", inner, first=int(cursor["page"]) if cursor else 0, note=at)
        following = {**page.next, "list": at} if page.next else None
        if following is None and at != OPEN_QUOTES[-1]:
            following = {"list": OPEN_QUOTES[OPEN_QUOTES.index(at) + 1], "page": page.number + 1}
        return Page(page.records, following, page.number, bad=page.bad)

    def _numbered(self, kind: str, path: str, cursor: Cursor | None, *, first: int = 0, note: str = "") -> Page:
        """One page of a list that is paged by counting."""
        number, skip = (int(cursor["page"]), int(cursor["skip"])) if cursor else (first, 0)
        _, found = self._list(kind, path, {"pagesize": self.size, "skippages": skip}, note=note)
        mark = same_page([record.ref.id for record in found.records], cursor=cursor, number=number) if found.records else ""
        if found.more and not found.records and not found.bad:
            raise BadAnswer(Reason("bad_answer"), detail=f"{path}, page {skip}: empty, but not the last one")
        following = {"page": number + 1, "skip": skip + 1, "mark": mark} if found.more else None
        return Page(found.records, following, number, total=found.total, bad=found.bad)

    def _list(self, kind: str, path: str, params: Params, *, filtered: bool = False, note: str = "") -> tuple[Answer, Listing]:
        try:
            answer = self._http.get(path, params=params)
        except (SkipRecord, Gone) as error:
            if filtered and faults.refuses_filter(error):
                raise FilterRefused(Reason("filter_refused"), detail=error.detail) from None
            raise BadAnswer(Reason("bad_answer"), detail=error.detail) from None
        body = answer.body
        if note and isinstance(body, dict) and isinstance(body.get("collection"), list):
            body = {**body, "collection": [{**one, LIST: note} if isinstance(one, dict) else one for one in body["collection"]]}
        found = listing(kind, body)
        if found is None:
            raise BadAnswer(Reason("bad_answer"), detail=f"{path}: no collection")
        return answer, found

    def get(self, ref: Ref) -> RawRecord:
        number = checked_number(ref)
        if ref.kind == QUOTE:
            return self._quote(number)
        return self._record(ref.kind, self._http.get(_PATHS[ref.kind].replace("{id}", number)).body)

    def _quote(self, number: str) -> RawRecord:
        for at in OPEN_QUOTES:
            try:
                return self._record(QUOTE, {**table(self._http.get(f"/quotes/{at}/{number}").body), LIST: at})
            except Gone:
                continue
        raise Gone(Reason("gone"), detail=f"quote {number} is neither a draft nor sent")

    def create(self, body: Mapping[str, Any], *, key: str) -> RawRecord:
        """The customer as e-conomic stores it; as it answered where it cannot be read back."""
        answer = self._http.post("/customers", json=body, idempotency_key=key)
        made = self._record(CUSTOMER, answer.body, in_doubt=True)
        try:
            return self.get(made.ref)
        except ProviderError:
            return made

    def replace(self, ref: Ref, body: Mapping[str, Any], *, key: str) -> RawRecord:
        """PUT the whole customer, then read what was made of it."""
        self._http.put(_PATHS[CUSTOMER].replace("{id}", checked_number(ref)), json=body, idempotency_key=key)
        return self.get(ref)

    def find_by_name(self, name: str) -> Iterator[RawRecord]:
        """Customers of that name, whatever the case."""
        params: dict[str, str | int] = {"pagesize": self.size, "filter": filters.clause("name", "eq", name)}
        yield from self._list(CUSTOMER, "/customers", params)[1].records

    def contacts_of(self, customer: Ref) -> list[RawRecord]:
        """The customer's people, in the words of customersapi."""
        number = checked_number(customer)
        entries = self.entries(f"/customers/{number}/contacts")
        records = [raw_record(CONTACT, contact_from_rest(entry, number)) for entry in entries]
        return [record for record in records if record is not None]

    def entries(self, path: str, *, condition: str = "") -> Iterator[Mapping[str, Any]]:
        """All entries of a small list."""
        for skip in range(MAX_PAGES):
            params: dict[str, str | int] = {"pagesize": MAX_SIZE, "skippages": skip}
            body = self._http.get(path, params={**params, "filter": condition} if condition else params).body
            if not isinstance(body, dict) or not isinstance(body.get("collection"), list):
                raise BadAnswer(Reason("bad_answer"), detail=f"{path}: no collection")
            yield from rows(body["collection"])
            if not body["collection"] or not text(table(body.get("pagination")).get("nextPage")):
                return

    def count(self, path: str, *, condition: str) -> int | None:
        """How many entries of a list fit."""
        body = table(self._http.get(path, params={"pagesize": 1, "filter": condition}).body)
        results = table(body.get("pagination")).get("results")
        return results if isinstance(results, int) else None

    def table(self, path: str) -> Mapping[str, Any]:
        return table(self._http.get(path).body)

    def _record(self, kind: str, body: Any, *, in_doubt: bool = False) -> RawRecord:
        found = raw_record(kind, body) if isinstance(body, dict) else None
        if found is None:
            raise BadAnswer(Reason("bad_answer"), detail=f"{kind}: a record without number", in_doubt=in_doubt)
        return found


def checked_number(ref: Ref) -> str:
    """Numbers are numbers; anything else could leave the path. Raises Gone."""
    number = identity(ref.id)
    if not (number.isascii() and number.isdigit() and len(number) <= 18):
        raise Gone(Reason("gone"), detail=f"{ref.kind} {ref.id!r} is no number")
    return number


def clock(answer: Answer) -> str:
    """The vendor's own time of an answer, as it writes times; "" where it does not tell."""
    try:
        moment = parsedate_to_datetime(answer.headers.get("Date", ""))
    except (ValueError, IndexError, TypeError):
        return ""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment.tzinfo else ""
