"""From what was read to what will be done. Preview, log and apply all read the decisions made here.

Whatever a decision's action, its `changes`, `base` and `push` are carried out; the action says how it is counted and how the link ends.
A HOLD with a contact is a linked record with a question left open: its other fields flow.
One batch holds records of one resource, in which a (contact, remote kind) occurs once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from integrations.engine.errors import SkipRecord
from integrations.engine.matching import Match
from integrations.engine.merge import MergeResult, Winner, incoming_only, is_empty, merge, same, take_in
from integrations.engine.provider import FieldMap
from integrations.engine.reasons import RULES
from integrations.engine.types import Action, Base, Conflict, Decision, Fields, Link, LinkState, Local, Reason, Ref, Remote

Claim: TypeAlias = tuple[int, str]  # (contact id, remote kind)

PULLS_UNTIL_GONE = 2


@dataclass(frozen=True, slots=True)
class Policy:
    """The connection's settings, as far as they decide. `create` False: only existing contacts are linked.

    `read_only`: the remote kinds that we never write to.
    """

    conflict: Winner = "crm"
    deleted_here: Literal["bring_back", "keep_away"] = "bring_back"
    create: bool = True
    read_only: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Same:
    """A record whose version is the one stored on its LINKED link: not even parsed."""

    ref: Ref


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that a rule leaves out (`failed` False) or that cannot be used (`failed` True)."""

    ref: Ref
    reason: Reason
    failed: bool


Read: TypeAlias = Remote | Same | Refused


@dataclass(frozen=True, slots=True)
class PushPlan:
    """What to tell the vendor about one contact. `base` holds once `send` and `local` are written, `pending` until `send` is.

    `ours` are the contact's values with `local` written.
    """

    send: Fields
    local: Fields
    ours: Fields
    base: Base
    pending: Base
    conflicts: tuple[Conflict, ...] = ()
    reason: Reason | None = None

    @property
    def nothing_to_say(self) -> bool:
        return not self.send


@dataclass(frozen=True, slots=True)
class Settled:
    """After a write at the vendor: the agreement, what changed there besides, what it did not store as sent, whether more must be sent."""

    base: Base
    local: Fields
    not_stored: tuple[str, ...] = ()
    push_again: bool = False


@dataclass(frozen=True, slots=True)
class Absences:
    """How often in a row each linked record was lacking, and the decisions about those that are gone."""

    missed: Mapping[Ref, int]
    decisions: tuple[Decision, ...] = ()


@dataclass(slots=True)
class _Batch:
    """The batch in progress. `contacts` is kept up to date with what was already decided."""

    links: Mapping[Ref, Link]
    contacts: dict[int, Local]
    matches: Mapping[Ref, Match]
    fields: Sequence[FieldMap]
    policy: Policy
    claims: Mapping[Claim, int]
    bound: Container[Claim]
    silent: Container[int] = frozenset()

    def fields_of(self, kind: str, contact_id: int | None = None) -> Sequence[FieldMap]:
        fields = _fields_of(self.fields, kind, self.policy)
        return incoming_only(fields) if contact_id in self.silent else fields

    def write(self, contact: Local, changes: Fields) -> None:
        self.contacts[contact.id] = replace(contact, fields={**contact.fields, **changes}, deleted=False)


def plan_pull(
    records: Sequence[Read],
    *,
    links: Mapping[Ref, Link],
    contacts: Mapping[int, Local],
    matches: Mapping[Ref, Match],
    fields: Sequence[FieldMap],
    policy: Policy,
    silent: Container[int] = frozenset(),
) -> list[Decision]:
    """Decide about each record, parents before their children and otherwise in the order given.

    `contacts` must hold the contacts of `links` and `matches`; one that is absent counts as deleted for good.
    `silent` are contacts of which nothing may go out: theirs comes in, ours stays here.
    """
    once = {record.ref: record for record in records}  # a drifting list may serve one twice: the later reading counts
    batch = _Batch(links, dict(contacts), matches, fields, policy, _claims(records, links, matches), _bound(links, once), silent)
    return [_decide(batch, record) for record in _parents_first(list(once.values()))]


def refused(ref: Ref, error: SkipRecord) -> Refused:
    """Tell a record left out by a rule from one that is broken or was refused."""
    return Refused(ref, error.reason, failed=error.reason.code not in RULES)


