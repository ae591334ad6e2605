"""The two sides of the world: a lossy vendor, the rows that the edge stores, and the auditor.

The auditor knows nothing of agreements: it watches what each side held when the pair was last looked at, and objects when a value travels
that nobody typed, or when a typed one vanishes unsaid.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from integrations.engine.merge import same
from integrations.engine.provider import Direction
from integrations.engine.types import Base, Conflict, Kind, LinkState, Party, Reason, Ref, Remote
from tests.engine import builders

FIELDS = (builders.field("name", required=True), builders.field("email"), builders.field("phone"), builders.field("website", Direction.IN))
NAMES = [each.ours for each in FIELDS]
READ_ONLY = frozenset({"supplier"})


@dataclass(frozen=True)
class Mechanisms:
    """What keeps the two sides together. A test switches each off and expects the auditor to notice."""

    base: bool = True  # remember the agreement
    settle: bool = True  # agree on what the vendor stored, not on what was sent
    pending: bool = True  # agree on what was not sent yet only when it is
    fresh: bool = True  # forget staged readings that a push has overtaken
    look_up: bool = True  # look for the record before creating it again


@dataclass
class Record:
    fields: dict[str, Any]
    version: int = 1
    origin: tuple[int, int] | None = None  # the contact and the export that made it


class Vendor:
    def __init__(self) -> None:
        self.records: dict[Ref, Record] = {}
        self.writes = 0
        self._ids = 0

    def create(self, kind: str, fields: dict[str, Any], origin: tuple[int, int] | None = None) -> Ref:
        self._ids += 1
        ref = Ref(kind, str(self._ids))
        self.records[ref] = Record(self._kept(fields), origin=origin)
        return ref

    def update(self, ref: Ref, changes: dict[str, Any]) -> None:
        record = self.records[ref]
        record.fields = self._kept({**record.fields, **changes})
        record.version += 1

    def read(self, ref: Ref) -> Remote:
        record = self.records[ref]
        return Remote(ref, Party(Kind.ORGANISATION, dict(record.fields)), str(record.version))

    @staticmethod
    def _kept(fields: dict[str, Any]) -> dict[str, Any]:
        return {name: str(fields.get(name) or "") for name in NAMES} | {"email": str(fields.get("email") or "").lower(), "phone": ""}


@dataclass
class Row:
    """A link as stored."""

    state: LinkState
    contact_id: int | None = None
    base: Base | None = None
    version: str = ""
    reason: Reason | None = None
    conflicts: tuple[Conflict, ...] = ()
    missed: int = 0


@dataclass
class Waiting:
    """An outbox row."""

    create: int = 0  # number of the export
    in_doubt: bool = False
    known: frozenset[Ref] = frozenset()
    sent: dict[str, Any] = field(default_factory=dict)
    stuck: Reason | None = None


@dataclass
class Auditor:
    """What each side held when the pair was last looked at, copied. `decided`: (record, field) that a rule or a person spoke on."""

    ours: dict[Ref, dict[str, Any]] = field(default_factory=dict)
    theirs: dict[Ref, dict[str, Any]] = field(default_factory=dict)
    decided: set[tuple[Ref, str]] = field(default_factory=set)
    newest: dict[Ref, int] = field(default_factory=dict)

    def reading(self, remote: Remote) -> None:
        newest = self.newest.get(remote.ref, 0)
        assert int(remote.version) >= newest, f"an old reading of {remote.ref} was taken after a newer one"
        self.newest[remote.ref] = int(remote.version)

    def incoming(self, ref: Ref, name: str, before: Any, after: Any, conflicts: Sequence[Conflict]) -> None:
        said = (ref, name) in self.decided or any(each.field == name for each in conflicts)
        assert said or self._moved(self.theirs, ref, name, after), f"{name} came in from {ref} although nobody changed it there"
        lost = self._moved(self.ours, ref, name, before) and not same(name, before, "") and not self._taken_back(ref, name, before)
        assert said or not lost, f"the edit of {name} here was overwritten unsaid"

    def outgoing(self, ref: Ref, name: str, before: Any, after: Any, conflicts: Sequence[Conflict]) -> None:
        said = (ref, name) in self.decided or any(each.field == name for each in conflicts)
        assert said or self._moved(self.ours, ref, name, after), f"{name} was sent to {ref} although nobody changed it here"
        lost = self._moved(self.theirs, ref, name, before) and not same(name, before, "")
        assert said or not lost, f"the edit of {name} there was overwritten unsaid"

    def looked(self, ref: Ref, ours: dict[str, Any], theirs: dict[str, Any], *, asks: Iterable[str], unsent: Iterable[str]) -> None:
        # An edit that cannot be sent stays one: typing the agreed value again takes it back.
        kept = {name for name in self._only_come_in(ref) if not same(name, ours.get(name), theirs.get(name))}
        waits, asked = {*asks, *unsent, *kept}, {*asks}
        self.ours.setdefault(ref, {}).update({name: value for name, value in ours.items() if name not in waits})
        self.theirs.setdefault(ref, {}).update({name: value for name, value in theirs.items() if name not in asked})
        self.decided = {pair for pair in self.decided if pair[0] != ref or pair[1] in waits}

    def _taken_back(self, ref: Ref, name: str, value: Any) -> bool:
        """An edit that cannot be sent has been undone by typing what that side said last: from then on it is followed again."""
        return name in self._only_come_in(ref) and same(name, self.theirs.get(ref, {}).get(name), value)

    @staticmethod
    def _only_come_in(ref: Ref) -> list[str]:
        return [each.ours for each in FIELDS if ref.kind in READ_ONLY or each.direction is Direction.IN]

    def forget(self, ref: Ref) -> None:
        self.ours.pop(ref, None)
        self.theirs.pop(ref, None)
        self.decided = {pair for pair in self.decided if pair[0] != ref}

    @staticmethod
    def _moved(side: dict[Ref, dict[str, Any]], ref: Ref, name: str, value: Any) -> bool:
        return not same(name, side.get(ref, {}).get(name), value)
