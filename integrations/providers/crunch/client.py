"""Crunch's endpoints. Paths that Crunch's stored documents do not show are settings (README.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.engine.errors import BadAnswer, Gone
from integrations.engine.types import Page, RawRecord, Reason, Ref
from integrations.kit.answers import Answer
from integrations.kit.http import Http
from integrations.kit.paging import Cursor, read_list, same_page
from integrations.providers.crunch.records import CLIENT, INVOICE, SUPPLIER, listing, raw_record

MAX_SIZE = 200
KINDS = {"clients": CLIENT, "suppliers": SUPPLIER, "invoices": INVOICE}
_PATHS = {
    "CRUNCH_CLIENTS_PATH": "/clients/clients",
    "CRUNCH_CLIENT_PATH": "/clients/{id}",
    "CRUNCH_NEW_CLIENT_PATH": "/clients/",
    "CRUNCH_INVOICES_PATH": "/invoices/",
    "CRUNCH_INVOICE_PATH": "/invoices/{id}",
    "CRUNCH_SUPPLIERS_PATH": "/expenses/suppliers",
    "CRUNCH_SUPPLIER_PATH": "/expenses/suppliers/{id}",
    "CRUNCH_ACCOUNT_PATH": "",
}
_LISTS = {"clients": "CRUNCH_CLIENTS_PATH", "suppliers": "CRUNCH_SUPPLIERS_PATH", "invoices": "CRUNCH_INVOICES_PATH"}
_SINGLE = {CLIENT: "CRUNCH_CLIENT_PATH", SUPPLIER: "CRUNCH_SUPPLIER_PATH", INVOICE: "CRUNCH_INVOICE_PATH"}


class Client:
    def __init__(self, http: Http, env: Mapping[str, str]) -> None:
        self._http = http
        self._paths = {name: env.get(name, "").strip() or path for name, path in _PATHS.items()}
        size = env.get("CRUNCH_PAGE_SIZE", "")
        self.size = min(MAX_SIZE, max(1, int(size))) if size.isdigit() else MAX_SIZE

    def page(self, resource: str, cursor: Cursor | None) -> Page:
        """One page, default order. Raises BadAnswer for an answer that is no page, repeats, or stops in the middle."""
        return self._page(resource, cursor, self._answer(resource, cursor, unless=""))

    def page_unless(self, resource: str, cursor: Cursor | None, *, digest: str) -> Page | None:
        answer = self._answer(resource, cursor, unless=digest)
        return None if answer.is_same else self._page(resource, cursor, answer)

    def _answer(self, resource: str, cursor: Cursor | None, *, unless: str) -> Answer:
        number = int(cursor["page"]) if cursor else 0
        return read_list(self._http, self._paths[_LISTS[resource]], params={"page": number, "size": self.size}, unless=unless)

    def _page(self, resource: str, cursor: Cursor | None, answer: Answer) -> Page:
        number = int(cursor["page"]) if cursor else 0
        found = listing(KINDS[resource], answer.body, size=self.size)
        if found is None:
            raise BadAnswer(Reason("bad_answer"), detail=f"{resource}, page {number}: neither a page nor a list")
        told = answer.body.get("number") if isinstance(answer.body, dict) else None
        if isinstance(told, int) and told != number:
            raise BadAnswer(Reason("loop", {"page": str(number + 1)}), detail=f"{resource}: page {told} came when {number} was asked for")
        mark = same_page([record.ref.id for record in found.records], cursor=cursor, number=number) if found.records else ""
        if not found.last and not found.records and not found.bad:
            raise BadAnswer(Reason("bad_answer"), detail=f"{resource}, page {number}: empty, but not the last one")
        following = None if found.last else {"page": number + 1, "mark": mark}
        return Page(found.records, following, number, pages=found.pages, total=found.total, bad=found.bad, digest=answer.digest)

    def get(self, ref: Ref) -> RawRecord:
        return self._record(ref.kind, self._http.get(self._single(ref)).body)

    def create(self, body: Mapping[str, Any]) -> RawRecord:
        answer = self._http.post(self._paths["CRUNCH_NEW_CLIENT_PATH"], json=body)
        return self._record(CLIENT, answer.body, in_doubt=True)

    def update(self, ref: Ref, body: Mapping[str, Any]) -> RawRecord:
        answer = self._http.put(self._single(ref), json=body)
        found = raw_record(ref.kind, answer.body) if isinstance(answer.body, dict) else None
        return found or self.get(ref)

    def account(self) -> Mapping[str, Any]:
        """What the configured address says about the account; nothing where none is configured."""
        path = self._paths["CRUNCH_ACCOUNT_PATH"]
        body = self._http.get(path).body if path else {}
        return body if isinstance(body, dict) else {}

    def probe(self) -> None:
        """The cheapest read that needs the permission."""
        read_list(self._http, self._paths["CRUNCH_CLIENTS_PATH"], params={"page": 0, "size": 1})

    def _single(self, ref: Ref) -> str:
        # Ids are numbers; anything else could leave the path.
        if not ref.id.isascii() or not ref.id.replace("-", "").isalnum():
            raise Gone(Reason("gone"), detail=f"{ref.kind} {ref.id!r} is no id")
        return self._paths[_SINGLE[ref.kind]].replace("{id}", ref.id)

    def _record(self, kind: str, body: Any, *, in_doubt: bool = False) -> RawRecord:
        found = raw_record(kind, body) if isinstance(body, dict) else None
        if found is None:
            raise BadAnswer(Reason("bad_answer"), detail=f"{kind}: a record without id", in_doubt=in_doubt)
        return found
