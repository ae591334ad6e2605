"""Which contact may a record be? Equal tax id, equal name, near name; computed over whole lists at once, in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rapidfuzz import fuzz

from crmsync.lib.text import NearIndex, company_key, exact_name
from integrations.enums import PairingWhy

EXACT = 100  # one contact alone fits, and no other record claims it
UNSURE = 99  # equal, but somebody else is as well
DOUBTFUL = 70  # of the same name, with another tax id
LOWEST = 75  # of near names that are worth showing
NEAR = 85.0  # of the words that two names share, before their other words count
MOST = 98  # a near name is never quite equal
OFFERED = 4


@dataclass(frozen=True, slots=True)
class Named:
    """A record or a contact: everything that it is called, and its tax id."""

    id: int
    names: tuple[str, ...]
    tax_id: str = ""


@dataclass(frozen=True, slots=True)
class Suggestion:
    contact: int
    why: PairingWhy
    score: int

    @property
    def is_exact(self) -> bool:
        return self.score == EXACT


@dataclass
class Directory:
    """The contacts, by whatever they can be found."""

    contacts: Mapping[int, Named]
    by_tax_id: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    by_name: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    near: NearIndex[tuple[int, int]] = field(default_factory=NearIndex)

    @classmethod
    def of(cls, contacts: Iterable[Named]) -> Directory:
        found = cls({each.id: each for each in contacts})
        for each in found.contacts.values():
            if code := code_of(each.tax_id):
                found.by_tax_id[code].append(each.id)
            for place, name in enumerate(distinct(each.names)):
                found.by_name[name].append(each.id)
                found.near.add((each.id, place), name)
        return found


def suggest(record: Named, directory: Directory) -> list[Suggestion]:
    """The best first, at most `OFFERED`."""
    found: dict[int, Suggestion] = {}
    for each in (*_by_tax_id(record, directory), *_by_name(record, directory), *_near(record, directory)):
        found.setdefault(each.contact, each)
    return sorted(found.values(), key=lambda each: (-each.score, _RANK[each.why], each.contact))[:OFFERED]


def code_of(tax_id: str) -> str:
    """A tax id without punctuation and country: "DK 13.58.56.28" and "13585628" are one."""
    code = "".join(char for char in tax_id.upper() if char.isalnum())
    return code[2:] if len(code) > 4 and code[:2].isalpha() and code[2:].isdigit() else code


def distinct(names: Sequence[str]) -> list[str]:
    return [name for name in dict.fromkeys(map(exact_name, names)) if name]


def _by_tax_id(record: Named, directory: Directory) -> Iterator[Suggestion]:
    code = code_of(record.tax_id)
    holders = directory.by_tax_id.get(code, []) if code else []
    for contact in holders:
        yield Suggestion(contact, PairingWhy.TAX_ID, EXACT if len(holders) == 1 else UNSURE)


def _by_name(record: Named, directory: Directory) -> Iterator[Suggestion]:
    holders = list(dict.fromkeys(contact for name in distinct(record.names) for contact in directory.by_name.get(name, ())))
    for contact in holders:
        alone = EXACT if len(holders) == 1 else UNSURE
        yield Suggestion(contact, PairingWhy.NAME, DOUBTFUL if _are_others(record, directory.contacts[contact]) else alone)


def _near(record: Named, directory: Directory) -> Iterator[Suggestion]:
    for name in distinct(record.names):
        key = company_key(name)
        for (contact, place), shared in directory.near.matches(name, NEAR)[: OFFERED * 3]:
            other = company_key(distinct(directory.contacts[contact].names)[place])
            score = round((shared + fuzz.ratio(key, other)) / 2)
            if score >= LOWEST:
                less = 10 if _are_others(record, directory.contacts[contact]) else 0
                yield Suggestion(contact, PairingWhy.NEAR, min(score, MOST) - less)


def _are_others(record: Named, contact: Named) -> bool:
    """Both have a tax id, and they differ: two companies of one name."""
    mine, theirs = code_of(record.tax_id), code_of(contact.tax_id)
    return bool(mine and theirs and mine != theirs)


_RANK = {PairingWhy.TAX_ID: 0, PairingWhy.NAME: 1, PairingWhy.NEAR: 2, PairingWhy.NONE: 3}
