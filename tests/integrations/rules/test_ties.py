"""F19: many changes in one moment, in pages, by a clock that is not ours. Each is read, and none counts twice."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from django.conf import settings

from integrations.providers.movidesk.sandbox_desk import as_text, now
from tests.integrations.rules.places import BooksPlace, DeskPlace
from tests.integrations.rules.test_changes_only import started

MANY = 9
ROUNDS = 4


@pytest.mark.parametrize("seed", range(6))
def test_no_change_is_missed_however_coarse_and_wrong_their_clock_is(desk: DeskPlace, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    chance = random.Random(seed)
    monkeypatch.setitem(settings.ENVIRON, "MOVIDESK_PAGE_SIZE", str(chance.choice([2, 3, 4])))
    skew = timedelta(minutes=chance.randint(-12, 12))
    for number in range(MANY):
        desk.company(f"10{number}", f"Company {number}", changedDate=moment(skew))
    desk.connect()
    notes = dict.fromkeys(range(MANY), "")
    for step in range(ROUNDS):
        stamp = moment(skew)
        changed = chance.sample(range(MANY), chance.randint(1, MANY))
        late = changed.pop()
        for number in changed:
            tell(desk, notes, number, f"Round {step}", stamp)
        # One more in the same minute, after the first page was read.
        desk.when(monkeypatch, "GET", "/persons", lambda late=late, step=step, stamp=stamp: tell(desk, notes, late, f"Late {step}", stamp))
        run = desk.sync()
        assert started(desk) == "reading_changes"
        assert run.counters["updated"] <= len(changed) + 1
        desk.sync()
        assert found(desk) == notes
    assert desk.sync().counters["updated"] == 0


def moment(skew: timedelta) -> str:
    """Their clock knows no seconds, so whatever happens in one minute has one stamp."""
    return as_text((now() + skew).replace(second=0, microsecond=0))


def tell(desk: DeskPlace, notes: dict[int, str], number: int, text: str, stamp: str) -> None:
    notes[number] = text
    desk.control(put_persons=[{"id": f"10{number}", "observations": text, "changedDate": stamp}])


def found(desk: DeskPlace) -> dict[int, str]:
    return {int(contact.name.removeprefix("Company ")): contact.notes for contact in desk.contacts()}


@pytest.mark.parametrize("seconds", [-240, 0, 86_400])
def test_books_whose_clock_differs_from_ours(books: BooksPlace, seconds: int) -> None:
    books.control(switches={"clock": seconds})
    for number in range(1, 8):
        books.customer(number, f"Customer {number}")
    books.connect()
    for step in range(3):
        books.control(put_customers=[{"customerNumber": number, "email": f"r{step}@them.example"} for number in range(1, 8)])
        run = books.sync()
        assert started(books) == "reading_changes"
        assert run.counters["updated"] == 7
        assert {contact.first_email for contact in books.contacts()} == {f"r{step}@them.example"}
    assert books.sync().counters["updated"] == 0
