"""Fields that are switched off, flow one way only, or have a winner of their own."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from integrations.domain.fields import save_fields
from integrations.domain.settings import InvalidSettings
from tests.integrations.sync.world import World

pytestmark = pytest.mark.django_db
MINE = [{"label": "", "email": "mine@bluebell.example"}]


def choose(world: World, **choices: dict[str, str]) -> None:
    with world.open():
        save_fields(world.connection, choices, user=world.user)
    world.sync()


def test_a_field_that_only_comes_in_is_never_sent(world: World) -> None:
    world.connect()
    choose(world, email={"flow": "in", "mode": "remote"})
    contact = world.contact("Bluebell Joinery")
    before = world.clients()[1002]["email"]
    world.edit(contact, emails=MINE)
    world.drain()
    assert world.clients()[1002]["email"] == before
    world.put(1002, email="theirs@bluebell.example")
    world.sync()
    assert world.again(contact).first_email == "theirs@bluebell.example"


def test_a_field_that_only_goes_out_is_never_taken_in(world: World) -> None:
    world.connect()
    choose(world, email={"flow": "out"})
    contact = world.contact("Bluebell Joinery")
    world.put(1002, email="theirs@bluebell.example")
    world.sync()
    assert world.again(contact).first_email != "theirs@bluebell.example"
    world.edit(contact, emails=MINE)
    world.drain()
    assert world.clients()[1002]["email"] == "mine@bluebell.example"


def test_a_field_that_is_off_flows_neither_way(world: World) -> None:
    world.connect()
    choose(world, email={"flow": "off"})
    contact = world.contact("Bluebell Joinery")
    mine, theirs = contact.first_email, "theirs@bluebell.example"
    world.put(1002, email=theirs)
    world.sync()
    assert world.again(contact).first_email == mine
    world.edit(contact, emails=MINE, name="Bluebell Joiners")
    world.drain()
    client = world.clients()[1002]
    assert (client["email"], client["name"]) == (theirs, "Bluebell Joiners")


def test_a_field_may_have_a_winner_of_its_own(world: World) -> None:
    world.connect(conflict="crm")
    choose(world, email={"mode": "remote"})
    contact = world.contact("Bluebell Joinery")
    world.put(1002, email="theirs@bluebell.example", name="Bluebell There")
    world.edit(contact, emails=MINE, name="Bluebell Here")
    world.sync()
    world.drain()
    after, client = world.again(contact), world.clients()[1002]
    assert (after.name, after.first_email) == ("Bluebell Here", "theirs@bluebell.example")
    assert (client["name"], client["email"]) == ("Bluebell Here", "theirs@bluebell.example")


@pytest.mark.parametrize("choices", [{"name": {"flow": "off"}}, {"shoe_size": {"flow": "in"}}, {"email": {"mode": "loudest"}}])
def test_what_cannot_be_is_refused_and_nothing_is_stored(world: World, choices: dict[str, dict[str, str]]) -> None:
    world.connect(run=False)
    with world.open(), pytest.raises(InvalidSettings):
        save_fields(world.connection, choices, user=world.user)
    assert world.refreshed().field_choices == {}


def test_only_administrators_change_the_fields(world: World, alice: Client, bob: Client) -> None:
    world.connect(run=False)
    url = reverse("integrations:fields", kwargs={"slug": world.workspace.slug, "pk": world.connection.pk})
    assert bob.post(url, {"flow:email": "off"}).status_code == 403
    assert world.refreshed().field_choices == {}
    assert alice.post(url, {"flow:email": "in", "mode:name": "ask"}).status_code == 302
    assert world.refreshed().field_choices == {"email": {"flow": "in"}, "name": {"mode": "ask"}}
    assert b"Comes in only" in bob.get(url).content
