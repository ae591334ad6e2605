"""A stand-in for Movidesk: persons and tickets as documented (README.md tells what is our choice), with pages to play the other side."""

from __future__ import annotations

import math
import secrets
from collections import deque
from datetime import timedelta
from typing import Any

import orjson

from integrations.kit.vendor import Refusal, Reply, Request, Vendor, as_json
from integrations.providers.movidesk import sandbox_books, sandbox_data, sandbox_odata
from integrations.providers.movidesk.sandbox_desk import ARRAYS, PROPERTIES, Desk, Person, as_text, complaint, now

COMPANIES = 60
API = "/public/v1"
FIRST_TOKEN = "sandbox-movidesk"  # noqa: S105  a toy's key
_MOST = 100
_RECENT = timedelta(days=90)
_BLOCKS = (60, 120, 300)
_TICKET = (
    "id", "protocol", "type", "subject", "category", "urgency", "status", "baseStatus", "justification", "origin", "createdDate", "owner",
    "ownerTeam", "createdBy", "lastActionDate", "lastUpdate", "actionCount", "clients", "tags", "resolvedIn", "closedIn", "canceledIn",
)  # fmt: skip
_EXPANDABLE = {"owner", "clients", "createdBy", "tags"}
_SWITCHES: dict[str, Any] = {
    "per_minute": 10,  # 0 = no limit
    "failure_blocks": "tickets",  # or "all" or "off"
    "delay_seconds": 0,  # how long lists lag behind a change
    "changed_filter": True,  # False: an account that refuses to filter by changedDate
    "lists_need_expand": True,
    "past_tickets": True,
}


