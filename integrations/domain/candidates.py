"""Which contact is a record without a link? The provider's rules, or else the exact name; a fixed number of queries per batch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection as database
from django.db.models import QuerySet

from contacts.domain.store import live
from contacts.models import Contact, ContactToken
from crmsync.lib.taxids import check_tax_id
from crmsync.lib.text import clip, exact_name
from integrations import registry
from integrations.domain.keys import PLAIN_KEYS, folded, plain_key, shared_keys, staged_key
from integrations.domain.reach import is_complete
from integrations.domain.seen import seen_among
from integrations.engine.capabilities import MatchBy
from integrations.engine.matching import Key, KeyRule, Match, doubled_keys, match_by_exact_name, match_by_keys, name_key
from integrations.engine.types import Kind, Reason, Ref, Remote
from integrations.enums import LinkState, OutboxState
from integrations.models import Link, Outbox, Run

Claim = tuple[int, str]
Homes = Mapping[Ref, int]  # record of an organisation -> its contact
Held = tuple[dict[str, list[int]], frozenset[str]]
Carrier = tuple[int, int | None, datetime, str]  # contact, its organisation, since when it is here, the plain key


@dataclass(frozen=True, slots=True)
class Found:
    """What became of a batch's records without a link, and every contact that came into question."""

    matches: Mapping[Ref, Match]
    contacts: frozenset[int] = frozenset()


def find(run: Run, remotes: Sequence[Remote], homes: Homes, *, reuses_ids: bool = False) -> Found:
    """`homes`: the contacts of the organisations that the records belong to."""
    if not remotes:
        return Found({})
    kind = remotes[0].ref.kind
    ways = [way for way in registry.manifest(run.connection.provider).match_by if way.remote_kind == kind]
    found = _by_rules(run, remotes, ways, homes, reuses_ids=reuses_ids) if ways else _by_name(run, remotes)
    return Found({**found.matches, **_being_sent(run, remotes)}, found.contacts)


def _by_name(run: Run, remotes: Sequence[Remote]) -> Found:
    keys = {name_key(remote) for remote in remotes}
    rows = live(run.workspace).filter(exact_name__any=keys - {""}).order_by("pk").values_list("pk", "kind", "exact_name")
    by_kind: dict[str, dict[str, list[int]]] = {Kind.ORGANISATION: defaultdict(list), Kind.PERSON: defaultdict(list)}
    for pk, kind, key in rows:
        by_kind[kind][key].append(pk)
    ids = frozenset(row[0] for row in rows)
    taken, leaving = _bound(run, ids)
    found = match_by_exact_name(
        remotes,
        organisations_by_key=by_kind[Kind.ORGANISATION],
        persons_by_key=by_kind[Kind.PERSON],
        doubled_keys=_doubled(run, keys),
        taken=taken,
        leaving=leaving,
    )
    return Found(found, ids)


def _by_rules(run: Run, remotes: Sequence[Remote], ways: Sequence[MatchBy], homes: Homes, *, reuses_ids: bool) -> Found:
    rules = [_rule(run, way, remotes, homes) for way in ways]
    ids = frozenset(pk for rule in rules for holders in rule.contacts.values() for pk in holders)
    taken, leaving = _bound(run, ids, renumbered={name_key(remote) for remote in remotes} if reuses_ids else frozenset())
    return Found(match_by_keys(remotes, rules=rules, taken=taken, leaving=leaving), ids)


def _rule(run: Run, way: MatchBy, remotes: Sequence[Remote], homes: Homes) -> KeyRule:
    """Keys that nobody here carried before this run say nothing, however often they occur over there."""
    found_by = _key(way, homes)
    known = {remote.ref: found_by(remote) for remote in remotes}  # each is asked for five times

    def key(remote: Remote) -> str:
        return known[remote.ref]

    keys = set(known.values()) - {""}
    contacts, carried = _holders(run, way, keys, kind=remotes[0].party.kind, homes=homes) if keys else ({}, frozenset[str]())
    twice = doubled_keys((remote.ref.kind, key(remote)) for remote in remotes)
    if way.field == "name" and not way.within_parent:
        twice |= _doubled(run, set(carried))
    else:
        twice |= _elsewhere(run, way, [remote for remote in remotes if key(remote) in carried], key)
    sole = carried if way.field == "tax_id" else frozenset[str]()
    return KeyRule(way.field, key, contacts, frozenset(pair for pair in twice if pair[1] in carried), sole)


def _elsewhere(run: Run, way: MatchBy, remotes: Sequence[Remote], key: Key) -> frozenset[tuple[str, str]]:
    """Keys that records of other batches have, too."""
    kept = {remote.ref: staged_key(way, remote) for remote in remotes}
    shared = shared_keys(run, remotes[0].ref.kind, set(kept.values()) - {""}) if remotes else frozenset()
    return frozenset((remote.ref.kind, key(remote)) for remote in remotes if kept[remote.ref] in shared)


def _key(way: MatchBy, homes: Homes) -> Key:

    def within(remote: Remote) -> str:
        home = homes.get(remote.parent) if remote.parent else None
        value = plain_key(way, remote)
        return f"{home}:{value}" if home and value else ""

    return within if way.within_parent else lambda remote: plain_key(way, remote)


