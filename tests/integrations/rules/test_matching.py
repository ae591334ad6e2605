"""Which contact a record is: by tax id, then by name, people within their organisation; never guessed."""

from __future__ import annotations

import pytest

from integrations.domain.advance import BATCH
from integrations.domain.attention import choose, failing
from integrations.domain.runs import request_run
from integrations.enums import LinkState, RunKind
from tests.integrations.rules.places import BooksPlace, DeskPlace, stamped

CNPJ = "16727230000197"


def test_by_tax_id_before_the_name(desk: DeskPlace) -> None:
    desk.company("100", "Aurora", cpfCnpj=CNPJ)
    right = desk.add("Another name", tax_id="16.727.230/0001-97", life_cycle="client")
    desk.add("Aurora", life_cycle="client")
    desk.connect()

    assert desk.link("100", kind="company").contact_id == right.pk


def test_two_records_of_one_tax_id_are_held(desk: DeskPlace) -> None:
    desk.company("100", "Aurora", cpfCnpj=CNPJ)
    desk.company("200", "Boreal", cpfCnpj=CNPJ)
    desk.add("Another name", tax_id=CNPJ, life_cycle="client")
    desk.connect()

    links = desk.links()
    assert [link.state for link in links] == [LinkState.HELD, LinkState.HELD]
    assert {link.reason["code"] for link in links} == {"two_there"}


@pytest.mark.parametrize("whole", [False, True])
def test_a_second_record_of_one_tax_id_is_held_long_after_the_first(desk: DeskPlace, whole: bool) -> None:
    desk.company("100", "Aurora", cpfCnpj=CNPJ)
    desk.connect()
    namesake = desk.add("Boreal", life_cycle="client")
    desk.company("200", "Boreal", cpfCnpj=CNPJ)
    with desk.open():
        request_run(desk.connection, kind=RunKind.MANUAL, whole=whole)
    run = desk.settle()

    link = desk.link("200", kind="company")
    assert (link.state, link.contact_id, link.reason["code"]) == (LinkState.HELD, None, "taken")
    assert run.counters["held"] == 1
    assert desk.link("100", kind="company").contact_id == desk.contact("Aurora").pk
    assert desk.again(namesake).tax_id == ""
    with desk.open():
        [row] = failing(desk.connection).rows
        assert row.sentence == "The contact that fits Boreal is linked to another record in Movidesk already."
        choose(desk.connection, row.id, contact_id=None, user=desk.user)
    desk.settle()
    assert desk.link("200", kind="company").state == LinkState.LINKED
    assert len(desk.contacts(name="Boreal")) == 2


def test_a_second_record_of_one_tax_id_is_not_given_to_the_twin_here(books: BooksPlace) -> None:
    books.customer(1, "Nordlys", corporateIdentificationNumber="10150817")
    books.connect()
    twin = books.add("Nordlys afd. Aarhus", tax_id="10150817")
    books.customer(2, "Nordlys Øst", corporateIdentificationNumber="10150817")
    books.sync()

    link = books.link(2, kind="customer")
    assert (link.state, link.contact_id, link.reason["code"], link.candidates) == (LinkState.HELD, None, "two_there", [twin.pk])


def test_two_contacts_of_one_tax_id_are_held(desk: DeskPlace) -> None:
    desk.company("100", "Aurora", cpfCnpj=CNPJ)
    one, two = (desk.add(name, tax_id=CNPJ, life_cycle="client") for name in ("One", "Two"))
    desk.connect()

    link = desk.link("100", kind="company")
    assert (link.state, link.reason["code"], sorted(link.candidates)) == (LinkState.HELD, "two_here", sorted([one.pk, two.pk]))


def test_namesakes_that_nobody_here_is_called_like_both_come(books: BooksPlace) -> None:
    books.customer(1, "Jens Hansen")
    books.customer(2, "Jens Hansen")
    books.connect()

    assert [contact.name for contact in books.contacts()] == ["Jens Hansen", "Jens Hansen"]


