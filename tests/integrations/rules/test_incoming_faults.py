"""What vendors and networks do to the readings: nothing lost, nothing twice, and every fault with its words."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.domain.inbox import drain_hints
from integrations.enums import LinkState, Outcome, RunStatus
from integrations.models import Connection
from tests.integrations.rules.places import BooksPlace, DeskPlace
from tests.integrations.rules.test_changes_only import kept, started


@pytest.fixture
def known(desk: DeskPlace) -> DeskPlace:
    """A helpdesk of six companies that is in sync, each page two records long."""
    for number in range(6):
        desk.company(f"10{number}", f"Company {number}")
    desk.connect()
    desk.repair()
    return desk


@pytest.mark.parametrize("fault", ["500", "503", "html", "truncated", "empty_body"])
def test_a_vendor_in_trouble_is_waited_for(known: DeskPlace, fault: str) -> None:
    before = kept(known)
    known.change("102", observations="News")
    known.fail(fault, times=1)
    known.sync()

    assert known.last_run().status in {RunStatus.WAITING, RunStatus.DONE}
    if known.last_run().status == RunStatus.WAITING:
        assert kept(known) == before
        known.repair()
        known.now_due()
        known.settle()
    assert known.contact("Company 2").notes == "News"


def test_an_empty_stream_after_a_full_list_is_no_fault(known: DeskPlace) -> None:
    with known.open():
        row = Connection.objects.get(pk=known.connection.pk)
        row.history = {**row.history, "watermark": "2998-01-01T00:00:00.000Z"}
        row.save(update_fields=["history"])

    run = known.sync()

    assert (run.outcome, run.counters["seen"], started(known)) == (Outcome.SUCCESS, 0, "reading_changes")
    assert {link.state for link in known.links()} == {LinkState.LINKED}


def test_a_record_that_comes_twice_counts_once(known: DeskPlace) -> None:
    known.company("200", "Boreal")
    known.fail("duplicate_ids", times=9)

    run = known.sync()

    assert run.outcome in {Outcome.SUCCESS, Outcome.PARTIAL}
    assert run.counters["created"] == 1
    assert [contact.name for contact in known.contacts(name="Boreal")] == ["Boreal"]


def test_a_stream_without_an_end_ends(known: DeskPlace) -> None:
    known.sandbox.control(faults=[{"kind": "repeat_page", "times": 99}])
    known.change("102", observations="News")

    run = known.sync()

    assert run.is_over or run.status == RunStatus.WAITING


def test_a_broken_record_in_the_stream_stops_nobody(known: DeskPlace) -> None:
    known.company("200", "")
    known.change("102", observations="News")

    run = known.sync()

    assert (run.outcome, run.counters["failed"], run.counters["updated"]) == (Outcome.PARTIAL, 1, 1)
    assert known.link("200", kind="company").reason["code"] == "no_name"


def test_rules_that_flip_make_nothing_twice(known: DeskPlace) -> None:
    for _ in range(3):
        known.change("102", isActive=False)
        known.sync()
        known.change("102", isActive=True)
        known.sync()

    assert [contact.name for contact in known.contacts(name="Company 2")] == ["Company 2"]
    assert known.link("102", kind="company").state == LinkState.LINKED


def test_switched_off_meanwhile(known: DeskPlace) -> None:
    known.change("102", observations="News")
    known.sync_soon()
    with known.open():
        Connection.objects.filter(pk=known.connection.pk).update(status="PAUSED")

    known.settle()

    assert known.contact("Company 2").notes == ""


def test_calls_that_get_lost_are_made_up_for_by_one_sync(books: BooksPlace) -> None:
    books.control(add_customers=[{"customerNumber": n, "name": f"Customer {n}"} for n in range(1, 41)])
    books.connect()
    rng = random.Random(52)
    for number in range(1, 41):
        books.control(put_customers=[{"customerNumber": number, "email": f"ny{number}@them.example"}])
        if rng.random() > 0.1:
            books.hint("customer", number)
    while drain_hints(books.connection, until=0.0):
        pass

    books.sync()

    found = {contact.name: contact.first_email for contact in books.contacts()}
    assert found == {f"Customer {number}": f"ny{number}@them.example" for number in range(1, 41)}


def test_calls_out_of_order_follow_every_renumbering(books: BooksPlace) -> None:
    books.customer(1, "Nordlys", corporateIdentificationNumber="10150817")
    books.connect()
    nordlys = books.contact("Nordlys")
    books.control(renumber=[[1, 50]])
    books.control(renumber=[[50, 60]])
    books.hint("customer", 60, was=50)
    books.hint("customer", 50, was=1)

    while drain_hints(books.connection, until=0.0):
        pass

    assert books.link(60, kind="customer").contact_id == nordlys.pk
    assert [contact.name for contact in books.contacts()] == ["Nordlys"]


def test_a_renumbering_whose_call_got_lost_makes_nothing_twice(books: BooksPlace) -> None:
    books.customer(1, "Nordlys", corporateIdentificationNumber="10150817")
    books.customer(2, "Havnen")
    books.connect()
    nordlys = books.contact("Nordlys")
    books.control(renumber=[[1, 50]])

    books.sync()
    assert started(books) == "reading_changes"
    assert books.link(50, kind="customer").contact_id == nordlys.pk, "one reading is enough where the tax id is the same"
    assert [link.remote_id for link in books.links(contact=nordlys)] == ["50"]
    assert sorted(contact.name for contact in books.contacts()) == ["Havnen", "Nordlys"]


@pytest.mark.parametrize("known", [{"email": "post@nordlys.example"}, {"address": "Havnegade 1", "zip": "1058"}])
def test_a_lost_renumbering_is_followed_where_more_than_the_name_is_the_same(books: BooksPlace, known: dict[str, str]) -> None:
    books.customer(1, "Nordlys", **known)
    books.connect()
    nordlys = books.contact("Nordlys")
    books.control(renumber=[[1, 50]])
    books.sync()
    assert books.link(50, kind="customer").contact_id == nordlys.pk


def test_a_namesake_of_a_customer_that_is_there_is_never_taken_for_it(books: BooksPlace) -> None:
    """Not even when all is the same: the old number answers."""
    same = {"corporateIdentificationNumber": "10150817", "email": "post@nordlys.example"}
    books.customer(1, "Nordlys", **same)
    books.connect()
    nordlys = books.contact("Nordlys")
    books.customer(50, "Nordlys", **same)
    for _ in range(2):
        books.sync()
    assert books.link(1, kind="customer").contact_id == nordlys.pk
    assert books.link(50, kind="customer").contact_id is None
    assert books.link(50, kind="customer").state == "HELD"


def test_another_customer_of_the_name_waits_until_the_old_number_is_surely_gone(books: BooksPlace) -> None:
    """Deleted, and somebody else of that name made: nothing but the name is the same."""
    books.customer(1, "Jens Hansen", email="jens@one.example")
    books.connect()
    books.control(delete_customers=[1])
    books.customer(50, "Jens Hansen", email="jens@two.example")
    books.sync()
    assert books.link(50, kind="customer").state == LinkState.HELD
    assert books.link(50, kind="customer").contact_id is None
    assert books.contact("Jens Hansen").first_email == "jens@one.example"


def test_a_lost_renumbering_of_little_known_customers_makes_nothing_twice(books: BooksPlace) -> None:
    books.customer(1, "Nordlys")
    books.customer(2, "Havnen")
    books.connect()
    nordlys = books.contact("Nordlys")
    books.control(renumber=[[1, 50]])

    books.sync()
    assert books.link(50, kind="customer").state == LinkState.HELD
    for _ in range(3):
        with books.open():
            row = Connection.objects.get(pk=books.connection.pk)
            row.history = {**row.history, "whole_at": (timezone.now() - timedelta(days=3)).isoformat()}
            row.save(update_fields=["history"])
        books.sync()

    assert books.link(50, kind="customer").contact_id == nordlys.pk
    assert sorted(contact.name for contact in books.contacts()) == ["Havnen", "Nordlys"]
