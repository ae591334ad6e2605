"""Who is linked to whom at the first sync, and what comes in."""

from __future__ import annotations

import unicodedata

import pytest

from accounts.models import Team
from contacts.models import Duplicate
from tests.integrations.sync.world import World, address, counted


def test_everything_arrives_in_an_empty_workspace(world: World) -> None:
    world.connect()
    run = world.last_run()
    assert (run.kind, run.outcome) == ("initial", "success")
    counted(run, seen=12, created=12)
    assert {c.name for c in world.contacts()} == {c["name"] for c in world.clients().values()}
    assert {c.kind for c in world.contacts()} == {"organisation"}
    assert all(link.state == "LINKED" for link in world.links())
    assert world.writes() == []


@pytest.mark.parametrize(
    ("here", "there", "same"),
    [
        ("Harrington & Cole Ltd", "Harrington & Cole Ltd", True),
        ("  Acme   Ltd ", "Acme Ltd", True),
        ("Acme\u00a0Ltd", "Acme Ltd", True),
        ("Acme \u2003\t Ltd", "Acme Ltd", True),
        (unicodedata.normalize("NFD", "Café Zoé"), unicodedata.normalize("NFC", "Café Zoé"), True),
        ("ACME Ltd", "Acme Ltd", False),
        ("Acme Ltd.", "Acme Ltd", False),
        ("Acme-Ltd", "Acme Ltd", False),
    ],
)
def test_the_exact_name_rule(world: World, here: str, there: str, same: bool) -> None:
    world.sandbox.control(reset=True, clients=0, suppliers=0, invoices=0)
    client = world.new(name=there)
    contact = world.add(here)
    world.connect()
    link = world.link(client)
    assert (link.contact_id == contact.pk) is same
    counted(world.last_run(), seen=1, linked=int(same), created=int(not same))
    assert world.again(contact).name == here, "a name that is equal under the rule is nobody's change"
    assert world.writes() == []


def test_the_organisation_comes_before_the_person(world: World) -> None:
    person = world.add("Bluebell Joinery", kind="person")
    organisation = world.add("Bluebell Joinery")
    world.connect()
    assert world.link(1002).contact_id == organisation.pk
    assert world.link(1002).contact_id != person.pk


def test_a_person_is_linked_when_there_is_no_organisation_and_exactly_one_of_the_name(world: World) -> None:
    person = world.add("Bluebell Joinery", kind="person")
    world.connect()
    assert world.link(1002).contact_id == person.pk
    counted(world.last_run(), seen=12, linked=1, created=11)


@pytest.mark.parametrize("kind", ["person", "organisation"])
def test_two_of_a_name_here_are_held_for_a_person(world: World, kind: str) -> None:
    both = [world.add("Bluebell Joinery", kind=kind) for _ in range(2)]
    world.connect()
    link = world.link(1002)
    assert (link.state, link.contact_id, link.reason["code"]) == ("HELD", None, "two_here")
    assert link.candidates == [contact.pk for contact in both]
    run = world.last_run()
    assert run.outcome == "partial"
    counted(run, seen=12, created=11, held=1)


def test_two_of_a_name_there_are_both_held(world: World) -> None:
    twin = world.new(name="Bluebell  Joinery")
    contact = world.add("Bluebell Joinery")
    world.connect()
    assert {world.link(pk).state for pk in (1002, twin)} == {"HELD"}
    assert {world.link(pk).reason["code"] for pk in (1002, twin)} == {"two_there"}
    assert world.link(twin).candidates == [contact.pk]
    counted(world.last_run(), seen=13, created=11, held=2)


