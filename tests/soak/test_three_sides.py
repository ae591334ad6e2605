"""A helpdesk and a ledger beside the CRM, each edited for a day over a bad line: in the end all three say the same."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.fixtures import Cast
from tests.integrations.rules import places
from tests.integrations.sync.ledger import digest
from tests.soak.three_sides import ThreeSides

DEMANDED = {"customer_group": "1", "payment_terms": "2", "vat_zone": "1", "currency": "DKK"}


@pytest.fixture
def sides(cast: Cast, settings: Settings) -> Iterator[ThreeSides]:
    with places.desk(cast, settings) as desk:
        there = dict(settings.ENVIRON)
        with places.books(cast, settings) as books:
            settings.ENVIRON = {**there, **settings.ENVIRON}
            for number in range(6):
                desk.company(f"firm{number}", f"Desk firm {number}", codeReferenceAdditional=f"D{number}")
                books.customer(number + 1, f"Books customer {number}")
            desk.connect()
            books.connect(create_when="active", **DEMANDED)
            yield ThreeSides(desk, books, random.Random())


def live(sides: ThreeSides, cast: Cast, *, hours: float, seed: int) -> None:
    sides.chance.seed(seed)
    elsewhere = digest(cast.elsewhere)
    wrong = sides.run(hours)
    assert not wrong, "\n".join([f"seed {seed}", *wrong])
    assert digest(cast.elsewhere) == elsewhere


@pytest.mark.parametrize("seed", [1, 2])
def test_three_sides_agree_after_two_hours(sides: ThreeSides, cast: Cast, seed: int) -> None:
    live(sides, cast, hours=2, seed=seed)
    assert sum(sides.made.values()) >= 20


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 105))
def test_three_sides_agree_after_a_day(sides: ThreeSides, cast: Cast, seed: int) -> None:
    live(sides, cast, hours=24, seed=seed)
    assert sides.made["faults"] >= 20
