"""The OpenAPI services of the sandbox: customer contacts, set-up, webhooks."""

from __future__ import annotations

import base64
from bisect import bisect_right
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from integrations.kit.vendor import Reply, Request, as_json
from integrations.providers.economic.sandbox_check import contact_row, problem
from integrations.providers.economic.sandbox_filter import parse_filter
from integrations.providers.economic.sandbox_hooks import EVENT_TYPES

if TYPE_CHECKING:
    from integrations.providers.economic.sandbox import Economic
    from integrations.providers.economic.sandbox_store import Books

_FILTERS = frozenset({"lastUpdated", "customerNumber", "number", "name", "email"})
_CUSTOMERS, _WEBHOOKS = "/openapi/customersapi/v3.1.0", "/openapi/webhooksapi/v1.0.0"
_LIMITS = {"name": 100, "url": 1000, "contentType": 50}


def mount(economic: Economic) -> None:
    contacts, hooks = Contacts(economic), Webhooks(economic)
    for method, pattern, handler in (
        ("GET", f"{_CUSTOMERS}/Contacts", contacts.listing),
        ("GET", f"{_CUSTOMERS}/Contacts/count", contacts.count),
        ("POST", f"{_CUSTOMERS}/Contacts", contacts.create),
        ("PUT", f"{_CUSTOMERS}/Contacts", contacts.replace),
        ("GET", f"{_CUSTOMERS}/Contacts/{{id}}", contacts.single),
        ("DELETE", f"{_CUSTOMERS}/Contacts/{{id}}", contacts.delete),
        ("GET", f"{_CUSTOMERS}/Setup", contacts.setup),
        ("GET", f"{_WEBHOOKS}/EventTypes", hooks.event_types),
        ("GET", f"{_WEBHOOKS}/webhooks", hooks.listing),
        ("POST", f"{_WEBHOOKS}/webhooks", hooks.create),
        ("PUT", f"{_WEBHOOKS}/webhooks", hooks.replace),
        ("GET", f"{_WEBHOOKS}/webhooks/[A-Z0-9_]+", hooks.single),
        ("DELETE", f"{_WEBHOOKS}/webhooks/[A-Z0-9_]+", hooks.delete),
    ):
        economic.route(method, pattern, handler)


class Contacts:
    def __init__(self, economic: Economic) -> None:
        self.economic = economic

    def listing(self, request: Request) -> Reply:
        books = self.economic.books_of(request)
        size = int(self.economic.switches["cursor_size"])
        after = int(base64.b64decode(request.query["cursor"]).decode()) if request.query.get("cursor") else 0
        found = list(islice(self._fitting(request, books, after=after), size + 1))
        page, more = found[:size], len(found) > size
        cursor = {"cursor": base64.b64encode(str(page[-1]["number"]).encode()).decode()} if more else {}
        return as_json({"items": [_shown(row) for row in page], **cursor})

    def _fitting(self, request: Request, books: Books, *, after: int = 0) -> Iterator[dict[str, Any]]:
        """In the order of their numbers, behind one of them."""
        words = request.query.get("filter", "")
        test = parse_filter(words, _FILTERS) if words else None
        numbers = sorted(books.contacts)
        rows = (books.contacts[number] for number in numbers[bisect_right(numbers, after) :])
        return (row for row in rows if test is None or test(row))

    def count(self, request: Request) -> Reply:
        return as_json(sum(1 for _ in self._fitting(request, self.economic.books_of(request))))

    def single(self, request: Request, id: int) -> Reply:
        return as_json(_shown(self._found(self.economic.books_of(request), id)))

    def create(self, request: Request) -> Reply:
        books = self.economic.books_of(request)
        row = self._row(books, request)
        number = books.put_contact(row, stamp=self.economic.stamp())
        return as_json({"number": number}, 201, Location=f"{request.base}{_CUSTOMERS}/Contacts/{number}")

    def replace(self, request: Request) -> Reply:
        books = self.economic.books_of(request)
        body = request.json()
        known = self._found(books, body.get("number") if isinstance(body, dict) else None)
        if body.get("objectVersion") != known["objectVersion"]:
            raise problem(409, "UpdateConflict", "The object was changed by somebody else.")
        row = self._row(books, request)
        if row["customerNumber"] != known["customerNumber"]:
            raise problem(400, "CustomerNumberMismatch", "The contact belongs to another customer.", at="CustomerNumber")
        books.put_contact({**row, "number": known["number"]}, stamp=self.economic.stamp())
        return Reply(204)

    def delete(self, request: Request, id: int) -> Reply:
        books = self.economic.books_of(request)
        books.put_contact({**self._found(books, id), "isDeleted": True}, stamp=self.economic.stamp())
        return Reply(204)

    def setup(self, request: Request) -> Reply:
        self.economic.books_of(request)
        return as_json({"defaultCustomerGroupNumber": 1, "defaultLayoutNumber": 18})

    def _row(self, books: Books, request: Request) -> dict[str, Any]:
        row = contact_row(request.json(), danish=bool(self.economic.switches["danish"]))
        if row["customerNumber"] not in books.customers:
            raise problem(400, "CustomerDoesNotExist", "The customer does not exist.", at="CustomerNumber")
        return row

    def _found(self, books: Books, number: Any) -> dict[str, Any]:
        if number not in books.contacts:
            raise problem(404, "ResourceNotFound", "The contact was not found.")
        return books.contacts[number]


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    flags = {f"receive{name}": False for name in ("Quotes", "Orders", "Invoices", "EInvoices", "StatementOfAccounts", "Reminders")}
    filled = {name: value for name, value in row.items() if value != ""}
    return {**flags, **filled, "active": not row.get("isDeleted")}