def _holders(run: Run, way: MatchBy, keys: Collection[str], *, kind: Kind, homes: Homes) -> Held:
    """Live contacts of the kind by their key, and which keys somebody carried before this run; one query."""
    rows = live(run.workspace).filter(kind=kind.value)
    values = {key.partition(":")[2] for key in keys} if way.within_parent else set(keys)
    if way.within_parent:
        rows = rows.filter(organisation__any=set(homes.values()))
    found: dict[str, list[int]] = defaultdict(list)
    carried: set[str] = set()
    for pk, home, since, value in _rows(run, rows, way.field, values):
        key = f"{home}:{value}" if way.within_parent else value
        if key in keys:
            found[key].append(pk)
            carried |= {key} if run.started_at is None or since < run.started_at else set()
    return dict(found), frozenset(carried)


def _rows(run: Run, rows: QuerySet[Contact], field: str, values: Collection[str]) -> list[Carrier]:
    if field == "email":
        return _by_email(run, rows, values)
    column = "exact_name" if field == "name" else field
    listed = _spellings(values) if field == "tax_id" else values
    if field == "tax_id":
        rows = rows.exclude(tax_id="")  # says that the index over filled ones will do
    plain = PLAIN_KEYS.get(field, folded)
    found = rows.filter(**{f"{column}__any": list(listed)}).order_by("pk").values_list("pk", "organisation", "created_at", column)
    return [(pk, home, since, plain(value)) for pk, home, since, value in found]


def _by_email(run: Run, rows: QuerySet[Contact], values: Collection[str]) -> list[Carrier]:
    """First who has such an address, then who of them comes into question: as a join it reads every contact of a new workspace."""
    words = [clip(f"e:{value}", 100) for value in values]
    tokens = ContactToken.objects.filter(workspace_id=run.workspace_id, word__any=words).order_by("contact").values_list("contact", "word")
    held = list(tokens)
    here = {
        pk: (home, since)
        for pk, home, since in rows.filter(pk__any={pk for pk, _word in held}).values_list("pk", "organisation", "created_at")
    }
    return [(pk, *here[pk], word.removeprefix("e:")) for pk, word in held if pk in here]


def _spellings(codes: Collection[str]) -> set[str]:
    """The ways in which a tax id is usually kept."""
    shown = {check_tax_id(code, "BR").display for code in codes}
    return {*codes, *(code.lower() for code in codes), *shown, *(f"DK{code}" for code in codes)}


def _being_sent(run: Run, remotes: Sequence[Remote]) -> dict[Ref, Match]:
    """Records that a create whose answer never came may have made: they wait for its look-up, lest they come in as new."""
    rows = Outbox.objects.filter(workspace_id=run.workspace_id, connection=run.connection, in_doubt=True)
    rows = rows.exclude(state=OutboxState.IGNORED)
    keys = {exact_name(str(row.sent.get("name") or "")) for row in rows}
    doubtful = [remote for remote in remotes if name_key(remote) in keys]
    return {remote.ref: Match(reason=Reason("being_sent", {"name": name_key(remote)})) for remote in doubtful}


def _bound(run: Run, contact_ids: Collection[int], *, renumbered: Collection[str] = frozenset()) -> tuple[set[Claim], set[Claim]]:
    """Contacts that have a link already: to a record of this pull (taken), or to one that it lacks (leaving).

    Where only changes are read nothing is lacking; but a linked record of one of the `renumbered` names may go by another number now.
    """
    rows = Link.objects.filter(workspace_id=run.workspace_id, connection=run.connection, contact__any=contact_ids)
    bonds = list(rows.values_list("contact_id", "remote_kind", "remote_id", "state", "match_key"))
    whole = {bond[1] for bond in bonds if is_complete(run, bond[1])}
    seen = {kind: seen_among(run, kind, [bond[2] for bond in bonds if bond[1] == kind]) for kind in whole}
    # A record that was gone and is in this pull keeps its contact.
    taken = {
        (pk, kind)
        for pk, kind, id_, state, key in bonds
        if (id_ in seen[kind] if kind in whole else state != LinkState.GONE and key not in renumbered)
    }
    return taken, {(pk, kind) for pk, kind, _id, state, _key in bonds if state != LinkState.GONE} - taken


def _doubled(run: Run, keys: set[str]) -> frozenset[tuple[str, str]]:
    """Names that more than one record of this pull has, be the other one new, too, or linked long ago."""
    if not keys:
        return frozenset()
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT remote_kind, match_key, remote_id, false FROM integrations_staged"
            " WHERE workspace_id = %s AND run_id = %s AND match_key = ANY(%s)"
            " UNION ALL SELECT remote_kind, match_key, remote_id, true FROM integrations_link"
            " WHERE workspace_id = %s AND connection_id = %s AND match_key = ANY(%s) AND state = 'LINKED'",
            [run.workspace_id, run.pk, list(keys - {""}), run.workspace_id, run.connection_id, list(keys - {""})],
        )
        named: list[tuple[str, str, str, bool]] = cursor.fetchall()
    linked = {kind: [id_ for k, _key, id_, known in named if known and k == kind] for kind in {row[0] for row in named}}
    here = {kind: seen_among(run, kind, ids) if is_complete(run, kind) else set(ids) for kind, ids in linked.items()}
    holders: dict[tuple[str, str], set[str]] = defaultdict(set)
    for kind, key, id_, known in named:
        if not known or id_ in here[kind]:
            holders[kind, key].add(id_)
    return frozenset(name for name, ids in holders.items() if len(ids) > 1)
