"""Values as vendors send them."""

import math
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.kit.fingerprint import digest, fingerprint
from integrations.kit.values import amount, day, identity, rows, table, text

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
NO_DAYS = [None, "", "0000-00-00", "2026-13-01", "21/11/2026", "soon", 1795219200, ["a", 1, 2], [2026, 11], [2026, 11, 10**20], True, {}]


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (12.5, "12.50"),
        (12, "12.00"),
        ("12.5", "12.50"),
        (" 7 ", "7.00"),
        (0.1 + 0.2, "0.30"),
        (1234567.89, "1234567.89"),
        (-0.005, "-0.0050"),
        (1.2345, "1.2345"),
        (1e-9, "0.00"),
        (0, "0.00"),
    ],
)
def test_amount(value: Any, wanted: str) -> None:
    assert str(amount(value)) == wanted


@pytest.mark.parametrize("value", [None, True, "", "abc", "1,234.50", "NaN", "Infinity", math.nan, math.inf, [1], {}, 1e300, "1e999999"])
def test_no_amount(value: Any) -> None:
    assert amount(value) is None


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("2026-11-21", date(2026, 11, 21)),
        ("2026-11-21T23:59:59.999Z", date(2026, 11, 21)),
        (" 1969-12-31 ", date(1969, 12, 31)),
        ([2026, 11, 21], date(2026, 11, 21)),
    ],
)
def test_day(value: Any, wanted: date) -> None:
    assert day(value) == wanted


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "0000-00-00",
        "2026-13-01",
        "21/11/2026",
        "soon",
        1795219200,
        ["a", 1, 2],
        [2026, 11],
        [2026, 11, 99999999999999999999],
        True,
        {},
    ],
)
def test_no_day(value: Any) -> None:
    assert day(value) is None


@pytest.mark.parametrize(("value", "wanted"), [(7, "7"), ("7", "7"), (7.0, "7"), (" 7 ", "7"), (2**63, str(2**63)), ("A-1", "A-1")])
def test_identity(value: Any, wanted: str) -> None:
    assert identity(value) == wanted


@pytest.mark.parametrize("value", [None, "", "  ", True, 7.5, math.nan, [], {}])
def test_no_identity(value: Any) -> None:
    assert identity(value) == ""


@pytest.mark.parametrize(("value", "wanted"), [("  a\u00a0b ", "a\u00a0b"), (None, ""), (5, "5"), (True, ""), ([], ""), ("a\x00b", "ab")])
def test_text(value: Any, wanted: str) -> None:
    assert text(value) == wanted


def test_shapes() -> None:
    assert table(None) == table([1]) == {}
    assert rows([{"a": 1}, None, 3, [], {}]) == [{"a": 1}, {}]
    assert rows("abc") == rows({"a": 1}) == []


@given(JSON)
def test_nothing_makes_them_stumble(value: Any) -> None:
    found = amount(value)
    assert found is None or isinstance(found, Decimal)
    assert isinstance(text(value), str)
    assert isinstance(identity(value), str)
    assert isinstance(table(value), dict)
    assert all(isinstance(row, dict) for row in rows(value))
    assert day(value) is None or isinstance(day(value), date)


@given(st.dictionaries(TEXT, JSON))
def test_fingerprint_does_not_depend_on_order(body: dict[str, Any]) -> None:
    assert fingerprint(body) == fingerprint(dict(reversed(list(body.items()))))


def test_fingerprint_sees_every_change() -> None:
    bodies: list[Any] = [{}, {"a": 1}, {"a": "1"}, {"a": 1.5}, {"a": None}, {"b": 1}, {"a": [1, 2]}, {"a": [2, 1]}, {"a": {"b": 1}}]

    assert len({fingerprint(body) for body in bodies}) == len(bodies)


def test_digest_keeps_words_apart() -> None:
    assert digest(["ab", "c"]) != digest(["a", "bc"])
