from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.engine.merge import MergeResult, Winner, is_empty, merge, same, take_in
from integrations.engine.provider import Direction, FieldMap, Mode
from integrations.engine.types import Base
from tests.engine.builders import WINNERS, field

T = TypeVar("T")
NAMES = ("name", "email", "phone", "address")
TEXTS = st.sampled_from([None, "", "a", "b", "c", " a ", "a  b", "a b"])
ADDRESSES = st.sampled_from([None, {}, {"line1": ""}, {"line1": "a"}, {"line1": " a ", "city": None}, {"line1": "a", "city": "b"}])
VALUES = st.fixed_dictionaries({}, optional={"name": TEXTS, "email": TEXTS, "phone": TEXTS, "address": ADDRESSES})
BASES = st.none() | st.builds(Base, ours=VALUES, theirs=VALUES)


def tables(
    directions: type[Direction] | list[Direction] = Direction, modes: Any = Mode, required: Any = None
) -> st.SearchStrategy[tuple[FieldMap, ...]]:
    wanted = st.booleans() if required is None else st.just(required)
    rows = [
        st.builds(field, st.just(name), st.sampled_from(list(directions)), st.sampled_from(list(modes)), required=wanted) for name in NAMES
    ]
    return st.tuples(*rows)


PLAIN = tables([Direction.BOTH], [Mode.CONNECTION], required=False)
PLAIN_WITHOUT_NAME = PLAIN.map(lambda table: table[1:])


@dataclass(frozen=True)
class World:
    base: Base | None
    ours: Mapping[str, Any]
    theirs: Mapping[str, Any]

    def merge(self, table: tuple[FieldMap, ...], policy: Winner) -> MergeResult:
        return merge(table, base=self.base, ours=self.ours, theirs=self.theirs, policy=policy)

    def after(self, result: MergeResult) -> World:
        return World(result.base, {**self.ours, **result.local}, {**self.theirs, **result.remote})

    def after_pull(self, result: MergeResult) -> World:
        return World(result.pending, {**self.ours, **result.local}, self.theirs)


def quick(test: Callable[..., None]) -> Callable[..., None]:
    return settings(max_examples=200, deadline=None)(test)


WORLDS = st.builds(World, BASES, VALUES, VALUES)
POLICIES = st.sampled_from(WINNERS)
DECIDED = st.sampled_from(WINNERS[:2])


@quick
@given(WORLDS, tables(), POLICIES)
def test_merging_again_after_writing_both_sides_says_nothing(world, table, policy):
    first = world.merge(table, policy)
    again = world.after(first).merge(table, policy)

    assert (again.local, again.remote) == ({}, {})
    assert again.conflicts == first.asks
    assert again.base == again.pending == first.base


@quick
@given(VALUES | st.fixed_dictionaries({"name": st.sampled_from(["\u200b", " \u200b "])}), tables())
def test_taking_in_a_new_record_is_merging_with_nobody(theirs, table):
    assert take_in(table, theirs) == merge(table, base=None, ours={}, theirs=theirs, policy="remote")


@quick
@given(WORLDS, tables(), POLICIES)
def test_what_was_not_sent_yet_is_still_to_be_said_and_nothing_else(world, table, policy):
    first = world.merge(table, policy)
    again = world.after_pull(first).merge(table, policy)

    assert again.local == {}
    assert again.remote == first.remote
    assert again.base == first.base
    assert again.pending == first.pending


@quick
@given(WORLDS, PLAIN_WITHOUT_NAME, DECIDED)
def test_both_sides_say_the_same_afterwards(world, table, policy):
    after = world.after(world.merge(table, policy))
    base = world.base or Base({}, {})

    for each in table:
        stable = same(each.ours, world.ours.get(each.ours), base.ours.get(each.ours)) and same(
            each.ours, world.theirs.get(each.ours), base.theirs.get(each.ours)
        )
        # an agreed difference (a vendor that keeps capitals) stays one
        assert stable or same(each.ours, after.ours.get(each.ours), after.theirs.get(each.ours))


@quick
@given(WORLDS, PLAIN_WITHOUT_NAME)
def test_sides_are_treated_alike(world, table):
    ours = world.merge(table, "crm")
    mirrored = World(Base(world.base.theirs, world.base.ours) if world.base else None, world.theirs, world.ours).merge(table, "remote")

    assert (ours.local, ours.remote) == (mirrored.remote, mirrored.local)
    assert ours.base == Base(mirrored.base.theirs, mirrored.base.ours)


@quick
@given(WORLDS, PLAIN_WITHOUT_NAME, POLICIES)
def test_edit_of_one_side_is_never_lost(world, table, policy):
    base = world.base or Base({}, {})
    after = world.after(world.merge(table, policy))

    for name in (each.ours for each in table):
        ours_edited = not same(name, world.ours.get(name), base.ours.get(name))
        theirs_edited = not same(name, world.theirs.get(name), base.theirs.get(name))
        if ours_edited and not theirs_edited:
            assert same(name, after.theirs.get(name), world.ours.get(name))
            assert same(name, after.ours.get(name), world.ours.get(name))
        if theirs_edited and not ours_edited:
            assert same(name, after.ours.get(name), world.theirs.get(name))


@quick
@given(st.builds(World, st.none(), VALUES, VALUES), tables(), POLICIES)
def test_empty_value_erases_nothing_at_link_time(world, table, policy):
    after = world.after(world.merge(table, policy))

    for name in NAMES:
        assert is_empty(world.ours.get(name)) or not is_empty(after.ours.get(name))
        assert is_empty(world.theirs.get(name)) or not is_empty(after.theirs.get(name))


@quick
@given(WORLDS, tables(), POLICIES)
def test_conflict_is_named_wherever_a_fresh_value_is_overwritten(world, table, policy):
    base = world.base or Base({}, {})
    result = world.merge(table, policy)
    named = {conflict.field for conflict in result.conflicts}

    for name, value in [*result.local.items(), *result.remote.items()]:
        before, agreed = (world.ours, base.ours) if name in result.local else (world.theirs, base.theirs)
        fresh = not same(name, before.get(name), agreed.get(name)) and not is_empty(before.get(name))
        assert not fresh or name in named or same(name, value, before.get(name)) or (name == "name" and is_empty(before.get(name)))


@quick
@given(WORLDS, tables(), POLICIES)
def test_agreement_is_what_both_sides_hold(world, table, policy):
    result = world.merge(table, policy)
    after = world.after(result)

    for each in table:
        if each.direction is Direction.BOTH and each.ours in {**result.local, **result.remote}:
            assert same(each.ours, result.base.ours[each.ours], after.ours.get(each.ours))
            assert same(each.ours, result.base.theirs[each.ours], after.theirs.get(each.ours))


@quick
@given(WORLDS, tables(), POLICIES)
def test_directions_and_required_fields_are_kept(world, table, policy):
    result = world.merge(table, policy)

    for each in table:
        assert each.direction is not Direction.OUT or each.ours not in result.local
        assert each.direction is not Direction.IN or each.ours not in result.remote
        assert not (each.required and each.ours in result.remote and is_empty(result.remote[each.ours]))
    assert not is_empty(result.local.get("name", "x"))
