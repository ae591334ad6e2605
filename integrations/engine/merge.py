"""Three-way merge, field by field: what both sides agreed on, what each says today, what has to be written where.

None, "", {} and an absent key are the same: empty. Without an agreement (link time) both sides count as having been empty, so that
an empty value never erases a filled one; with an agreement, emptying is a change like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from crmsync.lib.text import exact_name
from integrations.engine.provider import Direction, FieldMap, Mode
from integrations.engine.types import Base, Conflict, Fields

Winner: TypeAlias = Literal["crm", "remote", "ask"]
Pair: TypeAlias = tuple[Any, Any]

NAMES = frozenset({"name", "legal_name", "trade_name", "first_name", "last_name"})
# Punctuation is only a way to write them: 16.727.230/0001-97 is 16727230000197.
CODES = frozenset({"tax_id"})
# A contact without a name cannot be found or shown: the vendor's empty name says nothing here.
NEVER_EMPTIED_HERE = frozenset({"name"})
EMPTY_BASE = Base(ours={}, theirs={})


@dataclass(frozen=True, slots=True)
class MergeResult:
    """What to write on either side.

    `base` is the agreement once both sides are written; `pending` the one to keep while only `local` is (the rest is still to be sent).
    """

    local: Fields
    remote: Fields
    base: Base
    pending: Base
    conflicts: tuple[Conflict, ...] = ()

    @property
    def asks(self) -> tuple[Conflict, ...]:
        return tuple(conflict for conflict in self.conflicts if conflict.winner == "ask")


@dataclass(frozen=True, slots=True)
class _Case:
    """One field with everything known about it."""

    map: FieldMap
    ours: Any
    theirs: Any
    agreed_ours: Any
    agreed_theirs: Any

    @property
    def equal(self) -> bool:
        return same(self.map.ours, self.ours, self.theirs)

    @property
    def ours_changed(self) -> bool:
        return not same(self.map.ours, self.ours, self.agreed_ours)

    @property
    def theirs_changed(self) -> bool:
        if self.map.ours in NEVER_EMPTIED_HERE and is_empty(self.theirs):
            return False
        return not same(self.map.ours, self.theirs, self.agreed_theirs)

    @property
    def comes_in(self) -> bool:
        return self.map.direction is not Direction.OUT

    @property
    def goes_out(self) -> bool:
        return self.map.direction is not Direction.IN

    @property
    def would_break(self) -> bool:
        return self.map.required and is_empty(self.ours)


@dataclass(frozen=True, slots=True)
class _Step:
    """What one field needs. `agreed` None: the old agreement stays; `pending` likewise, until the vendor has been told."""

    local: bool = False
    remote: bool = False
    agreed: Pair | None = None
    pending: Pair | None = None
    winner: Winner | None = None


@dataclass(slots=True)
class _Draft:
    base: Base
    local: dict[str, Any] = field(default_factory=dict)
    remote: dict[str, Any] = field(default_factory=dict)
    agreed: dict[str, Pair] = field(default_factory=dict)
    pending: dict[str, Pair] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)

    def add(self, case: _Case, step: _Step) -> None:
        name = case.map.ours
        if step.local:
            self.local[name] = case.theirs
        if step.remote:
            self.remote[name] = case.ours
        if step.agreed is not None:
            self.agreed[name] = step.agreed
        if step.pending is not None:
            self.pending[name] = step.pending
        if step.winner is not None:
            self.conflicts.append(Conflict(field=name, ours=case.ours, theirs=case.theirs, winner=step.winner))

    def result(self) -> MergeResult:
        return MergeResult(
            local=self.local,
            remote=self.remote,
            base=_with_pairs(self.base, self.agreed),
            pending=_with_pairs(self.base, self.pending),
            conflicts=tuple(self.conflicts),
        )


def merge(fields: Sequence[FieldMap], *, base: Base | None, ours: Fields, theirs: Fields, policy: Winner) -> MergeResult:
    """Compare both sides with their agreement. `policy` decides where a field's own mode does not."""
    draft = _Draft(base=base or EMPTY_BASE)
    for each in fields:
        case = _case(each, draft.base, ours, theirs)
        draft.add(case, _step(case, policy))
    return draft.result()


def take_in(fields: Iterable[FieldMap], theirs: Fields) -> MergeResult:
    """Give what `merge` gives for a record that has nobody here yet, in one pass: a first sync asks it for every record."""
    local: dict[str, Any] = {}
    pairs: dict[str, Pair] = {}
    for each in fields:
        name, value = each.ours, clean(theirs.get(each.ours))
        if _comparable(name, value) == "":
            pairs[name] = ("", value)
        elif each.direction is not Direction.OUT:
            local[name], pairs[name] = value, (value, value)
        elif each.mode is Mode.FILL_IF_EMPTY:
            pairs[name] = ("", value)
    base = _with_pairs(EMPTY_BASE, pairs)
    return MergeResult(local=local, remote={}, base=base, pending=base)


