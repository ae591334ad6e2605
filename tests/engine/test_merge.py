from __future__ import annotations

import pytest

from integrations.engine.merge import clean, incoming_only, is_empty, merge, read_back, resolve, same
from integrations.engine.provider import Direction, Mode
from integrations.engine.types import Base, Conflict
from tests.engine.builders import ADDRESS, EMAIL, FIELDS, LONDON, NAME, WINNERS, field, one, pair

OLD = pair("a", "a")
NOTHING = None

# base, ours, theirs -> written here, sent, agreement (a pair), kept while unsent, conflict winner; under the rule "the CRM wins"
ONE_FIELD = [
    ("nobody changed", OLD, "a", "a", NOTHING, NOTHING, ("a", "a"), ("a", "a"), ""),
    ("changed here", OLD, "b", "a", NOTHING, "b", ("b", "b"), ("a", "a"), ""),
    ("changed there", OLD, "a", "b", "b", NOTHING, ("b", "b"), ("b", "b"), ""),
    ("changed to the same", OLD, "b", "b", NOTHING, NOTHING, ("b", "b"), ("b", "b"), ""),
    ("changed on both sides", OLD, "b", "c", NOTHING, "b", ("b", "b"), ("c", "c"), "crm"),
    ("emptied here", OLD, "", "a", NOTHING, "", ("", ""), ("a", "a"), ""),
    ("emptied there", OLD, "a", "", "", NOTHING, ("", ""), ("", ""), ""),
    ("emptied there as null", OLD, "a", None, "", NOTHING, ("", ""), ("", ""), ""),
    ("emptied on both sides", OLD, "", None, NOTHING, NOTHING, ("", ""), ("", ""), ""),
    ("emptied here, changed there", OLD, "", "b", NOTHING, "", ("", ""), ("b", "b"), "crm"),
    ("changed here, emptied there", OLD, "b", "", NOTHING, "b", ("b", "b"), ("", ""), "crm"),
    ("only white space changed", OLD, " a ", "a", NOTHING, NOTHING, ("a", "a"), ("a", "a"), ""),
    ("link time, filled there", None, "", "b", "b", NOTHING, ("b", "b"), ("b", "b"), ""),
    ("link time, filled here", None, "b", "", NOTHING, "b", ("b", "b"), (None, None), ""),
    ("link time, equal", None, "b", "b", NOTHING, NOTHING, ("b", "b"), ("b", "b"), ""),
    ("link time, both empty", None, "", None, NOTHING, NOTHING, ("", ""), ("", ""), ""),
    ("link time, different", None, "b", "c", NOTHING, "b", ("b", "b"), ("c", "c"), "crm"),
    ("the vendor keeps capitals, nobody changed", pair("a", "A"), "a", "A", NOTHING, NOTHING, ("a", "A"), ("a", "A"), ""),
    ("the vendor keeps capitals, changed here", pair("a", "A"), "b", "A", NOTHING, "b", ("b", "b"), ("a", "A"), ""),
    ("the vendor keeps capitals, changed there", pair("a", "A"), "a", "C", "C", NOTHING, ("C", "C"), ("C", "C"), ""),
]


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "local", "remote", "agreement", "pending", "winner"),
    [r[1:] for r in ONE_FIELD],
    ids=[r[0] for r in ONE_FIELD],
)
def test_one_field(base, ours, theirs, local, remote, agreement, pending, winner):
    result = merge([EMAIL], base=base, ours={"email": ours}, theirs={"email": theirs}, policy="crm")

    assert result.local == one(local)
    assert result.remote == one(remote)
    assert result.base == pair(*agreement)
    assert result.pending == pair(*pending)
    assert [conflict.winner for conflict in result.conflicts] == ([winner] if winner else [])


# mode, policy -> winner
WHO_WINS = [
    (Mode.CONNECTION, "crm", "crm"),
    (Mode.CONNECTION, "remote", "remote"),
    (Mode.CONNECTION, "ask", "ask"),
    *((Mode.CRM_WINS, policy, "crm") for policy in WINNERS),
    *((Mode.REMOTE_WINS, policy, "remote") for policy in WINNERS),
    *((Mode.ASK, policy, "ask") for policy in WINNERS),
]


@pytest.mark.parametrize(("mode", "policy", "winner"), WHO_WINS)
def test_conflict_goes_to_the_winner_of_the_field_or_of_the_connection(mode, policy, winner):
    result = merge([field("email", mode=mode)], base=OLD, ours={"email": "b"}, theirs={"email": "c"}, policy=policy)

    assert result.conflicts == (Conflict("email", "b", "c", winner),)
    assert (result.local, result.remote) == {"crm": ({}, {"email": "b"}), "remote": ({"email": "c"}, {}), "ask": ({}, {})}[winner]
    assert result.asks == (result.conflicts if winner == "ask" else ())


