"""A worker links a contact while its page is being read: the page says one or the other, never that nothing was asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection as database

from contacts.models import Contact
from integrations.domain.panel import ContactPanel, contact_panels
from integrations.enums import LinkState
from integrations.models import Link, Outbox
from tests.integrations.sync.world import World, full_contact

QUERIES = range(1, 7)


class After:
    """Does something once, after the given number of statements."""

    def __init__(self, number: int, act: Callable[[], object]) -> None:
        self.number, self.act, self.count = number, act, 0

    def __call__(self, execute: Callable[..., Any], *statement: Any) -> Any:
        answer = execute(*statement)
        self.count += 1
        if self.count == self.number:
            self.act()
        return answer


def settled_meanwhile(world: World, shown: Contact, exported: Contact, number: int) -> ContactPanel:
    """The card of one contact while the outbox row of another becomes its link after so many statements."""
    world.export(exported)
    with world.open():
        there = Link(workspace=world.workspace, connection=world.connection, contact=exported, remote_kind="client", remote_id="9001")
        there.state = LinkState.LINKED

        def settle() -> None:
            Outbox.objects.filter(contact=exported).delete()
            there.save(force_insert=True)

        moment = After(number, settle)
        with database.execute_wrapper(moment):
            [panel] = contact_panels(Contact.objects.select_related("organisation").get(pk=shown.pk))
    return panel


@pytest.mark.parametrize("number", QUERIES)
def test_an_exported_contact_is_pending_or_linked_at_every_moment(world: World, number: int) -> None:
    world.connect()
    firm = world.add("Brand New Ltd", **full_contact())
    panel = settled_meanwhile(world, firm, firm, number)
    assert panel.state in {"pending", "in_sync"}
    assert not (panel.can_export and panel.outbox is None)


@pytest.mark.parametrize("number", QUERIES)
def test_its_person_goes_through_it_at_every_moment(world: World, number: int) -> None:
    world.connect()
    firm = world.add("Brand New Ltd", **full_contact())
    person = world.add("Ann Body", kind="person", organisation_id=firm.pk)
    panel = settled_meanwhile(world, person, firm, number)
    assert panel.through_firm
    assert not panel.can_export
