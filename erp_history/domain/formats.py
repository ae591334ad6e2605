"""How the values of one column are read: by the contract, or as the source says that it writes them.

A column is read as a whole. Values that are right as they stand cost next to nothing; only odd ones are looked at one by one.
"""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from operator import mul
from typing import Any

from django.utils.translation import gettext as _

from crmsync.lib.money import AmountError, local_amount
from crmsync.lib.text import fold
from erp_history.domain.tables import Column

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
PLAIN_NUMBERS = re.compile(r"(?:[+-]?+[0-9]{1,14}+(?:\.[0-9]{1,20}+)?+\n)*+")
PLAIN_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(?:\.[0-9]{1,40})?")
DATES = {
    "iso": re.compile(r"(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})(?:[T ]00:00(?::00(?:\.0+)?)?)?", re.ASCII),
    "dd/mm/yyyy": re.compile(r"(?P<d>\d{2})/(?P<m>\d{2})/(?P<y>\d{4})", re.ASCII),
    "mm/dd/yyyy": re.compile(r"(?P<m>\d{2})/(?P<d>\d{2})/(?P<y>\d{4})", re.ASCII),
    "yyyymmdd": re.compile(r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})", re.ASCII),
}
LARGEST = 10**14
TRUE = frozenset(["s", "sim", "true", "t", "yes", "y", "*"])
FALSE = frozenset(["n", "nao", "false", "f", "no", "0", ""])
ZERO_DATE = "0-/:T. "  # 0000-00-00, 00/00/0000 00:00:00: how many a database writes "none"


