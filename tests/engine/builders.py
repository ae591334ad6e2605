"""Short spellings of the engine's values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.engine.merge import Winner
from integrations.engine.provider import Direction, FieldMap, Mode
from integrations.engine.types import Base, Kind, Link, LinkState, Local, Party, Ref, Remote


def field(ours: str, direction: Direction = Direction.BOTH, mode: Mode = Mode.CONNECTION, *, required: bool = False) -> FieldMap:
    return FieldMap(ours=ours, theirs=ours, label=ours.replace("_", " ").capitalize(), direction=direction, mode=mode, required=required)


NAME = field("name", required=True)
EMAIL = field("email")
ADDRESS = field("address", required=True)
FIELDS = (NAME, EMAIL, ADDRESS)
LONDON = {"line1": "1 High Street", "line2": "Soho", "postcode": "W1", "country": "GB"}


def client(id: str, name: str, *, kind: str = "client", version: str = "1", parent: Ref | None = None, **fields: Any) -> Remote:
    party = Party(kind=Kind.ORGANISATION, fields={"name": name, **fields})
    return Remote(ref=Ref(kind, id), party=party, version=version, parent=parent)


def contact(id: int, name: str, *, deleted: bool = False, kind: Kind = Kind.ORGANISATION, **fields: Any) -> Local:
    return Local(id=id, kind=kind, fields={"name": name, **fields}, version=1, deleted=deleted)


def agreed(name: str, **fields: Any) -> Base:
    return Base(ours={"name": name, **fields}, theirs={"name": name, **fields})


def link(
    id: str,
    contact_id: int | None,
    base: Base | None = None,
    *,
    state: LinkState = LinkState.LINKED,
    kind: str = "client",
    version: str = "1",
) -> Link:
    return Link(ref=Ref(kind, id), state=state, contact_id=contact_id, base=base, version=version)


def by_ref(*links: Link) -> dict[Ref, Link]:
    return {each.ref: each for each in links}


def by_id(*contacts: Local) -> dict[int, Local]:
    return {each.id: each for each in contacts}


def one(value: Any, name: str = "email") -> Mapping[str, Any]:
    return {} if value is None else {name: value}


def pair(ours: Any, theirs: Any, name: str = "email") -> Base:
    return Base(ours=one(ours, name), theirs=one(theirs, name))


WINNERS: tuple[Winner, ...] = ("crm", "remote", "ask")
