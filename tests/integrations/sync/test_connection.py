"""Off, on again, another company, lost permission."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from integrations.domain.connect import disable, pause, resume
from integrations.domain.health import health
from integrations.domain.panel import contact_panels
from integrations.engine.errors import Reconnect
from integrations.models import Link
from invoices.models import Invoice
from tests.integrations.sync.world import World, address, counted, full_contact


def other_books(world: World) -> None:
    """The second company of the sandbox begins with the same names: give it its own."""
    rows = [{"id": pk, "name": f"{row['name']} (other)"} for pk, row in world.clients(company="second").items()]
    world.sandbox.control(company="second", put_clients=rows)


def turn_off(world: World) -> None:
    with world.open():
        disable(world.connection, user=world.user)


def test_disable_hides_everything_and_sends_nothing_and_contacts_stay(world: World) -> None:
    world.sandbox.control(reset=True, clients=12, suppliers=0, invoices=9)
    world.connect()
    contact = world.contact("Harrington & Cole Ltd")
    world.edit(contact, emails=[])
    turn_off(world)
    world.forget_log()
    assert world.outbox() == []
    world.edit(contact, name="Edited while off")
    world.settle()
    assert world.sandbox.log() == []
    assert len(world.contacts()) == 12
    assert {link.state for link in world.links()} == {"HIDDEN"}
    assert world.refreshed().secrets == ""
    with world.open():
        assert contact_panels(contact) == []
        assert set(Invoice.objects.filter(workspace=world.workspace).values_list("hidden", flat=True)) == {True}


@pytest.mark.parametrize("told", [True, False])
def test_on_again_with_the_same_company_restores_the_links(world: World, told: bool) -> None:
    world.sandbox.control(reset=True, clients=12, suppliers=0, invoices=9)
    world.connect(told=told)
    contact = world.contact("Bluebell Joinery")
    turn_off(world)
    world.edit(contact, name="Renamed while off")
    world.connect(told=told)
    assert world.link(1002).contact_id == contact.pk
    assert len(world.contacts()) == 12
    assert world.last_run().counters["created"] == 0
    assert world.clients()[1002]["name"] == "Renamed while off", "an edit made while it was off counts as an edit"
    with world.open():
        assert Invoice.objects.filter(workspace=world.workspace, hidden=False).count() == 9
        assert Invoice.objects.filter(workspace=world.workspace, hidden=True).count() == 0


@pytest.mark.parametrize("told", [True, False])
def test_on_again_with_another_company_never_uses_the_links(world: World, told: bool) -> None:
    world.connect(told=told)
    contact = world.contact("Bluebell Joinery")
    turn_off(world)
    other_books(world)
    theirs, books = world.clients(company="second"), world.clients()
    world.connect(company="second", told=told)
    with world.open():
        live = Link.objects.filter(connection=world.connection)
        assert live.count() == len(theirs)
        assert {link.state for link in live} <= {"LINKED", "HELD"}
        for link in live.filter(contact__isnull=False).select_related("contact"):
            assert link.contact.name == theirs[int(link.remote_id)]["name"]
    assert world.again(contact).name == "Bluebell Joinery"
    assert world.clients() == books, "the books of the first company are not touched"


def test_disconnect_in_the_middle_of_a_sync_stops_at_the_next_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """F37."""
    world.connect(run=False)
    world.small_pages(monkeypatch, 2)
    world.when(monkeypatch, "GET", "page=2", lambda: turn_off(world))
    world.settle()
    run = world.last_run()
    assert (run.status, run.outcome) == ("DONE", "cancelled")
    assert world.contacts() == []
    assert world.links() == []


def test_disconnect_during_a_push_leaves_the_link_hidden(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.connect()
    world.edit(world.contact("Bluebell Joinery"), emails=[])
    world.when(monkeypatch, "PUT", "/clients/1002", lambda: turn_off(world))
    world.settle()
    assert {link.state for link in world.links()} == {"HIDDEN"}


def test_disconnect_during_an_export_leaves_nothing_to_see(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.connect()
    contact = world.add("Brand New Ltd", **full_contact())
    world.when(monkeypatch, "POST", "/clients", lambda: turn_off(world))
    world.export(contact)
    world.settle()
    assert {link.state for link in world.links()} == {"HIDDEN"}


def test_reconnecting_to_another_company_is_refused(world: World) -> None:
    world.connect()
    world.sandbox.control(revoke=True)
    world.sync()
    assert world.refreshed().status == "RECONNECT"
    before = world.snapshot()
    with pytest.raises(Reconnect) as caught:
        world.reconnect(company="second")
    assert caught.value.reason.code == "other_account"
    assert world.refreshed().status == "RECONNECT"
    assert world.snapshot() == before
    world.reconnect()
    assert world.refreshed().status == "ACTIVE"


def test_reconnecting_to_another_company_that_does_not_tell_is_found_out_before_anything_is_written(world: World) -> None:
    world.connect(told=False)
    world.sandbox.control(revoke=True)
    world.sync()
    before = world.snapshot()
    other_books(world)
    world.reconnect(company="second", told=False)
    run = world.settle()
    assert (run.outcome, run.reason["code"]) == ("needs_reconnect", "other_books")
    assert world.refreshed().status == "RECONNECT"
    assert world.snapshot() == before


def test_reconnecting_to_the_same_company_whose_clients_were_all_renamed(world: World) -> None:
    """Where the vendor says whose books these are, names prove nothing."""
    world.connect()
    world.sandbox.control(revoke=True)
    world.sync()
    for pk, client in world.clients().items():
        world.put(pk, name=f"{client['name']} II")
    world.reconnect()
    assert world.settle().outcome == "success"
    assert world.refreshed().status == "ACTIVE"


def test_revoked_permission_asks_for_a_reconnect_and_keeps_what_waits(world: World) -> None:
    """F28."""
    world.connect()
    contact = world.contact("Bluebell Joinery")
    world.edit(contact, emails=[{"label": "", "email": "kept@bluebell.example"}])
    world.sandbox.control(revoke=True)
    run = world.sync()
    connection = world.refreshed()
    assert (run.outcome, connection.status, connection.notice["code"]) == ("needs_reconnect", "RECONNECT", "unauthorised")
    assert connection.next_due_at is None
    world.edit(contact, name="Bluebell Joiners")
    assert len(world.outbox()) == 1
    world.forget_log()
    world.settle()
    assert world.sandbox.log() == [], "nothing is tried until somebody connects again"
    world.reconnect()
    world.now_due()
    world.settle()
    client = world.clients()[1002]
    assert (client["email"], client["name"]) == ("kept@bluebell.example", "Bluebell Joiners")
    assert world.outbox() == []


def test_no_refresh_token_connects_and_says_when_it_ends(world: World) -> None:
    world.sandbox.control(switches={"refresh_tokens": False})
    world.connect()
    connection = world.refreshed()
    assert (connection.status, connection.can_refresh, connection.notice["code"]) == ("ACTIVE", False, "no_refresh")
    with world.open():
        info = health(connection)
    assert info.state == "healthy"
    assert info.sentence
    world.sandbox.control(expire_tokens=True)
    run = world.sync()
    connection = world.refreshed()
    assert (run.outcome, connection.status) == ("needs_reconnect", "RECONNECT")
    assert connection.notice["code"] == "token_expired_no_refresh"


def test_pause_sends_and_reads_nothing_and_resume_catches_up(world: World) -> None:
    world.connect()
    with world.open():
        pause(world.connection, user=world.user)
    world.forget_log()
    world.edit(world.contact("Bluebell Joinery"), emails=[{"label": "", "email": "later@bluebell.example"}])
    world.settle()
    assert world.sandbox.log() == []
    assert len(world.outbox()) == 1
    with world.open():
        resume(world.connection, user=world.user)
    run = world.settle()
    assert run.outcome == "success"
    assert world.clients()[1002]["email"] == "later@bluebell.example"


def test_settings_for_suppliers_can_be_changed_later(world: World) -> None:
    world.connect()
    world.change_settings(suppliers="import")
    counted(world.sync(), seen=15, unchanged=12, created=3)
    world.change_settings(suppliers="ignore")
    counted(world.sync(), seen=12, unchanged=12)
    assert len(world.links(remote_kind="supplier", state="LINKED")) == 3


def test_enable_twice_gives_the_same_connection(world: World) -> None:
    first = world.connect()
    second = world.connect(run=False)
    assert first.pk == second.pk


def test_invoices_follow_their_customer(world: World) -> None:
    world.connect()
    client = world.new(name="Owes Us Ltd", billingAddress=address())
    body: dict[str, Any] = {"customer": {"id": client}, "currency": "GBP", "grossAmount": 120.5, "outstandingBalance": 20.5}
    world.sandbox.control(add_invoices=[body, body | {"outstandingBalance": -5, "grossAmount": 10}])
    counted(world.sync(), seen=13, created=1, unchanged=12, invoices=2)
    with world.open():
        found = Invoice.objects.filter(contact=world.contact("Owes Us Ltd")).order_by("pk")
        assert [(one.outstanding, one.state) for one in found] == [(Decimal("20.50"), "open"), (Decimal(-5), "paid")]
