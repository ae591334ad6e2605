"""Filters are built so that no value can break out of them; the sandbox's strict reader is the judge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.kit.vendor import Refusal
from integrations.providers.economic import filters
from integrations.providers.economic.sandbox_filter import parse_filter, sort_key

TEXT = st.text(alphabet=st.characters(exclude_categories=("Cs",)), min_size=1, max_size=30)
ALLOWED = {"name", "customerNumber", "lastUpdated", "ean"}


@given(TEXT, TEXT)
def test_any_value_is_found_and_nothing_else(value: str, other: str) -> None:
    test = parse_filter(filters.clause("name", "eq", value), ALLOWED)

    assert test({"name": value})
    assert test({"name": other}) == (value.casefold() == other.casefold())


@given(TEXT)
def test_value_cannot_end_its_clause(value: str) -> None:
    words = filters.all_of(filters.clause("name", "eq", value), filters.clause("customerNumber", "gt", 5))
    test = parse_filter(words, ALLOWED)

    assert test({"name": value, "customerNumber": 6})
    assert not test({"name": value, "customerNumber": 5})


def test_mixed_joints_are_bracketed() -> None:
    either = filters.any_of(filters.clause("name", "eq", "a"), filters.clause("name", "eq", "b"))
    words = filters.all_of(either, filters.clause("customerNumber", "gt", 5))

    assert words == "(name$eq:a$or:name$eq:b)$and:customerNumber$gt:5"
    test = parse_filter(words, ALLOWED)
    assert [test({"name": name, "customerNumber": number}) for name, number in (("a", 6), ("b", 6), ("b", 5), ("c", 6))] == [
        True,
        True,
        False,
        False,
    ]


def test_one_of() -> None:
    test = parse_filter(filters.one_of("customerNumber", [1, 3]), ALLOWED)

    assert [test({"customerNumber": number}) for number in (1, 2, 3)] == [True, False, True]


@pytest.mark.parametrize(
    ("words", "row", "fits"),
    [
        ("ean$eq:$null:", {"ean": ""}, True),
        ("ean$ne:$null:", {"ean": ""}, False),
        ("name$like:ager*", {"name": "Bager Sørensen"}, False),
        ("name$like:ager", {"name": "Bager Sørensen"}, True),
        ("name$like:b*sen", {"name": "Bager Sørensen"}, True),
        ("lastUpdated$gte:2026-11-20", {"lastUpdated": "2026-11-20T00:00:00Z"}, True),
        ("lastUpdated$gte:2026-11-20T10:00:00Z", {"lastUpdated": "2026-11-20T09:59:59Z"}, False),
        ("customerNumber$nin:[1,2]", {"customerNumber": 3}, True),
        ("customerNumber$lt:10", {"customerNumber": 9}, True),
    ],
)
def test_grammar(words: str, row: dict[str, object], fits: bool) -> None:
    assert parse_filter(words, ALLOWED)(row) is fits


@pytest.mark.parametrize(
    "words",
    ["balances$eq:1", "name", "name$eq", "name$is:1", "(name$eq:1", "name$eq:a$b", "name$eq:1)", f"customerNumber$in:[{'1,' * 201}]"],
)
def test_bad_filter_names_what_is_allowed(words: str) -> None:
    with pytest.raises(Refusal) as caught:
        parse_filter(words, ALLOWED)

    assert caught.value.status == 400
    assert caught.value.more["allowedFilteringFields"] == sorted(ALLOWED)


def test_unsortable_field() -> None:
    with pytest.raises(Refusal):
        sort_key("balances", ALLOWED)
    key, down = sort_key("-name", ALLOWED)
    assert down
    assert sorted([{"name": "b"}, {"name": ""}, {"name": "A"}], key=key) == [{"name": "A"}, {"name": "b"}, {"name": ""}]
