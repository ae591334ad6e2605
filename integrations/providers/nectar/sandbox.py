"""A stand-in for NectarCRM: contacts and custom fields to read, as far as documented (README.md tells what is our choice)."""

from __future__ import annotations

import base64
import secrets
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any
from urllib.parse import urlencode

import orjson

from integrations.kit.vendor import Refusal, Reply, Request, Vendor, as_html, as_json, see_other
from integrations.providers.nectar import sandbox_data
from integrations.providers.nectar.sandbox_data import Table

COMPANIES = 80
API = "/crm/api/1"
FIRST_TOKEN = "sandbox-nectar"  # noqa: S105  a toy's key
_MOST = 50
_CYCLES = {0: "Cliente", 1: "Prospect", 2: "Suspect", 3: "Lead", 4: "Contatos relacionados", 5: "Descartado"}


class Nectar(Vendor):
    key = "nectar"
    label = "NectarCRM"
    api_path = API

    def __init__(self, *, clients: int = COMPANIES) -> None:
        super().__init__()
        self.switches = {"related": True}  # False: an account that knows no related contacts and answers 401
        self.tokens = {FIRST_TOKEN}
        self.contacts: Table = {}
        self.reset(clients=clients)
        for method, pattern, handler in (
            ("GET", API, self._about),
            ("GET", f"{API}/contatos", self._list),
            ("GET", f"{API}/contatos/{{id}}", self._get),
            ("GET", f"{API}/campoPersonalizado", self._fields),
            ("GET", "/", lambda request: see_other(f"{request.base}/books")),
            ("GET", "/books", self._book),
            ("POST", "/books", self._add),
        ):
            self.route(method, pattern, handler)

    def is_api(self, path: str) -> bool:
        return path.startswith(API)

    def reset(self, *, clients: int = COMPANIES, seed: int = 2026, **options: Any) -> None:
        self.contacts = sandbox_data.contacts(clients, seed=seed)

    def dump(self) -> dict[str, Any]:
        return {"contacts": list(self.contacts.values()), "tokens": sorted(self.tokens), "switches": self.switches}

    def load(self, tables: dict[str, Any]) -> None:
        self.contacts = {row["id"]: row for row in tables["contacts"]}
        self.tokens = set(tables["tokens"])
        self.switches.update(tables["switches"])

    def steer(self, commands: dict[str, Any]) -> dict[str, Any]:
        """Also `add_contacts`, `put_contacts` (merged by id), `delete_contacts` (ids), `token: true | {"days": 30}`, `revoke`."""
        added = [self._put({"id": max(self.contacts, default=0) + 1, **body}) for body in commands.get("add_contacts", [])]
        for body in commands.get("put_contacts", []):
            self._put(body)
        for id in commands.get("delete_contacts", []):
            self.contacts.pop(id, None)
        if commands.get("revoke"):
            self.tokens.clear()
        wish = commands.get("token")
        return {"ids": added, **({"token": self._new_token(wish.get("days", 365) if isinstance(wish, dict) else 365)} if wish else {})}

    def before(self, kind: str, request: Request) -> None:
        page = request.number("page", 1)
        if kind == "repeat_page" and page > 1:
            request.query["page"] = str(page - 1)
        if kind == "drift" and page > 1:
            self.contacts.pop(min(self.contacts, default=0), None)

    def tamper(self, kind: str, request: Request, reply: Reply) -> Reply:
        body = orjson.loads(reply.body)
        if kind == "nulls":
            return as_json([_nulled(one) for one in body] if isinstance(body, list) else _nulled(body))
        if kind == "duplicate_ids" and isinstance(body, list):
            body = body[:1] + body
        return as_json([] if kind == "empty_list" and isinstance(body, list) else body)

    def _put(self, body: dict[str, Any]) -> int:
        id = int(body["id"])
        self.contacts[id] = {**self.contacts.get(id, sandbox_data.blank(id)), **body}
        return id

    def _new_token(self, days: float) -> dict[str, Any]:
        """As theirs: a JWT that says when it ends."""
        ends = datetime.now(UTC) + timedelta(days=days)
        parts = ({"alg": "HS256", "typ": "JWT"}, {"exp": int(ends.timestamp()), "userId": 1, "userLogin": "dona@empresa.example"})
        token = ".".join(
            [*(base64.urlsafe_b64encode(orjson.dumps(part)).decode().rstrip("=") for part in parts), secrets.token_urlsafe(12)]
        )
        self.tokens.add(token)
        return {"access_token": token}

    def _admit(self, request: Request) -> None:
        if (request.headers.get("access-token") or request.query.get("api_token")) not in self.tokens:
            raise Refusal(401, "Token de acesso inválido.")

    def _about(self, request: Request) -> Reply:
        self._admit(request)
        return as_json(
            {"sobre": {"versao": "1.0"}, "endpoints": {"contatos": {"listagem": {"method": "GET", "endpoint": f"{API}/contatos"}}}}
        )

    def _list(self, request: Request) -> Reply:
        self._admit(request)
        cycle = request.query.get("constante")
        if cycle is not None and (cycle not in {str(one) for one in _CYCLES} or (cycle == "4" and not self.switches["related"])):
            raise Refusal(401, "Parâmetro inválido.")
        found = [row for _id, row in sorted(self.contacts.items()) if cycle is None or str(row["constante"]) == cycle]
        size = max(1, min(request.number("displayLength", 20), _MOST))
        if request.query.get("page") == "-1":
            return as_json(found[:200])
        start = (max(1, request.number("page", 1)) - 1) * size
        return as_json(found[start : start + size])

    def _get(self, request: Request, id: int) -> Reply:
        self._admit(request)
        if id not in self.contacts:
            raise Refusal(404, "Contato não encontrado.")
        return as_json(self.contacts[id])

    def _fields(self, request: Request) -> Reply:
        self._admit(request)
        return as_json(sandbox_data.FIELDS)

    def _book(self, request: Request) -> Reply:
        words = request.query.get("q", "").casefold()
        found = [row for row in self.contacts.values() if words in str(row["nome"]).casefold()]
        rows = "".join(_row(row) for row in found[:200])
        options = "".join(f"<option value={key}>{name}" for key, name in _CYCLES.items())
        inputs = f"<input name=nome aria-label=Name required> <select name=constante>{options}</select>"
        adding = f"<form method=post>{inputs} <button>Add</button></form>"
        search = f'<form><input name=q value="{escape(words)}" aria-label="Search by name"> <button>Search</button></form>'
        return as_html(
            '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
            "<title>NectarCRM sandbox</title><h1>NectarCRM (sandbox)</h1>"
            f"<p>Token: <code>{FIRST_TOKEN}</code></p>{search}{adding}<p>{len(found)} contacts</p>"
            f"<table><tr><th>Id<th>Name<th>Life cycle<th>Company<th>E-mails</tr>{rows}</table></html>"
        )

    def _add(self, request: Request) -> Reply:
        form = request.form()
        cycle = form.get("constante", "")
        self._put(
            {
                "id": max(self.contacts, default=0) + 1,
                "nome": form.get("nome", "").strip() or "Sem nome",
                "constante": int(cycle) if cycle in {str(one) for one in _CYCLES} else 1,
            }
        )
        return see_other(f"{request.base}/books?{urlencode({'q': form.get('nome', '').strip()})}")


def _row(row: dict[str, Any]) -> str:
    home = (row.get("empresaAtual") or {}).get("nome") or ""
    texts = (row["id"], row["nome"], _CYCLES.get(row["constante"], ""), home, ", ".join(map(str, row.get("emails") or [])))
    return "<tr>" + "".join(f"<td>{escape(str(text or ''))}" for text in texts) + "</tr>"


def _nulled(row: dict[str, Any]) -> dict[str, Any]:
    kept = {"id", "nome", "ativo", "constante", "empresa"}
    return {key: value if key in kept else None for key, value in row.items()}


app = Nectar()
