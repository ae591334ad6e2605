from __future__ import annotations

from dataclasses import replace

import pytest

from integrations.engine.errors import SkipRecord
from integrations.engine.matching import Match
from integrations.engine.merge import EMPTY_BASE
from integrations.engine.plan import Policy, Refused, Same, plan_gone, plan_pull, refused
from integrations.engine.provider import Direction
from integrations.engine.types import Action, Base, Conflict, Decision, LinkState, Reason, Ref
from tests.engine.builders import FIELDS, LONDON, agreed, by_id, by_ref, client, contact, field, link

ACME = client("1", "Acme", email="a@acme.example", address=LONDON)
HERE = contact(7, "Acme", email="a@acme.example", address=LONDON)
AGREED = agreed("Acme", email="a@acme.example", address=LONDON)
NEW = replace(ACME, version="2")


def plan(*records, links=(), contacts=(), matches=None, fields=FIELDS, **policy):
    return plan_pull(
        records, links=by_ref(*links), contacts=by_id(*contacts), matches=matches or {}, fields=fields, policy=Policy(**policy)
    )


def actions(decisions):
    return [(decision.ref.id, decision.action.value, decision.reason.code if decision.reason else "") for decision in decisions]


def changed(remote, **fields):
    return replace(remote, party=replace(remote.party, fields={**remote.party.fields, **fields}))


def test_new_record_becomes_a_contact():
    assert plan(ACME) == [Decision(Action.CREATE, ACME.ref, remote=ACME, changes=dict(ACME.party.fields), base=AGREED)]


def test_new_record_brings_no_outgoing_field():
    [decision] = plan(ACME, fields=[field("name"), field("email", Direction.OUT)])

    assert decision.changes == {"name": "Acme"}


def test_new_record_is_skipped_where_only_existing_contacts_are_wanted():
    [decision] = plan(ACME, create=False)

    assert (decision.action, decision.reason) == (Action.SKIP, Reason("not_here", {"name": "Acme", "id": "1"}))


def test_matched_contact_is_linked_and_both_sides_are_filled():
    local = contact(7, "Acme", email="", address=LONDON)
    [decision] = plan(client("1", "Acme", email="b"), contacts=[local], matches={ACME.ref: Match(7)})

    assert (decision.action, decision.contact_id, decision.changes, decision.push) == (Action.LINK, 7, {"email": "b"}, True)
    assert decision.base == Base(ours={"name": "Acme", "email": "b"}, theirs={"name": "Acme", "email": "b"})


def test_matched_contact_of_another_value_follows_the_conflict_rule():
    remote = client("1", "Acme", email="there", address=LONDON)
    local = contact(7, "Acme", email="here", address=LONDON)

    def linked(conflict):
        [decision] = plan(remote, contacts=[local], matches={remote.ref: Match(7)}, conflict=conflict)
        return decision

    assert (linked("crm").action, linked("crm").changes, linked("crm").push) == (Action.LINK, {}, True)
    assert (linked("remote").action, linked("remote").changes, linked("remote").push) == (Action.LINK, {"email": "there"}, False)
    asked = linked("ask")
    assert (asked.action, asked.contact_id, asked.changes, asked.push) == (Action.HOLD, 7, {}, False)
    assert asked.conflicts == (Conflict("email", "here", "there", "ask"),)
    assert asked.reason == Reason("conflict_ask", {"name": "Acme", "fields": "Email"})


def test_two_records_that_fit_one_contact_are_both_held():
    twin = client("2", "Acme")
    decisions = plan(ACME, twin, contacts=[HERE], matches={ACME.ref: Match(7), twin.ref: Match(7)})

    assert actions(decisions) == [("1", "hold", "two_there"), ("2", "hold", "two_there")]
    assert {decision.candidates for decision in decisions} == {(7,)}