def resolve(base: Base | None, conflict: Conflict, *, winner: Literal["crm", "remote"]) -> Base:
    """Record a person's answer to an open conflict: the next merge then sees a change of the winner's side only."""
    value = conflict.theirs if winner == "crm" else conflict.ours
    return _with_pairs(base or EMPTY_BASE, {conflict.field: (value, value)})


def read_back(base: Base, *, written: Iterable[str], kept: Fields) -> Base:
    """Correct the agreement by what the CRM made of the fields just written, so that its own spelling is no edit to be sent."""
    return _with_pairs(base, {name: (kept.get(name, ""), base.theirs.get(name)) for name in written})


def incoming_only(fields: Iterable[FieldMap]) -> tuple[FieldMap, ...]:
    """Give the field table of a record that we may only read."""
    return tuple(replace(each, direction=Direction.IN) for each in fields if each.direction is not Direction.OUT)


def outgoing_only(fields: Iterable[FieldMap]) -> tuple[FieldMap, ...]:
    """Give the field table of a record whose values we do not take in."""
    return tuple(replace(each, direction=Direction.OUT) for each in fields if each.direction is not Direction.IN)


def same(name: str, one: Any, other: Any) -> bool:
    """Tell whether two values of a field say the same."""
    return one == other or bool(_comparable(name, one) == _comparable(name, other))


def is_empty(value: Any) -> bool:
    """Tell whether a value says nothing."""
    return clean(value) in ("", {}, [])


def clean(value: Any) -> Any:
    """Trim text, drop empty parts, turn None into ""."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, dict | Mapping):  # a plain dictionary is told ten times quicker than a mapping
        return {key: part for key, part in ((key, clean(part)) for key, part in value.items()) if part not in ("", {}, [])}
    return value


def _comparable(name: str, value: Any) -> Any:
    cleaned = clean(value)
    if cleaned in ("", {}, []):
        return ""
    if name in CODES and isinstance(cleaned, str):
        return "".join(char for char in cleaned if char.isalnum()).upper() or cleaned
    return exact_name(cleaned) if name in NAMES and isinstance(cleaned, str) else cleaned


def _case(each: FieldMap, base: Base, ours: Fields, theirs: Fields) -> _Case:
    name = each.ours
    return _Case(
        map=each,
        ours=clean(ours.get(name)),
        theirs=clean(theirs.get(name)),
        agreed_ours=base.ours.get(name),
        agreed_theirs=base.theirs.get(name),
    )


def _step(case: _Case, policy: Winner) -> _Step:
    if case.equal:
        return _agreed((case.ours, case.theirs))
    if case.map.mode is Mode.FILL_IF_EMPTY:
        return _fill(case)
    if case.ours_changed and case.theirs_changed:
        return _clash(case, _winner(case.map.mode, policy))
    if case.ours_changed:
        return _outward(case)
    return _inward(case) if case.theirs_changed else _Step()


def _winner(mode: Mode, policy: Winner) -> Winner:
    modes: dict[Mode, Winner] = {Mode.CRM_WINS: "crm", Mode.REMOTE_WINS: "remote", Mode.ASK: "ask"}
    return modes.get(mode, policy)


def _agreed(pair: Pair, *, local: bool = False, winner: Winner | None = None) -> _Step:
    return _Step(local=local, agreed=pair, pending=pair, winner=winner)


def _inward(case: _Case) -> _Step:
    return _agreed((case.theirs, case.theirs), local=True) if case.comes_in else _Step()


def _outward(case: _Case) -> _Step:
    if not case.goes_out:
        return _Step()  # stays a change of ours, so that the conflict rule protects it from the next change of theirs
    if case.would_break:
        return _Step(winner="ask")
    return _Step(remote=True, agreed=(case.ours, case.ours))


def _clash(case: _Case, winner: Winner) -> _Step:
    if winner == "ask" or (winner == "crm" and case.goes_out and case.would_break):
        return _Step(winner="ask")
    if winner == "crm":
        return _ours_win(case)
    # Where theirs may not come in, their value stays a known difference.
    pair = (case.theirs, case.theirs) if case.comes_in else (case.ours, case.ours)
    return _agreed(pair, local=case.comes_in, winner="remote")


def _ours_win(case: _Case) -> _Step:
    # Until ours is sent the agreement is theirs: whatever is typed here meanwhile, also the old value, is then still sent.
    theirs = (case.theirs, case.theirs)
    if not case.goes_out:
        return _agreed(theirs, winner="crm")
    return _Step(remote=True, agreed=(case.ours, case.ours), pending=theirs, winner="crm")


def _fill(case: _Case) -> _Step:
    if case.comes_in and case.theirs_changed and is_empty(case.ours):
        return _agreed((case.theirs, case.theirs), local=True)
    if case.goes_out and case.ours_changed and is_empty(case.theirs):
        return _Step(remote=True, agreed=(case.ours, case.ours))
    return _agreed((case.ours, case.theirs))  # seen and left as they are: nobody's value is overwritten


def _with_pairs(base: Base, pairs: Mapping[str, Pair]) -> Base:
    ours = {name: pair[0] for name, pair in pairs.items()}
    theirs = {name: pair[1] for name, pair in pairs.items()}
    return Base(ours={**base.ours, **ours}, theirs={**base.theirs, **theirs})
