from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmsync.lib import money
from crmsync.lib.money import AmountError, Totals

AMOUNTS = st.decimals(min_value=-(10**14), max_value=10**14, places=4, allow_nan=False, allow_infinity=False)
CURRENCIES = st.sampled_from(["GBP", "BRL", "DKK", "JPY", "KWD"])


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("12.30", "12.30"),
        (" -0.5 ", "-0.5"),
        ("+7", "7"),
        ("007", "7"),
        (12, "12"),
        (0.1, "0.1"),
        (1234.56, "1234.56"),
        (1e-7, "1E-7"),
        (1e3, "1000.0"),
        (-0.0, "0.0"),
        (Decimal("1E+3"), "1000"),
        (Decimal("9.99"), "9.99"),
        ("999999999999999.99", "999999999999999.99"),
    ],
)
def test_amount(value: str | int | float | Decimal, read: str) -> None:
    assert str(money.amount(value)) == read


@pytest.mark.parametrize(
    "value",
    [
        *["", " ", "abc", "1,5", "1.", ".5", "1 000", "1e3", "NaN", "Infinity", "--1", "1_000", "\u0661", "0" * 41, "1000000000000000"],
        *[float("nan"), float("inf"), float("-inf"), 1e15, 10**15, Decimal("NaN"), Decimal("sNaN"), Decimal("1E+999999"), True],
        *["0.12345678901", Decimal("1E-11")],
    ],
)
def test_no_amount(value: str | int | float | Decimal) -> None:
    with pytest.raises(AmountError):
        money.amount(value)


@given(AMOUNTS)
def test_amounts_survive_text(value: Decimal) -> None:
    assert money.amount(str(money.amount(value))) == value


@given(st.floats(min_value=-1e14, max_value=1e14).filter(lambda value: value == 0 or abs(value) > 1e-3))
def test_floats_keep_the_digits_that_they_print(value: float) -> None:
    try:
        assert float(money.amount(value)) == value
    except AmountError:
        assert len(repr(value).partition(".")[2]) > money.MAX_PLACES


@pytest.mark.parametrize(
    ("text", "decimal", "read"),
    [
        ("1.234,56", ",", "1234.56"),
        ("-1.234.567,8", ",", "-1234567.8"),
        ("1,234.56", ".", "1234.56"),
        ("12,5", ",", "12.5"),
        ("7", ",", "7"),
    ],
)
def test_local_amount(text: str, decimal: str, read: str) -> None:
    assert money.local_amount(text, decimal=decimal) == Decimal(read)


@pytest.mark.parametrize(("text", "decimal"), [("1,234.56", ","), ("1.23,4", ","), ("1.2", ","), ("", ","), ("1,2", ".")])
def test_no_local_amount(text: str, decimal: str) -> None:
    with pytest.raises(AmountError):
        money.local_amount(text, decimal=decimal)


@pytest.mark.parametrize(
    ("value", "currency", "rounded"),
    [
        ("1.005", "GBP", "1.01"),
        ("1.5", "JPY", "2"),
        ("2.5", "JPY", "3"),
        ("-1.005", "GBP", "-1.01"),
        ("1.2345", "KWD", "1.235"),
        ("1", "GBP", "1.00"),
        ("-0.001", "GBP", "0.00"),
        ("999999999999999.999", "GBP", "1000000000000000.00"),
    ],
)
def test_quantise(value: str, currency: str, rounded: str) -> None:
    assert str(money.quantise(Decimal(value), currency)) == rounded


@given(AMOUNTS, CURRENCIES)
def test_quantise_is_settled_after_once_and_near(value: Decimal, currency: str) -> None:
    once = money.quantise(value, currency)
    assert money.quantise(once, currency) == once
    assert abs(once - value) <= Decimal(1).scaleb(-money.minor_units(currency)) / 2


@pytest.mark.parametrize(
    ("value", "currency", "locale", "written"),
    [
        ("-1234.5", "GBP", "en-gb", "-\u00a31,234.50"),
        ("1234.5", "BRL", "pt-br", "R$\u00a01.234,50"),
        ("1234.5", "DKK", "da", "1.234,50\u00a0kr."),
        ("-1234.5", "DKK", "en-gb", "-DKK\u00a01,234.50"),
        ("1234.5", "JPY", "en_GB", "JP\u00a51,235"),
        ("0.005", "GBP", "en-gb", "\u00a30.01"),
        ("1", "GBP", "xx-nonsense", "\u00a31.00"),
        ("1", "QQQ", "en-gb", "QQQ\u00a01.00"),
    ],
)
def test_format_money(value: str, currency: str, locale: str, written: str) -> None:
    assert money.format_money(Decimal(value), currency, locale) == written


@pytest.mark.parametrize(("code", "known"), [("GBP", True), ("gbp", False), ("QQQ", False), ("", False)])
def test_is_currency(code: str, known: bool) -> None:
    assert money.is_currency(code) is known


def test_totals_never_mix_currencies() -> None:
    totals = Totals([(Decimal("1.10"), "GBP"), (Decimal("2.20"), "BRL"), (Decimal("-1.10"), "GBP")])
    assert list(totals) == [("BRL", Decimal("2.20")), ("GBP", Decimal("0.00"))]
    assert list(totals.without_zeros()) == [("BRL", Decimal("2.20"))]
    assert (totals["USD"], len(totals)) == (Decimal(0), 2)
    assert repr(totals) == "Totals(2.20 BRL, 0.00 GBP)"


@given(st.lists(st.tuples(AMOUNTS, CURRENCIES)), st.lists(st.tuples(AMOUNTS, CURRENCIES)))
def test_totals_add_up_in_any_order(left: list[tuple[Decimal, str]], right: list[tuple[Decimal, str]]) -> None:
    assert Totals(left) + Totals(right) == Totals(reversed(left + right))