def test_supplier_and_client_that_fit_one_contact_are_both_linked():
    supplier = client("1", "Acme", kind="supplier")
    decisions = plan(
        ACME, supplier, contacts=[HERE], matches={ACME.ref: Match(7), supplier.ref: Match(7)}, read_only=frozenset({"supplier"})
    )

    assert [(decision.action, decision.contact_id, decision.push) for decision in decisions] == [(Action.LINK, 7, False)] * 2


def test_contact_that_another_record_holds_is_not_taken_from_it():
    other = link("9", 7)

    assert actions(plan(ACME, links=[other], contacts=[HERE], matches={ACME.ref: Match(7)})) == [("1", "hold", "taken")]
    assert actions(plan(ACME, links=[replace(other, state=LinkState.GONE)], contacts=[HERE], matches={ACME.ref: Match(7)})) == [
        ("1", "link", "")
    ]


def test_record_that_is_back_keeps_its_contact_from_the_one_made_anew():
    back, anew = client("9", "Renamed"), ACME
    gone = link("9", 7, AGREED, state=LinkState.GONE)

    decisions = plan(anew, back, links=[gone], contacts=[HERE], matches={anew.ref: Match(7)})
    broken = plan(anew, Refused(back.ref, Reason("no_name"), failed=True), links=[gone], contacts=[HERE], matches={anew.ref: Match(7)})

    assert actions(decisions) == [("1", "hold", "taken"), ("9", "update", "")]
    assert actions(broken) == [("1", "hold", "taken"), ("9", "fail", "no_name")]


def test_match_with_a_reason_is_held_with_its_candidates():
    match = Match(candidates=(7, 8), reason=Reason("two_here", {"name": "Acme"}))

    assert plan(ACME, matches={ACME.ref: match}) == [Decision(Action.HOLD, ACME.ref, remote=ACME, reason=match.reason, candidates=(7, 8))]


def test_matched_contact_that_was_deleted_meanwhile_is_made_anew():
    assert actions(plan(ACME, contacts=[replace(HERE, deleted=True)], matches={ACME.ref: Match(7)})) == [("1", "create", "")]


# state, has contact, contact deleted, setting -> action, reason
KNOWN = [
    (LinkState.LINKED, "live", "bring_back", "unchanged", ""),
    (LinkState.FAILING, "live", "bring_back", "unchanged", ""),
    (LinkState.HELD, "live", "bring_back", "unchanged", ""),
    (LinkState.GONE, "live", "bring_back", "unchanged", ""),
    (LinkState.LINKED, "deleted", "bring_back", "restore", ""),
    (LinkState.LINKED, "deleted", "keep_away", "skip", "deleted_here_kept_away"),
    (LinkState.FAILING, "deleted", "keep_away", "skip", "deleted_here_kept_away"),
    (LinkState.LINKED, "purged", "bring_back", "create", ""),
    (LinkState.LINKED, "purged", "keep_away", "skip", "deleted_here_kept_away"),
    (LinkState.IGNORED, "live", "bring_back", "skip", "ignored_by_person"),
    (LinkState.IGNORED, "deleted", "bring_back", "skip", "ignored_by_person"),
    (LinkState.IGNORED, "none", "bring_back", "skip", "ignored_by_person"),
    (LinkState.HIDDEN, "live", "bring_back", "skip", "hidden"),
    (LinkState.HELD, "none", "bring_back", "create", ""),
    (LinkState.FAILING, "none", "bring_back", "create", ""),
    (LinkState.GONE, "none", "bring_back", "create", ""),
]


@pytest.mark.parametrize(("state", "here", "setting", "action", "reason"), KNOWN)
def test_known_record_by_state_and_setting(state, here, setting, action, reason):
    contacts = {"live": [HERE], "deleted": [replace(HERE, deleted=True)], "purged": [], "none": []}[here]
    known = link("1", None if here == "none" else 7, AGREED, state=state)

    assert actions(plan(ACME, links=[known], contacts=contacts, deleted_here=setting)) == [("1", action, reason)]