def test_two_of_a_name_there_on_different_pages_are_both_held(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.small_pages(monkeypatch, 5)
    twin = world.new(name="Bluebell Joinery")
    world.connect()
    assert {world.link(pk).state for pk in (1002, twin)} == {"HELD"}
    assert len([c for c in world.contacts() if c.name == "Bluebell Joinery"]) == 0


def test_a_held_record_is_linked_once_the_question_is_gone(world: World) -> None:
    first, second = [world.add("Bluebell Joinery") for _ in range(2)]
    world.connect()
    world.edit(second, name="Bluebell Joinery (old)")
    run = world.sync()
    assert world.link(1002).contact_id == first.pk
    counted(run, seen=12, unchanged=11, linked=1)


def test_a_near_name_arrives_as_new_and_is_offered(world: World) -> None:
    near = world.add("Harrington and Cole Limited")
    world.connect()
    fresh = world.contact("Harrington & Cole Ltd")
    assert world.link(1001).contact_id == fresh.pk != near.pk
    with world.open():
        pairs = {(pair.first_id, pair.second_id) for pair in Duplicate.objects.filter(workspace=world.workspace)}
    assert (near.pk, fresh.pk) in pairs


def test_link_time_fills_empty_values_on_both_sides_and_the_rule_settles_the_rest(world: World) -> None:
    world.put(1002, email="there@bluebell.example", billingAddress=address())
    world.put(1003, email=None)
    filled = world.add("Bluebell Joinery")
    pushed = world.add("Northgate Dental Practice", emails=[{"label": "", "email": "here@northgate.example"}])
    clash = world.add("Saltmarsh Books", emails=[{"label": "", "email": "here@saltmarsh.example"}])
    world.connect()
    assert world.again(filled).first_email == "there@bluebell.example"
    assert world.again(filled).city == "Leeds"
    assert world.clients()[1003]["email"] == "here@northgate.example"
    assert world.clients()[1006]["email"] == "here@saltmarsh.example", "the CRM wins by default"
    assert world.again(clash).first_email == "here@saltmarsh.example"
    assert world.again(pushed).first_email == "here@northgate.example"
    counted(world.last_run(), seen=12, linked=3, created=9, pushed=2)


def test_the_default_team_is_given_to_what_arrives_and_to_nothing_else(world: World) -> None:
    with world.open():
        Team.objects.create(workspace=world.workspace, name="Sales", slug="sales")
    mine = world.add("Bluebell Joinery")
    world.connect(team="sales")
    assert world.again(mine).team_id is None
    assert {c.team.slug for c in world.contacts_with_team() if c.pk != mine.pk and c.team} == {"sales"}
    assert len(world.contacts(team=None)) == 1


def test_suppliers_are_left_out_by_default(world: World) -> None:
    world.connect()
    assert {link.remote_kind for link in world.links()} == {"client"}
    assert world.requests("GET", path="/suppliers") == []


def test_suppliers_come_in_as_tagged_organisations_when_asked_for(world: World) -> None:
    world.connect(suppliers="import")
    counted(world.last_run(), seen=15, created=15)
    suppliers = [c for c in world.contacts() if "Supplier" in c.tags]
    assert len(suppliers) == 3
    assert {c.kind for c in suppliers} == {"organisation"}
    assert world.writes() == [], "suppliers are only read"


def test_a_supplier_and_a_client_of_one_name_are_one_contact_with_two_links(world: World) -> None:
    name = world.sandbox.state()["suppliers"][0]["companyName"]
    client = world.new(name=name)
    world.connect(suppliers="import")
    contact = world.contact(name)
    assert world.link(client).contact_id == contact.pk
    assert world.link(501, kind="supplier").contact_id == contact.pk
    assert contact.tags == ["Supplier"]
    run = world.last_run()
    counted(run, seen=16, created=15, linked=1)


def test_an_edit_of_a_contact_that_is_only_a_supplier_is_not_sent(world: World) -> None:
    world.connect(suppliers="import")
    supplier = next(c for c in world.contacts() if "Supplier" in c.tags)
    world.edit(supplier, name="Renamed here")
    assert world.outbox() == []
    world.sync()
    assert world.writes() == []
