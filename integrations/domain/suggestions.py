"""Which contact may a record be? Equal tax id, equal name, near name; computed over whole lists at once, in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from rapidfuzz import fuzz

from crmsync.lib.text import NearIndex, company_key, exact_name
from integrations.domain.keys import code_of
from integrations.enums import PairingWhy

EXACT = 100  # one contact alone fits, and no other record claims it
UNSURE = 99  # equal, but somebody else is as well
DOUBTFUL = 70  # of the same name, with another tax id
LOWEST = 75  # of near names that are worth showing
NEAR = 85.0  # of the words that two names share, before their other words count
MOST = 98  # a near name is never quite equal
OFFERED = 4


class Named:
    """A record or a contact: everything that it is called, and its tax id, in the forms that are compared."""

    __slots__ = ("code", "id", "keys", "names")

    def __init__(self, id: int, names: Iterable[str], tax_id: str = "") -> None:
        self.id = id
        self.names = tuple(name for name in dict.fromkeys(map(exact_name, names)) if name)
        self.keys = tuple(key for key in dict.fromkeys(map(company_key, self.names)) if key)
        self.code = code_of(tax_id)


@dataclass(frozen=True, slots=True)
class Suggestion:
    contact: int
    why: PairingWhy
    score: int


@dataclass
class Directory:
    """The contacts, by whatever they can be found."""

    contacts: Mapping[int, Named]
    by_code: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    by_name: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    near: NearIndex[tuple[int, str]] = field(default_factory=lambda: NearIndex(key=str))

    @classmethod
    def of(cls, contacts: Iterable[Named]) -> Directory:
        found = cls({each.id: each for each in contacts})
        for each in found.contacts.values():
            if each.code:
                found.by_code[each.code].append(each.id)
            for name in each.names:
                found.by_name[name].append(each.id)
            for key in each.keys:
                found.near.add((each.id, key), key)
        return found


def suggest(record: Named, directory: Directory) -> list[Suggestion]:
    """The best first, at most `OFFERED`. Where one contact fits exactly, nobody looks for names that are only near."""
    found: dict[int, Suggestion] = {}
    for each in (*_by_code(record, directory), *_by_name(record, directory)):
        found.setdefault(each.contact, each)
    if not any(each.score == EXACT for each in found.values()):
        for each in _near(record, directory):
            found.setdefault(each.contact, each)
    return sorted(found.values(), key=lambda each: (-each.score, _RANK[each.why], each.contact))[:OFFERED]


def _by_code(record: Named, directory: Directory) -> Iterator[Suggestion]:
    holders = directory.by_code.get(record.code, []) if record.code else []
    for contact in holders:
        yield Suggestion(contact, PairingWhy.TAX_ID, EXACT if len(holders) == 1 else UNSURE)


def _by_name(record: Named, directory: Directory) -> Iterator[Suggestion]:
    holders = list(dict.fromkeys(contact for name in record.names for contact in directory.by_name.get(name, ())))
    alone = EXACT if len(holders) == 1 else UNSURE
    for contact in holders:
        yield Suggestion(contact, PairingWhy.NAME, DOUBTFUL if _are_others(record, directory.contacts[contact]) else alone)


def _near(record: Named, directory: Directory) -> list[Suggestion]:
    best: dict[int, int] = {}
    for key in record.keys:
        for (contact, other), shared in directory.near.matches(key, NEAR)[: OFFERED * 3]:
            best[contact] = max(best.get(contact, 0), round((shared + fuzz.ratio(key, other)) / 2))
    return [
        Suggestion(contact, PairingWhy.NEAR, min(score, MOST) - (10 if _are_others(record, directory.contacts[contact]) else 0))
        for contact, score in best.items()
        if score >= LOWEST
    ]


def _are_others(record: Named, contact: Named) -> bool:
    """Both have a tax id, and they differ: two companies of one name."""
    return bool(record.code and contact.code and record.code != contact.code)


_RANK = {PairingWhy.TAX_ID: 0, PairingWhy.NAME: 1, PairingWhy.NEAR: 2, PairingWhy.NONE: 3}
