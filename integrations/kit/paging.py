"""Helpers for lists that come in pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from integrations.engine.errors import BadAnswer, Gone, SkipRecord
from integrations.engine.types import Page, Reason
from integrations.kit.answers import Answer
from integrations.kit.fingerprint import digest
from integrations.kit.http import Http, Params

MAX_PAGES = 20_000
Cursor = Mapping[str, Any]


def read_list(http: Http, path: str, *, params: Params, unless: str | None = None) -> Answer:
    """GET a list. A 400 or 404 here is no fault of a record, so it becomes BadAnswer: the cursor stays and the list is read again later."""
    try:
        return http.get(path, params=params, unless=unless)
    except (SkipRecord, Gone) as error:
        raise BadAnswer(Reason("bad_answer"), detail=error.detail) from None


def same_page(ids: Iterable[str], *, cursor: Cursor | None, number: int) -> str:
    """Fingerprint of a page's ids, to be kept in the cursor. Raises BadAnswer when it is the page before once more, or pages never end."""
    mark = digest(ids)
    if number >= MAX_PAGES or (cursor and cursor.get("mark") == mark):
        raise BadAnswer(Reason("loop", {"page": str(number + 1)}), detail=f"page {number} is the same as the one before")
    return mark


def every_page(read: Callable[[Cursor | None], Page]) -> Iterator[Page]:
    """All pages of a resource, one after the other."""
    cursor: Cursor | None = None
    while True:
        page = read(cursor)
        yield page
        if page.next is None:
            return
        cursor = page.next
