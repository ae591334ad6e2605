"""Rules, parents and matching cost the same number of statements for 20 records as for 200."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from integrations.domain import advance, fetch, stream
from integrations.models import Run
from tests.integrations.rules.places import BooksPlace, DeskPlace, stamped

Step = Callable[..., object]


@pytest.fixture
def dearest(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """The most statements that one step of each kind has cost."""
    found: dict[str, int] = {}

    def counting(name: str, step: Step) -> Step:
        def counted(run: Run, *args: object, **kwargs: object) -> object:
            with CaptureQueriesContext(database) as queries:
                result = step(run, *args, **kwargs)
            found[name] = max(found.get(name, 0), len(queries))
            return result

        return counted

    monkeypatch.setattr(fetch, "_store", counting("read", fetch._store))
    monkeypatch.setattr(stream, "_store", counting("changes", stream._store))
    monkeypatch.setattr(advance, "_apply", counting("write", advance._apply))
    return found


def desk_of(desk: DeskPlace, size: int, first: int) -> None:
    companies = [
        {"id": str(first + n), "personType": 2, "businessName": f"Company {first + n}", **stamped(), "isActive": n % 5 != 0}
        for n in range(size)
    ]
    people = [
        {"id": f"p{first + n}", "personType": 1, "businessName": f"Person {n}", "relationships": [{"id": str(first + n)}], **stamped()}
        for n in range(size)
    ]
    desk.control(add_persons=[*companies, *people])


def test_a_helpdesk_read_whole(desk: DeskPlace, dearest: dict[str, int]) -> None:
    found = []
    for size, first in ((20, 1000), (200, 5000)):
        desk_of(desk, size, first)
        desk.connect() if size == 20 else desk.sync()
        found.append(dict(dearest))
        dearest.clear()
        desk.delete(*desk.contacts())
        desk.control(delete_persons=[f"{kind}{first + n}" for kind in ("", "p") for n in range(size)])
        with desk.open():
            desk.connection.links.all().delete()
            type(desk.connection).objects.update(history={})
    assert found[0] == found[1]
    assert found[0]["write"] <= 45


def test_a_helpdesk_read_by_changes(desk: DeskPlace, dearest: dict[str, int]) -> None:
    desk.company("1", "First")
    desk.connect()
    found = []
    for size, first in ((20, 1000), (200, 5000)):
        dearest.clear()
        desk_of(desk, size, first)
        desk.sync()
        found.append(dict(dearest))
    assert found[0] == found[1]
    assert found[0]["write"] <= 45


def test_books_whose_customers_are_here_already(books: BooksPlace, dearest: dict[str, int]) -> None:
    found = []
    for size, first in ((20, 1000), (200, 5000)):
        dearest.clear()
        names = [f"Customer {first + n}" for n in range(size)]
        books.add_all(names)
        books.control(add_customers=[{"customerNumber": first + n, "name": name} for n, name in enumerate(names)])
        books.control(add_contacts=[{"customerNumber": first + n, "name": f"Person {n}"} for n in range(size)])
        books.connect() if size == 20 else books.sync()
        found.append(dict(dearest))
        with books.open():
            type(books.connection).objects.update(history={})
    assert found[0] == found[1]
    assert found[0]["write"] <= 45