class BadValue(ValueError):
    """A value cannot be taken: `code` for programs, the text for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Formats:
    """How a source writes its values."""

    date: str = "iso"
    decimal: str = "."
    one_is_true: bool = True
    zone: dt.tzinfo = field(default_factory=lambda: zoneinfo.ZoneInfo("UTC"))


@dataclass(slots=True)
class Read:
    """A column as it will be stored, as text (None: absent), and what was wrong with some of its values, by position."""

    values: list[str | None]
    errors: dict[int, BadValue] = field(default_factory=dict)
    warnings: dict[int, BadValue] = field(default_factory=dict)


def read_column(column: Column, values: Sequence[Any], formats: Formats) -> Read:
    """Read all values of a column."""
    try:
        if column.kind in ("text", "code"):
            quick = _quick_text(column, values)
        elif column.kind == "decimal" and formats.decimal == ".":
            quick = _quick_decimal(values)
        else:
            quick = _quick_alike(column, values) or _quick_distinct(column, values, formats)
    except TypeError:  # not all of one type
        quick = None
    return _one_by_one(column, values, formats) if quick is None else Read(quick)


def joined_texts(values: Sequence[Any]) -> str | None:
    """All of them as one text, or None when one is absent. Joining says so in a third of the time that comparing takes."""
    try:
        return "".join(values)
    except TypeError:
        return None


def has_absent(values: Sequence[Any]) -> bool:
    return joined_texts(values) is None


def _quick_text(column: Column, values: Sequence[Any]) -> list[str | None] | None:
    joined, filled = joined_texts(values), values
    if joined is None:
        filled = [value for value in values if value is not None]
        joined = "".join(filled)
    lengths = set(map(len, filled))
    if not _is_storable(joined):
        return None
    is_short = column.size is None or max(lengths, default=0) <= column.size
    if is_short and len(filled) == len(values) and 0 not in lengths and joined.split(None, 1) == [joined]:
        return list(values)  # no blanks anywhere
    stripped: list[str | None] = list(map(str.strip, filled))
    if not is_short and max(map(len, map(str.strip, filled))) > (column.size or 0):
        return None
    if len(filled) != len(values):
        return [value.strip() or None if value else None for value in values]
    return [value or None for value in stripped] if "" in stripped else stripped


def _is_storable(text: str) -> bool:
    if "\x00" in text:
        return False
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:  # half of a pair of surrogates
        return False


def _quick_decimal(values: Sequence[Any]) -> list[str | None] | None:
    if not has_absent(values) and _are_plain_numbers(values):
        return list(values)
    kinds = set(map(type, values))
    texts: list[str | None]
    if kinds == {int}:
        return list(map(str, values)) if min(values) > -LARGEST and max(values) < LARGEST else None
    if kinds == {str} and "" not in values:
        texts = list(values)
    elif kinds <= {str, int, float, Decimal, type(None)}:
        texts = [None if value is None or value == "" else str(value) for value in values]
    else:
        return None
    return texts if _are_plain_numbers(list(filter(None, texts))) else None


def _are_plain_numbers(texts: Sequence[str]) -> bool:
    """Each on a line of its own, and no line within one of them."""
    joined = "\n".join([*texts, ""])
    return joined.count("\n") == len(texts) and PLAIN_NUMBERS.fullmatch(joined) is not None


def _quick_alike(column: Column, values: Sequence[Any]) -> list[str | None] | None:
    """Where many differ but all are right as they stand."""
    if column.kind == "date":
        return _quick_days(values)
    texts = _quick_text(column, values) if column.kind == "digits" else None
    return texts if texts and "".join(filter(None, texts)).isalnum() else None


def _quick_days(values: Sequence[Any]) -> list[str | None] | None:
    """Days as ISO writes them are right in every format."""
    days = list(set(values) - {None, ""})
    try:
        are_plain = list(map(dt.date.isoformat, map(dt.date.fromisoformat, days))) == days
    except (TypeError, ValueError):
        return None
    return [value or None for value in values] if are_plain else None


def _quick_distinct(column: Column, values: Sequence[Any], formats: Formats) -> list[str | None] | None:
    """Each distinct text once: dates, flags and states come in few."""
    known: dict[Any, str | None] = {}
    for value in set(values):
        if value is None or value == "":
            known[value] = None
            continue
        if not isinstance(value, str):
            return None
        known[value], error, warning = _attempt(READERS[column.kind], value, column, formats)
        if error or warning:
            return None
    is_ready = all(value == text for value, text in known.items())
    return list(values) if is_ready else list(map(known.__getitem__, values))


def _one_by_one(column: Column, values: Sequence[Any], formats: Formats) -> Read:
    found = Read([None] * len(values))
    for index, value in enumerate(values):
        if value is None or value == "":
            continue
        text, error, warning = _attempt(READERS[column.kind], value, column, formats)
        found.values[index] = text
        if error is not None:
            found.errors[index] = error
        elif warning is not None:
            found.warnings[index] = warning
    return found


Attempt = tuple[str | None, BadValue | None, BadValue | None]


def _attempt(read: Reader, value: Any, column: Column, formats: Formats) -> Attempt:
    try:
        if isinstance(value, str) and UNSTORABLE.search(value):
            raise BadValue("nul", _("The value holds a character that cannot be stored."))
        text = read(value, column, formats)
        if text is not None and column.size is not None and len(text) > column.size:
            raise BadValue("too_long", _("At most %(size)s characters fit.") % {"size": column.size})
    except Doubtful as doubt:
        return None, None, doubt
    except BadValue as error:
        return None, error, None
    return text, None, None


class Doubtful(BadValue):
    """The value is left out with a warning; the row is kept."""


def bad_type(wanted: str) -> BadValue:
    return BadValue("bad_type", wanted)


def _text(value: Any, _column: Column, _formats: Formats) -> str | None:
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise bad_type(_("Give text."))


def _decimal(value: Any, _column: Column, formats: Formats) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise bad_type(_("Give a number such as 999999.99."))
    text = _digits_of_float(value) if isinstance(value, float) else str(value).strip()
    if not text:
        return None
    number = _number(text, decimal=formats.decimal if isinstance(value, str) else ".")
    if number is None:
        raise BadValue("bad_number", _("This is not a number such as 999999.99."))
    if abs(number) >= LARGEST:
        raise BadValue("too_large", _("The number is too large."))
    return f"{number:f}"


def _digits_of_float(value: float) -> str:
    return f"{Decimal(repr(value)).quantize(Decimal('1e-9')):f}" if abs(value) < 10**16 else repr(value)


def _number(text: str, *, decimal: str) -> Decimal | None:
    if decimal == "." and PLAIN_NUMBER.fullmatch(text):
        return Decimal(text)
    try:
        return local_amount(text, decimal=decimal)
    except AmountError:
        return None


def _integer(value: Any, _column: Column, _formats: Formats) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise bad_type(_("Give a whole number."))
    text = str(value).strip()
    if not re.fullmatch(r"[+-]?[0-9]{1,9}", text):
        raise BadValue("bad_number", _("This is not a whole number."))
    return text


def _date(value: Any, _column: Column, formats: Formats) -> str | None:
    if not isinstance(value, str):
        if isinstance(value, int) and not isinstance(value, bool) and formats.date == "yyyymmdd":
            value = str(value)
        else:
            raise bad_type(_("Give a date as text."))
    text = value.strip()
    if not text.strip(ZERO_DATE):
        return None
    match = DATES[formats.date].fullmatch(text) or DATES["iso"].fullmatch(text)
    if match is None:
        raise BadValue("bad_date", _("This is not a date such as 2026-08-31."))
    try:
        return dt.date(int(match["y"]), int(match["m"]), int(match["d"])).isoformat()
    except ValueError as error:
        raise BadValue("bad_date", _("There is no such day.")) from error


def _moment(value: Any, _column: Column, formats: Formats) -> str | None:
    """Without a zone it is the workspace's."""
    if not isinstance(value, str):
        raise bad_type(_("Give a date and time as text."))
    text = value.strip()
    if not text.strip(ZERO_DATE):
        return None
    day, _space, clock = text.partition(" ")
    if formats.date != "iso" and DATES[formats.date].fullmatch(day):
        text = f"{_date(day, _column, formats)} {clock or '00:00'}"
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise BadValue("bad_date", _("This is not a moment such as 2026-08-31T12:00:00.")) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=formats.zone)
    try:
        return moment.astimezone(dt.UTC).isoformat()
    except OverflowError as error:
        raise BadValue("bad_date", _("There is no such moment.")) from error


