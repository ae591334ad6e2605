"""A merge that is undone gives the links back to whom they belonged, with their invoices."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from contacts.domain.merge import merge, undo
from contacts.models import Duplicate, Merge
from integrations.domain.connect import pause, resume
from integrations.enums import LinkState
from tests.integrations.sync.ledger import missing, violations
from tests.integrations.sync.world import World

pytestmark = pytest.mark.django_db


def test_a_link_that_moved_with_a_merge_goes_back_when_it_is_undone(world: World) -> None:
    kept = world.add("Kept here")
    world.connect()
    client_id = next(iter(world.clients()))
    linked = world.contacts(links__remote_id=str(client_id))[0]
    with world.open():
        merge(world.workspace, kept_id=kept.pk, gone_id=linked.pk, take_from_gone=set(), origin=world.origin, choices={})
        assert world.link(client_id).contact_id == kept.pk
        undo(world.workspace, Merge.objects.get(), origin=world.origin)
    assert (world.link(client_id).contact_id, world.link(client_id).merged_from_id) == (linked.pk, None)
    run = world.sync()
    assert (run.counters["created"], run.counters["failed"]) == (0, 0)
    assert world.link(client_id).contact_id == linked.pk


def test_both_links_are_back_after_a_merge_of_two_linked_contacts_is_undone(world: World) -> None:
    world.connect()
    first_id, second_id = list(world.clients())[:2]
    first, second = (world.contacts(links__remote_id=str(pk))[0] for pk in (first_id, second_id))
    with world.open():
        merge(world.workspace, kept_id=first.pk, gone_id=second.pk, take_from_gone=set(), origin=world.origin, choices={})
        assert world.link(second_id).state == LinkState.IGNORED
        undo(world.workspace, Merge.objects.get(), origin=world.origin)
    assert [(world.link(pk).contact_id, world.link(pk).state) for pk in (first_id, second_id)] == [
        (first.pk, LinkState.LINKED),
        (second.pk, LinkState.LINKED),
    ]
    assert world.sync().counters["created"] == 0


@pytest.mark.parametrize("sent", [False, True], ids=["waiting", "sent"])
def test_edits_that_wait_go_with_the_merge_and_come_back_with_its_undoing(world: World, sent: bool) -> None:
    """F36: in the end each record there says what its contact says here, and is told once."""
    world.connect()
    first, second = world.contact("Bluebell Joinery"), world.contact("Northgate Dental Practice")
    with world.open():
        pause(world.connection, user=world.user)
    world.edit(first, emails=[{"label": "", "email": "first@us.example"}])
    world.edit(second, emails=[{"label": "", "email": "second@us.example"}])
    with world.open():
        merge(world.workspace, kept_id=first.pk, gone_id=second.pk, take_from_gone=set(), origin=world.origin, choices={})
    if sent:
        with world.open():
            resume(world.connection, user=world.user)
        world.settle()
        assert missing(world, {(1002, "email"): "first@us.example"}) == []
    with world.open():
        undo(world.workspace, Merge.objects.get(), origin=world.origin)
        resume(world.connection, user=world.user)
    world.settle()
    world.sync()
    world.settle()
    assert missing(world, {(1002, "email"): "first@us.example", (1003, "email"): "second@us.example"}) == []
    assert violations(world) == []
    assert len(world.clients()) == len(world.contacts()) == 12


def test_one_click_merge_keeps_the_name_that_the_vendor_knows(world: World, alice: Client) -> None:
    mine = world.add("Bluebell Joinerry")
    world.connect()
    linked = world.contact("Bluebell Joinery")
    with world.open():
        pair = Duplicate.objects.get(first=mine, second=linked)
    alice.post(reverse("contacts:duplicate_merge", kwargs={"slug": world.workspace.slug, "pk": pair.pk}))
    assert world.again(mine).name == "Bluebell Joinery"
    assert world.link(1002).contact_id == mine.pk
    world.settle()
    assert world.clients()[1002]["name"] == "Bluebell Joinery"
