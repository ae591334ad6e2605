"""Hours and days of edits on both sides over a bad line: in the end both say the same, and the ledger is complete."""

from __future__ import annotations

import random

import pytest

from tests.fixtures import Cast
from tests.integrations.sync.ledger import digest
from tests.integrations.sync.world import World
from tests.soak.days import Days


def live(world: World, cast: Cast, monkeypatch: pytest.MonkeyPatch, *, clients: int, hours: float, seed: int) -> Days:
    world.sandbox.control(reset=True, clients=clients, suppliers=3, invoices=20)
    world.small_pages(monkeypatch, 10)
    world.impatient(monkeypatch, 2.0)
    world.connect(suppliers="import")
    elsewhere = digest(cast.elsewhere)
    days = Days(world, random.Random(seed))
    days.run(hours)
    wrong = days.wrong()
    assert not wrong, "\n".join([f"seed {seed}", *wrong])
    assert digest(cast.elsewhere) == elsewhere
    return days


@pytest.mark.parametrize("seed", [1, 2])
def test_a_few_hours(world: World, cast: Cast, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    days = live(world, cast, monkeypatch, clients=25, hours=4, seed=seed)
    assert days.faults >= 3
    assert days.edits >= 20


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 110))
def test_a_day(world: World, cast: Cast, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    days = live(world, cast, monkeypatch, clients=60, hours=24, seed=seed)
    assert days.faults >= 20
    assert days.crashes >= 2
