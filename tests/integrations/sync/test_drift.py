"""F18: the list moves while it is paged by number. Whatever comes and goes, one quiet reading later everything is known."""

from __future__ import annotations

import random

import pytest

from tests.integrations.sync.ledger import violations
from tests.integrations.sync.world import World, address


@pytest.mark.parametrize("seed", range(8))
def test_no_record_is_lost_however_the_list_moves(world: World, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    chance = random.Random(seed)
    world.small_pages(monkeypatch, chance.choice([2, 3, 5]))
    world.connect(run=False)
    for step in range(chance.randrange(2, 8)):
        number = chance.randrange(0, 5)
        world.when(monkeypatch, "GET", f"page={number}", lambda step=step: move(world, chance, step))
    for _ in range(2):
        run = world.sync()
        while run.status == "WAITING":
            world.now_due()
            run = world.settle()
        assert run.outcome in {"success", "partial"}, run.reason
    names = {str(client["name"]) for client in world.clients().values()}
    assert world.sync().outcome == "success"
    assert violations(world) == []
    assert names <= {contact.name for contact in world.contacts()}


def move(world: World, chance: random.Random, step: int) -> None:
    """A client comes, goes, or is renamed to another place in the order of names."""
    way = chance.randrange(3)
    client = chance.choice(list(world.clients()))
    if way == 0:
        world.new(name=f"{chance.choice('AMZ')} newcomer {step}", billingAddress=address())
    elif way == 1:
        world.drop(client)
    else:
        world.put(client, name=f"{chance.choice('AMZ')} renamed {step}")
