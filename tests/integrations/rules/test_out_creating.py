"""Contacts that the rules let out are made there by themselves: once, organisations first, and nobody else."""

from __future__ import annotations

import pytest

from contacts.models import Contact
from integrations.domain.links import unlink
from tests.integrations.rules.desk import Desk, desk

__all__ = ["desk"]


def test_a_client_goes_out_when_it_is_saved(desk: Desk) -> None:
    desk.connect()
    contact = desk.add("Zebra Ltda", life_cycle="client", emails=[{"label": "", "email": "oi@zebra.example"}])
    desk.settle()
    [record] = desk.there("Zebra Ltda")
    assert record["id"] == f"Nectar{contact.pk}"
    assert record["personType"] == 2
    assert [(link.contact_id, link.remote_kind, link.state) for link in desk.links()] == [(contact.pk, "company", "LINKED")]
    assert desk.outbox() == []


@pytest.mark.parametrize("life_cycle", ["", "suspect", "prospect", "lead", "related", "former"])
def test_nobody_else_goes_out(desk: Desk, life_cycle: str) -> None:
    desk.connect()
    desk.add("Zebra Ltda", life_cycle=life_cycle)
    assert desk.outbox() == []
    desk.settle()
    assert desk.persons() == {}


def test_a_contact_goes_out_when_it_becomes_a_client(desk: Desk) -> None:
    desk.connect()
    contact = desk.add("Zebra Ltda", life_cycle="prospect")
    desk.edit(contact, life_cycle="client")
    desk.settle()
    assert len(desk.there("Zebra Ltda")) == 1


def test_people_follow_their_organisation(desk: Desk) -> None:
    desk.connect()
    firm = desk.add("Zebra Ltda", life_cycle="prospect")
    desk.person("Ana Lima", organisation=firm, life_cycle="related")
    desk.settle()
    assert desk.persons() == {}
    desk.edit(firm, life_cycle="client")
    desk.settle()
    [ana] = desk.there("Ana Lima")
    assert ana["personType"] == 1
    assert [one["id"] for one in ana["relationships"]] == [f"Nectar{firm.pk}"]
    assert [link.remote_kind for link in desk.links()] == ["company", "person"]


def test_a_person_that_comes_first_waits_for_its_organisation(desk: Desk) -> None:
    desk.connect()
    firm = desk.add("Zebra Ltda", life_cycle="client", tax_id="11")  # no CNPJ: refused
    desk.person("Ana Lima", organisation=firm, life_cycle="related")
    desk.settle()
    assert desk.persons() == {}
    assert [(row.state, row.reason["code"]) for row in desk.outbox()] == [("STUCK", "bad_tax_id"), ("WAITING", "parent_not_there")]
    desk.edit(firm, tax_id="16.727.230/0001-97")
    desk.settle()
    [ana] = desk.there("Ana Lima")
    assert [one["id"] for one in ana["relationships"]] == [f"Nectar{firm.pk}"]
    assert desk.outbox() == []


def test_a_client_of_an_organisation_that_stays_here_goes_alone(desk: Desk) -> None:
    desk.connect()
    firm = desk.add("Zebra Ltda", life_cycle="prospect")
    desk.person("Ana Lima", organisation=firm, life_cycle="client")
    desk.settle()
    [ana] = desk.there("Ana Lima")
    assert ana["relationships"] == []
    assert desk.there("Zebra Ltda") == []


def test_those_who_were_there_before_go_after_the_first_sync_and_no_one_goes_twice(desk: Desk) -> None:
    firm = desk.add("Zebra Ltda", life_cycle="client")
    desk.person("Ana Lima", organisation=firm, life_cycle="related")
    desk.add("Prospecto Ltda", life_cycle="prospect")
    desk.firm("EMP7", "Girafa Ltda")
    desk.add("Girafa Ltda", life_cycle="client")
    desk.connect()
    names = [one["businessName"] for one in desk.persons().values()]
    assert sorted(names) == ["Ana Lima", "Girafa Ltda", "Zebra Ltda"], "Girafa was found, not made again"
    for _ in range(2):
        desk.sync()
    assert sorted(one["businessName"] for one in desk.persons().values()) == sorted(names)
    assert desk.writes() == []


def test_nothing_is_made_before_the_first_sync_has_looked(desk: Desk) -> None:
    desk.connect(run=False)
    desk.add("Zebra Ltda", life_cycle="client")
    desk.drain()
    assert desk.writes() == []
    desk.settle()
    assert len(desk.there("Zebra Ltda")) == 1


def test_a_contact_whose_record_was_deleted_is_not_made_anew(desk: Desk) -> None:
    desk.connect()
    contact = desk.add("Zebra Ltda", life_cycle="client")
    desk.settle()
    desk.sandbox.control(delete_persons=[f"Nectar{contact.pk}"])
    desk.edit(contact, notes="Paga em dia")
    desk.settle()
    assert desk.links()[0].state == "GONE"
    desk.edit(contact, notes="Paga sempre em dia")
    desk.sync()
    assert desk.persons() == {}


def test_a_refused_record_goes_once_it_is_corrected(desk: Desk) -> None:
    """F34."""
    desk.connect()
    contact = desk.add("Zebra Ltda", life_cycle="client", tax_id="123")
    desk.settle()
    [row] = desk.outbox()
    assert (row.state, row.reason["code"], list(row.fields)) == ("STUCK", "bad_tax_id", ["tax_id"])
    desk.edit(contact, tax_id="16.727.230/0001-97")
    desk.settle()
    assert desk.outbox() == []
    assert len(desk.there("Zebra Ltda")) == 1


def test_a_contact_that_may_be_a_record_there_waits_for_the_decision(desk: Desk) -> None:
    desk.firm("EMP1", "Aurora")
    desk.firm("EMP2", "Aurora")
    desk.add("Aurora", life_cycle="client")
    desk.connect()
    assert [link.state for link in desk.links()] == ["HELD", "HELD"]
    assert len(desk.there("Aurora")) == 2, "no third one"


def test_an_untied_contact_is_not_made_anew_by_itself(desk: Desk) -> None:
    desk.connect()
    contact = desk.add("Zebra Ltda", life_cycle="client")
    desk.settle()
    with desk.open():
        unlink(desk.links()[0])
    desk.forget_log()
    desk.edit(contact, life_cycle="lead")
    desk.edit(contact, life_cycle="client")
    desk.sync()
    assert desk.writes() == []
    assert desk.outbox() == []


def test_who_comes_out_of_the_trash_goes_out(desk: Desk) -> None:
    desk.connect()
    firm = desk.add("Zebra Ltda", life_cycle="client", tax_id="11")
    desk.person("Ana Lima", organisation=firm, life_cycle="related")
    desk.settle()
    desk.delete(firm)
    desk.settle()
    assert desk.outbox(contact=firm) == []
    with desk.open():
        Contact.objects.filter(pk=firm.pk).update(tax_id="")
    desk.restore(firm)
    desk.now_due()
    desk.settle()
    assert sorted(one["businessName"] for one in desk.persons().values()) == ["Ana Lima", "Zebra Ltda"]