def _boolean(value: Any, _column: Column, formats: Formats) -> str | None:
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, str | int):
        text = fold(str(value).strip())
        if text in TRUE:
            return "t"
        if text in FALSE:
            return "f"
        if text in {"1", "2"}:
            return "t" if (text == "1") == formats.one_is_true else "f"
    raise BadValue("bad_flag", _("Give S or N, true or false."))


def _choice(value: Any, column: Column, _formats: Formats) -> str | None:
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise bad_type(_("Give text."))
    found = column.choices.get(fold(str(value)))
    if found is None and fold(str(value)):
        raise Doubtful("unknown_value", _("This value is not known, so it was left out."))
    return found


def _upper(value: Any, column: Column, formats: Formats) -> str | None:
    text = _text(value, column, formats)
    return text.upper() if text else None


def _digits(value: Any, column: Column, formats: Formats) -> str | None:
    text = _text(value, column, formats)
    return re.sub(r"[\s.\-/]", "", text) or None if text else None


def _tax_id(value: Any, column: Column, formats: Formats) -> str | None:
    text = (_text(value, column, formats) or "").upper()
    if not text.isalnum():
        text = re.sub(r"[\s.\-/,]", "", text)
    if isinstance(value, int):
        text = text.zfill(11 if column.kind == "cpf" else 14)
    if not text:
        return None
    is_cpf = column.kind == "cpf" or (column.kind == "cnpj_cpf" and len(text) == 11)
    if not (is_cpf_valid(text) if is_cpf else is_cnpj_valid(text)):
        raise Doubtful("bad_check_digits", _("The check digits are wrong, so the number was left out."))
    return text


CNPJ = re.compile(r"[0-9A-Z]{12}[0-9]{2}")
CNPJ_WEIGHTS = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)


def is_cnpj_valid(text: str) -> bool:
    """Fourteen characters, letters allowed in the first twelve; one repeated character is nobody's."""
    if not CNPJ.fullmatch(text) or len(set(text)) == 1 or text.startswith("000000000000"):
        return False
    first, second = _weighed(text, CNPJ_WEIGHTS[1:]), _weighed(text, CNPJ_WEIGHTS)
    return text[12:] == f"{0 if first < 2 else 11 - first}{0 if second < 2 else 11 - second}"


def _weighed(text: str, weights: tuple[int, ...]) -> int:
    """A letter counts as far as it stands from the digit 0."""
    return (sum(map(mul, weights, text.encode())) - ord("0") * sum(weights)) % 11


def is_cpf_valid(text: str) -> bool:
    if len(text) != 11 or not (text.isascii() and text.isdigit()) or len(set(text)) == 1:
        return False
    values = [ord(char) - 48 for char in text]
    first = sum(map(int.__mul__, range(10, 1, -1), values)) * 10 % 11 % 10
    second = sum(map(int.__mul__, range(11, 1, -1), values)) * 10 % 11 % 10
    return values[9:] == [first, second]


Reader = Callable[[Any, Column, Formats], "str | None"]
READERS: Mapping[str, Reader] = {
    "text": _text,
    "code": _text,
    "decimal": _decimal,
    "integer": _integer,
    "date": _date,
    "datetime": _moment,
    "boolean": _boolean,
    "choice": _choice,
    "upper": _upper,
    "digits": _digits,
    "cnpj": _tax_id,
    "cpf": _tax_id,
    "cnpj_cpf": _tax_id,
}
