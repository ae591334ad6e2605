"""The address of a contact's tickets comes into the field that was chosen for it."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from contacts.domain.custom import save_field
from contacts.models import CustomField
from integrations.domain.backlinks import write_back_links
from tests.integrations.rules.desk import Desk, desk

__all__ = ["desk"]
TEMPLATE = "https://{tenant}.movidesk.com/Ticket?client={person_id}"


def a_field(desk: Desk, label: str = "Tickets", **data: Any) -> CustomField:
    with desk.open():
        return save_field(desk.workspace, {"label": label, "kind": "url", **data})


def test_a_contact_gets_the_address_once_it_is_there(desk: Desk) -> None:
    a_field(desk)
    desk.connect(ticket_link_field="tickets", ticket_link=TEMPLATE, tenant="acme")
    contact = desk.add("Zebra Ltda", life_cycle="client", custom={"other": "kept"})
    assert desk.again(contact).custom == {"other": "kept"}
    desk.settle()
    written = desk.again(contact)
    assert written.custom == {"other": "kept", "tickets": f"https://acme.movidesk.com/Ticket?client=Nectar{contact.pk}"}
    [_made, linked] = desk.history(contact)
    assert linked.changes.keys() == {"custom"}
    desk.sync()
    assert desk.again(contact).version == written.version
    assert desk.outbox() == []


def test_without_an_address_of_theirs_it_is_the_page_here(desk: Desk) -> None:
    a_field(desk)
    connection = desk.connect(ticket_link_field="tickets")
    contact = desk.add("Zebra Ltda", life_cycle="client")
    desk.settle()
    page = f"/w/{desk.workspace.slug}/contacts/{contact.pk}/integrations/{connection.pk}/tickets/"
    assert desk.again(contact).custom["tickets"] == f"{settings.PUBLIC_URL}{page}"


def test_new_settings_bring_the_new_address_everywhere(desk: Desk) -> None:
    a_field(desk)
    desk.connect(ticket_link_field="tickets")
    contact = desk.add("Zebra Ltda", life_cycle="client")
    desk.settle()
    desk.change_settings(ticket_link=TEMPLATE, tenant="acme")
    desk.settle()
    assert desk.again(contact).custom["tickets"] == f"https://acme.movidesk.com/Ticket?client=Nectar{contact.pk}"


def test_only_contacts_that_have_the_field_get_it(desk: Desk) -> None:
    a_field(desk, applies_to="person")
    desk.connect(ticket_link_field="tickets")
    firm = desk.add("Zebra Ltda", life_cycle="client")
    ana = desk.person("Ana Lima", organisation=firm, life_cycle="related")
    desk.settle()
    assert "tickets" not in desk.again(firm).custom
    assert desk.again(ana).custom["tickets"]


@pytest.mark.parametrize("change", [{"push": False}, {"ticket_link_field": ""}])
def test_nothing_is_written_when_it_is_not_wanted(desk: Desk, change: dict[str, Any]) -> None:
    a_field(desk)
    desk.connect(ticket_link_field="tickets", **change) if "push" in change else desk.connect(**change)
    contact = desk.add("Zebra Ltda", life_cycle="client")
    desk.firm("EMP1", "Zebra Ltda")
    desk.settle()
    desk.sync()
    assert "tickets" not in desk.again(contact).custom


def test_it_costs_the_same_for_many(desk: Desk) -> None:
    a_field(desk)
    desk.connect()
    counted = []
    for many in (3, 12):
        desk.add_all([f"Cliente {many} {n}" for n in range(many)], life_cycle="client")
        desk.settle()
        desk.connection.settings["ticket_link_field"] = "tickets"
        with desk.open(), CaptureQueriesContext(database) as queries:
            assert write_back_links(desk.connection) == many
        counted.append(len(queries))
    assert counted[0] == counted[1]
