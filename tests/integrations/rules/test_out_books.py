"""Customers and their people go to the books: as the setting says, people with their customer, never to a number that was given anew."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from integrations import registry
from integrations.domain.attention import choose, failing
from integrations.domain.export import NotExportable, export
from integrations.domain.flows import flows_of
from integrations.domain.health import health
from integrations.domain.panel import contact_panels
from integrations.engine.types import Reason
from tests.integrations.rules.places import BooksPlace, DeskPlace, books_environment

ANSWERS = {"customer_group": "1", "payment_terms": "2", "vat_zone": "1", "currency": "DKK"}


def connected(books: BooksPlace, **answers: Any) -> BooksPlace:
    books.connect(**{"create_when": "created", **ANSWERS, **answers})
    books.forget_log()
    return books


def customers(books: BooksPlace) -> dict[int, dict[str, Any]]:
    return {int(one["customerNumber"]): one for one in books.sandbox.state()["customers"]}


def people(books: BooksPlace) -> list[dict[str, Any]]:
    return list(books.sandbox.state()["contacts"])


def test_a_customer_made_here_goes_there_and_those_from_before_do_not(books: BooksPlace) -> None:
    old = books.add("Gammel A/S")
    connected(books)
    books.add("Ny ApS")
    books.edit(old, notes="Kendt siden 2011")
    books.sync()
    assert [one["name"] for one in customers(books).values()] == ["Ny ApS"]


def test_what_another_connection_brought_in_was_not_created_here(
    books: BooksPlace, desk: DeskPlace, alice: Client, settings: Settings
) -> None:
    settings.ENVIRON = {**settings.ENVIRON, **books_environment(books.sandbox)}
    connected(books)
    desk.company("EMP1", "Girafa Ltda")
    desk.connect()
    brought = desk.contact("Girafa Ltda")
    books.edit(brought, notes="Kendt", life_cycle="client")
    mine = books.add("Ny ApS")
    books.settle()
    assert [one["name"] for one in customers(books).values()] == ["Ny ApS"]
    page = " ".join(alice.get(f"/w/{books.workspace.slug}/contacts/{brought.pk}/").text.split())
    assert "Girafa Ltda is not sent to e-conomic by itself: it was not created here but came from Desk." in page
    assert "was not created here" not in alice.get(f"/w/{books.workspace.slug}/contacts/{mine.pk}/").text
    books.export(brought)
    books.settle()
    assert sorted(one["name"] for one in customers(books).values()) == ["Girafa Ltda", "Ny ApS"], "by hand it may"


def test_a_customer_goes_there_when_it_becomes_a_client(books: BooksPlace) -> None:
    connected(books, create_when="active")
    contact = books.add("Ny ApS", life_cycle="lead")
    books.settle()
    assert customers(books) == {}
    books.edit(contact, life_cycle="client")
    books.settle()
    assert [one["name"] for one in customers(books).values()] == ["Ny ApS"]


def test_by_hand_only_still_tells_of_changes(books: BooksPlace) -> None:
    connected(books, create_when="manual")
    contact = books.add("Ny ApS")
    books.settle()
    assert customers(books) == {}
    books.export(contact)
    books.settle()
    [number] = customers(books)
    books.edit(contact, website="https://ny.example")
    books.settle()
    assert customers(books)[number]["website"] == "https://ny.example"


def test_people_follow_their_customer(books: BooksPlace) -> None:
    connected(books, create_when="manual")
    firm = books.add("Ny ApS")
    with books.open():
        ida = books.add("Ida Holm", kind="person", organisation_id=firm.pk)
    books.settle()
    assert people(books) == [], "its customer is not there"
    with books.open(), pytest.raises(NotExportable) as refused:
        export(ida, books.connection, user=books.user)
    assert refused.value.plan.why == Reason("parent_not_there", {"name": "Ida Holm"})
    books.export(firm)
    books.settle()
    [number] = customers(books)
    assert [(one["name"], one["customerNumber"]) for one in people(books)] == [("Ida Holm", number)]
    assert {link.remote_kind for link in books.links()} == {"customer", "contact"}
    books.edit(ida, notes="Ring om formiddagen", website="https://ida.example")
    books.settle()
    assert people(books)[0]["notes"] == "Ring om formiddagen"


@pytest.mark.parametrize("create_when", ["created", "active", "manual"])
def test_an_edited_person_goes_to_a_customer_that_a_sync_has_linked(books: BooksPlace, create_when: str) -> None:
    firm = books.add("Nordlys")
    ida = books.add("Ida Holm", kind="person", organisation_id=firm.pk)
    bo = books.add("Bo Lund", kind="person", organisation_id=firm.pk)
    stranger = books.add("Jo Frank", kind="person", organisation_id=books.add("Andre A/S").pk)
    books.customer(7, "Nordlys")
    connected(books, create_when=create_when)
    assert books.link(7, kind="customer").contact_id == firm.pk
    assert people(books) == [], "nobody goes without an edit"
    for contact in (ida, stranger):
        books.edit(contact, emails=[{"label": "", "email": "mail@nordlys.example"}])
    books.settle()
    assert [(one["name"], one["customerNumber"], one["email"]) for one in people(books)] == [("Ida Holm", 7, "mail@nordlys.example")]
    books.edit(ida, notes="Ring om formiddagen")
    books.settle()
    assert [one["notes"] for one in people(books)] == ["Ring om formiddagen"]
    assert books.links(contact=bo) == []
    number = people(books)[0]["number"]
    books.control(delete_contacts=[number])
    books.sync()
    books.edit(ida, notes="Er holdt op")
    books.settle()
    assert [one["isDeleted"] for one in people(books)] == [True], "who was deleted there is not made anew"


def test_a_person_without_customer_goes_by_hand_and_becomes_one(books: BooksPlace) -> None:
    connected(books)
    ida = books.add("Ida Holm", kind="person")
    books.settle()
    assert customers(books) == {}
    books.export(ida)
    books.settle()
    assert [one["name"] for one in customers(books).values()] == ["Ida Holm"]
    assert [link.remote_kind for link in books.links()] == ["customer"]
    books.edit(ida, website="https://ida.example")
    books.settle()
    assert [one["website"] for one in customers(books).values()] == ["https://ida.example"]


@pytest.mark.parametrize("of", ["customer", "person"])
def test_a_lost_answer_makes_no_second_record(books: BooksPlace, of: str) -> None:
    """F11 with a parent: the look-up asks where the record was made."""
    connected(books, create_when="manual")
    contact = firm = books.add("Ny ApS")
    if of == "person":
        books.export(firm)
        books.settle()
    books.fail("lost", method="POST", times=1)
    if of == "person":
        contact = books.add("Ida Holm", kind="person", organisation_id=firm.pk)
    else:
        books.export(firm)
    books.settle()
    books.now_due()
    books.settle()
    assert (len(customers(books)), len(people(books))) == (1, 1 if of == "person" else 0)
    assert [link.state for link in books.links(contact=contact)] == ["LINKED"]
    assert books.outbox() == []


def test_a_number_given_to_somebody_else_gets_nothing(books: BooksPlace) -> None:
    connected(books)
    contact = books.add("Ny ApS", tax_id="29403473")
    books.settle()
    [number] = customers(books)
    books.control(delete_customers=[number])
    books.customer(number, "Helt Andet A/S", corporateIdentificationNumber="10150817")
    before = customers(books)
    books.edit(contact, website="https://ny.example")
    books.settle()
    [link] = books.links()
    assert (link.state, link.reason["code"], link.reason["params"]["name"]) == ("HELD", "number_reused", "Helt Andet A/S")
    assert customers(books) == before
    assert books.again(contact).name == "Ny ApS"
    with books.open():
        [row] = failing(books.connection).rows
        assert "choose" in row.actions
        other = books.add("Helt Andet A/S", tax_id="10150817")
        choose(books.connection, row.id, contact_id=other.pk, user=books.user)
    books.settle()
    assert books.links(remote_id=str(number))[0].contact_id == other.pk


def test_a_setting_that_is_missing_pauses_what_is_created_and_nothing_else(books: BooksPlace) -> None:
    connected(books, vat_zone="")
    books.customer(7, "Kendt A/S", currency="DKK")
    books.sync()
    books.add("Ny ApS")
    books.settle()
    connection = books.refreshed()
    assert (connection.denied["create"]["code"], connection.denied["create"]["field"]) == ("setting_missing", "vat_zone")
    with books.open():
        assert "VAT zone" in health(connection).sentence
    books.edit(books.contact("Kendt A/S"), website="https://kendt.example")
    books.settle()
    assert customers(books)[7]["website"] == "https://kendt.example"
    assert [(row.state, row.reason["code"]) for row in books.outbox()] == [("WAITING", "setting_missing")]
    books.change_settings(vat_zone="1")
    books.settle()
    assert sorted(one["name"] for one in customers(books).values()) == ["Kendt A/S", "Ny ApS"]
    assert books.refreshed().denied == {}


def test_refused_fields_stand_at_their_fields(books: BooksPlace) -> None:
    connected(books)
    contact = books.add("Ny ApS", website=f"https://{'x' * 280}.dk")
    books.settle()
    [row] = books.outbox()
    assert row.state == "STUCK"
    assert list(row.fields) == ["website"]
    with books.open():
        [panel] = contact_panels(books.again(contact))
    assert [label for label, _words in panel.faults] == ["Website"]
    books.edit(contact, website="")
    books.settle()
    assert books.outbox() == []
    assert len(customers(books)) == 1


def test_why_is_said_without_a_call(books: BooksPlace) -> None:
    connection = connected(books, create_when="active").connection
    contact = books.add("Ny ApS", life_cycle="lead")
    with books.open():
        flows = flows_of(books.again(contact), connection, registry.manifest(connection.provider), [], None)
    assert flows.out is not None
    assert "the life cycle is lead" in flows.out.words
    assert flows.why_no_export is None, "by hand it may"
    assert books.requests(path="/customers") == []
