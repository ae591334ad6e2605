"""The little OData that Movidesk speaks: `$filter` with comparisons, and, or, brackets and `any`; order, select, skip and top."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from integrations.kit.vendor import Refusal

Scope = Mapping[str, Any]
Test = Callable[[Scope], bool]
OPTIONS = {"$filter", "$orderby", "$top", "$skip", "$select", "$expand"}
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<moment>\d{4}-\d\d-\d\d(?:[Tt][\d:.]+(?:[Zz]|[+-]\d\d:\d\d)?)?)|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<word>[A-Za-z_][\w/]*)|(?P<sign>[():,]))"
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda one, other: bool(one == other),
    "ne": lambda one, other: bool(one != other),
    "gt": lambda one, other: one is not None and bool(one > other),
    "ge": lambda one, other: one is not None and bool(one >= other),
    "lt": lambda one, other: one is not None and bool(one < other),
    "le": lambda one, other: one is not None and bool(one <= other),
}
_CONSTANTS = {"true": True, "false": False, "null": None}


def not_valid(why: str) -> Refusal:
    return Refusal(400, f"The query specified in the URI is not valid. {why}")


def check_options(query: Mapping[str, str], *, also: Sequence[str] = ()) -> None:
    for name in query:
        if name not in OPTIONS and name not in also:
            raise not_valid(f"Query option '{name}' is not allowed.")


def parse_filter(text: str, known: Sequence[str]) -> Test:
    """A test of one record. Raises Refusal for what cannot be read, and for properties that records do not have."""
    parser = _Parser(text, frozenset(known))
    test = parser.either()
    parser.end()
    return test


def ordered(records: Sequence[dict[str, Any]], order: str, known: Sequence[str]) -> list[dict[str, Any]]:
    found = list(records)
    for part in reversed([each.strip() for each in order.split(",") if each.strip()]):
        name, _, way = part.partition(" ")
        if name not in known or way.strip() not in ("", "asc", "desc"):
            raise not_valid(f"Could not find a property named '{name}'.")
        found.sort(key=lambda record: (record.get(name) is not None, _rank(record.get(name))), reverse=way.strip() == "desc")
    return found


def _rank(value: Any) -> Any:
    return f"{value:020d}" if isinstance(value, int) and not isinstance(value, bool) else str(value).casefold()


def cut(records: Sequence[dict[str, Any]], query: Mapping[str, str], *, most: int) -> list[dict[str, Any]]:
    skip, top = _count(query, "$skip", 0), _count(query, "$top", most)
    return list(records[skip : skip + min(top, most)])


def names_of(text: str) -> list[str]:
    """The names at the top level of `$select` or `$expand`, without what stands in brackets."""
    plain = text
    while "(" in plain:
        shorter = re.sub(r"\([^()]*\)", "", plain)
        if shorter == plain:
            raise not_valid("A bracket is not closed.")
        plain = shorter
    return [name.strip() for name in plain.split(",") if name.strip()]


def _count(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, "")
    if text and not re.fullmatch(r"\d{1,9}", text):
        raise not_valid(f"'{name}' must be a number.")
    return int(text) if text else default


class _Parser:
    def __init__(self, text: str, known: frozenset[str]) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._known = known
        self._variables: set[str] = set()

    def either(self) -> Test:
        tests = [self.all()]
        while self._take("or"):
            tests.append(self.all())
        return lambda scope: any(test(scope) for test in tests)

    def all(self) -> Test:
        tests = [self.one()]
        while self._take("and"):
            tests.append(self.one())
        return lambda scope: all(test(scope) for test in tests)

    def one(self) -> Test:
        if self._take("("):
            inner = self.either()
            self._need(")")
            return inner
        kind, word = self._next()
        if kind != "word":
            raise not_valid(f"'{word}' is no property.")
        return self._any(word.removesuffix("/any")) if word.endswith("/any") else self._comparison(word)

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise not_valid(f"'{self._tokens[self._at][1]}' is not expected.")

    def _any(self, path: str) -> Test:
        self._checked(path)
        self._need("(")
        variable = self._next()[1]
        self._need(":")
        self._variables.add(variable)
        inner = self.either()
        self._variables.discard(variable)
        self._need(")")
        return lambda scope: any(inner({**scope, variable: each}) for each in _value(scope, path) or [])

    def _comparison(self, path: str) -> Test:
        self._checked(path)
        operator = self._next()[1]
        if operator not in _COMPARE:
            raise not_valid(f"'{operator}' is no operator.")
        kind, word = self._next()
        wanted = _literal(kind, word)
        return lambda scope: _compare(operator, _value(scope, path), wanted, is_moment=kind == "moment")

    def _checked(self, path: str) -> None:
        first = path.partition("/")[0]
        if first not in self._known and first not in self._variables:
            raise not_valid(f"Could not find a property named '{first}'.")

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise not_valid("The expression ends too early.")
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, word: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at][1] == word:
            self._at += 1
            return True
        return False

    def _need(self, word: str) -> None:
        if not self._take(word):
            raise not_valid(f"'{word}' is expected.")


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(text.rstrip()):
        token = _TOKEN.match(text, at)
        if token is None:
            raise not_valid(f"Syntax error at position {at}.")
        found.append((token.lastgroup or "", token[token.lastgroup or 0]))
        at = token.end()
    return found


def _literal(kind: str, word: str) -> Any:
    if kind == "text":
        return word[1:-1].replace("''", "'").casefold()
    if kind == "number":
        return float(word)
    if kind == "moment":
        return _moment(word)
    if word in _CONSTANTS:
        return _CONSTANTS[word]
    raise not_valid(f"'{word}' is no value.")


def _value(scope: Scope, path: str) -> Any:
    first, *rest = path.split("/")
    found = scope[first] if first in scope else scope["record"].get(first)
    for name in rest:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _compare(operator: str, value: Any, wanted: Any, *, is_moment: bool) -> bool:
    if is_moment:
        value = _moment(value) if value else None
    elif isinstance(value, str):
        value = value.casefold()
    if value is not None and wanted is not None and isinstance(value, str) != isinstance(wanted, str):
        raise not_valid("The types of the two sides are different.")
    return _COMPARE[operator](value, wanted)


def _moment(text: str) -> str:
    """In UTC to the millisecond; the sandbox writes and takes no other zone."""
    plain = text.upper().rstrip("Z")
    day, _, time = plain.partition("T")
    whole, _, part = (time or "00:00:00").partition(".")
    return f"{day}T{whole}.{part[:3]:0<3}"