def plan_push(link: Link, local: Local, fresh: Remote, *, fields: Sequence[FieldMap], policy: Policy) -> PushPlan:
    """Compute what is to be sent from the agreement, today's values here and the record as just read."""
    usable = () if local.deleted else _fields_of(fields, link.ref.kind, policy)
    result = merge(usable, base=link.base, ours=local.fields, theirs=fresh.party.fields, policy=policy.conflict)
    return PushPlan(
        send=result.remote,
        local=result.local,
        ours={**local.fields, **result.local},
        base=result.base,
        pending=result.pending,
        conflicts=result.conflicts,
        reason=_open_question(result, usable, fresh),
    )


def settle(push: PushPlan, *, stored: Remote, fields: Sequence[FieldMap], policy: Policy) -> Settled:
    """Take what the vendor stored as its side of the agreement, so that what it drops or rewrites is never sent in a loop."""
    theirs = stored.party.fields
    told = {name: theirs.get(name, "") for name in push.send}
    base = Base(ours=push.base.ours, theirs={**push.base.theirs, **told})
    usable = _fields_of(fields, stored.ref.kind, policy)
    result = merge(usable, base=base, ours=push.ours, theirs=theirs, policy=policy.conflict)
    not_stored = tuple(name for name, value in push.send.items() if not same(name, value, told[name]))
    return Settled(base=result.pending, local=result.local, not_stored=not_stored, push_again=bool(result.remote))


def created(sent: Fields, *, stored: Remote, fields: Sequence[FieldMap]) -> Base:
    """Give the agreement after an export: what was sent here, what was stored there."""
    names = [each.ours for each in fields]
    return Base(ours={name: sent.get(name, "") for name in names}, theirs={name: stored.party.fields.get(name, "") for name in names})


def plan_gone(links: Iterable[Link], *, seen: Container[Ref], missed: Mapping[Ref, int]) -> Absences:
    """Count the links that a COMPLETE pull lacks; gone only when two complete pulls in a row lack them.

    Never call it for a pull that was cut short or drifted. `missed` is what the previous call returned.
    """
    lacking = [link for link in links if link.state not in (LinkState.GONE, LinkState.HIDDEN) and link.ref not in seen]
    counts = {link.ref: missed.get(link.ref, 0) + 1 for link in lacking}
    gone = (link for link in lacking if counts[link.ref] >= PULLS_UNTIL_GONE)
    return Absences(missed=counts, decisions=tuple(_gone(link) for link in sorted(gone, key=lambda link: (link.ref.kind, link.ref.id))))


def _gone(link: Link) -> Decision:
    return Decision(Action.GONE, link.ref, contact_id=link.contact_id, reason=Reason("gone_there", {"id": link.ref.id}))


def _fields_of(fields: Sequence[FieldMap], kind: str, policy: Policy) -> Sequence[FieldMap]:
    return incoming_only(fields) if kind in policy.read_only else fields


def _claims(records: Iterable[Read], links: Mapping[Ref, Link], matches: Mapping[Ref, Match]) -> Counter[Claim]:
    refs = dict.fromkeys(record.ref for record in records if isinstance(record, Remote))
    wanted = ((matches[ref].contact_id, ref.kind) for ref in refs if ref in matches and not _is_tied(links.get(ref)))
    return Counter((contact, kind) for contact, kind in wanted if contact is not None)


def _bound(links: Mapping[Ref, Link], read: Container[Ref]) -> frozenset[Claim]:
    # A link that is gone leaves its contact free, unless its record is back in this very batch.
    tied = ((link.contact_id, ref.kind) for ref, link in links.items() if link.state is not LinkState.GONE or ref in read)
    return frozenset((contact, kind) for contact, kind in tied if contact is not None)


def _is_tied(link: Link | None) -> bool:
    return link is not None and (link.contact_id is not None or link.state in (LinkState.IGNORED, LinkState.HIDDEN))


def _parents_first(records: Sequence[Read]) -> list[Read]:
    parents = {record.ref: record.parent for record in records if isinstance(record, Remote) and record.parent}
    return sorted(records, key=lambda record: _depth(record.ref, parents))


def _depth(ref: Ref, parents: Mapping[Ref, Ref]) -> int:
    path = [ref]
    while path[-1] in parents and parents[path[-1]] not in path:  # a circle ends where it closes
        path.append(parents[path[-1]])
    return len(path)


def _decide(batch: _Batch, record: Read) -> Decision:
    link = batch.links.get(record.ref)
    if isinstance(record, Refused):
        return _refused(record, link)
    if link is not None and link.state is LinkState.IGNORED:
        return _skip(record, link, "ignored_by_person")
    if link is not None and link.state is LinkState.HIDDEN:
        return _skip(record, link, "hidden")
    if link is not None and link.contact_id is not None:
        return _known(batch, record, link, link.contact_id)
    return _unknown(batch, record) if isinstance(record, Remote) else Decision(Action.HOLD, record.ref, reason=Reason("still_held"))


