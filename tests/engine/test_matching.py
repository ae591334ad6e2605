from __future__ import annotations

import pytest

from integrations.engine.matching import KeyRule, Match, doubled_keys, match_by_exact_name, match_by_keys, match_in_order, name_key
from integrations.engine.types import Ref
from tests.engine.builders import by_ref, client, link

ACME = client("1", "Acme")


def by_name(*remotes, organisations=None, persons=None, taken=(), leaving=()):
    return match_by_exact_name(
        remotes,
        organisations_by_key=organisations or {},
        persons_by_key=persons or {},
        doubled_keys=doubled_keys((remote.ref.kind, name_key(remote)) for remote in remotes),
        taken=set(taken),
        leaving=set(leaving),
    )


def outcome(match: Match):
    return match.contact_id, match.reason.code if match.reason else "", match.candidates


# organisations, persons, taken -> contact, reason, candidates
DECISIONS = [
    ("nobody has the name", {}, {}, [], (None, "", ())),
    ("one organisation", {"Acme": [7]}, {}, [], (7, "", ())),
    ("two organisations", {"Acme": [7, 8]}, {}, [], (None, "two_here", (7, 8))),
    ("one person", {}, {"Acme": [3]}, [], (3, "", ())),
    ("two persons", {}, {"Acme": [3, 4]}, [], (None, "two_here", (3, 4))),
    ("organisation before person", {"Acme": [7]}, {"Acme": [3]}, [], (7, "", ())),
    ("organisation taken: the person is none the more meant", {"Acme": [7]}, {"Acme": [3]}, [7], (None, "", ())),
    ("one of two taken", {"Acme": [7, 8]}, {}, [7], (8, "", ())),
    ("both taken", {"Acme": [7, 8]}, {}, [7, 8], (None, "", ())),
    ("person taken", {}, {"Acme": [3]}, [3], (None, "", ())),
    ("another name", {"Acme Ltd": [7]}, {"acme": [3]}, [], (None, "", ())),
]


@pytest.mark.parametrize(
    ("organisations", "persons", "taken", "expected"), [row[1:] for row in DECISIONS], ids=[row[0] for row in DECISIONS]
)
def test_match_by_exact_name(organisations, persons, taken, expected):
    matches = by_name(ACME, organisations=organisations, persons=persons, taken=[(contact, "client") for contact in taken])

    assert outcome(matches[ACME.ref]) == expected


@pytest.mark.parametrize(
    ("spelling", "fits"),
    [
        ("Acme Ltd", True),
        ("  Acme   Ltd ", True),
        ("Acme\u00a0Ltd", True),
        ("Acme\tLtd", True),
        ("Caf\u00e9", False),
        ("ACME Ltd", False),
        ("Acme Ltd.", False),
        ("AcmeLtd", False),
    ],
)
def test_what_counts_as_the_exact_name(spelling, fits):
    remote = client("1", spelling)

    assert by_name(remote, organisations={"Acme Ltd": [7]})[remote.ref].contact_id == (7 if fits else None)


def test_composed_and_decomposed_letters_are_the_same():
    remote = client("1", "Cafe\u0301")

    assert by_name(remote, organisations={"Caf\u00e9": [7]})[remote.ref].contact_id == 7


def test_two_records_of_one_name_are_both_held():
    twin = client("2", " Acme ")
    matches = by_name(ACME, twin, organisations={"Acme": [7]})

    assert [outcome(matches[ref]) for ref in (ACME.ref, twin.ref)] == [(None, "two_there", (7,))] * 2


def test_two_records_of_one_name_are_held_even_without_a_contact():
    twin = client("2", "Acme")

    assert {outcome(match) for match in by_name(ACME, twin).values()} == {(None, "two_there", ())}


def test_supplier_and_client_of_one_name_are_the_same_contact():
    supplier = client("1", "Acme", kind="supplier")
    matches = by_name(ACME, supplier, organisations={"Acme": [7]})

    assert [matches[ref].contact_id for ref in (ACME.ref, supplier.ref)] == [7, 7]


def test_contact_with_a_supplier_is_free_for_a_client():
    assert by_name(ACME, organisations={"Acme": [7]}, taken=[(7, "supplier")])[ACME.ref].contact_id == 7


def test_record_made_anew_waits_until_the_old_one_is_known_to_be_gone():
    waiting = by_name(ACME, organisations={"Acme": [7]}, leaving=[(7, "client")])
    later = by_name(ACME, organisations={"Acme": [7]})

    assert outcome(waiting[ACME.ref]) == (None, "perhaps_made_anew", (7,))
    assert later[ACME.ref].contact_id == 7


def test_record_without_a_name_is_held():
    remote = client("9", "  ")

    assert outcome(by_name(remote, organisations={"": [7]})[remote.ref]) == (None, "no_name", ())


def by_code_and_tax(remote, codes=None, taxes=None, doubled=frozenset(), taken=frozenset()):
    rules = [
        KeyRule("code", lambda each: each.party.fields.get("code", ""), codes or {}, doubled),
        KeyRule("tax_id", lambda each: each.party.fields.get("tax_id", ""), taxes or {}),
    ]
    return match_by_keys([remote], rules=rules, taken=taken)[remote.ref]


def test_first_rule_whose_key_somebody_carries_decides():
    remote = client("1", "Acme", code="N5", tax_id="GB1")

    assert by_code_and_tax(remote, codes={"N5": [5]}, taxes={"GB1": [6]}) == Match(contact_id=5, by="code")
    assert by_code_and_tax(remote, taxes={"GB1": [6]}) == Match(contact_id=6, by="tax_id")
    assert by_code_and_tax(remote).is_new


def test_key_rules_hold_what_is_doubled_and_skip_what_is_taken():
    remote = client("1", "Acme", code="N5", tax_id="GB1")

    assert outcome(by_code_and_tax(remote, codes={"N5": [5, 4]})) == (None, "two_here", (5, 4))
    assert outcome(by_code_and_tax(remote, codes={"N5": [5]}, doubled={("client", "N5")})) == (None, "two_there", (5,))
    assert by_code_and_tax(remote, codes={"N5": [5]}, taxes={"GB1": [6]}, taken={(5, "client")}).contact_id == 6


def test_empty_keys_match_nothing():
    assert by_code_and_tax(client("1", "Acme"), codes={"": [5]}, taxes={"": [6]}).is_new
    assert doubled_keys([("client", ""), ("client", ""), ("client", "a"), ("client", "a"), ("supplier", "a")]) == {("client", "a")}


def test_persons_choice_comes_before_the_link_and_the_link_before_the_rule():
    remotes = [client(id, "Acme") for id in "123"]
    asked = []

    def rule(rest):
        asked.extend(remote.ref for remote in rest)
        return {remote.ref: Match(contact_id=30, by="name") for remote in rest}

    links = by_ref(link("1", 10), link("2", 20), link("3", None))
    matches = match_in_order(remotes, links=links, rule=rule, manual={Ref("client", "1"): 11})

    assert [(matches[remote.ref].contact_id, matches[remote.ref].by) for remote in remotes] == [(11, "manual"), (20, "id"), (30, "name")]
    assert asked == [Ref("client", "3")]
