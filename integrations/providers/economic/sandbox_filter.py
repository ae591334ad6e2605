"""The filter and sort grammar of e-conomic, read strictly: what the vendor refuses is refused here."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from integrations.kit.vendor import Refusal

Row = Mapping[str, Any]
Test = Callable[[Row], bool]
_OPERATORS = ("eq", "ne", "gte", "gt", "lte", "lt", "like", "in", "nin")
_CLAUSE = re.compile(r"([A-Za-z.]+)\$(" + "|".join(_OPERATORS) + r"):")
_MOST = 200


class BadFilter(ValueError):
    """What is wrong with a filter."""


def parse_filter(words: str, allowed: Collection[str]) -> Test:
    """Raises Refusal with the list of allowed fields, as e-conomic does."""
    try:
        test, rest = _either(words, allowed)
        if rest:
            raise BadFilter(f"Unexpected '{rest[:20]}'.")
    except BadFilter as error:
        raise Refusal(
            400,
            "Could not parse query string filter.",
            developerHint="See the documentation of filtering.",
            errors=[str(error)],
            allowedFilteringFields=sorted(allowed),
        ) from None
    return test


def _either(words: str, allowed: Collection[str]) -> tuple[Test, str]:
    first, rest = _both(words, allowed)
    while rest.startswith("$or:"):
        second, rest = _both(rest[4:], allowed)
        first = _joined(first, second, any)
    return first, rest


def _both(words: str, allowed: Collection[str]) -> tuple[Test, str]:
    first, rest = _one(words, allowed)
    while rest.startswith("$and:"):
        second, rest = _one(rest[5:], allowed)
        first = _joined(first, second, all)
    return first, rest


def _joined(first: Test, second: Test, how: Callable[[Any], bool]) -> Test:
    return lambda row: how(test(row) for test in (first, second))


def _one(words: str, allowed: Collection[str]) -> tuple[Test, str]:
    if words.startswith("("):
        test, rest = _either(words[1:], allowed)
        if not rest.startswith(")"):
            raise BadFilter("A bracket is not closed.")
        return test, rest[1:]
    found = _CLAUSE.match(words)
    if not found:
        raise BadFilter(f"Unexpected '{words[:20]}'.")
    name, operator = found[1], found[2]
    if name not in allowed:
        raise BadFilter(f"Filtering is not allowed on property '{name}'.")
    value, rest = _value(words[found.end() :])
    return _test(name, operator, value), rest


def _value(words: str) -> tuple[str | None, str]:
    """Up to a joint or a closing bracket; `$$` and `$)` stand for themselves."""
    if words.startswith("$null:"):
        return None, words[6:]
    out, at = [], 0
    while at < len(words):
        if words.startswith(("$and:", "$or:"), at) or words[at] == ")":
            break
        if words[at] == "$":
            if at + 1 >= len(words) or words[at + 1] not in "$()*,":
                raise BadFilter("A '$' must be escaped.")
            at += 1
        out.append(words[at])
        at += 1
    return "".join(out), words[at:]


def _test(name: str, operator: str, value: str | None) -> Test:
    if operator in {"in", "nin"}:
        listed = [part.strip().casefold() for part in (value or "").strip("[]").split(",")]
        if len(listed) > _MOST or not (value or "").startswith("["):
            raise BadFilter(f"At most {_MOST} values in brackets.")
        return lambda row: (_said(row, name) in listed) == (operator == "in")
    if operator == "like":
        pattern = ".*".join(map(re.escape, (value or "").casefold().split("*")))
        match = re.compile(pattern if "*" in (value or "") else f".*{pattern}.*", re.DOTALL)
        return lambda row: bool(match.fullmatch(_said(row, name)))
    if operator in {"eq", "ne"}:
        wanted = "" if value is None else value.casefold()
        return lambda row: (_said(row, name) == wanted) == (operator == "eq")
    return _order(name, operator, value or "")


def _order(name: str, operator: str, value: str) -> Test:
    def test(row: Row) -> bool:
        found = row.get(name)
        if found in (None, ""):
            return False
        one, other = (float(found), float(value)) if isinstance(found, int | float) else (str(found), _padded(value))
        return bool({"gt": one > other, "gte": one >= other, "lt": one < other, "lte": one <= other}[operator])  # type: ignore[operator]

    return test


def _padded(value: str) -> str:
    return f"{value}T00:00:00Z" if re.fullmatch(r"\d{4}-\d\d-\d\d", value) else value


def _said(row: Row, name: str) -> str:
    found = row.get(name)
    return "" if found is None else str(found).casefold()


def sort_key(words: str, allowed: Collection[str]) -> tuple[Callable[[Row], Any], bool]:
    """The key and whether it goes down; only the first of several fields counts here."""
    first = words.split(",", maxsplit=1)[0]
    name = first.lstrip("-~")
    if name not in allowed:
        raise Refusal(400, "Could not parse query string sort parameter.", errors=[f"Sorting is not allowed on property '{name}'."])

    def key(row: Row) -> Any:
        found = row.get(name)
        return (found in (None, ""), found if isinstance(found, int | float) and not first.startswith("~") else str(found).casefold())

    return key, first.startswith("-")
