"""NectarCRM's lists. Contacts are asked for by life cycle, page by page, until a page is empty; nothing tells where a list ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from integrations.engine.errors import BadAnswer, Gone, Reconnect, SkipRecord
from integrations.engine.types import Page, RawRecord, Reason, Ref
from integrations.kit.http import Http, Params
from integrations.kit.paging import Cursor, read_list, same_page
from integrations.providers.nectar import records
from integrations.providers.nectar.records import COMPANY, CYCLES, PERSON, raw_record

KINDS = {"organisations": COMPANY, "people": PERSON}
MAX_SIZE = 50
_CONTACTS, _FIELDS = "/contatos", "/campoPersonalizado"
_RELATED = 4  # left the documents in 2018, may be unknown to an account


class Client:
    def __init__(self, http: Http, env: Mapping[str, str]) -> None:
        self._http = http
        size = env.get("NECTAR_PAGE_SIZE", "")
        self.size = min(MAX_SIZE, max(1, int(size))) if size.isdigit() else MAX_SIZE

    def page(self, resource: str, cursor: Cursor | None) -> Page:
        """One page with something on it, or the end. Both resources read the same lists and take what is theirs."""
        at: dict[str, Any] = dict(cursor) if cursor else {"cycle": 0, "page": 1, "number": 0, "mark": ""}
        number = int(at["number"])
        while at["cycle"] < len(CYCLES):
            entries = self._entries(CYCLES[at["cycle"]], page=at["page"])
            if entries:
                found = records.listing(entries, kind=KINDS[resource])
                mark = same_page(found.ids, cursor=at, number=number)
                following = {"cycle": at["cycle"], "page": at["page"] + 1, "number": number + 1, "mark": mark}
                return Page(found.records, following, number, bad=found.bad)
            at = {"cycle": at["cycle"] + 1, "page": 1, "number": number, "mark": ""}
        return Page((), None, number)

    def get(self, ref: Ref) -> RawRecord:
        """Also people who stand inside an organisation only."""
        home, inside, _digest = ref.id.partition(":")
        body = self._http.get(f"{_CONTACTS}/{home}").body
        found = raw_record(body, kind=COMPANY if inside else ref.kind) if isinstance(body, dict) else None
        if found is None:
            raise BadAnswer(Reason("bad_answer"), detail=f"contact {home}: no record")
        if not inside:
            return found
        person = next((one for one in records.people_inside(found) if one.ref == ref), None)
        if person is None:
            raise Gone(Reason("gone"), detail=f"contact {home} has no such person")
        return person

    def custom_fields(self) -> Sequence[Any]:
        body = read_list(self._http, _FIELDS, params={}).body
        if not isinstance(body, list):
            raise BadAnswer(Reason("bad_answer"), detail=f"{_FIELDS}: no list")
        return body

    def probe(self) -> None:
        """The cheapest read that needs the token."""
        self._read(CYCLES[0], page=1, size=1)

    def _entries(self, cycle: int, *, page: int) -> list[Any]:
        if cycle != _RELATED or page > 1:
            return self._read(cycle, page=page, size=self.size)
        try:
            answer = self._http.get(_CONTACTS, params=_params(cycle, page, self.size))
        except (SkipRecord, Gone, Reconnect):
            return []  # a wrong parameter, which is answered with 401 at times; if it is the token after all, the next life cycle says so
        return _listed(answer.body, page)

    def _read(self, cycle: int, *, page: int, size: int) -> list[Any]:
        return _listed(read_list(self._http, _CONTACTS, params=_params(cycle, page, size)).body, page)


def _params(cycle: int, page: int, size: int) -> Params:
    return {"constante": cycle, "page": page, "displayLength": size}


def _listed(body: Any, page: int) -> list[Any]:
    if not isinstance(body, list):
        raise BadAnswer(Reason("bad_answer"), detail=f"{_CONTACTS}, page {page}: no list")
    return body
