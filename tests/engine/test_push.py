from __future__ import annotations

from dataclasses import replace

import pytest

from integrations.engine.plan import Policy, created, plan_push, settle
from integrations.engine.types import Base, LinkState, Reason
from tests.engine.builders import FIELDS, LONDON, agreed, client, contact, link

AGREED = agreed("Acme", email="a", address=LONDON)
FRESH = client("1", "Acme", email="a", address=LONDON)
POLICY = Policy()


def push(local, fresh=FRESH, base=AGREED, policy=POLICY):
    return plan_push(link("1", 7, base), local, fresh, fields=FIELDS, policy=policy)


def stored(plan, fresh=FRESH, **kept):
    return replace(fresh, party=replace(fresh.party, fields={**fresh.party.fields, **plan.send, **kept}))


def settled(plan, answer, policy=POLICY):
    return settle(plan, stored=answer, fields=FIELDS, policy=policy)


def test_edit_is_sent_and_agreed_on():
    plan = push(contact(7, "Acme", email="b", address=LONDON))

    assert (plan.send, plan.local, plan.pending, plan.nothing_to_say) == ({"email": "b"}, {}, AGREED, False)
    assert settled(plan, stored(plan)).base == agreed("Acme", email="b", address=LONDON)


def test_echo_says_nothing():
    assert push(contact(7, "Acme", email="a", address=LONDON)).nothing_to_say


def test_fresh_reading_brings_what_changed_there_meanwhile():
    fresh = client("1", "Acme Ltd", email="a", address=LONDON)
    plan = push(contact(7, "Acme", email="b", address=LONDON), fresh)

    assert (plan.send, plan.local) == ({"email": "b"}, {"name": "Acme Ltd"})
    assert plan.ours == {"name": "Acme Ltd", "email": "b", "address": LONDON}
    assert settled(plan, stored(plan, fresh)).base == agreed("Acme Ltd", email="b", address=LONDON)


@pytest.mark.parametrize(("conflict", "send", "local"), [("crm", {"email": "b"}, {}), ("remote", {}, {"email": "c"}), ("ask", {}, {})])
def test_conflict_found_while_sending(conflict, send, local):
    plan = push(
        contact(7, "Acme", email="b", address=LONDON), client("1", "Acme", email="c", address=LONDON), policy=Policy(conflict=conflict)
    )

    assert (plan.send, plan.local) == (send, local)
    assert [each.winner for each in plan.conflicts] == [conflict]
    assert plan.reason == (Reason("conflict_ask", {"name": "Acme", "fields": "Email"}) if conflict == "ask" else None)


def test_value_that_the_vendor_rewrites_is_not_sent_again():
    local = contact(7, "Acme", email="Big", address=LONDON)
    plan = push(local)
    result = settled(plan, stored(plan, email="big"))

    assert (result.not_stored, result.local, result.push_again) == (("email",), {}, False)
    assert push(local, stored(plan, email="big"), result.base).nothing_to_say


def test_value_that_the_vendor_drops_is_not_sent_again_until_it_changes():
    local = contact(7, "Acme", email="b", address=LONDON)
    plan = push(local)
    result = settled(plan, stored(plan, email="a"))

    assert result.base == Base(ours={**AGREED.ours, "email": "b"}, theirs=AGREED.theirs)
    assert push(local, FRESH, result.base).nothing_to_say
    assert push(contact(7, "Acme", email="c", address=LONDON), FRESH, result.base).send == {"email": "c"}


def test_field_that_the_vendor_changed_besides_comes_in():
    plan = push(contact(7, "Acme", email="b", address=LONDON))
    result = settled(plan, stored(plan, name="ACME"))

    assert result.local == {"name": "ACME"}
    assert result.base == agreed("ACME", email="b", address=LONDON)


def test_crashed_after_the_vendor_stored_it_and_sent_again():
    local = contact(7, "Acme", email="b", address=LONDON)
    plan = push(local)
    retry = push(local, stored(plan))

    assert (retry.nothing_to_say, retry.local, retry.base) == (True, {}, agreed("Acme", email="b", address=LONDON))


def test_deleted_contact_and_read_only_kind_say_nothing():
    assert push(contact(7, "Other", deleted=True)).nothing_to_say
    assert push(contact(7, "Other"), policy=Policy(read_only=frozenset({"client"}))).nothing_to_say


def test_required_field_is_not_emptied_at_the_vendor():
    plan = push(contact(7, "Acme", email="b"))

    assert (plan.send, plan.reason) == ({"email": "b"}, Reason("required_empty", {"name": "Acme", "fields": "Address"}))


def test_contact_linked_by_hand_is_merged_as_at_link_time():
    plan = plan_push(link("1", 7, state=LinkState.LINKED), contact(7, "Acme", email=""), FRESH, fields=FIELDS, policy=POLICY)

    assert (plan.send, plan.local) == ({}, {"email": "a", "address": LONDON})


def test_export_agrees_on_what_was_sent_and_what_was_stored():
    sent = {"name": "Acme ", "email": "B", "address": LONDON}
    base = created(sent, stored=client("1", "Acme", email="b", address=LONDON), fields=FIELDS)

    assert base.ours == sent
    assert push(contact(7, "Acme", email="B", address=LONDON), client("1", "Acme", email="b", address=LONDON), base).nothing_to_say