def test_asked_conflict_stays_one_until_somebody_answers():
    first = merge([EMAIL], base=OLD, ours={"email": "b"}, theirs={"email": "c"}, policy="ask")
    second = merge([EMAIL], base=first.base, ours={"email": "b"}, theirs={"email": "c"}, policy="ask")

    assert first.base == OLD
    assert second == first


@pytest.mark.parametrize(("answer", "local", "remote"), [("crm", {}, {"email": "b"}), ("remote", {"email": "c"}, {})])
@pytest.mark.parametrize("base", [OLD, None])
def test_answer_lets_the_field_flow(base, answer, local, remote):
    asked = merge([EMAIL], base=base, ours={"email": "b"}, theirs={"email": "c"}, policy="ask")
    answered = resolve(asked.base, asked.conflicts[0], winner=answer)
    result = merge([EMAIL], base=answered, ours={"email": "b"}, theirs={"email": "c"}, policy="ask")

    assert (result.local, result.remote, result.conflicts) == (local, remote, ())


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "local"),
    [(OLD, "b", "a", None), (OLD, "a", "b", "b"), (None, "b", "", None), (None, "", "b", "b"), (OLD, "", "a", None), (OLD, "a", "", "")],
)
def test_field_that_comes_in_never_goes_out(base, ours, theirs, local):
    result = merge([field("email", Direction.IN)], base=base, ours={"email": ours}, theirs={"email": theirs}, policy="crm")

    assert result.local == one(local)
    assert result.remote == {}


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "remote"),
    [(OLD, "b", "a", "b"), (OLD, "a", "b", None), (None, "b", "", "b"), (None, "", "b", None), (OLD, "", "a", ""), (OLD, "a", "", None)],
)
def test_field_that_goes_out_never_comes_in(base, ours, theirs, remote):
    result = merge([field("email", Direction.OUT)], base=base, ours={"email": ours}, theirs={"email": theirs}, policy="crm")

    assert result.remote == one(remote)
    assert result.local == {}


def test_edit_of_an_incoming_field_is_protected_as_the_conflict_rule_says():
    incoming = [field("email", Direction.IN)]
    edited = merge(incoming, base=OLD, ours={"email": "mine"}, theirs={"email": "a"}, policy="crm")
    kept = merge(incoming, base=edited.base, ours={"email": "mine"}, theirs={"email": "b"}, policy="crm")
    quiet = merge(incoming, base=kept.base, ours={"email": "mine"}, theirs={"email": "b"}, policy="crm")
    lost = merge(incoming, base=edited.base, ours={"email": "mine"}, theirs={"email": "b"}, policy="remote")

    assert (kept.local, kept.remote, [c.winner for c in kept.conflicts]) == ({}, {}, ["crm"])
    assert (quiet.local, quiet.remote, quiet.conflicts) == ({}, {}, ())
    assert (lost.local, [c.winner for c in lost.conflicts]) == ({"email": "b"}, ["remote"])


def test_outgoing_field_changed_there_is_left_when_the_remote_wins():
    outgoing = [field("email", Direction.OUT)]
    result = merge(outgoing, base=OLD, ours={"email": "b"}, theirs={"email": "c"}, policy="remote")

    assert (result.local, result.remote, [c.winner for c in result.conflicts]) == ({}, {}, ["remote"])
    assert merge(outgoing, base=result.base, ours={"email": "b"}, theirs={"email": "c"}, policy="remote").conflicts == ()


# base, ours, theirs -> written here, sent
FILL = [
    ("filled there", None, "", "b", "b", NOTHING),
    ("filled here", None, "b", "", NOTHING, "b"),
    ("both filled", None, "b", "c", NOTHING, NOTHING),
    ("changed here", OLD, "b", "a", NOTHING, NOTHING),
    ("changed there", OLD, "a", "b", NOTHING, NOTHING),
    ("emptied here is not filled again", OLD, "", "a", NOTHING, NOTHING),
    ("emptied there is not filled again", OLD, "a", "", NOTHING, NOTHING),
    ("emptied here, changed there", OLD, "", "b", "b", NOTHING),
    ("changed here, emptied there", OLD, "b", "", NOTHING, "b"),
]


@pytest.mark.parametrize(("base", "ours", "theirs", "local", "remote"), [row[1:] for row in FILL], ids=[row[0] for row in FILL])
def test_fill_if_empty_overwrites_nothing(base, ours, theirs, local, remote):
    result = merge([field("email", mode=Mode.FILL_IF_EMPTY)], base=base, ours={"email": ours}, theirs={"email": theirs}, policy="crm")

    assert (result.local, result.remote, result.conflicts) == (one(local), one(remote), ())