@pytest.mark.parametrize(
    ("state", "deleted", "setting", "action", "reason"),
    [
        (LinkState.LINKED, False, "bring_back", "unchanged", ""),
        (LinkState.LINKED, True, "bring_back", "restore", ""),
        (LinkState.LINKED, True, "keep_away", "skip", "deleted_here_kept_away"),
        (LinkState.IGNORED, False, "bring_back", "skip", "ignored_by_person"),
    ],
)
def test_record_of_unchanged_version_is_decided_without_its_body(state, deleted, setting, action, reason):
    known = link("1", 7, AGREED, state=state)
    [decision] = plan(Same(ACME.ref), links=[known], contacts=[replace(HERE, deleted=deleted)], deleted_here=setting)

    assert actions([decision]) == [("1", action, reason)]
    assert (decision.remote, decision.base, decision.changes, decision.push) == (None, None, {}, False)


def test_held_record_without_a_body_stays_held():
    assert actions(plan(Same(ACME.ref), links=[link("1", None, state=LinkState.HELD)])) == [("1", "hold", "still_held")]


def test_held_record_is_matched_again():
    held = link("1", None, state=LinkState.HELD)

    assert actions(plan(ACME, links=[held], contacts=[HERE], matches={ACME.ref: Match(7)})) == [("1", "link", "")]


def test_remote_change_comes_in():
    [decision] = plan(changed(NEW, email="new"), links=[link("1", 7, AGREED)], contacts=[HERE])

    assert (decision.action, decision.changes, decision.push) == (Action.UPDATE, {"email": "new"}, False)
    assert decision.base == agreed("Acme", email="new", address=LONDON)


def test_rename_at_the_vendor_follows_the_link_and_not_the_name():
    other = contact(8, "Acme Ltd")
    [decision] = plan(changed(NEW, name="Acme Ltd"), links=[link("1", 7, AGREED)], contacts=[HERE, other])

    assert (decision.action, decision.contact_id, decision.changes) == (Action.UPDATE, 7, {"name": "Acme Ltd"})


def test_change_made_here_is_left_to_the_outbox():
    local = contact(7, "Acme", email="mine", address=LONDON)
    [decision] = plan(NEW, links=[link("1", 7, AGREED)], contacts=[local])

    assert (decision.action, decision.changes, decision.push, decision.base) == (Action.UNCHANGED, {}, True, AGREED)


def test_both_changed_to_the_same_is_unchanged_with_a_new_agreement():
    local = contact(7, "Acme", email="same", address=LONDON)
    [decision] = plan(changed(NEW, email="same"), links=[link("1", 7, AGREED)], contacts=[local])

    assert (decision.action, decision.push, decision.base) == (Action.UNCHANGED, False, agreed("Acme", email="same", address=LONDON))


def test_open_question_holds_the_record_while_its_other_fields_flow():
    local = contact(7, "Acme", email="mine", address=LONDON)
    [decision] = plan(changed(NEW, email="theirs", name="Acme Ltd"), links=[link("1", 7, AGREED)], contacts=[local], conflict="ask")

    assert (decision.action, decision.contact_id, decision.changes) == (Action.HOLD, 7, {"name": "Acme Ltd"})
    assert decision.base == Base(ours={**AGREED.ours, "name": "Acme Ltd"}, theirs={**AGREED.theirs, "name": "Acme Ltd"})


def test_required_field_emptied_here_is_asked():
    [decision] = plan(NEW, links=[link("1", 7, AGREED)], contacts=[contact(7, "Acme", email="a@acme.example")])

    assert (decision.action, decision.reason) == (Action.HOLD, Reason("required_empty", {"name": "Acme", "fields": "Address"}))


def test_restored_contact_takes_what_changed_meanwhile():
    [decision] = plan(changed(NEW, email="new"), links=[link("1", 7, AGREED)], contacts=[replace(HERE, deleted=True)])

    assert (decision.action, decision.contact_id, decision.changes) == (Action.RESTORE, 7, {"email": "new"})


