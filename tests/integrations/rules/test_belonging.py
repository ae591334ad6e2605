"""People belong where the vendor says, until somebody moves them here."""

from __future__ import annotations

from tests.integrations.rules.places import BooksPlace, DeskPlace


def test_people_come_with_their_organisation_and_kind(books: BooksPlace) -> None:
    books.customer(1, "Nordlys")
    books.employee(1, "Åse Holm", email="aase@nordlys.example")
    books.connect()

    person = books.contact("Åse Holm")
    assert (person.kind, person.organisation_id) == ("person", books.contact("Nordlys").pk)


def test_a_move_there_is_followed(books: BooksPlace) -> None:
    books.customer(1, "Nordlys")
    books.customer(2, "Havnen")
    number = books.employee(1, "Åse Holm")
    books.connect()
    books.control(put_contacts=[{"number": number, "customerNumber": 2}])

    books.sync()

    assert books.contact("Åse Holm").organisation_id == books.contact("Havnen").pk


def test_a_move_here_stays(books: BooksPlace) -> None:
    books.customer(1, "Nordlys")
    books.customer(2, "Havnen")
    number = books.employee(1, "Åse Holm")
    books.connect()
    own = books.add("Own choice")
    books.edit(books.contact("Åse Holm"), organisation_id=own.pk)
    books.control(put_contacts=[{"number": number, "customerNumber": 2, "email": "new@them.example"}])

    books.sync()

    person = books.contact("Åse Holm")
    assert (person.organisation_id, person.first_email) == (own.pk, "new@them.example")


def test_somebody_without_an_organisation_gets_one(books: BooksPlace) -> None:
    books.customer(1, "Nordlys")
    number = books.employee(1, "Åse Holm")
    books.connect()
    books.edit(books.contact("Åse Holm"), organisation_id=None)
    books.control(put_contacts=[{"number": number, "email": "new@them.example"}])

    books.sync()

    assert books.contact("Åse Holm").organisation_id is None, "taken out here on purpose"


def test_an_organisation_that_comes_after_its_people(desk: DeskPlace) -> None:
    one, two = desk.add("Aurora", life_cycle="client"), desk.add("Aurora", life_cycle="client")
    desk.company("100", "Aurora")
    desk.person("300", "Ana", "100")
    desk.connect()
    assert desk.contact("Ana").organisation_id is None
    desk.delete(two)

    desk.sync()
    desk.sync()

    assert desk.contact("Ana").organisation_id == one.pk


def test_records_that_belong_to_one_another_in_a_circle(desk: DeskPlace) -> None:
    """F38: companies within each other, a person within itself, two people within each other."""
    desk.company("100", "Aurora", relationships=[{"id": "200"}])
    desk.company("200", "Boreal", relationships=[{"id": "100"}])
    desk.person("300", "Ana", "300", "100")
    desk.person("301", "Bia", "302")
    desk.person("302", "Caio", "301")
    desk.connect()

    run = desk.last_run()
    assert run.is_over
    assert desk.contact("Ana").organisation_id == desk.contact("Aurora").pk
    assert desk.contact("Boreal").organisation_id is None
    left_out = {line.remote_id: line.reason["code"] for line in desk.lines(run, action="skip")}
    assert left_out.keys() == {"301", "302"}, "they belong to no organisation, and that is said"
    before = desk.snapshot()["contacts_contact"]
    assert desk.sync().is_over
    assert desk.snapshot()["contacts_contact"] == before


def test_two_people_who_change_places(books: BooksPlace) -> None:
    """F38."""
    books.customer(1, "Nordlys")
    books.customer(2, "Havnen")
    one, two = books.employee(1, "Åse Holm"), books.employee(2, "Bo Lund")
    books.connect()
    books.control(put_contacts=[{"number": one, "customerNumber": 2}, {"number": two, "customerNumber": 1}])

    books.sync()

    homes = {name: books.contact(name).organisation_id for name in ("Åse Holm", "Bo Lund")}
    assert homes == {"Åse Holm": books.contact("Havnen").pk, "Bo Lund": books.contact("Nordlys").pk}
    assert len(books.contacts(kind="person")) == 2