def test_people_only_within_their_organisation(books: BooksPlace) -> None:
    books.customer(1, "Nordlys")
    books.customer(2, "Havnen")
    nordlys, havnen = books.add("Nordlys"), books.add("Havnen")
    here = books.add("Åse Holm", kind="person", organisation=nordlys)
    there = books.add("Åse Holm", kind="person", organisation=havnen)
    first, second = books.employee(1, "Åse Holm"), books.employee(2, "Åse Holm")
    books.connect()

    assert books.link(first, kind="contact").contact_id == here.pk
    assert books.link(second, kind="contact").contact_id == there.pk


def test_people_by_their_address_first(books: BooksPlace) -> None:
    books.customer(1, "Nordlys")
    nordlys = books.add("Nordlys")
    here = books.add("Aase H.", kind="person", organisation=nordlys, emails=[{"label": "", "email": "Aase@Nordlys.example"}])
    number = books.employee(1, "Åse Holm", email="aase@nordlys.example")
    books.connect()

    assert books.link(number, kind="contact").contact_id == here.pk


def test_a_person_is_never_taken_for_an_organisation(desk: DeskPlace) -> None:
    desk.company("100", "Aurora")
    desk.add("Aurora", kind="person")
    desk.connect()

    assert sorted(contact.kind for contact in desk.contacts(name="Aurora")) == ["organisation", "person"]


def test_a_number_given_again_is_held(books: BooksPlace) -> None:
    books.customer(1, "Nordlys", corporateIdentificationNumber="10150817")
    books.connect()
    nordlys = books.contact("Nordlys")
    books.control(delete_customers=[1])
    books.customer(1, "Somebody else", corporateIdentificationNumber="13585628")

    run = books.sync()

    link = books.link(1, kind="customer")
    assert (link.state, link.reason["code"], link.contact_id) == (LinkState.HELD, "number_reused", nordlys.pk)
    assert run.counters["held"] == 1
    assert books.contact("Nordlys").tax_id == "10150817"
    assert books.outbox() == []


def many(desk: DeskPlace, first: str, last: str, **more: str) -> None:
    """Two records with everybody else between them, so that no batch has both."""
    desk.company(first, "Aurora", **more)
    between = [{"id": f"5{n:03}", "personType": 2, "businessName": f"Between {n}", **stamped()} for n in range(BATCH)]
    desk.control(add_persons=between)
    desk.company(last, "Boreal", **more)


def test_two_records_of_one_tax_id_are_held_wherever_they_are_read(desk: DeskPlace) -> None:
    many(desk, "1000", "9000", cpfCnpj=CNPJ)
    desk.add("Another name", tax_id=CNPJ, life_cycle="client")
    desk.connect()

    links = [desk.link(number, kind="company") for number in ("1000", "9000")]
    assert {(link.state, link.contact_id, link.reason["code"]) for link in links} == {(LinkState.HELD, None, "two_there")}
    assert len(desk.contacts()) == BATCH + 1


def test_what_nobody_here_had_comes_in_twice_wherever_it_is_read(desk: DeskPlace) -> None:
    many(desk, "1000", "9000", cpfCnpj=CNPJ)
    desk.connect()

    assert {link.state for link in desk.links()} == {LinkState.LINKED}
    assert len(desk.contacts()) == BATCH + 2


def test_namesakes_of_nobody_here_come_in_wherever_they_are_read(books: BooksPlace) -> None:
    numbers = [1, *range(10, 10 + BATCH), 9000]
    books.control(add_customers=[{"customerNumber": n, "name": "Jens Hansen" if n in (1, 9000) else f"Customer {n}"} for n in numbers])
    books.connect()

    assert [contact.name for contact in books.contacts()].count("Jens Hansen") == 2


def test_two_people_of_one_address_in_one_organisation_are_held(books: BooksPlace) -> None:
    books.customer(1, "Nordlys")
    nordlys = books.add("Nordlys")
    books.add("Åse Holm", kind="person", organisation=nordlys, emails=[{"label": "", "email": "info@nordlys.example"}])
    first = books.employee(1, "Åse", email="info@nordlys.example")
    books.control(add_contacts=[{"customerNumber": 1, "name": f"Person {n}"} for n in range(BATCH)])
    last = books.employee(1, "Bo", email="info@nordlys.example")
    books.connect()

    assert {books.link(number, kind="contact").state for number in (first, last)} == {LinkState.HELD}
