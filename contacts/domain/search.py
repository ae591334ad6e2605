"""Find contacts by words and facets, in order, a page at a time, quickly at any size and under row-level security.

Only `^@` and `=` on the token table may use an index there. Two ways, and a probe that chooses:
rare words: their contacts are read from the token index, then filtered and sorted (cost: number of hits);
common words: the ordered index is walked and each contact asked for the words (cost: number passed by), for WALK rows at most, since
hits may all stand at the far end; then the first way after all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from accounts.models import Workspace
from contacts.models import Contact
from crmsync.lib.text import clip, query_words

RARE = 3000
WALK = 3000
Sort = Literal["name", "changed", "since"]
ORDERS: dict[Sort, tuple[str, str, str]] = {
    "name": ("sort_name", "ASC", ">"),
    "changed": ("updated_at", "DESC", "<"),
    "since": ("updated_at", "ASC", ">"),
}


@dataclass(frozen=True, slots=True)
class Term:
    """One thing a contact must have: a word that begins so, or a whole token (tag)."""

    text: str
    whole: bool = False

    @property
    def sql(self) -> str:
        return "word = %s" if self.whole else "word ^@ %s"


@dataclass(frozen=True, slots=True)
class Key:
    """Where a page begins: the sort value and id of the contact before it."""

    value: str | datetime
    id: int


@dataclass(slots=True)
class Find:
    """What is asked for: `base` holds visibility and facets, `alternatives` is an OR of ANDs of terms. Keep it for page and count.

    `total` is known after a first page that was read through its hits: they are counted on the way.
    """

    base: QuerySet[Contact]
    workspace: Workspace
    alternatives: list[list[Term]] = field(default_factory=list)
    sort: Sort = "name"
    probed: list[list[int]] | None = None
    total: int | None = None


def terms(query: str, *, tags: Sequence[str] = ()) -> list[list[Term]]:
    """Alternatives for a typed query and tags; no words and no tags: no alternatives, that is everything."""
    wanted = [Term(clip(f"t:{tag}", 100), whole=True) for tag in tags]
    typed = [[Term(word) for word in _longest(words)] for words in query_words(query)] or [[]]
    found = [[*wanted, *words] for words in typed]
    return [choice for choice in found if choice]


def asks_for_nothing(query: str) -> bool:
    """Something was typed, but no letter or digit: nothing can be found by it."""
    return bool(query.strip()) and not query_words(query)


def _longest(words: Sequence[str]) -> list[str]:
    """Leave out a word that another one begins with ("an anna"), and all beyond eight."""
    kept = [word for word in words if not any(other != word and other.startswith(word) for other in words)]
    return sorted(kept, key=len, reverse=True)[:8]


def page_ids(find: Find, *, limit: int, after: Key | None = None, backwards: bool = False) -> list[int]:
    """Ids of the contacts behind `after` (before it when `backwards`), in reading order, at most `limit`."""
    base = _from(find, after, backwards=backwards)
    if not find.alternatives:
        ids = _first(base, find.sort, limit=limit, backwards=backwards)
    else:
        counts = _probe(find)
        if all(min(row) <= RARE for row in counts):
            ids = _by_token(find, base, counts, limit=limit, backwards=backwards)
        else:
            walked = _by_walk(find, base, limit=limit, backwards=backwards)
            ids = _by_token(find, base, counts, limit=limit, backwards=backwards) if walked is None else walked
    return ids[::-1] if backwards else ids


def count_up_to(find: Find, cap: int) -> int | None:
    """How many there are, `cap` + 1 when more; None when counting would cost more than it tells."""
    if not find.alternatives:
        return find.base.order_by()[: cap + 1].count()
    if find.total is not None:
        return min(find.total, cap + 1)
    counts = _probe(find)
    if any(min(row) > RARE for row in counts):
        return None
    hits, params = _hits(find, find.base, counts)
    [number] = _ids(f"SELECT count(*) FROM (SELECT fit.id {hits} LIMIT %s) x", [*params, cap + 1])
    return number


def _probe(find: Find) -> list[list[int]]:
    """How many tokens each term has, counted up to RARE + 1, in one statement."""
    if find.probed is not None:
        return find.probed
    flat = [term for choice in find.alternatives for term in choice]
    one = "(SELECT count(*) FROM (SELECT 1 FROM contacts_contacttoken WHERE workspace_id = %s AND {} LIMIT %s) x)"
    sql = "SELECT " + ", ".join(one.format(term.sql) for term in flat)
    params = [value for term in flat for value in (find.workspace.pk, term.text, RARE + 1)]
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        found = list(cursor.fetchone())
    find.probed = [[found.pop(0) for _ in choice] for choice in find.alternatives]
    return find.probed


def _candidates(find: Find, counts: Sequence[Sequence[int]]) -> tuple[str, list[Any]]:
    """SQL for the ids of contacts that have all terms of an alternative: the rarest term leads, the others are asked per contact.

    When even the rarest is common, the planner may join as it likes.
    """
    parts: list[str] = []
    params: list[Any] = []
    for choice, row in zip(find.alternatives, counts, strict=True):
        lead = choice[row.index(min(row))]
        others = [term for term in choice if term is not lead]
        asked = "".join(
            f" AND EXISTS (SELECT 1 FROM contacts_contacttoken o WHERE o.contact_id = t.contact_id AND o.{term.sql})" for term in others
        )
        parts.append(f"SELECT DISTINCT t.contact_id FROM contacts_contacttoken t WHERE t.workspace_id = %s AND t.{lead.sql}{asked}")
        params += [find.workspace.pk, lead.text, *(term.text for term in others)]
    return " UNION ".join(parts), params


def _has(contact: str, term: Term) -> str:
    """Asked per contact and never turned into a join: LIMIT makes it a look into one index, whatever the planner hopes for."""
    return f"(SELECT true FROM contacts_contacttoken o WHERE o.contact_id = {contact} AND o.{term.sql} LIMIT 1)"


def _exists(contact: str, term: Term) -> str:
    return f"EXISTS (SELECT 1 FROM contacts_contacttoken o WHERE o.contact_id = {contact} AND o.{term.sql})"


def _ids(sql: str, params: Sequence[Any]) -> list[int]:
    return [row[0] for row in _rows(sql, params)]


def _rows(sql: str, params: Sequence[Any]) -> list[tuple[int, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def _by_token(find: Find, base: QuerySet[Contact], counts: Sequence[Sequence[int]], *, limit: int, backwards: bool) -> list[int]:
    hits, params = _hits(find, base, counts)
    order = _order("fit.key", ORDERS[find.sort][1], backwards=backwards, id="fit.id")
    rows = _rows(f"SELECT fit.id, count(*) OVER () {hits} ORDER BY {order} LIMIT %s", [*params, limit])
    if base is find.base:
        find.total = rows[0][1] if rows else 0
    return [row[0] for row in rows]


def _hits(find: Find, base: QuerySet[Contact], counts: Sequence[Sequence[int]]) -> tuple[str, list[Any]]:
    """FROM clause of the contacts that have the terms and fit `base`: fit(id, key).

    OFFSET 0 keeps the planner from reading the whole workspace to join it with a few hits: each is read by its key.
    """
    sql, params = _candidates(find, counts)
    one = base.filter(pk=RawSQL("hits.id", [])).order_by().values_list("id", ORDERS[find.sort][0])
    facets, facet_params = one.query.sql_with_params()
    return f"FROM ({sql} OFFSET 0) hits(id) CROSS JOIN LATERAL ({facets} OFFSET 0) fit(id, key)", [*params, *facet_params]


def _by_walk(find: Find, base: QuerySet[Contact], *, limit: int, backwards: bool) -> list[int] | None:
    """Walk the ordered index; None when WALK contacts did not fill the page though there are more."""
    column, direction, _ = ORDERS[find.sort]
    rows, params = _ordered(base, find.sort, backwards=backwards).values_list("id", column)[:WALK].query.sql_with_params()
    asked = " OR ".join("(" + " AND ".join(_has("w.id", term) for term in choice) + ")" for choice in find.alternatives)
    words = [term.text for choice in find.alternatives for term in choice]
    order = _order("w.key", direction, backwards=backwards, id="w.id")
    found = _ids(f"SELECT w.id FROM ({rows}) w(id, key) WHERE {asked} ORDER BY {order} LIMIT %s", [*params, *words, limit])
    if len(found) < limit and len(_ids(f"SELECT id FROM ({rows}) w(id, key) OFFSET %s", [*params, WALK - 1])) == 1:
        return None
    return found


def _order(key: str, direction: str, *, backwards: bool, id: str) -> str:
    way = {"ASC": "DESC", "DESC": "ASC"}[direction] if backwards else direction
    return f"{key} {way}, {id} {way}"


def _first(base: QuerySet[Contact], sort: Sort, *, limit: int, backwards: bool) -> list[int]:
    return list(_ordered(base, sort, backwards=backwards).values_list("id", flat=True)[:limit])


def _ordered(base: QuerySet[Contact], sort: Sort, *, backwards: bool) -> QuerySet[Contact]:
    column, direction, _ = ORDERS[sort]
    sign = "-" if (direction == "DESC") != backwards else ""
    return base.order_by(f"{sign}{column}", f"{sign}id")


def _from(find: Find, after: Key | None, *, backwards: bool) -> QuerySet[Contact]:
    if after is None:
        return find.base
    column, _, sign = ORDERS[find.sort]
    beyond = "lt" if (sign == "<") != backwards else "gt"
    later = Q(**{f"{column}__{beyond}": after.value}) | Q(**{column: after.value, f"id__{beyond}": after.id})
    # The first condition says nothing new: it lets the index start at the key.
    return find.base.filter(Q(**{f"{column}__{beyond}e": after.value}) & later)
