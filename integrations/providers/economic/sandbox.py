"""A stand-in for e-conomic: both surfaces as far as known (README.md tells what is our choice), with books that people can change."""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from html import escape
from typing import Any
from urllib.parse import urlencode

import orjson

from integrations.kit.vendor import Fault, Refusal, Reply, Request, Vendor, as_html, as_json
from integrations.providers.economic import sandbox_books, sandbox_openapi, sandbox_rest, sandbox_store
from integrations.providers.economic.sandbox_hooks import Sender
from integrations.providers.economic.sandbox_store import Books

CUSTOMERS = 240
APP = "sandbox"
MAIN, SECOND = 1234567, 7654321
AGREEMENTS = {MAIN: "Nordlys Handel ApS", SECOND: "Havnens Værft A/S"}
ROLES = ("Sales", "SuperUser")
SWITCHES: dict[str, Any] = {
    "limit": 10_000,  # tokens of the bucket
    "window": 60,  # seconds until it is full again
    "cost": 3,  # tokens of one call
    "cursor_size": 1000,
    "danish": True,  # sentences of refusals
    "ignored": ["vatNumber"],  # what is accepted and not stored
    "renumbering": True,
    "lose_hooks": False,
    "http_hooks": True,  # the real one calls over https only
    "clock": 0,  # seconds that its clock is ahead
}
_KEY_LIFE = 3600.0


