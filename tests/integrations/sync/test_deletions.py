"""Deleted here, deleted there, made anew."""

from __future__ import annotations

from integrations.domain.links import unlink
from tests.integrations.sync.ledger import violations
from tests.integrations.sync.world import World, address, counted


def test_a_contact_deleted_here_is_brought_back_by_default(world: World) -> None:
    world.connect()
    contact = world.contact("Bluebell Joinery")
    world.delete(contact)
    run = world.sync()
    assert world.again(contact).deleted_at is None
    assert world.link(1002).contact_id == contact.pk
    counted(run, seen=12, created=1, unchanged=11)
    assert world.writes() == [], "nothing is ever deleted there"


def test_a_contact_deleted_here_is_kept_away_when_asked_for(world: World) -> None:
    world.connect(deleted_here="keep_away")
    contact = world.contact("Bluebell Joinery")
    world.delete(contact)
    for _ in range(3):
        counted(world.sync(), seen=12, skipped=1, unchanged=11)
    world.put(1002, email="changed@bluebell.example")
    counted(world.sync(), seen=12, skipped=1, unchanged=11)
    assert world.again(contact).deleted_at is not None
    assert 1002 in world.clients()
    assert world.writes() == []


def test_a_contact_kept_away_and_restored_is_in_sync_again(world: World) -> None:
    world.connect(deleted_here="keep_away")
    contact = world.contact("Bluebell Joinery")
    world.delete(contact)
    world.put(1002, email="changed@bluebell.example")
    world.sync()
    world.restore(contact)
    world.sync()
    assert world.again(contact).first_email == "changed@bluebell.example"
    counted(world.sync(), seen=12, unchanged=12)


def test_keep_away_that_becomes_bring_back_brings_back(world: World) -> None:
    world.connect(deleted_here="keep_away")
    contact = world.contact("Bluebell Joinery")
    world.delete(contact)
    world.sync()
    world.change_settings(deleted_here="bring_back")
    world.sync()
    assert world.again(contact).deleted_at is None


def test_a_client_deleted_there_is_gone_after_two_complete_pulls(world: World) -> None:
    world.connect()
    contact = world.contact("Bluebell Joinery")
    world.drop(1002)
    counted(world.sync(), seen=11, unchanged=11)
    assert world.link(1002).state == "LINKED"
    run = world.sync()
    link = world.link(1002)
    assert (link.state, link.reason["code"]) == ("GONE", "gone_there")
    assert world.again(contact).deleted_at is None, "the contact stays"
    assert [line.name for line in world.lines(run, action="gone")] == ["Bluebell Joinery"]
    world.forget_log()
    world.edit(contact, emails=[])
    world.settle()
    assert world.writes() == []


def test_a_pull_that_missed_a_client_once_forgets_it_when_it_is_back(world: World) -> None:
    world.connect()
    body = world.clients()[1002]
    world.drop(1002)
    world.sync()
    world.put(1002, **{key: value for key, value in body.items() if key != "id"})
    world.sync()
    world.drop(1002)
    world.sync()
    assert world.link(1002).state == "LINKED"


def test_one_read_that_says_404_is_enough(world: World) -> None:
    world.connect()
    contact = world.contact("Bluebell Joinery")
    world.drop(1002)
    world.edit(contact, emails=[{"label": "", "email": "x@bluebell.example"}])
    world.settle()
    assert world.link(1002).state == "GONE"
    assert world.again(contact).deleted_at is None
    assert world.outbox() == []


def test_a_client_that_was_deleted_and_made_anew_is_linked_again(world: World) -> None:
    """F22."""
    world.connect()
    contact = world.contact("Bluebell Joinery")
    world.drop(1002)
    anew = world.new(name="Bluebell Joinery", billingAddress=address())
    world.sync()
    assert world.link(anew).reason["code"] == "perhaps_made_anew"
    world.sync()
    world.sync()
    assert world.link(anew).contact_id == contact.pk
    assert world.link(anew).state == "LINKED"
    assert len(world.contacts(name="Bluebell Joinery")) == 1


def test_a_gone_client_that_is_back_under_its_id_is_linked_again(world: World) -> None:
    world.connect()
    contact = world.contact("Bluebell Joinery")
    body = world.clients()[1002]
    world.drop(1002)
    world.sync()
    world.sync()
    assert world.link(1002).state == "GONE"
    world.put(1002, **{key: value for key, value in body.items() if key != "id"})
    world.sync()
    link = world.link(1002)
    assert (link.state, link.contact_id) == ("LINKED", contact.pk)


def test_what_a_person_unlinked_stays_apart(world: World) -> None:
    world.connect()
    contact = world.contact("Bluebell Joinery")
    with world.open():
        unlink(world.link(1002))
    counted(world.sync(), seen=12, skipped=1, unchanged=11)
    world.put(1002, email="changed@bluebell.example")
    world.sync()
    assert world.again(contact).first_email != "changed@bluebell.example"
    assert len(world.contacts()) == 12


def test_what_was_left_alone_is_not_forgotten_after_one_pull_that_lacked_it(world: World) -> None:
    world.connect()
    with world.open():
        unlink(world.link(1002))
    body = world.clients()[1002]
    world.drop(1002)
    world.sync()
    world.put(1002, **{key: value for key, value in body.items() if key != "id"})
    run = world.sync()
    assert run.counters["created"] == 0
    assert run.counters["linked"] == 0
    assert world.link(1002).state == "IGNORED"


def test_deleted_on_both_sides_and_made_anew_there_is_one_contact_again(world: World) -> None:
    """F22."""
    world.connect()
    world.delete(world.contact("Bluebell Joinery"))
    world.drop(1002)
    anew = world.new(name="Bluebell Joinery", billingAddress=address())
    for _ in range(4):
        world.sync()
    link = world.link(anew)
    assert link.state == "LINKED"
    assert [contact.pk for contact in world.contacts(name="Bluebell Joinery")] == [link.contact_id]
    assert violations(world) == []
    assert world.writes() == []