def test_required_field_emptied_here_is_asked_instead_of_sent():
    for theirs in (LONDON, {**LONDON, "line1": "2 High Street"}):
        result = merge([ADDRESS], base=pair(LONDON, LONDON, "address"), ours={"address": {}}, theirs={"address": theirs}, policy="crm")

        assert (result.local, result.remote) == ({}, {})
        assert [(c.field, c.winner) for c in result.asks] == [("address", "ask")]
        assert result.base == pair(LONDON, LONDON, "address")


def test_required_field_emptied_here_comes_back_when_the_remote_wins():
    asked = merge([ADDRESS], base=pair(LONDON, LONDON, "address"), ours={}, theirs={"address": LONDON}, policy="crm")
    answered = resolve(asked.base, asked.conflicts[0], winner="remote")

    assert merge([ADDRESS], base=answered, ours={}, theirs={"address": LONDON}, policy="crm").local == {"address": LONDON}


@pytest.mark.parametrize("policy", WINNERS)
def test_name_is_never_emptied_here(policy):
    base = pair("Acme", "Acme", "name")

    assert merge([NAME], base=base, ours={"name": "Acme"}, theirs={"name": ""}, policy=policy).local == {}
    assert merge([NAME], base=base, ours={"name": "Acme Ltd"}, theirs={"name": ""}, policy=policy).remote == {"name": "Acme Ltd"}


def test_name_is_sent_only_when_it_differs_under_the_exact_name_rule():
    base = pair("Acme Ltd", "Acme Ltd", "name")

    for spelling in ("Acme  Ltd", " Acme\u00a0Ltd ", "Acme\u200b Ltd"):
        assert merge([NAME], base=base, ours={"name": spelling}, theirs={"name": "Acme Ltd"}, policy="crm").remote == {}
    assert merge([NAME], base=base, ours={"name": "ACME Ltd"}, theirs={"name": "Acme Ltd"}, policy="crm").remote == {"name": "ACME Ltd"}


def test_address_is_one_value_so_that_two_halves_never_make_a_third_address():
    base = pair(LONDON, LONDON, "address")
    ours, theirs = {**LONDON, "line1": "2 High Street"}, {**LONDON, "postcode": "W2"}
    result = merge([ADDRESS], base=base, ours={"address": ours}, theirs={"address": theirs}, policy="crm")

    assert result.remote == {"address": ours}
    assert result.conflicts == (Conflict("address", ours, theirs, "crm"),)


def test_until_it_is_sent_even_the_old_value_typed_again_is_sent():
    result = merge([EMAIL], base=OLD, ours={"email": "b"}, theirs={"email": "c"}, policy="crm")
    reverted = merge([EMAIL], base=result.pending, ours={"email": "a"}, theirs={"email": "c"}, policy="crm")

    assert (reverted.local, reverted.remote) == ({}, {"email": "a"})


def test_fields_of_a_record_flow_each_by_itself():
    base = Base(ours={"name": "Acme", "email": "a"}, theirs={"name": "Acme", "email": "a"})
    result = merge(
        FIELDS,
        base=base,
        ours={"name": "Acme Ltd", "email": "a", "address": {}},
        theirs={"name": "Acme", "email": "b", "address": LONDON},
        policy="crm",
    )

    assert result.local == {"email": "b", "address": LONDON}
    assert result.remote == {"name": "Acme Ltd"}
    assert result.conflicts == ()


def test_agreement_of_fields_not_in_sync_is_kept():
    base = Base(ours={"phone": "1"}, theirs={"phone": "2"})
    result = merge([EMAIL], base=base, ours={"email": "a"}, theirs={"email": "a"}, policy="crm")

    assert result.base == Base(ours={"phone": "1", "email": "a"}, theirs={"phone": "2", "email": "a"})


def test_value_that_the_crm_rewrites_is_no_edit():
    result = merge([EMAIL], base=OLD, ours={"email": "a"}, theirs={"email": "B"}, policy="crm")
    base = read_back(result.pending, written=result.local, kept={"email": "b"})

    assert merge([EMAIL], base=base, ours={"email": "b"}, theirs={"email": "B"}, policy="crm").remote == {}
    assert merge([EMAIL], base=base, ours={"email": "c"}, theirs={"email": "B"}, policy="crm").remote == {"email": "c"}


def test_incoming_only_turns_round_both_ways_and_drops_what_only_goes_out():
    table = [field("name"), field("email", Direction.OUT), field("phone", Direction.IN)]

    assert incoming_only(table) == (field("name", Direction.IN), field("phone", Direction.IN))


@pytest.mark.parametrize("value", [None, "", "  ", {}, {"line1": " ", "city": None}, []])
def test_empty_in_every_spelling(value):
    assert is_empty(value)
    assert same("email", value, "")


@pytest.mark.parametrize("value", ["0", 0, False, {"line1": "x"}, ["x"]])
def test_not_empty(value):
    assert not is_empty(value)


def test_clean_trims_and_drops_empty_parts():
    assert clean({"line1": " 1 High Street ", "line2": "", "city": None}) == {"line1": "1 High Street"}
