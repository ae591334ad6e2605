"""A stand-in for Crunch: its API as far as known (README.md tells what is our choice), with books that people and tests can change."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import orjson

from integrations.kit.vendor import Refusal, Reply, Request, as_json
from integrations.kit.vendor_oauth import Authority, OAuthVendor
from integrations.providers.crunch import sandbox_books, sandbox_data
from integrations.providers.crunch.sandbox_data import Table

CLIENTS, SUPPLIERS = 240, 30
_SCOPES = {"read:all": "Read your clients, suppliers and invoices", "create:all": "Add clients", "update:all": "Change clients"}
_SCOPE_OF = {"GET": "read:all", "POST": "create:all", "PUT": "update:all", "DELETE": "delete:all"}
_ADDRESS = ("line1", "line2", "line3", "line4", "postCode", "country")
_TEXT = 2000
_MAX_SIZE = 200


@dataclass(slots=True)
class Books:
    """The tables of one company."""

    clients: Table = field(default_factory=dict)
    suppliers: Table = field(default_factory=dict)
    invoices: Table = field(default_factory=dict)
    next_id: int = 100_001
    order: dict[str, list[int]] = field(default_factory=dict)  # sorted ids by table and sort; emptied by `touch`

    def touch(self) -> None:
        self.order.clear()

    def new_id(self) -> int:
        self.next_id += 1
        return self.next_id - 1

    def dump(self) -> dict[str, Any]:
        return {name: list(getattr(self, name).values()) for name in ("clients", "suppliers", "invoices")} | {"next_id": self.next_id}


class Crunch(OAuthVendor):
    key = "crunch"
    label = "Crunch"
    companies = {"northlight": "Northlight Studio Ltd", "second": "Second Company Ltd"}
    scopes = _SCOPES

    def __init__(self, *, clients: int = CLIENTS) -> None:
        super().__init__()
        self.books: dict[str, Books] = {}
        self.reset(clients=clients)
        for method, pattern, handler in (
            ("GET", "/v1/clients/clients", self._list_clients),
            ("GET", "/v1/clients/list", self._all_clients),
            ("GET", "/v1/clients/clients/list", self._all_clients),
            ("POST", "/v1/clients", self._create),
            ("GET", "/v1/clients/{id}", self._get),
            ("PUT", "/v1/clients/{id}", self._update),
            ("DELETE", "/v1/clients/{id}", self._delete),
            ("GET", "/v1/invoices", self._list_invoices),
            ("GET", "/v1/expenses/suppliers", self._list_suppliers),
            ("GET", "/v1/expenses/suppliers/{id}", self._get_supplier),
        ):
            self.route(method, pattern, handler)
        sandbox_books.mount(self)

    def is_api(self, path: str) -> bool:
        return not path.startswith(("/_control", "/books"))

    def reset(
        self, *, clients: int = CLIENTS, suppliers: int = SUPPLIERS, invoices: int | None = None, seed: int = 2026, **options: Any
    ) -> None:
        """Fresh books; connections stay."""
        today = self.today()
        count = min(600, clients * 5 // 2) if invoices is None else invoices
        self.books = {
            "northlight": _fill(clients, suppliers=suppliers, invoices=count, seed=seed, today=today),
            "second": _fill(min(clients, 12), suppliers=0, invoices=min(count, 20), seed=seed + 1, today=today),
        }

    def today(self) -> date:
        return datetime.now(UTC).date()

    def dump(self) -> dict[str, Any]:
        """The main company's tables at the top, the other's under its id."""
        return {
            **self.books["northlight"].dump(),
            "second": self.books["second"].dump(),
            "tokens": self.authority.dump(),
            "switches": self.switches,
        }

    def load(self, tables: dict[str, Any]) -> None:
        self.books = {"northlight": _load(tables), "second": _load(tables["second"])}
        self.authority = Authority.load(tables["tokens"])
        self.switches.update(tables["switches"])

    def steer(self, commands: dict[str, Any]) -> dict[str, Any]:
        """Also `add_clients`, `put_clients`, `delete_clients` (ids), `add_invoices`, `company`; unchecked: broken records are the point."""
        books = self.books[commands.get("company", "northlight")]
        added = [books.new_id() for _ in commands.get("add_clients", [])]
        for id, body in zip(added, commands.get("add_clients", []), strict=True):
            books.clients[id] = {**_blank(id), **body}
        for body in commands.get("put_clients", []):
            books.clients[body["id"]] = {**books.clients.get(body["id"], _blank(body["id"])), **body}
        for id in commands.get("delete_clients", []):
            books.clients.pop(id, None)
        for body in commands.get("add_invoices", []):
            id = books.new_id()
            books.invoices[id] = {"id": id, **body}
        books.touch()
        return {"ids": added, **super().steer(commands)}

    def before(self, kind: str, request: Request) -> None:
        page = request.number("page", 0)
        if kind == "repeat_page" and page > 0:
            request.query["page"] = str(page - 1)
        if kind == "drift" and page > 0:
            books = self.books["northlight"]
            table = self._table(request.path, books)
            table.pop(_sorted(books, request.path, table, "")[0], None)
            books.touch()

    def tamper(self, kind: str, request: Request, reply: Reply) -> Reply:
        """Spoil a list (or, for nulls, a single record too)."""
        body = orjson.loads(reply.body) if reply.body.startswith((b"{", b"[")) else {}
        if kind == "nulls":
            return as_json(_nulled(body))
        if not isinstance(body, dict) or "content" not in body:
            return reply
        if kind == "repeat_page":
            body["last"] = False
            body["number"] = request.number("page", 0)
        if kind == "duplicate_ids":
            body["content"] = body["content"][:1] + body["content"]
        if kind == "empty_list":
            body |= {"content": [], "empty": True, "last": True, "numberOfElements": 0, "totalElements": 0, "totalPages": 0}
        return as_json(body)

    def _books(self, request: Request) -> Books:
        return self.books[self.allowed(request, _SCOPE_OF[request.method]).company]

    def _table(self, path: str, books: Books) -> Table:
        return books.invoices if "invoices" in path else books.suppliers if "suppliers" in path else books.clients

    def _list_clients(self, request: Request) -> Reply:
        books = self._books(request)
        return as_json(_page(request, books, books.clients))

    def _list_invoices(self, request: Request) -> Reply:
        books = self._books(request)
        return as_json(_page(request, books, books.invoices))

    def _list_suppliers(self, request: Request) -> Reply:
        books = self._books(request)
        return as_json(_page(request, books, books.suppliers))

    def _all_clients(self, request: Request) -> Reply:
        return as_json(list(self._books(request).clients.values()))

    def _get(self, request: Request, id: int) -> Reply:
        return as_json(_found(self._books(request).clients, id))

    def _get_supplier(self, request: Request, id: int) -> Reply:
        return as_json(_found(self._books(request).suppliers, id))

    def _create(self, request: Request) -> Reply:
        books = self._books(request)
        body = _checked(request.json())
        id = books.new_id()
        books.clients[id] = {**_blank(id), **body, "id": id}
        books.touch()
        return as_json(books.clients[id])

    def _update(self, request: Request, id: int) -> Reply:
        books = self._books(request)
        _found(books.clients, id)
        books.clients[id] = {**_blank(id), **_checked(request.json()), "id": id}
        books.touch()
        return as_json(books.clients[id])

    def _delete(self, request: Request, id: int) -> Reply:
        books = self._books(request)
        client = _found(books.clients, id)
        if any((invoice.get("customer") or {}).get("id") == id for invoice in books.invoices.values()):
            raise Refusal(400, "The customer has invoices and cannot be deleted.")
        del books.clients[id]
        books.touch()
        return as_json(client)


def _fill(clients: int, *, suppliers: int, invoices: int, seed: int, today: date) -> Books:
    rng = random.Random(seed)
    books = Books(clients=sandbox_data.clients(clients, rng=rng), suppliers=sandbox_data.suppliers(suppliers, rng=rng))
    books.invoices = sandbox_data.invoices(invoices, book=books.clients, rng=rng, today=today)
    return books


def _load(tables: dict[str, Any]) -> Books:
    rows = {name: {row["id"]: row for row in tables[name]} for name in ("clients", "suppliers", "invoices")}
    return Books(**rows, next_id=tables["next_id"])


def _blank(id: int) -> dict[str, Any]:
    return {"id": id, "name": None, "email": None, "paymentTermsDays": 30, "billingAddress": None, "note": None}


def _found(table: Table, id: int) -> dict[str, Any]:
    if id not in table:
        raise Refusal(404, f"No record {id} was found for this client.")
    return table[id]


def _checked(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise Refusal(400, "An object is expected.")
    address = body.get("billingAddress") if isinstance(body.get("billingAddress"), dict) else {}
    wanted = {"name": body.get("name"), **{f"billingAddress.{key}": (address or {}).get(key) for key in ("line1", "line2", "country")}}
    missing = [name for name, value in wanted.items() if not isinstance(value, str) or not value.strip()]
    if missing:
        raise Refusal(400, f"{', '.join(missing)} must not be empty.")
    texts = {"name": body["name"], "email": body.get("email"), **{key: (address or {}).get(key) for key in _ADDRESS}}
    for name, value in texts.items():
        if value is not None and (not isinstance(value, str) or len(value) > _TEXT):
            raise Refusal(400, f"{name} is no text or too long.")
    if body.get("email") and "@" not in body["email"]:
        raise Refusal(400, "email is not a valid e-mail address.")
    known = {key: body[key] for key in ("name", "email", "paymentTermsDays", "billingAddress", "note") if key in body}
    return known | ({"email": None} if known.get("email") == "" else {})


def _sorted(books: Books, path: str, table: Table, sort: str) -> list[int]:
    """Ids in the order asked for; sorted once per change of the books."""
    key = f"{path.strip('/')}?{sort}"
    if key not in books.order:
        name, _, way = (sort or "companyName,asc").partition(",")
        field_name = "name" if name == "companyName" and table is books.clients else name
        if table is books.invoices and name == "companyName":
            field_name = "id"

        def rank(id: int) -> tuple[bool, str, int]:
            value = table[id].get(field_name)
            return value is None, f"{value:020d}" if isinstance(value, int) else str(value).casefold(), id

        books.order[key] = sorted(table, key=rank, reverse=way == "desc")
    return books.order[key]


def _page(request: Request, books: Books, table: Table) -> dict[str, Any]:
    number, size = request.number("page", 0), request.number("size", 20)
    if not 1 <= size <= _MAX_SIZE:
        raise Refusal(400, f"size must be between 1 and {_MAX_SIZE}.")
    ids = _sorted(books, request.path, table, request.query.get("sort", ""))
    content = [table[id] for id in ids[number * size : (number + 1) * size]]
    pages = -(-len(ids) // size)
    sort = {"sorted": True, "unsorted": False, "empty": False}
    return {
        "content": content,
        "empty": not content,
        "first": number == 0,
        "last": number >= pages - 1,
        "number": number,
        "numberOfElements": len(content),
        "size": size,
        "totalPages": pages,
        "totalElements": len(ids),
        "pageable": {"offset": number * size, "pageNumber": number, "pageSize": size, "paged": True, "unpaged": False, "sort": sort},
        "sort": sort,
    }


def _nulled(value: Any) -> Any:
    """Every optional field of every record null: ids, and a client's name, stay."""
    if isinstance(value, list):
        return [_nulled(one) for one in value]
    if isinstance(value, dict) and isinstance(value.get("content"), list):
        return {**value, "content": _nulled(value["content"])}
    return {key: inner if key in {"id", "name", "companyName"} else None for key, inner in value.items()}


app = Crunch()
