"""The way out under faults: one record each, nothing lost, nothing sent to the wrong place."""

from __future__ import annotations

import pytest

from contacts.domain.merge import merge
from integrations.domain.connect import disable
from integrations.domain.health import health
from integrations.enums import Health
from integrations.models import Link
from tests.integrations.rules.desk import Desk, desk

__all__ = ["desk"]


@pytest.mark.parametrize("kind", ["lost", "lost_timeout"])
def test_a_lost_answer_is_looked_up_by_the_code(desk: Desk, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    desk.connect()
    desk.impatient(monkeypatch, 3.0)
    desk.fail(kind, method="POST", times=1, seconds=6)
    contact = desk.add("Zebra Ltda", life_cycle="client")
    desk.settle()
    assert [row.in_doubt for row in desk.outbox()] == [True]
    desk.now_due()
    desk.settle()
    assert len(desk.there("Zebra Ltda")) == 1
    assert [(link.contact_id, link.state) for link in desk.links()] == [(contact.pk, "LINKED")]


def test_a_person_in_doubt_is_found_again_when_its_organisation_has_gone_from_here(desk: Desk) -> None:
    desk.connect()
    firm = desk.add("Zebra Ltda", life_cycle="client")
    desk.settle()
    desk.fail("lost", method="POST", times=1)
    ana = desk.person("Ana Lima", organisation=firm, life_cycle="client")
    desk.settle()
    desk.edit(ana, organisation_id=None)
    desk.now_due()
    desk.settle()
    assert len(desk.there("Ana Lima")) == 1
    assert [link.remote_id for link in desk.links(contact=ana)] == [f"Nectar{ana.pk}"]


def test_who_left_the_rule_in_doubt_is_linked_all_the_same(desk: Desk) -> None:
    """F35 with F11: the record exists, so it is known; from then on nothing is sent to it."""
    desk.connect()
    desk.fail("lost", method="POST", times=1)
    contact = desk.add("Zebra Ltda", life_cycle="client")
    desk.settle()
    desk.edit(contact, life_cycle="former", notes="Foi embora")
    desk.now_due()
    desk.settle()
    [record] = desk.there("Zebra Ltda")
    assert not record["observations"]
    assert [link.contact_id for link in desk.links()] == [contact.pk]
    desk.settle()
    assert desk.outbox() == []


def test_a_life_cycle_that_flips_makes_one_record(desk: Desk) -> None:
    """F35: no ping-pong."""
    desk.connect()
    contact = desk.add("Zebra Ltda", life_cycle="client")
    for stage in ("former", "client", "prospect", "client"):
        desk.edit(contact, life_cycle=stage)
        desk.settle()
        desk.sync()
    assert len(desk.persons()) == 1
    assert len(desk.links()) == 1


@pytest.mark.parametrize("before", ["sent", "in doubt"])
def test_a_merge_takes_what_is_there_along(desk: Desk, before: str) -> None:
    """F36."""
    desk.connect()
    kept = desk.add("Zebra do Brasil", life_cycle="prospect")
    if before == "in doubt":
        desk.fail("lost", method="POST", times=1)
    gone = desk.add("Zebra Ltda", life_cycle="client")
    desk.settle()
    with desk.open():
        merge(desk.workspace, kept_id=kept.pk, gone_id=gone.pk, take_from_gone={"life_cycle"}, origin=desk.origin, choices={})
    desk.now_due()
    desk.settle()
    desk.now_due()
    desk.settle()
    assert [link.contact_id for link in desk.links()] == [kept.pk]
    assert [one["id"] for one in desk.persons().values()] == [f"Nectar{gone.pk}"]
    desk.sync()
    assert len(desk.persons()) == 1


def test_a_merge_while_it_is_being_made_ties_the_record_to_who_stays(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.connect()
    kept, gone = desk.add("Zebra do Brasil", life_cycle="prospect"), desk.add("Zebra Ltda", life_cycle="client")

    def join() -> None:
        with desk.open():
            merge(desk.workspace, kept_id=kept.pk, gone_id=gone.pk, take_from_gone={"life_cycle"}, origin=desk.origin, choices={})

    desk.when(monkeypatch, "POST", "/persons", join)
    desk.settle()
    desk.settle()
    assert [link.contact_id for link in desk.links()] == [kept.pk]
    assert len(desk.persons()) == 1


def test_a_disconnect_while_it_is_being_made_hides_the_link(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """F37."""
    desk.connect()
    desk.add("Zebra Ltda", life_cycle="client")

    def off() -> None:
        with desk.open():
            disable(desk.refreshed(), user=desk.user)

    desk.when(monkeypatch, "POST", "/persons", off)
    desk.settle()
    assert [link.state for link in desk.links()] == ["HIDDEN"]
    assert len(desk.persons()) == 1


def test_a_token_that_is_worthless_keeps_what_waits(desk: Desk) -> None:
    """F28."""
    desk.connect()
    desk.sandbox.control(revoke=True)
    desk.add("Zebra Ltda", life_cycle="client")
    desk.settle()
    assert desk.refreshed().status == "RECONNECT"
    assert [row.state for row in desk.outbox()] == ["WAITING"]
    with desk.open():
        assert health(desk.connection).state == Health.RECONNECT


def test_what_may_be_read_but_not_written_waits_with_its_reason(desk: Desk) -> None:
    """F29: reading goes on."""
    desk.connect()
    desk.fail("403", method="POST", times=99)
    desk.add("Zebra Ltda", life_cycle="client")
    desk.settle()
    assert list(desk.refreshed().denied) == ["create"]
    desk.firm("EMP1", "Girafa Ltda")
    desk.sync()
    assert desk.contact("Girafa Ltda")
    assert [row.state for row in desk.outbox()] == ["WAITING"]


@pytest.mark.parametrize("kind", ["500", "503", "html", "cut", "empty_body", "reset"])
def test_faults_pass_by_themselves(desk: Desk, kind: str) -> None:
    """F15, F17."""
    desk.connect()
    contact = desk.add("Zebra Ltda", life_cycle="client")
    desk.settle()
    desk.fail(kind, method="PATCH", times=1)
    desk.edit(contact, notes="Paga em dia")
    desk.settle()
    desk.now_due()
    desk.settle()
    assert desk.there("Zebra Ltda")[0]["observations"] == "Paga em dia"
    assert desk.outbox() == []


def test_a_day_without_the_vendor_leaves_only_the_latest_to_say(desk: Desk) -> None:
    """F30."""
    desk.connect()
    contact = desk.add("Zebra Ltda", life_cycle="client")
    desk.settle()
    desk.fail("503", times=999)
    for n in range(5):
        desk.edit(contact, notes=f"Nota {n}")
        desk.settle()
    assert len(desk.outbox()) == 1
    desk.repair()
    desk.forget_log()
    desk.forget_pace()
    desk.now_due()
    desk.settle()
    assert desk.there("Zebra Ltda")[0]["observations"] == "Nota 4"
    assert len(desk.writes()) == 1


def test_a_stranger_with_our_code_is_not_taken_over(desk: Desk) -> None:
    desk.connect()
    contact = desk.add("Zebra Ltda", life_cycle="prospect")
    desk.firm(f"Nectar{contact.pk}", "Outra Empresa")
    desk.edit(contact, life_cycle="client")
    desk.settle()
    [row] = desk.outbox()
    assert (row.state, row.reason["code"]) == ("STUCK", "code_taken")
    assert desk.there("Outra Empresa")
    assert desk.links(contact=contact) == []


def test_a_record_in_doubt_that_a_sync_has_found_gets_nothing_once_the_rule_says_no(desk: Desk) -> None:
    desk.connect()
    desk.fail("lost", method="POST", times=1)
    contact = desk.add("Zebra Ltda", life_cycle="client")
    desk.settle()
    with desk.open():
        Link.objects.create(
            workspace=desk.workspace,
            connection=desk.connection,
            contact=contact,
            remote_kind="company",
            remote_id=f"Nectar{contact.pk}",
            state="LINKED",
        )
    desk.edit(contact, life_cycle="former", notes="Foi embora")
    desk.now_due()
    desk.settle()
    assert not desk.there("Zebra Ltda")[0]["observations"]
    assert desk.outbox() == []
