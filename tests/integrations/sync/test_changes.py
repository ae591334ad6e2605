"""Changes on either side, field by field; and nothing at all where nobody changed anything."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from contacts.domain.merge import merge
from tests.integrations.sync.world import World, address, counted


def test_a_second_run_writes_nothing_on_either_side(world: World) -> None:
    world.sandbox.control(reset=True, clients=12, suppliers=3, invoices=9)
    world.connect(suppliers="import")
    world.sync()
    before, there = world.snapshot(), world.clients()
    world.forget_log()
    run = world.sync()
    assert run.outcome == "success"
    counted(run, seen=15, unchanged=15, invoices=9)
    assert world.snapshot() == before
    assert world.clients() == there
    assert world.writes() == []
    assert world.lines(run, action__in=["create", "update", "link", "hold", "fail"]) == []


def test_a_change_there_comes_in_field_by_field(world: World) -> None:
    world.connect()
    contact = world.contact("Bluebell Joinery")
    world.put(1002, email="new@bluebell.example")
    run = world.sync()
    after = world.again(contact)
    assert (after.first_email, after.addresses) == ("new@bluebell.example", contact.addresses)
    last = world.history(contact)[-1]
    assert (list(last.changes), last.run_id, last.origin) == (["emails"], run.pk, "sync")
    assert [line.fields for line in world.lines(run, action="update")] == [["email"]]
    counted(run, seen=12, unchanged=11, updated=1)
    assert world.writes() == []


def test_a_rename_there_renames_here_and_the_link_stays(world: World) -> None:
    world.connect()
    contact = world.contact("Bluebell Joinery")
    world.put(1002, name="Bluebell Joiners")
    world.sync()
    assert world.again(contact).name == "Bluebell Joiners"
    assert world.link(1002).contact_id == contact.pk
    assert len(world.contacts()) == 12


def test_a_new_client_there_arrives(world: World) -> None:
    world.connect()
    client = world.new(name="Quite New Ltd", billingAddress=address())
    run = world.sync()
    assert world.link(client).contact_id == world.contact("Quite New Ltd").pk
    counted(run, seen=13, unchanged=12, created=1)


def test_an_edit_here_is_sent_once_and_keeps_whatever_is_not_ours(world: World) -> None:
    note = {"id": 7, "text": "Pays by BACS."}
    world.put(1002, note=note, paymentTermsDays=45)
    world.connect()
    before = world.clients()[1002]
    world.edit(world.contact("Bluebell Joinery"), emails=[{"label": "", "email": "edited@bluebell.example"}])
    world.forget_log()
    world.settle()
    assert [one["method"] for one in world.writes()] == ["PUT"]
    assert world.clients()[1002] == before | {"email": "edited@bluebell.example"}
    sent = orjson.loads(world.writes()[0]["body"])
    assert (sent["note"], sent["paymentTermsDays"], sent["name"]) == (note, 45, before["name"])
    assert world.outbox() == []


def test_no_echo_our_own_change_is_no_news(world: World) -> None:
    world.connect()
    world.edit(world.contact("Bluebell Joinery"), emails=[{"label": "", "email": "edited@bluebell.example"}])
    world.settle()
    before = world.snapshot()
    world.forget_log()
    for _ in range(2):
        counted(world.sync(), seen=12, unchanged=12)
    assert world.writes() == []
    assert world.snapshot() == before


def test_edits_of_one_contact_coalesce(world: World) -> None:
    world.connect()
    contact = world.contact("Bluebell Joinery")
    for n in range(5):
        world.edit(contact, emails=[{"label": "", "email": f"edit{n}@bluebell.example"}])
    assert len(world.outbox()) == 1
    world.settle()
    assert len(world.writes()) == 1
    assert world.clients()[1002]["email"] == "edit4@bluebell.example"


def test_an_edit_of_a_field_that_the_vendor_does_not_get_is_not_sent(world: World) -> None:
    world.connect()
    world.edit(world.contact("Bluebell Joinery"), notes="Only ours", phones=[{"label": "", "number": "0113 496 0000"}])
    assert world.outbox() == []


def test_an_edit_that_was_taken_back_is_not_sent(world: World) -> None:
    world.connect()
    contact = world.contact("Bluebell Joinery")
    world.edit(contact, name="Something else")
    world.edit(contact, name="Bluebell Joinery")
    world.settle()
    assert world.writes() == []
    assert world.outbox() == []


@pytest.mark.parametrize(
    ("rule", "here", "there"),
    [("crm", "ours@bluebell.example", "ours@bluebell.example"), ("remote", "theirs@bluebell.example", "theirs@bluebell.example")],
)
@pytest.mark.parametrize("first", ["pull", "push"])
def test_both_changed_one_field(world: World, rule: str, here: str, there: str, first: str) -> None:
    world.connect(conflict=rule)
    contact = world.contact("Bluebell Joinery")
    world.edit(contact, emails=[{"label": "", "email": "ours@bluebell.example"}])
    world.put(1002, email="theirs@bluebell.example")
    world.sync() if first == "pull" else world.settle()
    world.sync()
    assert world.again(contact).first_email == here
    assert world.clients()[1002]["email"] == there
    assert world.outbox() == []
    history = [change.changes.get("emails") for change in world.history(contact) if "emails" in change.changes]
    assert history[-1][1][0]["email"] == here, "an overwritten value stays in the history"


@pytest.mark.parametrize("winner", ["crm", "remote"])
def test_both_changed_one_field_and_a_person_is_asked(world: World, winner: Any) -> None:
    world.connect(conflict="ask")
    contact = world.contact("Bluebell Joinery")
    world.edit(contact, emails=[{"label": "", "email": "ours@bluebell.example"}])
    world.put(1002, email="theirs@bluebell.example")
    run = world.sync()
    link = world.link(1002)
    assert (link.state, link.reason["code"], run.counters["held"]) == ("HELD", "conflict_ask", 1)
    assert [c["field"] for c in link.conflicts] == ["email"]
    assert world.again(contact).first_email == "ours@bluebell.example"
    assert world.clients()[1002]["email"] == "theirs@bluebell.example"
    world.answer(link, "email", winner)
    world.settle()
    world.sync()
    value = "ours@bluebell.example" if winner == "crm" else "theirs@bluebell.example"
    assert (world.again(contact).first_email, world.clients()[1002]["email"]) == (value, value)
    assert world.link(1002).state == "LINKED"


def test_an_open_question_about_one_field_does_not_stop_the_others(world: World) -> None:
    world.connect(conflict="ask")
    contact = world.contact("Bluebell Joinery")
    world.edit(contact, emails=[{"label": "", "email": "ours@bluebell.example"}])
    world.put(1002, email="theirs@bluebell.example", name="Bluebell Joiners")
    world.sync()
    assert world.again(contact).name == "Bluebell Joiners"
    assert world.clients()[1002]["email"] == "theirs@bluebell.example"


def test_different_fields_are_merged(world: World) -> None:
    world.connect()
    contact = world.contact("Bluebell Joinery")
    world.edit(contact, emails=[{"label": "", "email": "ours@bluebell.example"}])
    world.put(1002, name="Bluebell Joiners")
    world.sync()
    assert (world.again(contact).name, world.again(contact).first_email) == ("Bluebell Joiners", "ours@bluebell.example")
    client = world.clients()[1002]
    assert (client["name"], client["email"]) == ("Bluebell Joiners", "ours@bluebell.example")


def test_a_push_takes_a_change_there_along(world: World) -> None:
    """The record is read before it is written, so an edit made there since the last pull is not lost."""
    world.connect()
    contact = world.contact("Bluebell Joinery")
    world.put(1002, name="Bluebell Joiners")
    world.edit(contact, emails=[{"label": "", "email": "ours@bluebell.example"}])
    world.settle()
    client = world.clients()[1002]
    assert (client["name"], client["email"]) == ("Bluebell Joiners", "ours@bluebell.example")
    assert world.again(contact).name == "Bluebell Joiners"


def test_an_e_mail_emptied_here_is_cleared_there(world: World) -> None:
    world.connect()
    world.edit(world.contact("Bluebell Joinery"), emails=[])
    world.settle()
    assert not world.clients()[1002]["email"]
    before = world.snapshot()
    world.sync()
    assert world.snapshot() == before


def test_an_e_mail_emptied_there_is_cleared_here(world: World) -> None:
    world.connect()
    contact = world.contact("Bluebell Joinery")
    world.put(1002, email=None)
    world.sync()
    assert world.again(contact).emails == []
    assert world.writes() == []


def test_the_second_e_mail_that_moves_up_is_no_edit(world: World) -> None:
    world.connect()
    contact = world.contact("Bluebell Joinery")
    world.edit(contact, emails=[*contact.emails, {"label": "", "email": "second@bluebell.example"}])
    world.settle()
    world.put(1002, email=None)
    world.sync()
    world.sync()
    assert world.again(contact).first_email == "second@bluebell.example"
    assert world.clients()[1002]["email"] is None, "cleared there is cleared there: what moved up here is not sent"
    assert world.writes() == []


def test_a_required_address_emptied_here_is_asked_about(world: World) -> None:
    world.connect()
    contact = world.contact("Bluebell Joinery")
    there = world.clients()[1002]
    world.edit(contact, addresses=[])
    world.settle()
    assert world.clients()[1002] == there
    assert (world.link(1002).state, world.link(1002).reason["code"]) == ("HELD", "required_empty")


def test_a_name_is_sent_only_when_it_differs_under_the_rule(world: World) -> None:
    world.connect()
    contact = world.contact("Bluebell Joinery")
    world.edit(contact, name="Bluebell\u00a0 Joinery ")
    world.settle()
    assert world.writes() == []
    world.edit(contact, name="bluebell joinery")
    world.settle()
    assert world.clients()[1002]["name"] == "bluebell joinery"


def test_an_edit_during_the_push_is_sent_next(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """F33 on the way out: while we speak to the vendor, somebody edits the contact again."""
    world.connect()
    contact = world.contact("Bluebell Joinery")
    world.put(1002, name="Bluebell Joiners")
    world.edit(contact, emails=[{"label": "", "email": "one@bluebell.example"}])
    world.when(monkeypatch, "PUT", "/clients/1002", lambda: world.edit(contact, emails=[{"label": "", "email": "two@bluebell.example"}]))
    world.settle()
    world.sync()
    after, client = world.again(contact), world.clients()[1002]
    assert (after.first_email, client["email"]) == ("two@bluebell.example", "two@bluebell.example")
    assert (after.name, client["name"]) == ("Bluebell Joiners", "Bluebell Joiners"), "the change there is not undone by ours"


def test_an_edit_during_the_pull_survives(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """F33: between the page that was read and its writing somebody edits the contact."""
    world.connect()
    contact = world.contact("Bluebell Joinery")
    world.put(1002, name="Bluebell Joiners")
    mine = [{"label": "", "email": "mine@bluebell.example"}]
    world.when(monkeypatch, "GET", "/clients/clients", lambda: world.edit(contact, emails=mine))
    world.sync()
    after, client = world.again(contact), world.clients()[1002]
    assert (after.name, after.first_email) == ("Bluebell Joiners", "mine@bluebell.example")
    assert (client["name"], client["email"]) == ("Bluebell Joiners", "mine@bluebell.example")


def test_merging_two_contacts_here_keeps_the_link_and_the_name_does_not_come_back(world: World) -> None:
    world.connect()
    linked = world.contact("Bluebell Joinery")
    kept = world.add("Bluebell Joiners & Sons")
    with world.open():
        merge(world.workspace, kept_id=kept.pk, gone_id=linked.pk, take_from_gone=set(), origin=world.origin, choices={})
    world.settle()
    counters = world.sync().counters
    assert world.link(1002).contact_id == kept.pk
    assert counters["created"] == 0
    assert len(world.contacts()) == 12
    assert world.clients()[1002]["name"] == "Bluebell Joiners & Sons"


@pytest.mark.parametrize("choice", [1002, 1003])
def test_merging_two_linked_contacts_leaves_the_link_that_was_chosen(world: World, choice: int) -> None:
    world.connect()
    kept, gone = world.contact("Bluebell Joinery"), world.contact("Northgate Dental Practice")
    links = {1002: world.link(1002), 1003: world.link(1003)}
    choices = {f"link:{world.connection.pk}:client": str(links[choice].pk)}
    other = 1003 if choice == 1002 else 1002
    there = world.clients()[other]
    with world.open():
        merge(world.workspace, kept_id=kept.pk, gone_id=gone.pk, take_from_gone=set(), origin=world.origin, choices=choices)
    world.settle()
    for _ in range(3):
        world.sync()
    assert world.link(choice).contact_id == kept.pk
    assert (world.link(other).state, world.link(other).contact_id, world.link(other).reason["code"]) == ("IGNORED", None, "merged_away")
    assert world.clients()[other] == there
    assert len(world.contacts()) == 11
