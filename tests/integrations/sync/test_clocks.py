"""F11: the clock of the server jumps. Nothing runs twice, nothing stops for good, and edits go out at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from integrations.domain.attend import attend
from integrations.domain.leases import claim
from integrations.domain.outbox import claim_next
from integrations.enums import RunKind
from tests.integrations.sync.ledger import violations
from tests.integrations.sync.test_schedule import runs, tick
from tests.integrations.sync.world import World, counted

HOUR = timedelta(hours=1)
JUMP = 2 * HOUR
MINUTE = timedelta(minutes=1)
MINE = [{"label": "", "email": "mine@bluebell.example"}]


@pytest.fixture
def clock() -> Iterator[time_machine.Coordinates]:
    with time_machine.travel(timezone.now()) as travelled:
        yield travelled


def minutes_pass(world: World, clock: time_machine.Coordinates, many: int) -> int:
    """So many minutes with their ticks; how many runs began in them."""
    before = len(runs(world))
    for _ in range(many):
        clock.shift(MINUTE)
        tick(world)
    return len(runs(world)) - before


def due(world: World) -> datetime:
    moment = world.refreshed().next_due_at
    assert moment is not None
    return moment


def test_two_hours_forward_is_one_run(world: World, clock: time_machine.Coordinates) -> None:
    world.connect()
    clock.shift(JUMP + 10 * MINUTE)
    assert minutes_pass(world, clock, 90) == 1
    assert {run.outcome for run in runs(world)} == {"success"}


def test_two_hours_back_is_one_run_late_and_edits_do_not_wait(world: World, clock: time_machine.Coordinates) -> None:
    world.connect()
    clock.move_to(due(world) + MINUTE)
    tick(world)
    many = len(runs(world))
    clock.shift(-JUMP)
    world.edit(world.contact("Bluebell Joinery"), emails=MINE)
    tick(world)
    assert world.clients()[1002]["email"] == MINE[0]["email"]
    assert minutes_pass(world, clock, 110) == 0, "it has just been compared"
    assert minutes_pass(world, clock, 140) == 1
    assert len(runs(world)) == many + 1
    assert violations(world) == []


def test_a_slot_that_comes_again_is_run_again(world: World, clock: time_machine.Coordinates) -> None:
    """The connection keeps its rhythm to the second, so after the jump a slot may have the name of one that is over."""
    world.connect()
    for _ in range(30):
        slot = due(world)
        clock.move_to(slot)
        tick(world)
        if due(world) - slot == JUMP:
            break
    clock.move_to(slot - JUMP)
    world.sync()
    assert due(world) == slot
    clock.move_to(slot)
    many = len(runs(world))
    tick(world)
    assert len(runs(world)) == many + 1
    assert world.last_run().kind == RunKind.SCHEDULED
    assert due(world) > slot
    assert minutes_pass(world, clock, 60) == 0


@pytest.mark.parametrize("jump", [JUMP, -JUMP], ids=["forward", "back"])
def test_a_run_under_way_goes_on(world: World, clock: time_machine.Coordinates, monkeypatch: pytest.MonkeyPatch, jump: timedelta) -> None:
    world.connect(run=False)
    world.small_pages(monkeypatch, 4)
    monkeypatch.setattr("integrations.domain.fetch.FLUSH_AT", 4)
    world.when(monkeypatch, "GET", "page=1", lambda: clock.shift(jump))
    while attend(world.workspace, world.connection.pk, budget=0.0):
        pass
    run = world.last_run()
    assert run.outcome == "success"
    counted(run, seen=12, created=12)
    assert violations(world) == []


def test_what_was_being_sent_when_the_clock_was_ahead_is_sent(world: World, clock: time_machine.Coordinates) -> None:
    world.connect()
    world.edit(world.contact("Bluebell Joinery"), emails=MINE)
    clock.shift(JUMP)
    assert claim_next(world.refreshed())
    clock.shift(-JUMP)
    world.settle()
    assert world.clients()[1002]["email"] == MINE[0]["email"]


def test_a_worker_that_died_while_the_clock_was_ahead_is_missed_all_the_same(world: World, clock: time_machine.Coordinates) -> None:
    """Its lease seems to hold for two hours more."""
    world.connect(run=False)
    clock.shift(JUMP)
    assert claim(world.last_run())
    clock.shift(-JUMP)
    world.sync()
    assert world.last_run().outcome == "success"
    counted(world.last_run(), seen=12, created=12)