def _refused(record: Refused, link: Link | None) -> Decision:
    action = Action.FAIL if record.failed else Action.SKIP
    return Decision(action, record.ref, contact_id=link.contact_id if link else None, reason=record.reason)


def _skip(record: Remote | Same, link: Link | None, code: str) -> Decision:
    remote = record if isinstance(record, Remote) else None
    reason = Reason(code, {"name": _name(record), "id": record.ref.id})
    return Decision(Action.SKIP, record.ref, contact_id=link.contact_id if link else None, remote=remote, reason=reason)


def _known(batch: _Batch, record: Remote | Same, link: Link, contact_id: int) -> Decision:
    local = batch.contacts.get(contact_id)
    is_deleted = local is None or local.deleted
    if is_deleted and batch.policy.deleted_here == "keep_away":
        return _skip(record, link, "deleted_here_kept_away")
    if isinstance(record, Same):
        return _untouched(batch, record, contact_id, local)
    if local is None:
        return _create(batch, record)
    return _merged(batch, record, local, link.base, Action.RESTORE if is_deleted else None)


def _untouched(batch: _Batch, record: Same, contact_id: int, local: Local | None) -> Decision:
    if local is not None and not local.deleted:
        return Decision(Action.UNCHANGED, record.ref, contact_id=contact_id)
    if local is not None:
        batch.write(local, {})
    return Decision(Action.RESTORE, record.ref, contact_id=contact_id)


def _unknown(batch: _Batch, remote: Remote) -> Decision:
    match = batch.matches.get(remote.ref, Match())
    if match.reason is not None:
        return _hold(remote, match.reason, match.candidates)
    if match.contact_id is None:
        return _create(batch, remote)
    return _linked(batch, remote, match.contact_id)


def _linked(batch: _Batch, remote: Remote, contact_id: int) -> Decision:
    claim = (contact_id, remote.ref.kind)
    name = _name(remote)
    if batch.claims[claim] > 1:
        return _hold(remote, Reason("two_there", {"name": name}), (contact_id,))
    local = batch.contacts.get(contact_id)
    if claim in batch.bound:
        return _hold(remote, Reason("taken", {"name": name, "id": remote.ref.id}), ())
    if local is None or local.deleted:
        return _create(batch, remote)
    return _merged(batch, remote, local, None, Action.LINK)


def _hold(remote: Remote, reason: Reason, candidates: tuple[int, ...]) -> Decision:
    return Decision(Action.HOLD, remote.ref, remote=remote, reason=reason, candidates=candidates)


def _create(batch: _Batch, remote: Remote) -> Decision:
    if not batch.policy.create:
        return _skip(remote, None, "not_here")
    result = take_in(batch.fields_of(remote.ref.kind), remote.party.fields)
    return Decision(Action.CREATE, remote.ref, remote=remote, changes=result.local, base=result.pending)


def _merged(batch: _Batch, remote: Remote, local: Local, base: Base | None, action: Action | None) -> Decision:
    fields = batch.fields_of(remote.ref.kind, local.id)
    result = merge(fields, base=base, ours=local.fields, theirs=remote.party.fields, policy=batch.policy.conflict)
    batch.write(local, result.local)
    question = _open_question(result, fields, remote)
    plain = action or (Action.UPDATE if result.local else Action.UNCHANGED)
    return Decision(
        action=Action.HOLD if question and plain is not Action.RESTORE else plain,
        ref=remote.ref,
        contact_id=local.id,
        remote=remote,
        changes=result.local,
        push=bool(result.remote),
        base=result.pending,
        conflicts=result.conflicts,
        reason=question,
    )


def _open_question(result: MergeResult, fields: Sequence[FieldMap], remote: Remote) -> Reason | None:
    if not result.asks:
        return None
    labels = {each.ours: each.label for each in fields}
    emptied = all(is_empty(conflict.ours) for conflict in result.asks)
    code = "required_empty" if emptied and _are_required(result.asks, fields) else "conflict_ask"
    names = ", ".join(labels[conflict.field] for conflict in result.asks)
    return Reason(code, {"name": _name(remote), "fields": names})


def _are_required(asks: Iterable[Conflict], fields: Iterable[FieldMap]) -> bool:
    required = {each.ours for each in fields if each.required}
    return all(conflict.field in required for conflict in asks)


def _name(record: Remote | Same) -> str:
    return str(record.party.fields.get("name") or record.ref.id) if isinstance(record, Remote) else record.ref.id
