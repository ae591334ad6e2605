"""The pages say why a contact flows or not, at the place where somebody would look."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import resolve

from accounts.scoping import workspace_tx
from contacts.models import Contact
from integrations.domain.backlinks import _own_page
from integrations.domain.panel import contact_panels
from tests.integrations.rules.desk import Desk, desk
from tests.integrations.rules.places import BooksPlace

__all__ = ["desk"]


def page(desk: Desk | BooksPlace, contact: Contact) -> str:
    return f"/w/{desk.workspace.slug}/contacts/{contact.pk}/"


def words(client: Client, desk: Desk | BooksPlace, contact: Contact) -> str:
    return " ".join(client.get(page(desk, contact)).text.split())


@pytest.mark.parametrize(
    ("stage", "firm", "expected"),
    [
        ("prospect", None, "is not sent to Movidesk: the life cycle is Prospect."),
        ("", None, "is not sent to Movidesk: no life cycle is set."),
        ("related", None, "is not sent to Movidesk: a related contact without an organisation."),
        ("related", "", "is not sent to Movidesk: no life cycle is set for Zebra Ltda."),
        ("related", "lead", "is not sent to Movidesk: the life cycle of Zebra Ltda is Lead."),
    ],
)
def test_who_stays_here_says_why(desk: Desk, alice: Client, stage: str, firm: str | None, expected: str) -> None:
    desk.connect()
    organisation = desk.add("Zebra Ltda", life_cycle=firm) if firm is not None else None
    contact = desk.person("Ana Lima", organisation=organisation, life_cycle=stage)
    text = words(alice, desk, contact)
    assert expected in text
    assert "To Movidesk" in text
    assert "Export to Movidesk" not in text, "the rule stands above the button"


def test_who_flows_says_so_each_way(desk: Desk, alice: Client) -> None:
    desk.firm("EMP1", "Girafa Ltda")
    desk.connect()
    contact = desk.contact("Girafa Ltda")
    text = words(alice, desk, contact)
    assert "What changes there is brought in at every sync." in text
    assert "Girafa Ltda is not sent to Movidesk: the life cycle is Suspect." in text
    desk.edit(contact, life_cycle="client")
    assert "What changes here is sent within a minute." in words(alice, desk, contact)


def test_what_was_made_from_here_says_why_nothing_comes_in(desk: Desk, alice: Client) -> None:
    desk.connect()
    contact = desk.add("Zebra Ltda", life_cycle="client")
    assert "It is created there by itself." in words(alice, desk, contact)
    desk.settle()
    text = words(alice, desk, contact)
    assert "Zebra Ltda carries the mark of a record that came from here, so it is not brought in again." in text
    assert "What changes here is sent within a minute." in text


def test_a_direction_that_is_off_says_so(desk: Desk, alice: Client) -> None:
    desk.firm("EMP1", "Girafa Ltda")
    desk.connect()
    desk.change_settings(push=False)
    contact = desk.contact("Girafa Ltda")
    assert "Nothing is sent to Movidesk, as the settings say." in words(alice, desk, contact)
    desk.change_settings(push=True, pull=False)
    assert "Nothing is brought in from Movidesk, as the settings say." in words(alice, desk, contact)


def test_a_person_that_waits_for_its_organisation_says_so(desk: Desk, alice: Client) -> None:
    desk.connect()
    firm = desk.add("Zebra Ltda", life_cycle="client", tax_id="11")
    ana = desk.person("Ana Lima", organisation=firm, life_cycle="related")
    desk.settle()
    text = words(alice, desk, ana)
    assert "Waits to be sent" in text
    assert "Ana Lima cannot be sent yet: Movidesk does not know the organisation." in text
    text = words(alice, desk, firm)
    assert "CPF or CNPJ" in text
    assert "Correct it here" in text


def test_a_panel_costs_the_same_for_a_linked_contact_and_one_that_stays(desk: Desk, django_assert_max_num_queries: object) -> None:
    desk.connect()
    firm = desk.add("Zebra Ltda", life_cycle="client")
    ana = desk.person("Ana Lima", organisation=firm, life_cycle="related")
    desk.settle()
    for contact in (desk.again(firm), desk.again(ana)):
        with workspace_tx(desk.workspace), django_assert_max_num_queries(12):  # type: ignore[operator]
            assert len(contact_panels(contact)) == 1


def test_a_setting_that_lacks_an_answer_is_marked_where_it_stands(books: BooksPlace, alice: Client) -> None:
    books.connect(create_when="created", customer_group="1", payment_terms="2", currency="DKK", vat_zone="")
    books.add("Ny ApS")
    books.settle()
    address = f"/w/{books.workspace.slug}/integrations/{books.connection.pk}/"
    overview = alice.get(address).text
    assert "Nothing can be created there at the moment" in overview
    assert "Open the settings" in overview
    settings = alice.get(f"{address}settings/").text
    assert "e-conomic needs an answer in the settings before anything can be created there: VAT zone." in settings


def test_the_address_that_is_written_back_is_a_page_here(desk: Desk) -> None:
    connection = desk.connect(run=False)
    path = _own_page(connection, 7).partition("/w/")[2]
    assert resolve(f"/w/{path}").view_name == "integrations:tickets"


def test_what_was_refused_stands_beside_its_field_until_it_is_corrected(books: BooksPlace, alice: Client) -> None:
    books.connect(create_when="created", customer_group="1", payment_terms="2", currency="DKK", vat_zone="1")
    where = {"label": "", "line1": "Torvet 1", "postcode": "1" * 31, "city": "Ribe", "country": "DK"}
    contact = books.add("Ny ApS", website=f"https://{'x' * 270}.dk", addresses=[where])
    books.settle()
    address = f"{page(books, contact)}edit/"
    form = alice.get(address)
    assert form.status_code == 200
    assert form.text.count("e-conomic says:") == 2
    books.edit(contact, website="", addresses=[])
    books.settle()
    assert "e-conomic says:" not in alice.get(address).text
