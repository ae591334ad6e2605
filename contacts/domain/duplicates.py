"""Offer contacts whose names are near: found through rare words of the search index, scored in memory, never merged by themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import islice

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import Membership, Workspace
from contacts.domain.visibility import may_see
from contacts.enums import Kind
from contacts.models import Contact, Duplicate
from crmsync.lib.text import NearIndex, clip, company_key, fold, person_key

CUTOFF = 90
RARE = 200
WORDS_LOOKED_UP = 3
LONE_WORD = 6
BEST = 5
OFFERED = 3
BATCH = 500
MANY = 200
COUNT_SQL = """
SELECT w.word, (
  SELECT count(*) FROM (SELECT 1 FROM contacts_contacttoken t WHERE t.workspace_id = %s AND t.word = w.word LIMIT %s) x
) FROM unnest(%s::text[]) AS w(word)
"""
NEAR_SQL = """
SELECT c.id, c.name, c.kind FROM unnest(%s::text[]) AS w(word)
CROSS JOIN LATERAL (
  SELECT DISTINCT t.contact_id FROM contacts_contacttoken t WHERE t.workspace_id = %s AND t.word {} w.word LIMIT %s
) t JOIN contacts_contact c ON c.id = t.contact_id AND c.deleted_at IS NULL
"""
WHOLE_WORD, BEGINNING = NEAR_SQL.format("="), NEAR_SQL.format("^@")


@dataclass(frozen=True, slots=True)
class _New:
    id: int
    name: str
    kind: str

    @property
    def words(self) -> list[str]:
        return key_of(self.name, self.kind).split()


def key_of(name: str, kind: str) -> str:
    return company_key(name) if kind == Kind.ORGANISATION else person_key(name)


def suggest(workspace: Workspace, contact_ids: Sequence[int], *, source: str = "") -> int:
    """Look for live contacts named like these and offer the pairs; a few statements per 500 contacts. Returns the number of new pairs.

    Many are compared with every name at once: reading all names costs less then than looking so many words up.
    """
    if len(contact_ids) > MANY:
        return _suggest_among_all(workspace, contact_ids, source=source)
    return sum(_suggest_batch(workspace, contact_ids[start : start + BATCH], source=source) for start in range(0, len(contact_ids), BATCH))


def _suggest_among_all(workspace: Workspace, contact_ids: Sequence[int], *, source: str) -> int:
    wanted = set(contact_ids)
    pairs: dict[tuple[int, int], int] = {}
    for kind in Kind.values:
        rows = Contact.objects.filter(workspace=workspace, kind=kind, deleted_at=None).values_list("pk", "name")
        pairs |= _pairs(wanted, rows.iterator(chunk_size=2000), kind=kind)
    return _keep(workspace, pairs, source=source)


def _suggest_batch(workspace: Workspace, contact_ids: Sequence[int], *, source: str) -> int:
    rows = Contact.objects.filter(workspace=workspace, pk__in=contact_ids, deleted_at=None).values_list("pk", "name", "kind")
    new = [_New(*row) for row in rows]
    pairs: dict[tuple[int, int], int] = {}
    for kind in Kind.values:
        mine = [contact for contact in new if contact.kind == kind]
        if mine:
            names = {contact.id: contact.name for contact in mine} | _candidates(workspace, mine, kind=kind)
            pairs |= _pairs({contact.id for contact in mine}, names.items(), kind=kind)
    return _keep(workspace, pairs, source=source)


def _candidates(workspace: Workspace, new: Sequence[_New], *, kind: str) -> dict[int, str]:
    """Live contacts of the kind that share a rare word, the beginning of a lone word, or the whole name with one of `new`."""
    counts = _counts(workspace, {word for contact in new for word in contact.words})
    rare: set[str] = set()
    common: list[str] = []
    for contact in new:
        chosen = sorted((word for word in contact.words if 0 < counts.get(word, 0) <= RARE), key=lambda word: counts[word])
        rare.update(chosen[:WORDS_LOOKED_UP])
        if not chosen:
            common.append(contact.name)
    lone = {contact.words[0][:4] for contact in new if len(contact.words) == 1 and len(contact.words[0]) >= LONE_WORD}
    found = [*_near(WHOLE_WORD, workspace, rare), *_near(BEGINNING, workspace, lone), *_of_same_name(workspace, common)]
    return {pk: name for pk, name, found_kind in found if found_kind == kind}


def _counts(workspace: Workspace, words: Iterable[str]) -> Mapping[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(COUNT_SQL, [workspace.pk, RARE + 1, sorted(words)])
        return dict(cursor.fetchall())


def _near(sql: str, workspace: Workspace, words: Iterable[str]) -> Iterator[tuple[int, str, str]]:
    wanted = sorted(words)
    if wanted:
        with connection.cursor() as cursor:
            cursor.execute(sql, [wanted, workspace.pk, RARE])
            yield from cursor.fetchall()


def _of_same_name(workspace: Workspace, names: Sequence[str]) -> list[tuple[int, str, str]]:
    """People of everyday names ("Maria Silva") are offered only when the whole name is the same but for case and accents."""
    if not names:
        return []
    folded = sorted({clip(fold(name), 300) for name in names})
    same = Contact.objects.filter(workspace=workspace, sort_name__in=folded, deleted_at=None)
    return list(same.values_list("pk", "name", "kind")[: RARE * 10])


def _pairs(new: Set[int], names: Iterable[tuple[int, str]], *, kind: str) -> dict[tuple[int, int], int]:
    """The best pairs of the new ones among these names; only the index holds on to a name, whatever their number.

    Of two new ones the later looks for the earlier: a pair is scored once.
    """
    index: NearIndex[int] = NearIndex(key=company_key if kind == Kind.ORGANISATION else person_key)
    mine: list[int] = []
    for pk, name in names:
        index.add(pk, name)
        if pk in new:
            mine.append(pk)
    pairs: dict[tuple[int, int], int] = {}
    waiting = set(mine)
    for pk in mine:
        waiting.discard(pk)
        alike = index.others(pk, CUTOFF, without=waiting)
        telling = (match for match in alike if _is_telling(kind, index.key(pk), index.key(match[0])))
        for other, score in islice(telling, BEST):
            pairs[min(other, pk), max(other, pk)] = round(score)
    return pairs


def _is_telling(kind: str, key: str, other: str) -> bool:
    """A first name alone says nothing about a person: "Maria" is no duplicate of every Maria."""
    return kind == Kind.ORGANISATION or key == other or (" " in key and " " in other)


def _keep(workspace: Workspace, pairs: Mapping[tuple[int, int], int], *, source: str) -> int:
    """Store new pairs; one that is known, also a dismissed one, stays as it is."""
    rows = [(first, second, score) for (first, second), score in sorted(pairs.items())]
    if not rows:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO contacts_duplicate (workspace_id, first_id, second_id, score, source, created_at)"
            " SELECT %s, first, second, score, %s, %s FROM unnest(%s::bigint[], %s::bigint[], %s::smallint[]) AS p(first, second, score)"
            " ON CONFLICT (workspace_id, first_id, second_id) DO NOTHING",
            [workspace.pk, source[:120], timezone.now(), *(list(column) for column in zip(*rows, strict=True))],
        )
        return int(cursor.rowcount)


def open_pairs(membership: Membership) -> QuerySet[Duplicate]:
    """Pairs that wait for a decision and whose two sides this member may see."""
    waiting = Duplicate.objects.filter(workspace=membership.workspace, dismissed_at=None, first__deleted_at=None, second__deleted_at=None)
    return waiting.filter(may_see(membership, prefix="first__"), may_see(membership, prefix="second__"))


def dismiss(membership: Membership, pair_id: int) -> bool:
    """Remember that the two differ."""
    pair = open_pairs(membership).filter(pk=pair_id).values("pk")
    return bool(Duplicate.objects.filter(workspace=membership.workspace, pk__in=pair).update(dismissed_at=timezone.now()))


def of_contact(membership: Membership, contact: Contact) -> list[Contact]:
    """Contacts that may be the same as this one."""
    pairs = open_pairs(membership).filter(Q(first=contact) | Q(second=contact)).select_related("first", "second")
    return [pair.second if pair.first_id == contact.pk else pair.first for pair in pairs.order_by("-score", "-id")[:OFFERED]]
