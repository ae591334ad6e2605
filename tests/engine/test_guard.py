from __future__ import annotations

import pytest

from integrations.engine.guard import Impact, allowed, check_impact, check_list, weigh
from integrations.engine.types import Action, Decision, Reason, Ref
from tests.engine.builders import LONDON, by_id, contact

CONTACTS = by_id(contact(7, "Acme", email="a", address=LONDON, phone=""))


def decision(action=Action.UPDATE, contact_id=7, reason="", **changes):
    return Decision(action, Ref("client", "1"), contact_id=contact_id, changes=changes, reason=Reason(reason) if reason else None)


COUNTED = [
    ("value replaced", decision(email="b"), Impact(overwritten=1)),
    ("value emptied", decision(email=""), Impact(overwritten=1)),
    ("address replaced", decision(address={"line1": "2"}), Impact(overwritten=1)),
    ("two values of one contact", decision(email="b", name="B"), Impact(overwritten=1)),
    ("linked and overwritten", decision(Action.LINK, email="b"), Impact(overwritten=1)),
    ("empty value filled", decision(phone="1"), Impact()),
    ("only white space", decision(name=" Acme "), Impact()),
    ("nothing changed", decision(Action.UNCHANGED), Impact()),
    ("new contact", decision(Action.CREATE, None, name="New"), Impact()),
    ("gone", decision(Action.GONE, reason="gone_there"), Impact(unlinked=1)),
    ("gone without a contact", decision(Action.GONE, None), Impact()),
    ("left out by a rule over there", decision(Action.SKIP, reason="inactive_there"), Impact(hidden=1)),
    ("left out, never linked", decision(Action.SKIP, None, reason="inactive_there"), Impact()),
    ("our own setting", decision(Action.SKIP, reason="supplier_off"), Impact()),
    ("deleted here", decision(Action.SKIP, reason="deleted_here_kept_away"), Impact()),
    ("broken record", decision(Action.FAIL, reason="bad_record"), Impact()),
]


@pytest.mark.parametrize(("given", "impact"), [row[1:] for row in COUNTED], ids=[row[0] for row in COUNTED])
def test_what_is_counted(given, impact):
    assert weigh([given], contacts=CONTACTS) == impact


def test_impacts_of_batches_add_up():
    assert Impact(1, 2, 3) + Impact(10, 20, 30) == Impact(11, 22, 33)
    assert Impact(1, 2, 3).total == 6


@pytest.mark.parametrize(("links", "limit"), [(0, 20), (1, 20), (200, 20), (209, 20), (210, 21), (10_000, 1000)])
def test_limit_is_twenty_or_a_tenth_of_the_links(links, limit):
    assert allowed(links) == limit
    assert check_impact(Impact(overwritten=limit), links=links) is None
    assert check_impact(Impact(overwritten=limit - 1, unlinked=1, hidden=1), links=links) is not None


def test_stop_carries_the_counts():
    stop = check_impact(Impact(hidden=1, unlinked=2, overwritten=30), links=100)

    assert stop is not None
    assert stop.reason == Reason("mass_change", {"hidden": 1, "unlinked": 2, "overwritten": 30, "total": 33, "links": 100})


def test_empty_list_after_a_full_one_is_a_fault():
    stop = check_list(read=0, links=3)

    assert stop is not None
    assert stop.reason == Reason("empty_list", {"links": 3})
    assert check_list(read=0, links=0) is None
    assert check_list(read=1, links=300) is None
