"""The OpenAPI services (apis.e-conomic.com): customer contacts, defaults for new customers, and webhooks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from integrations.engine.errors import BadAnswer, FilterRefused, Gone, ProviderError, Retry, SkipRecord
from integrations.engine.types import Page, RawRecord, Reason, Ref
from integrations.kit.entries import split
from integrations.kit.http import Http
from integrations.kit.paging import MAX_PAGES, Cursor, same_page
from integrations.kit.values import identity, rows, table, text
from integrations.providers.economic import faults, filters
from integrations.providers.economic.client import checked_number, clock
from integrations.providers.economic.records import CONTACT, is_deleted, last_updated, raw_record

CUSTOMERS = "/customersapi/v3.1.0"
WEBHOOKS = "/webhooksapi/v1.0.0"


class OpenApi:
    def __init__(self, http: Http) -> None:
        self._http = http

    def contacts(self, cursor: Cursor | None, *, since: str = "") -> Page:
        """One page of contacts. Those that were deleted stay in e-conomic with a mark: they are told apart."""
        number = int(cursor["page"]) if cursor else 0
        params: dict[str, str | int] = {"filter": filters.clause("lastUpdated", "gte", since)} if since else {}
        if cursor and cursor.get("cursor"):
            params["cursor"] = str(cursor["cursor"])
        try:
            answer = self._http.get(f"{CUSTOMERS}/Contacts", params=params)
        except (SkipRecord, Gone) as error:
            if since and faults.refuses_filter(error):
                raise FilterRefused(Reason("filter_refused"), detail=error.detail) from None
            raise BadAnswer(Reason("bad_answer"), detail=error.detail) from None
        if not isinstance(answer.body, dict) or not isinstance(answer.body.get("items"), list):
            raise BadAnswer(Reason("bad_answer"), detail="Contacts: no items")
        records, bad = split(answer.body["items"], partial(raw_record, CONTACT))
        mark = same_page([record.ref.id for record in records], cursor=cursor, number=number) if records else ""
        token = text(answer.body.get("cursor"))
        if token and not records and not bad:
            raise BadAnswer(Reason("bad_answer"), detail=f"Contacts, page {number}: empty, but not the last one")
        watermark = max(map(last_updated, records), default="")
        return Page(
            [record for record in records if not is_deleted(record)],
            {"page": number + 1, "cursor": token, "mark": mark} if token else None,
            number,
            bad=bad,
            watermark=watermark,
            clock=clock(answer),
            gone=[record.ref for record in records if is_deleted(record)],
        )

    def contact(self, ref: Ref) -> RawRecord:
        """Raises Gone also for one that is only marked as deleted."""
        body = self._http.get(f"{CUSTOMERS}/Contacts/{checked_number(ref)}").body
        found = raw_record(CONTACT, body) if isinstance(body, dict) else None
        if found is None:
            raise BadAnswer(Reason("bad_answer"), detail="contact: a record without number")
        if is_deleted(found):
            raise Gone(Reason("gone"), detail=f"contact {ref.id} is marked as deleted")
        return found

    def create_contact(self, body: Mapping[str, Any], *, key: str) -> RawRecord:
        """The answer is only a number, so the contact is read; while it cannot be, it is in doubt."""
        answer = self._http.post(f"{CUSTOMERS}/Contacts", json=body, idempotency_key=key)
        number = identity(table(answer.body).get("number"))
        if not number:
            raise BadAnswer(Reason("bad_answer"), detail="contact: created without a number", in_doubt=True)
        try:
            return self.contact(Ref(CONTACT, number))
        except ProviderError as error:
            raise Retry(error.reason, detail=error.detail, in_doubt=True) from None

    def replace_contact(self, ref: Ref, body: Mapping[str, Any], *, key: str) -> RawRecord:
        """PUT with the version as read: raises Conflict when it is not the current one."""
        self._http.put(f"{CUSTOMERS}/Contacts", json=body, idempotency_key=key)
        return self.contact(ref)

    def defaults(self) -> Mapping[str, Any]:
        return table(self._http.get(f"{CUSTOMERS}/Setup").body)

    def event_types(self) -> dict[str, list[str]]:
        """Names of events with the merge fields that their templates may use."""
        body = self._http.get(f"{WEBHOOKS}/EventTypes").body
        entries = rows(body if isinstance(body, list) else table(body).get("items"))
        return {text(each.get("name")): [text(one.get("fieldName")) for one in rows(each.get("mergeFields"))] for each in entries}

    def webhooks(self) -> Iterator[Mapping[str, Any]]:
        """Those that this app has made."""
        cursor = ""
        for _ in range(MAX_PAGES):
            body = table(self._http.get(f"{WEBHOOKS}/webhooks", params={"cursor": cursor} if cursor else {}).body)
            yield from rows(body.get("items"))
            cursor = text(body.get("cursor"))
            if not cursor:
                return

    def make_webhook(self, body: Mapping[str, Any], *, key: str) -> None:
        self._http.post(f"{WEBHOOKS}/webhooks", json=body, idempotency_key=key)

    def change_webhook(self, body: Mapping[str, Any], *, key: str) -> None:
        self._http.put(f"{WEBHOOKS}/webhooks", json=body, idempotency_key=key)