def test_contact_of_two_records_is_restored_once_and_sees_both_changes_in_turn():
    supplier = client("1", "Acme", kind="supplier", email="second", address=LONDON)
    links = [link("1", 7, AGREED), link("1", 7, AGREED, kind="supplier")]
    first, second = plan(
        changed(NEW, email="first"), supplier, links=links, contacts=[replace(HERE, deleted=True)], read_only=frozenset({"supplier"})
    )

    assert (first.action, first.changes) == (Action.RESTORE, {"email": "first"})
    assert (second.action, second.changes) == (Action.UNCHANGED, {})
    assert [conflict.winner for conflict in second.conflicts] == ["crm"]
    assert plan(Same(ACME.ref), Same(supplier.ref), links=links, contacts=[replace(HERE, deleted=True)])[1].action is Action.UNCHANGED


def test_read_only_kind_is_never_pushed():
    supplier = client("1", "Acme", kind="supplier")
    [decision] = plan(supplier, links=[link("1", 7, EMPTY_BASE, kind="supplier")], contacts=[HERE], read_only=frozenset({"supplier"}))

    assert decision.push is False


@pytest.mark.parametrize(
    ("code", "action"), [("supplier_off", "skip"), ("inactive_there", "skip"), ("bad_record", "fail"), ("refused", "fail")]
)
def test_refused_record_is_skipped_by_a_rule_and_fails_otherwise(code, action):
    record = refused(ACME.ref, SkipRecord(Reason(code)))

    assert actions(plan(record, links=[link("1", 7)])) == [("1", action, code)]
    assert plan(record, links=[link("1", 7)])[0].contact_id == 7


def test_bad_record_does_not_stop_the_others():
    records = [client("1", "A"), Refused(Ref("client", "2"), Reason("bad_record"), failed=True), client("3", "C")]

    assert actions(plan(*records)) == [("1", "create", ""), ("2", "fail", "bad_record"), ("3", "create", "")]


def test_record_served_twice_is_decided_once_by_the_later_reading():
    [decision] = plan(ACME, changed(ACME, email="later"))

    assert decision.changes["email"] == "later"


def test_parents_come_before_their_children_and_circles_end():
    def ref(id):
        return Ref("client", id)

    records = [client("3", "C", parent=ref("2")), client("2", "B", parent=ref("1")), client("1", "A"), client("4", "D", parent=ref("0"))]
    circle = [client("5", "E", parent=ref("6")), client("6", "F", parent=ref("5"))]

    assert [decision.ref.id for decision in plan(*records)] == ["1", "2", "4", "3"]
    assert [decision.ref.id for decision in plan(*circle)] == ["5", "6"]


def test_second_run_without_edits_changes_nothing():
    [created] = plan(ACME)
    local = contact(7, **created.changes)
    [again] = plan(ACME, links=[link("1", 7, created.base)], contacts=[local])

    assert (again.action, again.changes, again.push, again.base) == (Action.UNCHANGED, {}, False, created.base)


def test_record_is_gone_when_two_complete_pulls_in_a_row_lack_it():
    links = [link("1", 7), link("2", 8)]
    first = plan_gone(links, seen={Ref("client", "2")}, missed={})
    back = plan_gone(links, seen={Ref("client", "1"), Ref("client", "2")}, missed=first.missed)
    second = plan_gone(links, seen={Ref("client", "2")}, missed=first.missed)

    assert (first.missed, first.decisions) == ({Ref("client", "1"): 1}, ())
    assert (back.missed, back.decisions) == ({}, ())
    assert second.decisions == (Decision(Action.GONE, Ref("client", "1"), contact_id=7, reason=Reason("gone_there", {"id": "1"})),)


@pytest.mark.parametrize("state", [LinkState.GONE, LinkState.HIDDEN])
def test_what_is_gone_or_hidden_is_not_counted_again(state):
    assert plan_gone([link("1", 7, state=state)], seen=(), missed={Ref("client", "1"): 5}).missed == {}
