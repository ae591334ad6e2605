"""F33 with real sessions side by side: people edit the very contacts that a sync is writing, and that it is sending."""

from __future__ import annotations

import threading

import pytest
from django.db import connections

from contacts.domain.store import update_contacts
from contacts.models import Contact
from integrations.domain.undo import CannotUndo, undo
from integrations.models import Run
from tests.at_once import meanwhile
from tests.integrations.sync.ledger import missing, violations
from tests.integrations.sync.world import World

pytestmark = pytest.mark.django_db(transaction=True)
EDITS = 15
CLIENTS = (1002, 1003, 1006)


def test_every_edit_made_beside_running_syncs_is_kept(world: World) -> None:
    world.connect()
    contacts = {client: world.link(client).contact_id for client in CLIENTS}
    over, faults = threading.Event(), list[BaseException]()

    def people() -> None:
        try:
            for number in range(EDITS):
                for client, contact in contacts.items():
                    assert contact is not None
                    email = [{"label": "", "email": f"edit{number}@c{client}.example"}]
                    with world.open():
                        update_contacts(world.workspace, {contact: {"emails": email, "notes": f"Note {number}"}}, origin=world.origin)
        except BaseException as fault:  # noqa: BLE001  whatever it is, the test below shows it
            faults.append(fault)
        finally:
            over.set()
            connections.close_all()

    editor = threading.Thread(target=people)
    editor.start()
    rounds = 0
    while not over.is_set() or rounds < 2:
        rounds += 1
        for client in CLIENTS:
            world.put(client, name=f"Name {rounds} of {client}")
        world.sync()
    editor.join()
    assert faults == []
    world.settle()
    world.sync()
    world.settle()

    assert missing(world, {(client, "email"): f"edit{EDITS - 1}@c{client}.example" for client in CLIENTS}) == []
    assert missing(world, {(client, "name"): f"Name {rounds} of {client}" for client in CLIENTS}) == []
    for contact in world.contacts(pk__in=list(contacts.values())):
        assert contact.notes == f"Note {EDITS - 1}"
        notes = [change.changes["notes"][1] for change in world.history(contact) if "notes" in change.changes]
        assert notes == [f"Note {number}" for number in range(EDITS)], "no edit is missing from the history"
    assert violations(world) == []


def take_back(world: World, run: Run) -> bool:
    try:
        with world.open():
            undo(run, user=world.user)
    except CannotUndo:
        return False
    return True


@pytest.fixture
def linked(world: World) -> Contact:
    """A contact to which the first sync has added an e-mail."""
    contact = world.add("Bluebell Joinery")
    world.connect()
    return contact


def test_an_edit_made_beside_an_undo_is_kept(world: World, linked: Contact) -> None:
    run, mine = world.last_run(), [{"label": "", "email": "mine@bluebell.example"}]
    assert meanwhile(
        world.workspace,
        lambda: update_contacts(world.workspace, {linked.pk: {"emails": mine}}, origin=world.origin),
        lambda: take_back(world, run),
        origin=world.origin,
    )
    assert world.again(linked).emails == mine


def test_two_who_undo_a_run_at_once_undo_it_once(world: World, linked: Contact) -> None:
    run = world.last_run()
    assert not meanwhile(world.workspace, lambda: undo(run, user=world.user), lambda: take_back(world, run), origin=world.origin)
    with world.open():
        assert Run.objects.filter(kind="undo").count() == 1
