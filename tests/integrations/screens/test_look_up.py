"""What a contact's page asks the provider once it is open: the page itself never waits, and what was told is kept for a while."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.enums import Role
from accounts.models import Membership
from contacts.models import Contact
from integrations.domain import look_up
from integrations.models import Connection, Link, Outbox
from tests.fixtures import Cast
from tests.integrations.screens.world import World

HTMX = {"HX-Request": "true"}


@pytest.fixture
def ledger(books: World) -> World:
    books.connect()
    books.sandbox.control(clear_log=True)
    return books


@pytest.fixture
def helped(desk: World) -> World:
    desk.connect()
    desk.sandbox.control(clear_log=True)
    return desk


def linked(world: World, kind: str, name: str = "") -> Contact:
    with world.open():
        links = Link.objects.select_related("contact").filter(connection=world.connection, remote_kind=kind, contact__isnull=False)
        link = (links.filter(contact__name=name) if name else links).order_by("pk").first()
        assert link is not None
        assert link.contact is not None
        return link.contact


def part(world: World, contact: Contact, name: str) -> str:
    return f"/w/{world.workspace.slug}/contacts/{contact.pk}/integrations/{world.connection.pk}/{name}/"


def calls(world: World) -> int:
    return len(world.sandbox.log())


def test_page_asks_nobody(ledger: World, alice: Client) -> None:
    contact = linked(ledger, "customer")
    text = alice.get(f"/w/{ledger.workspace.slug}/contacts/{contact.pk}/").text
    assert calls(ledger) == 0
    for words in (
        part(ledger, contact, "status"),
        part(ledger, contact, "totals"),
        "Asking e-conomic",
        "Compare",
        "Update",
        "Open in e-conomic",
    ):
        assert words in text, words


def test_status_same_different_and_a_minute(ledger: World, alice: Client) -> None:
    contact = linked(ledger, "customer")
    assert "The same on both sides" in alice.get(part(ledger, contact, "status")).text
    asked = calls(ledger)
    assert asked == 1
    alice.get(part(ledger, contact, "status"))
    assert calls(ledger) == asked
    ledger.edit(contact, website="www.here.example", name="Here ApS")
    with ledger.open():
        Outbox.objects.all().delete()
    assert "Different: 2 fields" in alice.get(part(ledger, contact, "status")).text
    alice.get(f"{part(ledger, contact, 'status')}?fresh=1")
    assert calls(ledger) == asked + 2


def test_status_not_there_gone_and_away(ledger: World, alice: Client) -> None:
    contact = linked(ledger, "customer")
    new = ledger.add("Ny Kunde ApS")
    page = alice.get(f"/w/{ledger.workspace.slug}/contacts/{new.pk}/").text
    assert "Create in e-conomic" in page
    assert "Not in e-conomic" in alice.get(part(ledger, new, "status")).text
    assert calls(ledger) == 0
    ledger.sandbox.fail("503")
    assert "e-conomic cannot be reached" in alice.get(part(ledger, contact, "status")).text
    ledger.sandbox.control(clear_faults=True)
    with ledger.open():
        Link.objects.filter(contact=contact).update(remote_id="4711")
    assert "Not there any more" in alice.get(f"{part(ledger, contact, 'status')}?fresh=1").text


def test_totals_on_demand(ledger: World, alice: Client) -> None:
    contact = linked(ledger, "customer")
    text = alice.get(part(ledger, contact, "totals")).text
    for words in ("Overdue", "Unpaid", "Quotes", "DKK"):
        assert words in text or "kr" in text, words
    asked = calls(ledger)
    assert asked
    alice.get(part(ledger, contact, "totals"))
    assert calls(ledger) == asked
    ledger.sandbox.fail("503")
    assert "notice" in alice.get(f"{part(ledger, contact, 'totals')}?fresh=1").text


def test_tickets_newest_first(helped: World, alice: Client) -> None:
    contact = linked(helped, "person")
    page = alice.get(f"/w/{helped.workspace.slug}/contacts/{contact.pk}/").text
    assert part(helped, contact, "tickets") in page
    assert calls(helped) == 0
    text = alice.get(part(helped, contact, "tickets"), headers=HTMX).text
    assert "Tickets" in text
    asked = calls(helped)
    assert asked > 0
    alice.get(part(helped, contact, "tickets"), headers=HTMX)
    assert calls(helped) == asked
    alice.get(f"{part(helped, contact, 'tickets')}?fresh=1", headers=HTMX)
    assert calls(helped) > asked
    own = alice.get(part(helped, contact, "tickets")).text
    assert f"Tickets of {contact.name}" in own


def test_tickets_of_before_while_nobody_answers(helped: World, alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    contact = linked(helped, "company")
    first = alice.get(part(helped, contact, "tickets"), headers=HTMX).text
    monkeypatch.setattr(look_up, "TICKETS_FOR", 0)
    helped.sandbox.fail("429", retry_after="120")
    late = alice.get(part(helped, contact, "tickets"), headers=HTMX).text
    assert "not the newest" in late
    assert "It can be asked again" in late
    assert first.count("<tr>") == late.count("<tr>")


BAD_ANSWERS = ("cut", "empty_body", "html")


def says_why(text: str) -> bool:
    return "sent an answer that cannot be read" in text or "sent something that is no data" in text


ODD_TICKETS = [
    {"createdDate": "0001-01-01T00:00:00", "lastUpdate": "9999-12-31T23:59:59.9999999"},
    {"createdDate": 7, "lastUpdate": ["x"], "owner": "Ana", "subject": {"a": 1}, "status": None, "baseStatus": []},
    {"subject": "<b>x</b>" * 2000, "status": "", "owner": {"businessName": None}},
]


@pytest.mark.parametrize("kind", BAD_ANSWERS)
def test_an_answer_that_is_none_is_said_and_no_accident(ledger: World, alice: Client, kind: str) -> None:
    contact = linked(ledger, "customer")
    ledger.sandbox.fail(kind)
    assert "e-conomic cannot be reached" in alice.get(part(ledger, contact, "status")).text
    for name in ("totals", "compare"):
        answer = alice.get(part(ledger, contact, name), headers=HTMX)
        assert (answer.status_code, says_why(answer.text)) == (200, True), name


@pytest.mark.parametrize("kind", BAD_ANSWERS)
def test_tickets_that_cannot_be_read(helped: World, alice: Client, kind: str) -> None:
    contact = linked(helped, "company")
    helped.sandbox.fail(kind)
    answer = alice.get(part(helped, contact, "tickets"), headers=HTMX)
    assert (answer.status_code, says_why(answer.text)) == (200, True)


@pytest.mark.parametrize("odd", ODD_TICKETS)
def test_a_ticket_of_any_shape_is_shown(helped: World, alice: Client, odd: dict[str, Any]) -> None:
    contact = linked(helped, "company")
    [link] = helped.links(contact=contact)
    ticket = {"id": 4711, "subject": "Odd", "clients": [{"organization": {"id": link.remote_id}}], "lastUpdate": "2026-11-20T10:00:00"}
    with helped.open():
        helped.workspace.time_zone = "America/Sao_Paulo"
        helped.workspace.save()
    helped.sandbox.control(add_tickets=[ticket | {"createdDate": "2026-11-20T10:00:00"} | odd])
    answer = alice.get(part(helped, contact, "tickets"), headers=HTMX)
    assert answer.status_code == 200


@pytest.mark.parametrize("state", ["PAUSED", "RECONNECT"])
def test_nothing_is_asked_while_the_connection_rests(ledger: World, alice: Client, state: str) -> None:
    contact = linked(ledger, "customer")
    with ledger.open():
        Connection.objects.update(status=state)
    status = alice.get(part(ledger, contact, "status")).text
    assert "Not checked" in status
    assert "checked <time" not in status
    for name in ("status", "totals", "compare"):
        assert "is not connected at the moment" in alice.get(part(ledger, contact, name), headers=HTMX).text, name
    assert calls(ledger) == 0
    with ledger.open():
        Connection.objects.update(status="ACTIVE")
    assert "The same on both sides" in alice.get(part(ledger, contact, "status")).text


def test_tickets_of_before_while_the_connection_is_paused(helped: World, alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    contact = linked(helped, "company")
    first = alice.get(part(helped, contact, "tickets"), headers=HTMX).text
    asked = calls(helped)
    monkeypatch.setattr(look_up, "TICKETS_FOR", 0)
    with helped.open():
        Connection.objects.update(status="PAUSED")
    late = alice.get(f"{part(helped, contact, 'tickets')}?fresh=1", headers=HTMX).text
    assert "is not connected at the moment" in late
    assert "not the newest" in late
    assert first.count("<tr>") == late.count("<tr>")
    assert calls(helped) == asked


def test_a_short_wait_is_waited_for_by_the_page(helped: World, alice: Client) -> None:
    contact = linked(helped, "company")
    helped.sandbox.fail("429", retry_after="7")
    page = alice.get(part(helped, contact, "tickets"), headers=HTMX).text
    assert re.search(r'hx-trigger="load delay:[67]s"', page)
    assert "It is tried again by itself." in page


def test_who_may(helped: World, cast: Cast, bob: Client, charlie: Client) -> None:
    contact = linked(helped, "company")
    address = part(helped, contact, "tickets")
    assert bob.get(address, headers=HTMX).status_code == 200
    assert charlie.get(address, headers=HTMX).status_code == 404
    assert bob.get(part(helped, contact, "status")).status_code == 404
    assert bob.get(part(helped, contact, "compare")).status_code == 404
    Membership.objects.filter(user=cast.bob).update(role=Role.RESTRICTED)
    assert bob.get(address, headers=HTMX).status_code == 404
    with helped.open():
        Connection.objects.update(status="OFF")
    assert bob.get(address, headers=HTMX).status_code == 404


@pytest.mark.parametrize("name", ["status", "totals"])
def test_queries_do_not_grow(ledger: World, alice: Client, name: str) -> None:
    contacts = [linked(ledger, "customer")]
    found = []
    for _round in range(2):
        with CaptureQueriesContext(database) as asked:
            alice.get(f"{part(ledger, contacts[0], name)}?fresh=1")
        found.append(len(asked))
        for number in range(3):
            ledger.add(f"Person {number} {_round}", kind="person", organisation_id=contacts[0].pk)
    assert found[0] == found[1]


def test_transfer_shows_first_then_does(books: World, alice: Client, bob: Client) -> None:
    known: dict[str, Any] = {row["name"]: row for row in books.sandbox.state()["customers"]}
    here = [books.add(name) for name in list(known)[:2]]
    books.add(list(known)[2])
    books.add(list(known)[2])
    books.connect_quietly()
    assert "Transfer all customers" in alice.get(books.address()).text
    assert "Transfer all customers" not in bob.get(books.address()).text
    assert bob.post(books.address("transfer/")).status_code == 403
    alice.post(books.address("transfer/"))
    run = books.settle()
    assert (run.status, run.reason["code"]) == ("DECIDING", "transfer_ready")
    assert (run.plan["counts"]["linked"], run.plan["counts"]["held"]) == (2, 1)
    with books.open():
        assert Contact.objects.count() == 4
    text = alice.get(books.address()).text
    assert "Go on and write" in text
    assert "Linked to contacts that are here" in text
    alice.post(books.address(f"runs/{run.pk}/confirm/"))
    run = books.settle()
    assert run.status == "DONE"
    assert {link.contact_id for link in books.links()} >= {each.pk for each in here}
    assert run.finished_at - run.created_at < timedelta(minutes=1)
