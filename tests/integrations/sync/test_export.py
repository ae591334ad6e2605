"""One export is one record there, whatever happens on the way."""

from __future__ import annotations

import pytest

from contacts.models import Contact
from integrations.domain.access import open_access
from integrations.domain.attention import failing, ignore, retry
from integrations.domain.export import NotExportable, export, export_plan
from integrations.domain.outbox import claim_next
from integrations.domain.panel import contact_panels
from integrations.domain.push import send
from tests.integrations.sync.world import World, full_contact

NAME = "Brand New Ltd"


def export_now(world: World, contact: Contact) -> None:
    with world.open():
        export(contact, world.connection, user=world.user)
    world.settle()


def test_an_export_makes_one_record_and_links_it(world: World) -> None:
    world.connect()
    contact = world.add(NAME, **full_contact())
    export_now(world, contact)
    [client] = world.named(NAME)
    assert client["email"] == "hello@new.example"
    assert client["billingAddress"]["line1"] == "1 High Street"
    link = world.link(client["id"])
    assert (link.contact_id, link.state) == (contact.pk, "LINKED")
    before = world.snapshot()
    assert world.sync().counters["unchanged"] == 13
    assert world.snapshot() == before
    assert [one["method"] for one in world.writes()] == ["POST"]


def test_the_plan_shows_what_will_be_sent_and_what_is_missing(world: World) -> None:
    world.connect()
    contact = world.add(NAME)
    with world.open():
        plan = export_plan(contact, world.connection)
        assert not plan.possible
        assert {one.field for one in plan.missing} == {"address.line1", "address.line2", "address.country"}
        with pytest.raises(NotExportable):
            export(contact, world.connection, user=world.user)
    full = world.add("Whole Ltd", **full_contact())
    with world.open():
        plan = export_plan(full, world.connection)
    assert plan.possible
    assert ("name", "Whole Ltd") in plan.payload
    assert world.writes() == []


def test_of_a_person_in_an_organisation_the_organisation_is_exported(world: World) -> None:
    world.connect()
    organisation = world.add(NAME, **full_contact())
    person = world.add("Ann Body", kind="person", organisation_id=organisation.pk)
    with world.open():
        plan = export_plan(Contact.objects.select_related("organisation").get(pk=person.pk), world.connection)
    assert plan.contact == organisation
    assert plan.note
    export_now(world, person)
    assert len(world.named(NAME)) == 1
    assert world.named("Ann Body") == []


def test_a_linked_contact_is_not_exported_again(world: World) -> None:
    world.connect()
    with world.open(), pytest.raises(NotExportable) as caught:
        export(world.contact("Bluebell Joinery"), world.connection, user=world.user)
    assert caught.value.plan.why is not None
    assert caught.value.plan.why.code == "already_linked"


@pytest.mark.parametrize(
    "fault", [{"kind": "lost"}, {"kind": "reset"}, {"kind": "500"}, {"kind": "503"}, {"kind": "cut"}, {"kind": "empty_body"}]
)
def test_a_post_whose_answer_never_came_ends_in_exactly_one_record(world: World, fault: dict[str, str]) -> None:
    """F6, F7: saved or not saved, the retry looks before it sends."""
    world.connect()
    contact = world.add(NAME, **full_contact())
    world.fail(method="POST", path="/v1/", times=1, **fault)
    export_now(world, contact)
    [row] = world.outbox()
    assert (row.state, row.in_doubt) == ("WAITING", True)
    world.now_due()
    world.settle()
    [client] = world.named(NAME)
    assert world.link(client["id"]).contact_id == contact.pk
    assert world.outbox() == []
    assert len(world.contacts(name=NAME)) == 1


def test_a_timeout_after_the_post_was_carried_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """F7 with a real time-out."""
    world.connect()
    contact = world.add(NAME, **full_contact())
    world.impatient(monkeypatch, 3.0)
    world.fail("lost_timeout", method="POST", path="/v1/", times=1, seconds=60)
    export_now(world, contact)
    world.repair()
    assert world.outbox()[0].in_doubt
    world.now_due()
    world.settle()
    assert len(world.named(NAME)) == 1
    assert world.outbox() == []


def test_a_pull_may_meet_the_record_of_a_lost_post_first(world: World) -> None:
    world.connect()
    contact = world.add(NAME, **full_contact())
    world.fail("lost", method="POST", path="/v1/", times=1)
    export_now(world, contact)
    world.sync()
    world.now_due()
    world.settle()
    [client] = world.named(NAME)
    assert world.link(client["id"]).contact_id == contact.pk
    assert len(world.contacts(name=NAME)) == 1


def test_a_lost_post_and_an_edit_before_the_look_up(world: World) -> None:
    """The edit made since the lost request is sent to the record that is adopted."""
    world.connect()
    contact = world.add(NAME, **full_contact())
    world.fail("lost", method="POST", path="/v1/", times=1)
    export_now(world, contact)
    world.edit(contact, emails=[{"label": "", "email": "edited@new.example"}])
    world.now_due()
    world.settle()
    [client] = world.named(NAME)
    assert client["email"] == "edited@new.example"
    assert world.outbox() == []


@pytest.mark.parametrize("pulled", [False, True])
def test_a_lost_post_and_a_rename_before_the_look_up(world: World, pulled: bool) -> None:
    """The record was made under the name that the contact had then: it is looked for under that one."""
    world.connect()
    contact = world.add(NAME, **full_contact())
    world.fail("lost", method="POST", path="/v1/", times=1)
    export_now(world, contact)
    world.edit(contact, name="Renamed Since Ltd")
    if pulled:
        world.sync()
    world.now_due()
    world.settle()
    world.sync()
    assert len(world.clients()) == 13
    assert len(world.contacts()) == 13
    assert len(world.named("Renamed Since Ltd")) == 1
    assert world.outbox() == []


