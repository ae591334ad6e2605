"""F13: PostgreSQL has no room. A page is stored wholly or not at all, no record is blamed, and the run goes on when there is room."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError

from contacts.models import Contact, ContactChange
from integrations.domain.attend import attend
from integrations.models import Link, Staged
from integrations.tasks import attend_connection
from tests.disk import no_room_for
from tests.integrations.sync.ledger import violations
from tests.integrations.sync.world import World, address, counted


@pytest.mark.parametrize("model", [Staged, Contact, ContactChange, Link])
def test_a_run_without_room_writes_nothing_and_goes_on_later(world: World, model: Any) -> None:
    world.connect(run=False)
    with no_room_for(model), pytest.raises(OperationalError, match="No space left"):
        attend(world.workspace, world.connection.pk)
    assert (world.contacts(), world.links()) == ([], [])
    run = world.last_run()
    assert (run.is_over, run.lease) == (False, ""), "the next worker may have it at once"

    run = world.settle()

    assert run.outcome == "success"
    counted(run, seen=12, created=12)
    assert violations(world) == []


def test_edits_and_changes_there_wait_for_room(world: World) -> None:
    world.connect()
    contact = world.contact("Bluebell Joinery")
    world.edit(contact, emails=[{"label": "", "email": "here@bluebell.example"}])
    world.put(1002, name="Bluebell Joiners")
    world.new(name="Quite New Ltd", billingAddress=address())
    world.sync_soon()
    for _ in range(2):
        with no_room_for(ContactChange), pytest.raises(OperationalError):
            attend_connection(workspace_id=world.workspace.pk, connection_id=world.connection.pk)
        assert world.again(contact).name == "Bluebell Joinery"
        assert world.contacts(name="Quite New Ltd") == []

    assert world.settle().outcome == "success"
    world.settle()

    assert world.again(contact).name == world.clients()[1002]["name"] == "Bluebell Joiners"
    assert world.clients()[1002]["email"] == "here@bluebell.example"
    assert violations(world) == []
