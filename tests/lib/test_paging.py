import base64
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from types import NoneType
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmsync.lib.paging import CursorError, CursorValue, decode_cursor, encode_cursor

STORABLE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)
VALUES = st.one_of(
    STORABLE,
    st.integers(min_value=-(2**63), max_value=2**63 - 1),
    st.booleans(),
    st.none(),
    st.dates(),
    st.datetimes(timezones=st.just(UTC)),
    st.decimals(allow_nan=False, allow_infinity=False, places=4),
    st.uuids(),
)


def made_of(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@given(st.lists(VALUES, max_size=4))
def test_round_trip_keeps_values_and_types(values: list[CursorValue]) -> None:
    back = decode_cursor(encode_cursor(values), *(type(value) for value in values))
    assert back == tuple(values)
    assert [type(value) for value in back] == [type(value) for value in values]


def test_cursor_is_safe_in_a_url() -> None:
    text = encode_cursor(["S\u00e3o Paulo ???>>>", 7, datetime(2026, 11, 21, 12, tzinfo=UTC), UUID(int=5), Decimal("1.20"), None])
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "!",
        "abc",
        "a b",
        "\u00e9",
        "A" * 3000,
        made_of({}),
        made_of("x"),
        made_of(5),
        made_of([1.5]),
        made_of([float("nan")]),
        made_of([[1]]),
        made_of([2**63]),
        made_of(["a\x00"]),
        made_of(["\ud800"]),
        made_of([{"d": "2026-13-01"}]),
        made_of([{"t": 5}]),
        made_of([{"x": "1"}]),
        *[made_of([{"n": "NaN"}]), made_of([{"n": "x"}]), made_of([{"u": "1"}]), made_of([{"d": "2026-01-01", "t": "x"}])],
        *[base64.urlsafe_b64encode(b"[" * 1400).decode().rstrip("="), base64.urlsafe_b64encode(b"\xff\xfe").decode()],
    ],
)
def test_malformed_cursors_are_refused_in_plain_words(text: str) -> None:
    with pytest.raises(CursorError, match="The cursor is not valid"):
        decode_cursor(text)


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        (["a", 1], (str,)),
        (["a"], (str, int)),
        (["1"], (int,)),
        ([True], (int,)),
        ([datetime(2026, 1, 1, tzinfo=UTC)], (date,)),
        ([None], (str,)),
    ],
)
def test_values_of_other_types_are_refused(values: list[CursorValue], kinds: tuple[type, ...]) -> None:
    with pytest.raises(CursorError):
        decode_cursor(encode_cursor(values), *kinds)


def test_a_value_may_be_allowed_to_be_missing() -> None:
    assert decode_cursor(encode_cursor([None, 4]), (str, NoneType), int) == (None, 4)


@given(st.text(alphabet="ABCDabcd0123-_", max_size=40))
def test_any_other_text_is_read_or_refused(text: str) -> None:
    try:
        values = decode_cursor(text)
    except CursorError:
        return
    assert decode_cursor(encode_cursor(values)) == values