def test_a_lost_post_of_a_contact_that_was_deleted_since(world: World) -> None:
    world.connect(deleted_here="keep_away")
    contact = world.add(NAME, **full_contact())
    world.fail("lost", method="POST", path="/v1/", times=1)
    export_now(world, contact)
    world.delete(contact)
    world.now_due()
    world.settle()
    world.sync()
    assert len(world.named(NAME)) == 1
    assert world.contacts(name=NAME) == [], "what was deleted here and is kept away does not come back through the back door"


def test_two_records_of_the_name_after_a_lost_post_are_held_for_a_person(world: World) -> None:
    in_doubt_with_a_twin(world)
    world.settle()
    [row] = world.outbox()
    assert (row.state, row.reason["code"]) == ("STUCK", "in_doubt_many")
    assert len(world.named(NAME)) == 2, "nothing is sent while it is not clear"


def in_doubt_with_a_twin(world: World) -> tuple[Contact, int]:
    """A lost POST, and another record of the name: nobody can tell which one it made."""
    world.connect()
    contact = world.add(NAME, **full_contact())
    world.fail("lost", method="POST", path="/v1/", times=1)
    export_now(world, contact)
    twin = world.new(name=NAME)
    world.now_due()
    return contact, twin


def test_what_was_left_alone_in_doubt_is_looked_up_before_it_is_made_again(world: World) -> None:
    contact, twin = in_doubt_with_a_twin(world)
    world.settle()
    [row] = world.outbox()
    with world.open():
        ignore(world.connection, f"outbox:{row.pk}", user=world.user)
        assert failing(world.connection).rows == []
        assert [panel.outbox for panel in contact_panels(contact)] == [None], "nothing is shown to wait"
    world.settle()
    export_now(world, contact)
    [row] = world.outbox()
    assert (row.state, row.reason["code"], len(world.named(NAME))) == ("STUCK", "in_doubt_many", 2), "still nobody can tell"
    world.drop(twin)
    export_now(world, contact)
    assert (world.outbox(), len(world.named(NAME))) == ([], 1)
    assert world.link(world.named(NAME)[0]["id"]).contact_id == contact.pk


def test_an_export_once_more_while_the_first_is_in_doubt_makes_no_second(world: World) -> None:
    contact, _twin = in_doubt_with_a_twin(world)
    row = claim_next(world.connection)
    assert row is not None
    with world.open():
        export(contact, world.connection, user=world.user)
    send(row, open_access(world.connection))
    world.settle()
    [row] = world.outbox()
    assert (row.state, len(world.named(NAME))) == ("STUCK", 2)


def test_records_of_an_ignored_create_are_matched_again(world: World) -> None:
    contact, twin = in_doubt_with_a_twin(world)
    world.settle()
    [row] = world.outbox()
    with world.open():
        ignore(world.connection, f"outbox:{row.pk}", user=world.user)
    world.drop(twin)
    world.sync()
    assert world.link(world.named(NAME)[0]["id"]).contact_id == contact.pk
    assert len(world.contacts(name=NAME)) == 1


def test_a_refused_create_is_stuck_with_the_vendors_words_and_an_edit_tries_again(world: World) -> None:
    """F34."""
    world.connect()
    contact = world.add(NAME, **full_contact(emails=[{"label": "", "email": "no-at-sign.example"}]))
    export_now(world, contact)
    [row] = world.outbox()
    assert (row.state, row.reason["code"], row.in_doubt) == ("STUCK", "refused", False)
    assert "email is not a valid" in row.detail + str(row.reason)
    world.settle()
    assert world.named(NAME) == []
    world.edit(contact, emails=[{"label": "", "email": "fine@new.example"}])
    world.settle()
    assert [client["email"] for client in world.named(NAME)] == ["fine@new.example"]
    assert world.outbox() == []


def test_a_refused_update_is_stuck_and_an_edit_tries_again(world: World) -> None:
    world.connect()
    contact = world.contact("Bluebell Joinery")
    world.edit(contact, emails=[{"label": "", "email": "no-at-sign.example"}])
    world.settle()
    [row] = world.outbox()
    assert (row.state, row.reason["code"]) == ("STUCK", "refused")
    world.edit(contact, emails=[{"label": "", "email": "fine@bluebell.example"}])
    world.settle()
    assert world.clients()[1002]["email"] == "fine@bluebell.example"
    assert world.outbox() == []


def test_retry_by_a_person(world: World) -> None:
    _contact, twin = in_doubt_with_a_twin(world)
    world.settle()
    world.drop(twin)
    with world.open():
        assert retry(world.connection, "all", user=world.user) == 1
    world.settle()
    assert len(world.named(NAME)) == 1
    assert world.outbox() == []


def test_an_edit_between_the_post_and_its_answer_is_sent_next(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.connect()
    contact = world.add(NAME, **full_contact())
    world.when(monkeypatch, "POST", "/clients", lambda: world.edit(contact, emails=[{"label": "", "email": "late@new.example"}]))
    export_now(world, contact)
    assert [client["email"] for client in world.named(NAME)] == ["late@new.example"]


def test_an_export_that_meets_a_pull_of_its_own_record(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pull reads the new record before the export has stored its link."""
    world.connect()
    contact = world.add(NAME, **full_contact())
    world.when(monkeypatch, "POST", "/clients", world.sync)
    export_now(world, contact)
    [client] = world.named(NAME)
    assert world.link(client["id"]).contact_id == contact.pk
    assert len(world.contacts(name=NAME)) == 1
    assert world.outbox() == []
