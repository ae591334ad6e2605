"""The number of SQL statements depends on pages and batches, never on the number of records in them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from integrations.domain import advance as advancing
from integrations.domain import fetch
from integrations.models import Run
from tests.integrations.sync.world import World

Step = Callable[..., object]


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[int]]:
    """How many statements each step of a run has cost, by its name."""
    found: dict[str, list[int]] = {"read": [], "write": []}

    def counting(name: str, step: Step) -> Step:
        def counted(run: Run, *args: object, **kwargs: object) -> object:
            with CaptureQueriesContext(database) as queries:
                result = step(run, *args, **kwargs)
            found[name].append(len(queries))
            return result

        return counted

    monkeypatch.setattr(fetch, "_store", counting("read", fetch._store))
    monkeypatch.setattr(advancing, "_apply", counting("write", advancing._apply))
    return found


def costs(world: World, statements: dict[str, list[int]], prepare: Callable[[], None]) -> dict[str, int]:
    """The dearest step of each kind in the sync that follows."""
    for counts in statements.values():
        counts.clear()
    prepare()
    world.sync()
    return {name: max(counts) for name, counts in statements.items() if counts}


@pytest.mark.parametrize("situation", ["first", "second", "changed", "linked", "deleted here", "held", "pushed"])
def test_as_many_statements_for_200_records_as_for_20(world: World, statements: dict[str, list[int]], situation: str) -> None:
    found: list[dict[str, int]] = []
    for clients in (20, 200):
        world.sandbox.control(reset=True, clients=clients, suppliers=0, invoices=0)
        world.delete(*world.contacts())
        found.append(costs(world, statements, lambda: prepare(world, situation)))
        with world.open():
            world.connection.links.all().delete()
    assert found[0] == found[1]
    assert found[0]["read"] <= 25
    assert found[0].get("write", 0) <= 40


def prepare(world: World, situation: str) -> None:
    names = [client["name"] for client in world.clients().values()]
    if situation == "linked":
        world.add_all(names)
    if situation == "pushed":
        world.add_all(names, emails=[{"label": "", "email": "here@us.example"}])
    if situation == "held":
        world.add_all([*names, *names])
    if situation in {"first", "pushed"}:
        world.fail("403", method="PUT")  # queued is enough: one refusal ends the sending
        world.connect(run=False)
        return
    world.connect()
    if situation == "changed":
        world.sandbox.control(put_clients=[{"id": pk, "email": f"new{pk}@them.example"} for pk in list(world.clients())[:20]])
    if situation == "deleted here":
        world.delete(*world.contacts())


def test_reading_20_pages_without_news_costs_next_to_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.sandbox.control(reset=True, clients=200, suppliers=0, invoices=0)
    world.connect()
    world.small_pages(monkeypatch, 10)
    with CaptureQueriesContext(database) as queries:
        run = world.sync()
    assert run.counters["unchanged"] == 200
    assert len(queries) <= 200
