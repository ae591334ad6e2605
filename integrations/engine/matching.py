"""Which contact is this record? Found, new or held for a person; never guessed.

A contact that already has a link to the same kind of record in this connection is no candidate (`taken`). One whose linked record
was lacking in this very fetch (`leaving`) may be losing it to this record, deleted and made anew: that is held until the next pull knows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from crmsync.lib.text import exact_name
from integrations.engine.types import Link, Reason, Ref, Remote

Key: TypeAlias = Callable[[Remote], str]
Taken: TypeAlias = Container[tuple[int, str]]  # (contact id, remote kind)
Doubled: TypeAlias = Container[tuple[str, str]]  # (remote kind, key)
ByKey: TypeAlias = Mapping[str, Sequence[int]]  # key -> contact ids


@dataclass(frozen=True, slots=True)
class Match:
    """One record's contact. Neither contact nor reason: it is new. With a reason: a person decides, among `candidates`.

    `by` names what made the match: manual, id, or the rule's name.
    """

    contact_id: int | None = None
    candidates: tuple[int, ...] = ()
    reason: Reason | None = None
    by: str = ""

    @property
    def is_new(self) -> bool:
        return self.contact_id is None and self.reason is None


@dataclass(frozen=True, slots=True)
class KeyRule:
    """Records and contacts that carry the same key are the same ("code", "tax_id", "number"). An empty key matches nothing.

    `sole`: keys of which there should be one record: where one of the contacts that carry it has its record, another one is held.
    """

    name: str
    key: Key
    contacts: ByKey
    doubled: Doubled = frozenset()
    sole: Container[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Bonds:
    """Which contacts are bound to a record of the kind already."""

    taken: Taken
    leaving: Taken

    def free(self, holders: Sequence[int], kind: str) -> tuple[int, ...]:
        bound = ((contact, (contact, kind)) for contact in dict.fromkeys(holders))
        return tuple(contact for contact, pair in bound if pair not in self.taken and pair not in self.leaving)

    def any_taken(self, holders: Sequence[int], kind: str) -> bool:
        return any((contact, kind) in self.taken for contact in holders)

    def any_leaving(self, holders: Sequence[int], kind: str) -> bool:
        return any((contact, kind) in self.leaving for contact in holders)


Rule: TypeAlias = Callable[[Sequence[Remote]], Mapping[Ref, Match]]


def name_key(remote: Remote) -> str:
    """Give the name as the exact-name rule compares it."""
    return exact_name(str(remote.party.fields.get("name") or ""))


def doubled_keys(keys: Iterable[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """List the (remote kind, key) pairs that occur more than once in the vendor's whole list."""
    return frozenset(pair for pair, times in Counter(keys).items() if times > 1 and pair[1])


def match_in_order(
    remotes: Sequence[Remote], *, links: Mapping[Ref, Link], rule: Rule, manual: Mapping[Ref, int] | None = None
) -> dict[Ref, Match]:
    """Match by a person's choice first, then by the record's id (its link), then by the rule."""
    known = {**_by_id(remotes, links), **_by_person(remotes, manual or {})}
    return {**rule([remote for remote in remotes if remote.ref not in known]), **known}


def match_by_exact_name(
    remotes: Sequence[Remote],
    *,
    organisations_by_key: ByKey,
    persons_by_key: ByKey,
    doubled_keys: Doubled,
    key: Key = name_key,
    taken: Taken = frozenset(),
    leaving: Taken = frozenset(),
) -> dict[Ref, Match]:
    """Match by equal name: organisations first, a person only when no organisation has the name and exactly one person has it."""
    bonds = _Bonds(taken, leaving)
    return {
        remote.ref: _by_name(remote, key(remote), organisations_by_key, persons_by_key, doubled=doubled_keys, bonds=bonds)
        for remote in remotes
    }


def match_by_keys(
    remotes: Sequence[Remote], *, rules: Sequence[KeyRule], taken: Taken = frozenset(), leaving: Taken = frozenset()
) -> dict[Ref, Match]:
    """Match by the first rule whose key somebody carries."""
    bonds = _Bonds(taken, leaving)
    return {remote.ref: _by_rules(remote, rules, bonds) for remote in remotes}


def _by_id(remotes: Iterable[Remote], links: Mapping[Ref, Link]) -> dict[Ref, Match]:
    found = ((remote.ref, links.get(remote.ref)) for remote in remotes)
    return {ref: Match(contact_id=link.contact_id, by="id") for ref, link in found if link and link.contact_id is not None}


def _by_person(remotes: Iterable[Remote], manual: Mapping[Ref, int]) -> dict[Ref, Match]:
    return {remote.ref: Match(contact_id=manual[remote.ref], by="manual") for remote in remotes if remote.ref in manual}


def _by_name(remote: Remote, key: str, organisations: ByKey, persons: ByKey, *, doubled: Doubled, bonds: _Bonds) -> Match:
    if not key:
        return Match(reason=Reason("no_name", {"id": remote.ref.id}))
    holders = organisations.get(key) or persons.get(key, ())
    return _decide(remote, key, holders, doubled=doubled, bonds=bonds, by="name")


def _by_rules(remote: Remote, rules: Sequence[KeyRule], bonds: _Bonds) -> Match:
    matches = (_by_rule(remote, rule, rule.key(remote), bonds) for rule in rules)
    return next((match for match in matches if not match.is_new), Match())


def _by_rule(remote: Remote, rule: KeyRule, key: str, bonds: _Bonds) -> Match:
    holders = rule.contacts.get(key, ())
    if key and key in rule.sole and bonds.any_taken(holders, remote.ref.kind):
        free = bonds.free(holders, remote.ref.kind)
        words = {"name": _label(remote), "id": remote.ref.id}
        return Match(candidates=free, reason=Reason("two_there" if free else "taken", words), by=rule.name)
    return _decide(remote, key, holders, doubled=rule.doubled, bonds=bonds, by=rule.name) if key else Match()


def _decide(remote: Remote, key: str, holders: Sequence[int], *, doubled: Doubled, bonds: _Bonds, by: str) -> Match:
    free = bonds.free(holders, remote.ref.kind)
    if (remote.ref.kind, key) in doubled:
        return Match(candidates=free, reason=Reason("two_there", {"name": _label(remote)}), by=by)
    if len(free) > 1:
        return Match(candidates=free, reason=Reason("two_here", {"name": _label(remote), "id": remote.ref.id}), by=by)
    if not free and bonds.any_leaving(holders, remote.ref.kind):
        return Match(candidates=tuple(holders), reason=Reason("perhaps_made_anew", {"name": _label(remote)}), by=by)
    return Match(contact_id=free[0], by=by) if free else Match()


def _label(remote: Remote) -> str:
    return name_key(remote) or remote.ref.id
