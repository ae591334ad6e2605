"""Amounts of money: exact decimals, rounded by their currency, never added across currencies."""

import re
from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_UP, Decimal, localcontext

from babel.numbers import format_currency, get_currency_precision, list_currencies

from crmsync.lib.locales import parse_locale

PLAIN = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)
GROUPED = {
    ",": re.compile(r"[+-]?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?", re.ASCII),
    ".": re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?", re.ASCII),
}
# Babel writes "DKK1,234.50" where CLDR wants a blank after a currency's letters.
CODE_THEN_DIGIT = re.compile(r"(?<=[A-Za-z])(?=\d)")
MAX_AMOUNT = Decimal(10) ** 15  # exclusive
MAX_PLACES = 10
PRECISION = 60


class AmountError(ValueError):
    """A value is no amount of money."""


def amount(value: str | int | float | Decimal) -> Decimal:
    """Read an amount strictly: "12.30", a whole number, or a float by the digits that it prints; nothing else."""
    if isinstance(value, bool):
        raise AmountError("True or false is not an amount.")
    if isinstance(value, str):
        return _bounded(_from_text(value.strip()))
    return _bounded(Decimal(repr(value)) if isinstance(value, float) else Decimal(value))


def local_amount(text: str, *, decimal: str) -> Decimal:
    """Read an amount written with thousands separators; `decimal` is the decimal sign, "," or "."."""
    plain = text.strip()
    if not GROUPED[decimal].fullmatch(plain):
        raise AmountError(f"{_shown(text)} is not an amount.")
    return amount(plain.replace("." if decimal == "," else ",", "").replace(decimal, "."))


def is_currency(code: str) -> bool:
    """Tell whether this is an ISO 4217 code, in capitals."""
    return code in list_currencies()


def minor_units(currency: str) -> int:
    """Count the decimals of a currency: 2 for GBP, 0 for JPY, 3 for KWD."""
    return get_currency_precision(currency)


def quantise(value: Decimal, currency: str) -> Decimal:
    """Round half up to the currency's minor unit; there is no minus zero."""
    with localcontext() as context:
        context.prec = PRECISION
        return value.quantize(Decimal(1).scaleb(-minor_units(currency)), rounding=ROUND_HALF_UP) + 0


def code_apart(written: str) -> str:
    """Keep a currency's letters and its figures apart: Babel does not follow CLDR's spacing ("DKK12")."""
    return CODE_THEN_DIGIT.sub("\u00a0", written)


def format_money(value: Decimal, currency: str, locale: str) -> str:
    """Write an amount as people of the locale ("en-gb", "pt_BR", "da") do."""
    written = format_currency(quantise(value, currency), currency, locale=parse_locale(locale))
    return code_apart(written)


class Totals:
    """Sums by currency."""

    def __init__(self, entries: Iterable[tuple[Decimal, str]] = ()) -> None:
        self._sums: dict[str, Decimal] = {}
        for value, currency in entries:
            self.add(value, currency)

    def add(self, value: Decimal, currency: str) -> None:
        """Add to the sum of this currency."""
        with localcontext() as context:
            context.prec = PRECISION
            self._sums[currency] = self[currency] + value

    def __getitem__(self, currency: str) -> Decimal:
        return self._sums.get(currency, Decimal(0))

    def __iter__(self) -> Iterator[tuple[str, Decimal]]:
        return iter(sorted(self._sums.items()))

    def __len__(self) -> int:
        return len(self._sums)

    def __add__(self, other: "Totals") -> "Totals":
        return Totals((value, currency) for totals in (self, other) for currency, value in totals)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Totals) and self._sums == other._sums

    __hash__ = None  # type: ignore[assignment]  # a running sum is no key; this is how Python says so

    def __repr__(self) -> str:
        return f"Totals({', '.join(f'{value} {currency}' for currency, value in self)})"

    def without_zeros(self) -> "Totals":
        """Leave out currencies that sum up to nothing."""
        return Totals((value, currency) for currency, value in self if value)


def _from_text(text: str) -> Decimal:
    if not PLAIN.fullmatch(text) or len(text) > 40:
        raise AmountError(f"{_shown(text)} is not an amount.")
    return Decimal(text)


def _bounded(value: Decimal) -> Decimal:
    if not value.is_finite():
        raise AmountError(f"{value} is not an amount.")
    if abs(value) >= MAX_AMOUNT:
        raise AmountError("The amount is too large.")
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -MAX_PLACES:
        raise AmountError(f"The amount has more than {MAX_PLACES} decimals.")
    # Positive exponents (1E+3) are written out, minus zero is zero.
    return (value.quantize(Decimal(1)) if isinstance(exponent, int) and exponent > 0 else value) + 0


def _shown(text: str) -> str:
    return repr(text[:20])