class Webhooks:
    """One webhook for each kind of event."""

    def __init__(self, economic: Economic) -> None:
        self.economic = economic

    def event_types(self, request: Request) -> Reply:
        self._books(request)
        fields = {name: [{"fieldName": f"[{field}]", "description": field} for field in each] for name, each in EVENT_TYPES.items()}
        return as_json([{"name": name, "description": name, "mergeFields": each} for name, each in fields.items()])

    def listing(self, request: Request) -> Reply:
        return as_json({"items": list(self._books(request).webhooks.values())})

    def single(self, request: Request) -> Reply:
        return as_json(self._found(request))

    def create(self, request: Request) -> Reply:
        books, body = self._books(request), self._checked(request)
        if body["eventType"] in books.webhooks:
            raise problem(409, "WebhookAlreadyExists", "There is a webhook for this event.")
        books.webhooks[body["eventType"]] = {"isDisabled": False, **body, "objectVersion": "1", "lastUpdated": self.economic.stamp()}
        return as_json({"eventType": body["eventType"]}, 201)

    def replace(self, request: Request) -> Reply:
        books, body = self._books(request), self._checked(request)
        known = books.webhooks.get(body["eventType"])
        if known is None:
            raise problem(404, "ResourceNotFound", "There is no webhook for this event.")
        if body.get("objectVersion") != known["objectVersion"]:
            raise problem(409, "UpdateConflict", "The object was changed by somebody else.")
        version = str(int(known["objectVersion"]) + 1)
        books.webhooks[body["eventType"]] = {**body, "objectVersion": version, "lastUpdated": self.economic.stamp()}
        return Reply(204)

    def delete(self, request: Request) -> Reply:
        del self._books(request).webhooks[self._found(request)["eventType"]]
        return Reply(204)

    def _books(self, request: Request) -> Books:
        return self.economic.books_of(request, role="SuperUser")

    def _found(self, request: Request) -> dict[str, Any]:
        found = self._books(request).webhooks.get(request.path.strip("/").rpartition("/")[2])
        if found is None:
            raise problem(404, "ResourceNotFound", "There is no webhook for this event.")
        return found

    def _checked(self, request: Request) -> dict[str, Any]:
        body = request.json()
        if not isinstance(body, dict) or body.get("eventType") not in EVENT_TYPES:
            raise problem(400, "InvalidEventType", "The event type is not known.", at="EventType")
        for name, longest in _LIMITS.items():
            if not 0 < len(str(body.get(name) or "")) <= longest:
                raise problem(400, "InvalidProperty", f"{name} is missing or too long.", at=name)
        if not body["url"].startswith("https://") and not self.economic.switches["http_hooks"]:
            raise problem(400, "InvalidProperty", "url must begin with https://.", at="url")
        return body
