"""Filters of both surfaces: `name$eq:value`, joined by `$and:` / `$or:`; whatever mixes the two is bracketed."""

from __future__ import annotations

from collections.abc import Iterable

NULL = "$null:"


def escape(value: str) -> str:
    """A value that is text: `$` and brackets would end it. Square brackets stay: escaping them matches nothing."""
    return "".join(f"${char}" if char in "$()*," else char for char in value)


def clause(name: str, operator: str, value: str | int) -> str:
    return f"{name}${operator}:{escape(value) if isinstance(value, str) else value}"


def all_of(*clauses: str) -> str:
    return "$and:".join(_bracketed(each, "$or:") for each in clauses if each)


def any_of(*clauses: str) -> str:
    return "$or:".join(_bracketed(each, "$and:") for each in clauses if each)


def one_of(name: str, numbers: Iterable[int]) -> str:
    """At most 200 numbers."""
    return f"{name}$in:[{','.join(map(str, numbers))}]"


def _bracketed(each: str, other: str) -> str:
    # An escaped "$" cannot look like a joint: it is doubled.
    return f"({each})" if other in each.replace("$$", "") else each
