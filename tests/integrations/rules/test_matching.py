"""Which contact a record is: by tax id, then by name, people within their organisation; never guessed."""

from __future__ import annotations

from integrations.enums import LinkState
from tests.integrations.rules.places import BooksPlace, DeskPlace

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