class Economic(Vendor):
    key = "economic"
    label = "e-conomic"
    api_path = "/rest"

    def __init__(self, *, clients: int = CUSTOMERS) -> None:
        super().__init__()
        self.switches.update(SWITCHES)
        self.grants: dict[str, dict[str, Any]] = {}
        self.books: dict[int, Books] = {}
        self.sender = Sender()
        self._replies: dict[str, tuple[float, Reply]] = {}
        self._spent: deque[tuple[float, int]] = deque()
        self.reset(clients=clients)
        self.route("GET", "/secure/api1/requestaccess\\.aspx", self._ask)
        self.route("POST", "/secure/api1/requestaccess\\.aspx", self._grant)
        sandbox_rest.mount(self)
        sandbox_openapi.mount(self)
        sandbox_books.mount(self)

    def is_api(self, path: str) -> bool:
        return path.startswith(("/rest/", "/openapi/"))

    def logs_body(self, path: str) -> bool:
        return self.is_api(path)

    def today(self) -> date:
        return self._now().date()

    def stamp(self) -> str:
        return self._now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def _now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=float(self.switches["clock"]))

    def reset(self, *, clients: int = CUSTOMERS, invoices: int | None = None, seed: int = 2026, **options: Any) -> None:
        """Fresh books; permissions stay."""
        count = min(600, clients * 5 // 2) if invoices is None else invoices
        old = (self._now() - timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%SZ")

        def filled(number: int, customers: int, bills: int, seed: int) -> Books:
            return sandbox_store.fill(
                number, AGREEMENTS[number], customers=customers, invoices=bills, seed=seed, today=self.today(), stamp=lambda: old
            )

        self.books = {MAIN: filled(MAIN, clients, count, seed), SECOND: filled(SECOND, min(clients, 12), min(count, 20), seed + 1)}
        self._replies.clear()
        self._spent.clear()

    def dump(self) -> dict[str, Any]:
        """The main agreement's tables at the top, the other's under `second`."""
        return {
            **self.books[MAIN].dump(),
            "second": self.books[SECOND].dump(),
            "grants": self.grants,
            "switches": self.switches,
            "deliveries": self.sender.dump(),
        }

    def load(self, tables: dict[str, Any]) -> None:
        main = {name: value for name, value in tables.items() if name not in {"second", "grants", "switches", "deliveries"}}
        self.books = {MAIN: Books.load(main), SECOND: Books.load(tables["second"])}
        self.grants = tables["grants"]
        self.switches.update(tables["switches"])

    # Permissions

    def books_of(self, request: Request, *, role: str = "Sales") -> Books:
        """The books behind the two tokens; 401 and 403 as e-conomic gives them."""
        app, token = request.headers.get("x-appsecrettoken", ""), request.headers.get("x-agreementgranttoken", "")
        if (app, token) == ("demo", "demo"):
            if request.method != "GET":
                raise Refusal(403, "The demo agreement can only be read.", errorCode="E00500")
            return self.books[MAIN]
        grant = self.grants.get(token)
        if app != APP or grant is None:
            raise Refusal(401, "The tokens are not valid.", errorCode="E00500", developerHint="Check both tokens.")
        if role not in grant["roles"]:
            raise Refusal(403, f"The role {role} is missing.", errorCode="AccessDeniedMissingRole", type="about:blank")
        return self.books[grant["agreement"]]

    def grant(self, agreement: int = MAIN, roles: Collection[str] = ROLES) -> str:
        token = secrets.token_urlsafe(32)
        self.grants[token] = {"agreement": agreement, "roles": list(roles)}
        return token

    def _ask(self, request: Request) -> Reply:
        query = request.query
        if query.get("appPublicToken") != APP:
            return as_html(_page("<p>This app is not known.</p>"), 400)
        choice = "".join(f"<option value={number}>{escape(name)}" for number, name in AGREEMENTS.items())
        hidden = f'<input type=hidden name=redirectUrl value="{escape(query.get("redirectUrl", ""))}">'
        return as_html(
            _page(
                f"<h1>Give <b>CRM</b> access to your agreement?</h1><form method=post>{hidden}"
                f"<p><label>Agreement <select name=agreement>{choice}</select></label></p>"
                "<p><label><input type=checkbox name=superuser value=1 checked> With the role SuperUser (webhooks)</label></p>"
                "<p><button name=answer value=yes class=primary>Grant access</button> "
                "<button name=answer value=no>Cancel</button></p></form>"
            )
        )

    def _grant(self, request: Request) -> Reply:
        form = request.form()
        back = form.get("redirectUrl", "")
        glue = "&" if "?" in back else "?"
        if form.get("answer") != "yes":
            return Reply(302, headers={"Location": back}) if back else as_html(_page("<p>No access was given.</p>"))
        agreement = int(form.get("agreement", MAIN))
        token = self.grant(agreement if agreement in self.books else MAIN, ROLES if form.get("superuser") else ROLES[:1])
        if back.startswith(("http://", "https://")):
            return Reply(302, headers={"Location": f"{back}{glue}{urlencode({'token': token})}"})
        return as_html(_page(f"<h1>Access was given</h1><p>Copy this token: <code>{token}</code></p>"))

    # What every call goes through

    def _answer(self, request: Request, fault: Fault | None) -> Reply:
        if not self.is_api(request.path):
            reply = super()._answer(request, fault)
        elif self._used() + int(self.switches["cost"]) > int(self.switches["limit"]):
            reply = as_json({"message": "Rate limit exceeded."}, 429, Retry_After=str(self.switches["window"]))
        else:
            self._spent.append((time.monotonic(), int(self.switches["cost"])))
            reply = super()._answer(request, fault)
        for books in self.books.values():
            self.sender.take(books, lose=bool(self.switches["lose_hooks"]))
        return self._with_headers(reply) if self.is_api(request.path) else reply

    def _used(self) -> int:
        with self.lock:
            while self._spent and self._spent[0][0] < time.monotonic() - float(self.switches["window"]):
                self._spent.popleft()
            return sum(cost for _, cost in self._spent)

    def _with_headers(self, reply: Reply) -> Reply:
        bucket = f"token-limit-{self.switches['limit']}-per-{self.switches['window']}-seconds"
        told = {
            "X-CallCost": str(self.switches["cost"]),
            "X-RateLimiting": f"{bucket}: {self._used()}/{self.switches['limit']}",
            "X-RequestId": f"{secrets.token_hex(8)}-CPH",
            "Date": format_datetime(self._now(), usegmt=True),
        }
        return Reply(reply.status, reply.body, reply.kind, {**told, **reply.headers})

    def _dispatch(self, request: Request) -> Reply:
        """A write with an Idempotency-Key that was answered within the hour is answered so again, and not carried out."""
        key = request.headers.get("idempotency-key", "") if request.method != "GET" and self.is_api(request.path) else ""
        kept = self._replies.get(f"{request.method} {key}") if key else None
        if kept and kept[0] > time.monotonic() - _KEY_LIFE:
            return Reply(kept[1].status, kept[1].body, kept[1].kind, {**kept[1].headers, "X-ResultFromCache": "true"})
        reply = super()._dispatch(request)
        if key and reply.status < 300:
            self._replies[f"{request.method} {key}"] = (time.monotonic(), reply)
        return reply

    def refuse(self, refusal: Refusal) -> Reply:
        if "type" in refusal.more:
            return Reply(refusal.status, orjson.dumps({"status": refusal.status, **refusal.more}), "application/problem+json")
        told = {
            "message": refusal.message,
            "httpStatusCode": refusal.status,
            "logId": f"{secrets.token_hex(8)}-CPH",
            "logTime": self.stamp(),
        }
        return as_json({**told, **refusal.more}, refusal.status)

    def list_rows(
        self, request: Request, rows: list[dict[str, Any]], filters: Collection[str], body: Callable[[Any], Mapping[str, Any]]
    ) -> Reply:
        total = len(rows)
        return sandbox_rest.paged(request, sandbox_rest.chosen(request, rows, filters, filters), total, body)

    # Faults and control

    def before(self, kind: str, request: Request) -> None:
        if kind == "repeat_page":
            for name in ("filter", "cursor", "skippages"):
                request.query.pop(name, None)
        if kind == "drift" and request.path.endswith("/customers"):
            books = self.books[MAIN]
            books.delete_customer(books.sorted_numbers()[0], force=True)

    def tamper(self, kind: str, request: Request, reply: Reply) -> Reply:
        """Spoil a list (or, for nulls, a single record too)."""
        body = orjson.loads(reply.body) if reply.body.startswith(b"{") else {}
        name = "collection" if "collection" in body else "items"
        if kind == "nulls":
            return as_json({**body, name: [_nulled(one) for one in body[name]]} if name in body else _nulled(body))
        if name not in body:
            return reply
        if kind == "repeat_page":
            body = {**body, "cursor": "MQ=="} if name == "items" else {**body, "pagination": {**body["pagination"], "nextPage": "again"}}
        if kind == "duplicate_ids":
            body[name] = body[name][:1] + body[name]
        if kind == "empty_list":
            body = {name: [], "pagination": {"results": 0}}
        return as_json(body)

    def steer(self, commands: dict[str, Any]) -> dict[str, Any]:
        """`token` (true or {agreement, roles}), `revoke`, `agreement`, `add_customers`, `put_customers`, `renumber`, `delete_customers`,
        `add_contacts`, `put_contacts`, `delete_contacts`, `bill`, `pay`, `book`, `classic_hooks`, `disable_hooks`, `settle_hooks`."""
        if commands.get("revoke"):
            self.grants.clear()
        answer = self._change(self.books[commands.get("agreement", MAIN)], commands)
        for books in self.books.values():
            self.sender.take(books, lose=bool(self.switches["lose_hooks"]))
        if commands.get("settle_hooks"):
            answer["settled"] = self.sender.settle()
        if wish := commands.get("token"):
            wish = wish if isinstance(wish, dict) else {}
            token = self.grant(wish.get("agreement", MAIN), wish.get("roles", ROLES))
            answer["token"] = {"grant_token": token, "access_token": token}
        return answer

    def _change(self, books: Books, commands: dict[str, Any]) -> dict[str, Any]:
        """Unchecked: broken records are the point."""
        added, stamp = [], self.stamp()
        for body in commands.get("add_customers", []):
            added.append(body.get("customerNumber") or books.free_number())
            books.put_customer(added[-1], {**_blank(), **body, "customerNumber": added[-1]}, stamp=stamp)
        for body in commands.get("put_customers", []):
            number = body["customerNumber"]
            books.put_customer(number, {**books.customers.get(number, _blank()), **body}, stamp=stamp)
        for old, new in commands.get("renumber", []):
            books.put_customer(old, {**books.customers[old], "customerNumber": new}, stamp=stamp)
        for number in commands.get("delete_customers", []):
            books.delete_customer(number, force=True)
        people = [books.put_contact(dict(body), stamp=stamp) for body in commands.get("add_contacts", [])]
        for body in commands.get("put_contacts", []):
            books.put_contact({**books.contacts[body["number"]], **body}, stamp=stamp)
        for number in commands.get("delete_contacts", []):
            books.put_contact({**books.contacts[number], "isDeleted": True}, stamp=stamp)
        bills = [books.bill(today=self.today(), issued=self.today(), **body) for body in commands.get("bill", [])]
        for number in commands.get("pay", []):
            books.pay(number)
        booked = [books.book(number) for number in commands.get("book", [])]
        if "classic_hooks" in commands:
            books.classic = commands["classic_hooks"]
        for event in commands.get("disable_hooks", []):
            books.webhooks[event]["isDisabled"] = True
        return {"ids": added, "contacts": people, "invoices": bills, "booked": booked}


def _blank() -> dict[str, Any]:
    return {"name": "", "currency": "DKK", "customerGroup": 1, "paymentTerms": 2, "vatZone": 1, "barred": False}


def _nulled(row: Any) -> Any:
    """Every optional field null: numbers and the name stay."""
    kept = {"customerNumber", "number", "bookedInvoiceNumber", "draftInvoiceNumber", "quoteNumber", "name"}
    return {key: value if key in kept else None for key, value in row.items()} if isinstance(row, dict) else row


def _page(body: str) -> str:
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>e-conomic: give access</title><style>
body{{font:16px/1.5 system-ui,sans-serif;background:#eef3f8;color:#12233a;margin:0;display:grid;place-items:center;min-height:100vh}}
main{{background:#fff;border:1px solid #c9d6e4;border-radius:12px;padding:2rem;max-width:28rem;margin:1rem;overflow-wrap:anywhere}}
h1{{font-size:1.25rem}} select,button{{font:inherit}} .brand{{color:#0a5da8;font-weight:700}}
button{{padding:.5rem 1.25rem;border-radius:8px;border:1px solid #8497ad;background:#fff;cursor:pointer}}
.primary{{background:#0a5da8;border-color:#0a5da8;color:#fff}}
</style><main><p class=brand>e-conomic (sandbox)</p>{body}</main></html>"""


app = Economic()
