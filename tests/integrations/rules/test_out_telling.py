"""What is told of contacts that are there: only under the rules, without echo, in few calls, with lists left whole."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts.models import Contact
from integrations.domain.fields import save_fields
from integrations.models import Link
from tests.integrations.rules.desk import Desk, desk

__all__ = ["desk"]


def linked(desk: Desk, name: str = "Zebra Ltda", **fields: Any) -> Contact:
    """A client that was made there, long enough ago for the lists to show it."""
    contact = desk.add(name, life_cycle="client", **fields)
    desk.settle()
    long_ago(desk)
    desk.forget_log()
    return contact


def long_ago(desk: Desk) -> None:
    with desk.open():
        Link.objects.filter(connection=desk.connection).update(synced_at=timezone.now() - timedelta(hours=1))


def test_an_edit_goes_out_and_every_other_entry_of_a_list_stays(desk: Desk) -> None:
    desk.connect()
    contact = linked(desk, emails=[{"label": "", "email": "oi@zebra.example"}])
    id = f"Nectar{contact.pk}"
    mine = desk.persons()[id]["emails"]
    desk.change(id, emails=[{"emailType": "Pessoal", "email": "outra@zebra.example", "isDefault": False}, *mine])
    desk.edit(contact, emails=[{"label": "", "email": "novo@zebra.example"}])
    desk.settle()
    assert [one["email"] for one in desk.persons()[id]["emails"]] == ["outra@zebra.example", "novo@zebra.example"]
    assert desk.outbox() == []


def test_who_leaves_the_rule_is_told_nothing_more_and_stays_there(desk: Desk) -> None:
    desk.connect()
    contact = linked(desk)
    before = desk.persons()
    desk.edit(contact, life_cycle="former", notes="Foi embora")
    assert desk.outbox() == []
    desk.settle()
    assert desk.persons() == before
    assert desk.links()[0].state == "LINKED"
    desk.edit(contact, life_cycle="client")
    desk.settle()
    assert desk.persons()[f"Nectar{contact.pk}"]["observations"] == "Foi embora", "back under the rule, what was missed is told"


def test_the_rules_are_asked_again_when_it_is_sent(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """F35: it left the rule after it was queued."""
    desk.connect()
    contact = desk.add("Zebra Ltda", life_cycle="client")
    with desk.open():
        Contact.objects.filter(pk=contact.pk).update(life_cycle="former")
    desk.settle()
    assert (desk.persons(), desk.outbox()) == ({}, [])


def test_people_stop_with_their_organisation_and_start_with_it(desk: Desk) -> None:
    desk.connect()
    firm = linked(desk)
    ana = desk.person("Ana Lima", organisation=firm, life_cycle="related")
    desk.settle()
    desk.edit(firm, life_cycle="former")
    desk.edit(ana, notes="Prefere e-mail")
    desk.settle()
    assert not desk.persons()[f"Nectar{ana.pk}"]["observations"]
    desk.edit(firm, life_cycle="client")
    desk.settle()
    assert desk.persons()[f"Nectar{ana.pk}"]["observations"] == "Prefere e-mail"


def test_with_the_direction_off_nothing_is_queued_and_later_what_was_missed_is_sent(desk: Desk) -> None:
    desk.connect()
    contact = linked(desk)
    desk.change_settings(push=False)
    desk.edit(contact, notes="Paga em dia")
    desk.add("Girafa Ltda", life_cycle="client")
    assert desk.outbox() == []
    desk.settle()
    assert desk.writes() == []
    desk.refreshed()
    desk.change_settings(push=True)
    desk.settle()
    assert desk.persons()[f"Nectar{contact.pk}"]["observations"] == "Paga em dia"
    assert len(desk.there("Girafa Ltda")) == 1


def test_a_person_that_moves_is_told_to_belong_there_too(desk: Desk) -> None:
    """F38."""
    desk.connect()
    one, other = linked(desk, "Zebra Ltda"), linked(desk, "Girafa Ltda")
    ana = desk.person("Ana Lima", organisation=one, life_cycle="related")
    desk.settle()
    desk.edit(ana, organisation_id=other.pk)
    desk.settle()
    assert [one_["id"] for one_ in desk.persons()[f"Nectar{ana.pk}"]["relationships"]] == [f"Nectar{one.pk}", f"Nectar{other.pk}"]


def test_from_a_record_that_came_from_here_nothing_comes_back(desk: Desk) -> None:
    desk.connect()
    contact = linked(desk)
    id = f"Nectar{contact.pk}"
    desk.change(id, corporateName="Zebra do Brasil S.A.")
    desk.edit(contact, notes="Paga em dia")
    desk.settle()
    assert desk.again(contact).legal_name == ""
    assert desk.persons()[id]["corporateName"] == "Zebra do Brasil S.A.", "and what they say there is not undone"
    assert desk.persons()[id]["observations"] == "Paga em dia"


def test_many_changes_take_hardly_more_than_a_call_each(desk: Desk) -> None:
    desk.connect()
    names = [f"Cliente {n:03}" for n in range(75)]
    desk.add_all(names, life_cycle="client")
    desk.settle(slices=200)
    assert len(desk.persons()) == 75
    long_ago(desk)
    desk.forget_pace()
    desk.forget_log()
    for contact in desk.contacts():
        desk.edit(contact, notes="Novo contrato")
    desk.settle(slices=200)
    assert {one["observations"] for one in desk.persons().values()} == {"Novo contrato"}
    assert len(desk.calls()) == 75 + 3, "25 are read at once"
    assert desk.outbox() == []


def test_what_was_written_just_now_is_read_singly(desk: Desk) -> None:
    """Lists lag behind: they could show what was before our own write."""
    desk.connect()
    contacts = [linked(desk, name) for name in ("Zebra Ltda", "Girafa Ltda")]
    with desk.open():
        Link.objects.filter(connection=desk.connection).update(synced_at=timezone.now() - timedelta(minutes=9))
    for contact in contacts:
        desk.edit(contact, notes="Paga em dia")
    desk.settle()
    assert len(desk.calls()) == 4


def test_a_record_that_the_group_lacks_is_asked_for_before_it_is_called_gone(desk: Desk) -> None:
    desk.connect()
    contacts = [linked(desk, name) for name in ("Zebra Ltda", "Girafa Ltda")]
    long_ago(desk)
    desk.sandbox.control(delete_persons=[f"Nectar{contacts[0].pk}"])
    for contact in contacts:
        desk.edit(contact, notes="Paga em dia")
    desk.settle()
    states = {link.contact_id: link.state for link in desk.links()}
    assert states == {contacts[0].pk: "GONE", contacts[1].pk: "LINKED"}


def test_an_edit_costs_as_many_statements_for_fifty_contacts_as_for_five(desk: Desk) -> None:
    desk.connect()
    counted = []
    for many in (5, 50):
        with CaptureQueriesContext(database) as queries:
            desk.add_all([f"Cliente {many} {n}" for n in range(many)], life_cycle="client")
        counted.append(len(queries))
    assert counted[0] == counted[1]


def test_after_two_quiet_syncs_nothing_is_written_any_more(desk: Desk) -> None:
    """F31."""
    desk.connect()
    contact = linked(desk)
    desk.person("Ana Lima", organisation=contact, life_cycle="related")
    desk.settle()
    desk.sync()
    desk.forget_log()
    before = desk.snapshot()
    desk.sync()
    desk.sync()
    assert desk.writes() == []
    assert desk.snapshot()["contacts_contact"] == before["contacts_contact"]


def test_the_desk_asks_for_patience(desk: Desk) -> None:
    """F14: one refusal is enough; nobody knocks again before the time, and the worker is free."""
    desk.connect()
    contacts = [linked(desk, f"Cliente {n}") for n in range(3)]
    desk.fail("429", method="PATCH", retry_after="600")
    for contact in contacts:
        desk.edit(contact, notes="Paga em dia")
    desk.settle()
    assert len([one for one in desk.calls() if one["method"] == "PATCH"]) == 1
    assert {row.state for row in desk.outbox()} == {"WAITING"}
    assert all(row.not_before and row.not_before > timezone.now() + timedelta(minutes=9) for row in desk.outbox())
    desk.repair()
    desk.forget_pace()
    desk.now_due()
    desk.settle()
    assert {one["observations"] for one in desk.persons().values()} == {"Paga em dia"}


def test_a_field_that_goes_out_from_now_on_is_told_of_everybody(desk: Desk) -> None:
    desk.connect()
    with desk.open():
        save_fields(desk.connection, {"notes": {"flow": "off"}}, user=desk.user)
    contact = linked(desk, notes="Paga em dia")
    assert not desk.there("Zebra Ltda")[0]["observations"]
    with desk.open():
        save_fields(desk.refreshed(), {}, user=desk.user)
    desk.settle()
    assert desk.persons()[f"Nectar{contact.pk}"]["observations"] == "Paga em dia"
