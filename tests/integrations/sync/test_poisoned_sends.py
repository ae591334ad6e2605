"""A record whose answer breaks whatever reads or stores it: it waits, then it is put where people see it, and the others go out."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection as database

from contacts.models import Contact
from integrations.domain import push, settling
from integrations.domain.attention import failing, retry
from integrations.models import Link
from tests.integrations.sync.world import World, full_contact

BAD, GOOD = 1002, 1003


def edit_both(world: World) -> None:
    for client in (BAD, GOOD):
        [contact] = world.contacts(pk=world.link(client).contact_id)
        world.edit(contact, emails=[{"label": "", "email": f"new@c{client}.example"}])


def refuse_to_store(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The database takes nothing of this record, whatever it looks like."""
    fresh, store = settling._fresh_link, settling._store

    def refused() -> None:
        with database.cursor() as cursor:
            cursor.execute("SELECT 'no number'::int")

    def made(record: Any, stored: Any, base: Any) -> dict[str, Any]:
        if stored.party.fields["name"] == name:
            refused()
        return fresh(record, stored, base)

    def kept(now: Link, *more: Any, **options: Any) -> None:
        if now.remote_name == name:
            refused()
        store(now, *more, **options)

    monkeypatch.setattr(settling, "_fresh_link", made)
    monkeypatch.setattr(settling, "_store", kept)


def shown(world: World) -> list[tuple[str, str]]:
    with world.open():
        return [(row.name, row.code) for row in failing(world.connection).rows]


def try_often(world: World) -> None:
    for _ in range(push.MOST_TRIES):
        world.now_due()
        world.settle()


def test_the_others_go_out_and_a_person_sees_the_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.connect()
    refuse_to_store(monkeypatch, world.link(BAD).remote_name)
    edit_both(world)
    world.settle()
    assert world.clients()[GOOD]["email"] == f"new@c{GOOD}.example"
    assert [(row.state, row.reason["code"], row.tries) for row in world.outbox()] == [("WAITING", "bad_answer", 1)]

    try_often(world)
    assert shown(world) == [(world.link(BAD).remote_name, "bad_record")]


def test_a_record_made_there_is_not_made_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.connect()
    contact: Contact = world.add("Brand New Ltd", **full_contact())
    with monkeypatch.context() as patch:
        refuse_to_store(patch, contact.name)
        world.export(contact)
        try_often(world)
        assert shown(world) == [(contact.name, "bad_record")]
    assert len(world.named(contact.name)) == 1

    with world.open():
        retry(world.connection, "all", user=world.user)
    world.settle()
    assert len(world.named(contact.name)) == 1
    assert [link.state for link in world.links(contact=contact)] == ["LINKED"]


def test_nul_in_an_answer_is_no_accident(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.connect()
    world.rewrite_answers(monkeypatch, b'"note":null', b'"note":"a\\u0000b"')
    edit_both(world)
    world.settle()
    assert world.outbox() == []
    assert {world.clients()[client]["email"] for client in (BAD, GOOD)} == {f"new@c{client}.example" for client in (BAD, GOOD)}