class Movidesk(Vendor):
    key = "movidesk"
    label = "Movidesk"
    api_path = API

    def __init__(self, *, clients: int = COMPANIES) -> None:
        super().__init__()
        self.switches = dict(_SWITCHES)
        self.tokens = {FIRST_TOKEN}
        self.desk = Desk()
        self.calls: deque[float] = deque()
        self.failures = 0
        self.blocked_until = 0.0
        self.reset(clients=clients)
        for method, pattern, handler in (
            ("GET", f"{API}/persons", self._persons),
            ("POST", f"{API}/persons", self._create),
            ("PATCH", f"{API}/persons", self._change),
            ("DELETE", f"{API}/persons", self._delete),
            ("GET", f"{API}/tickets", self._recent_tickets),
            ("GET", f"{API}/tickets/past", self._old_tickets),
        ):
            self.route(method, pattern, handler)
        sandbox_books.mount(self)

    def is_api(self, path: str) -> bool:
        return path.startswith(API)

    def logs_body(self, path: str) -> bool:
        return self.is_api(path)

    def reset(self, *, clients: int = COMPANIES, people: int | None = None, seed: int = 2026, **options: Any) -> None:
        """Fresh books; tokens stay."""
        persons, tickets = sandbox_data.fill(clients, people=2 * clients if people is None else people, seed=seed, today=now())
        self.desk = Desk({person["id"].casefold(): person for person in persons}, tickets)
        self.calls.clear()
        self.failures, self.blocked_until = 0, 0.0

    def dump(self) -> dict[str, Any]:
        return {**self.desk.dump(), "tokens": sorted(self.tokens), "switches": self.switches}

    def load(self, tables: dict[str, Any]) -> None:
        self.desk = Desk({person["id"].casefold(): person for person in tables["persons"]}, tables["tickets"])
        self.tokens = set(tables["tokens"])
        self.switches.update(tables["switches"])

    def steer(self, commands: dict[str, Any]) -> dict[str, Any]:
        """Also `add_persons` (whole bodies), `put_persons` (merged by id), both unchecked; `delete_persons` (ids), `add_tickets`,
        `token: true` (a new one; the old ones are worthless from then on), `revoke`, `unblock`."""
        for body in [*commands.get("add_persons", []), *commands.get("put_persons", [])]:
            self.desk.put({**sandbox_data.blank(), **(self.desk.get(body["id"]) or {}), **body})
        for id in commands.get("delete_persons", []):
            self.desk.persons.pop(id.casefold(), None)
        self.desk.tickets += [{**dict.fromkeys(_TICKET), **body} for body in commands.get("add_tickets", [])]
        if commands.get("revoke") or commands.get("token"):
            self.tokens.clear()
        if commands.get("unblock"):
            self.calls.clear()
            self.failures, self.blocked_until = 0, 0.0
        return {"token": self._new_token()} if commands.get("token") else {}

    def before(self, kind: str, request: Request) -> None:
        skip = request.number("$skip", 0)
        if kind == "repeat_page" and skip:
            request.query["$skip"] = str(max(0, skip - request.number("$top", _MOST)))
        if kind == "drift" and skip:
            companies = (key for key, person in self.desk.persons.items() if person["personType"] == 2)
            self.desk.persons.pop(min(companies, default=""), None)

    def tamper(self, kind: str, request: Request, reply: Reply) -> Reply:
        body = orjson.loads(reply.body) if reply.body.startswith((b"{", b"[")) else {}
        if kind == "nulls":
            return as_json([_nulled(one) for one in body] if isinstance(body, list) else _nulled(body))
        if not isinstance(body, list):
            return reply
        if kind == "duplicate_ids":
            body = body[:1] + body
        return as_json([] if kind == "empty_list" else body)

    def refuse(self, refusal: Refusal) -> Reply:
        """Complaints about a record come as a list, everything else as an object."""
        headers = {"retry_after": str(refusal.more["retry_after"])} if "retry_after" in refusal.more else {}
        body = refusal.more.get("errors", {"message": refusal.message})
        return as_json(body, refusal.status, **headers)

    def _dispatch(self, request: Request) -> Reply:
        if not self.is_api(request.path):
            return super()._dispatch(request)
        self._admit(request)
        try:
            reply = super()._dispatch(request)
        except Refusal:
            self._count_failure(request)
            raise
        self.failures = 0
        return reply

    def _admit(self, request: Request) -> None:
        moment = now().timestamp()
        if self.blocked_until > moment:
            raise Refusal(429, "Too many failed requests", retry_after=math.ceil(self.blocked_until - moment))
        while self.calls and self.calls[0] <= moment - 60:
            self.calls.popleft()
        if self.switches["per_minute"] and len(self.calls) >= self.switches["per_minute"]:
            raise Refusal(429, "Too many requests", retry_after=math.ceil(self.calls[0] + 60 - moment))
        self.calls.append(moment)
        if request.query.get("token") not in self.tokens:
            self._count_failure(request)
            raise Refusal(401, "Invalid token.")

    def _count_failure(self, request: Request) -> None:
        counted = self.switches["failure_blocks"]
        if counted == "off" or (counted == "tickets" and "/tickets" not in request.path):
            return
        self.failures += 1
        if self.failures % 3 == 0:
            self.blocked_until = now().timestamp() + _BLOCKS[min(self.failures // 3, len(_BLOCKS)) - 1]

    def _new_token(self) -> dict[str, Any]:
        token = f"{secrets.token_hex(4)}-{secrets.token_hex(8)}"
        self.tokens.add(token)
        return {"access_token": token}

    def _delay(self) -> float:
        return float(self.switches["delay_seconds"])

    def _persons(self, request: Request) -> Reply:
        query = request.query
        if "id" in query:
            person = self.desk.get(query["id"])
            if person is None:
                raise Refusal(404, "Person not found.")
            return as_json(_shown(person))
        sandbox_odata.check_options(query, also=["token"])
        if "changedDate" in query.get("$filter", "") and not self.switches["changed_filter"]:
            raise sandbox_odata.not_valid("The property 'changedDate' cannot be used in the $filter query option.")
        found = _asked_for(self.desk.listed(), query, PROPERTIES)
        expanded = set(sandbox_odata.names_of(query.get("$expand", ""))) if self.switches["lists_need_expand"] else set(ARRAYS)
        chosen = set(sandbox_odata.names_of(query["$select"])) if query.get("$select") else set(PROPERTIES)
        hidden = set(ARRAYS) - expanded
        return as_json([{k: v for k, v in _shown(person).items() if k in (chosen | expanded) - hidden} for person in found])

    def _create(self, request: Request) -> Reply:
        person = self.desk.create(request.json(), delay=self._delay())
        whole = request.query.get("returnAllProperties", "").lower() == "true"
        return as_json(_shown(person) if whole else {"id": person["id"]})

    def _change(self, request: Request) -> Reply:
        self.desk.change(request.query.get("id", ""), request.json(), delay=self._delay())
        return Reply(200, b"")

    def _delete(self, request: Request) -> Reply:
        if self.desk.persons.pop(request.query.get("id", "").casefold(), None) is None:
            raise Refusal(404, "Person not found.")
        return Reply(200, b"")

    def _recent_tickets(self, request: Request) -> Reply:
        if "id" in request.query or "protocol" in request.query:
            name = "id" if "id" in request.query else "protocol"
            found = [one for one in self.desk.tickets if str(one[name]) == request.query[name]]
            if not found:
                raise Refusal(404, "Ticket not found.")
            return as_json(found[0])
        return self._tickets(request, recent=True)

    def _old_tickets(self, request: Request) -> Reply:
        if not self.switches["past_tickets"]:
            raise Refusal(404, "Not found.")
        return self._tickets(request, recent=False)

    def _tickets(self, request: Request, *, recent: bool) -> Reply:
        query = request.query
        sandbox_odata.check_options(query, also=["token", "includeDeletedItems"])
        if not query.get("$select"):
            raise complaint("The $select parameter is required", "$select")
        edge = as_text(now() - _RECENT)
        found = _asked_for([one for one in self.desk.tickets if (one["lastUpdate"] >= edge) is recent], query, _TICKET)
        shown = {*sandbox_odata.names_of(query["$select"])} - _EXPANDABLE | set(sandbox_odata.names_of(query.get("$expand", "")))
        return as_json([{name: value for name, value in ticket.items() if name in shown} for ticket in found])


def _asked_for(records: list[dict[str, Any]], query: dict[str, str], known: tuple[str, ...]) -> list[dict[str, Any]]:
    if query.get("$filter"):
        test = sandbox_odata.parse_filter(query["$filter"], known)
        records = [record for record in records if test({"record": record})]
    return sandbox_odata.cut(sandbox_odata.ordered(records, query.get("$orderby") or "id", known), query, most=_MOST)


def _shown(person: Person) -> Person:
    """As they answer: with read-only parts that may not be sent back."""
    addresses = [{**one, "countryId": "BR"} if isinstance(one, dict) else one for one in person.get("addresses") or []]
    relations = [
        {**one, "idToDelete": None, "isGetMethod": True} if isinstance(one, dict) else one for one in person.get("relationships") or []
    ]
    return {**person, "addresses": addresses, "relationships": relations}


def _nulled(person: Any) -> Any:
    kept = {"id", "businessName", "personType", "isActive", "profileType"}
    return {key: value if key in kept else None for key, value in person.items()}


app = Movidesk()
