"""A CRM and a vendor in memory, tied together by the engine as the edge ties them: staged pulls in batches, an outbox, creates in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from integrations.engine.errors import SkipRecord
from integrations.engine.matching import Match, doubled_keys, match_by_exact_name, match_in_order, name_key
from integrations.engine.merge import merge, resolve
from integrations.engine.plan import Policy, PushPlan, Read, Same, created, plan_gone, plan_pull, plan_push, refused, settle
from integrations.engine.types import Action, Base, Decision, Link, LinkState, Local, Reason, Ref, Remote
from tests.engine import builders
from tests.engine.sides import FIELDS, NAMES, READ_ONLY, Auditor, Mechanisms, Row, Vendor, Waiting

BATCH = 2


class World:
    def __init__(self, policy: Policy | None = None, mechanisms: Mechanisms | None = None) -> None:
        self.policy = replace(policy or Policy(), read_only=READ_ONLY)
        self.on = mechanisms or Mechanisms()
        self.vendor = Vendor()
        self.contacts: dict[int, Local] = {}
        self.links: dict[Ref, Row] = {}
        self.outbox: dict[int, Waiting] = {}
        self.staged: list[Remote] = []
        self.listed: dict[Ref, str] = {}  # the names of the last list read
        self.ledger: dict[tuple[Ref, str], str] = {}
        self.auditor = Auditor()
        self._last_id = 0
        self._exports = 0

    # -- people ---------------------------------------------------------------------------------------------------------------------

    def add_contact(self, **fields: Any) -> int:
        self._last_id += 1
        self.contacts[self._last_id] = builders.contact(self._last_id, **fields)
        return self._last_id

    def edit(self, contact_id: int, **fields: Any) -> None:
        local = self.contacts[contact_id]
        self.contacts[contact_id] = replace(local, fields={**local.fields, **fields}, version=local.version + 1)
        self._ring(contact_id)

    def delete(self, contact_id: int) -> None:
        self.contacts[contact_id] = replace(self.contacts[contact_id], deleted=True)

    def export(self, contact_id: int) -> None:
        if not self._client_of(contact_id) and contact_id not in self.outbox:
            self._exports += 1
            self.outbox[contact_id] = Waiting(create=self._exports)

    def answer(self, ref: Ref, winner: Literal["crm", "remote"]) -> None:
        row = self.links[ref]
        for conflict in row.conflicts:
            row.base = resolve(row.base, conflict, winner=winner)
            self.auditor.decided.add((ref, conflict.field))
        row.version, row.conflicts = "", ()
        if row.contact_id is not None:
            self._ring(row.contact_id)

    # -- pull -----------------------------------------------------------------------------------------------------------------------

    def fetch(self, order: Sequence[Ref], *, complete: bool = True) -> None:
        """Read the whole list into the staging table; a record may come twice, the later reading counts."""
        self.staged = [
            self.vendor.read(ref) for ref in dict.fromkeys(sorted(order, key=lambda ref: ref.kind)) if ref in self.vendor.records
        ]
        self.listed = {remote.ref: name_key(remote) for remote in self.staged}
        if complete:
            self._count_absent()

    def apply(self, batches: int | None = None, *, again: bool = False) -> None:
        """Apply some batches (None: all), each a transaction. `again`: each is delivered twice."""
        while self.staged and batches != 0:
            batch = [remote for remote in self.staged[:BATCH] if remote.ref.kind == self.staged[0].ref.kind]
            for _ in range(1 + again):
                self._apply(batch)
            self.staged = self.staged[len(batch) :]
            batches = batches - 1 if batches else None

    def _apply(self, batch: Sequence[Remote]) -> None:
        reads = [self._read(remote) for remote in batch]
        fresh = [remote for remote in batch if remote.ref not in self.links or self.links[remote.ref].contact_id is None]
        links = {remote.ref: self._link(remote.ref) for remote in batch if remote.ref in self.links}
        decisions = plan_pull(reads, links=links, contacts=self.contacts, matches=self._match(fresh), fields=FIELDS, policy=self.policy)
        for decision in decisions:
            self._carry_out(decision, next(remote for remote in batch if remote.ref == decision.ref))

    def _read(self, remote: Remote) -> Read:
        row = self.links.get(remote.ref)
        if row and row.state is LinkState.LINKED and row.version == remote.version:
            return Same(remote.ref)
        if not remote.party.fields["name"]:
            return refused(remote.ref, SkipRecord(Reason("no_name", {"id": remote.ref.id})))
        return remote

    def _match(self, fresh: Sequence[Remote]) -> dict[Ref, Match]:
        names: dict[str, list[int]] = {}
        for local in self.contacts.values():
            if not local.deleted:
                names.setdefault(local.fields["name"], []).append(local.id)
        rows = [(ref, row) for ref, row in self.links.items() if row.state is not LinkState.GONE or ref in self.listed]
        bound = {(row.contact_id, ref.kind): ref for ref, row in rows if row.contact_id}
        leaving = {pair for pair, ref in bound.items() if ref not in self.listed}
        doubled = doubled_keys((ref.kind, name) for ref, name in self.listed.items())

        def rule(remotes: Sequence[Remote]) -> dict[Ref, Match]:
            return match_by_exact_name(
                remotes, organisations_by_key=names, persons_by_key={}, doubled_keys=doubled, taken=set(bound) - leaving, leaving=leaving
            )

        return {**match_in_order(fresh, links={}, rule=rule), **self._being_sent(fresh)}

    def _being_sent(self, fresh: Sequence[Remote]) -> dict[Ref, Match]:
        """What a create in doubt may have made waits until the outbox has looked it up."""
        doubts = [waiting for waiting in self.outbox.values() if waiting.in_doubt and self.on.look_up]
        ours = [remote for remote in fresh if any(self._may_be_ours(remote.ref, self.listed[remote.ref], each) for each in doubts)]
        return {remote.ref: Match(reason=Reason("being_sent", {"name": name_key(remote)})) for remote in ours}

    def _carry_out(self, decision: Decision, remote: Remote) -> None:
        if decision.remote is not None:
            self.auditor.reading(remote)
        row = self.links.setdefault(decision.ref, Row(LinkState.HELD))
        contact_id = self._write(decision, row, remote)
        held = decision.action is Action.HOLD or any(each.winner == "ask" for each in decision.conflicts)
        states = {Action.SKIP: row.state, Action.FAIL: LinkState.FAILING}
        row.state = states.get(decision.action, LinkState.HELD if held else LinkState.LINKED)
        row.reason, row.contact_id = decision.reason, contact_id
        row.conflicts = tuple(each for each in decision.conflicts if each.winner == "ask")
        if decision.remote is not None and decision.base is not None:
            row.base, row.version = self._agreement(decision), remote.version
        if contact_id is not None and (decision.push or decision.action is Action.RESTORE):
            self._ring(contact_id)
        self.ledger[remote.ref, remote.version] = "applied" if decision.reason is None else decision.reason.code

    def _write(self, decision: Decision, row: Row, remote: Remote) -> int | None:
        if decision.action is Action.CREATE:
            self.auditor.forget(decision.ref)
            contact_id = self.add_contact(**dict.fromkeys(NAMES, "") | dict(decision.changes))
        elif decision.contact_id is None or decision.action in (Action.SKIP, Action.FAIL):
            return row.contact_id
        else:
            contact_id = decision.contact_id
            self._take_in(decision, contact_id)
        self._release(contact_id, decision.ref)
        if decision.remote is not None:
            self._look(decision.ref, contact_id, remote, decision)
        return contact_id

    def _take_in(self, decision: Decision, contact_id: int) -> None:
        if decision.action is Action.LINK:
            self.auditor.forget(decision.ref)
        local = self.contacts[contact_id]
        for name, value in decision.changes.items():
            self.auditor.incoming(decision.ref, name, local.fields.get(name), value, decision.conflicts)
        self.contacts[contact_id] = replace(local, fields={**local.fields, **decision.changes}, deleted=False)
        if decision.changes:
            self._ring(contact_id, besides=decision.ref)

    def _look(self, ref: Ref, contact_id: int, remote: Remote, decision: Decision) -> None:
        ours, theirs = dict(self.contacts[contact_id].fields), dict(remote.party.fields)
        unsent = self._unsent(decision, ours, theirs) if decision.push else {}
        asks = [each.field for each in decision.conflicts if each.winner == "ask"]
        self.auditor.looked(ref, ours, theirs, asks=asks, unsent=unsent)
        self.auditor.decided |= {(ref, each.field) for each in decision.conflicts if each.field in unsent}

    def _unsent(self, decision: Decision, ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
        return dict(merge(FIELDS, base=decision.base, ours=ours, theirs=theirs, policy=self.policy.conflict).remote)

    def _agreement(self, decision: Decision) -> Base | None:
        base = decision.base if self.on.base else None
        if base is None or self.on.pending or decision.contact_id is None or decision.remote is None:
            return base
        sent = self._unsent(decision, dict(self.contacts[decision.contact_id].fields), dict(decision.remote.party.fields))
        return Base({**base.ours, **sent}, {**base.theirs, **sent})

    def _count_absent(self) -> None:
        missed = {ref: row.missed for ref, row in self.links.items() if row.missed}
        absences = plan_gone([self._link(ref) for ref in self.links], seen=self.listed, missed=missed)
        for ref, row in self.links.items():
            row.missed = absences.missed.get(ref, 0)
        for decision in absences.decisions:
            self.links[decision.ref].state, self.links[decision.ref].reason = LinkState.GONE, decision.reason

    # -- push -----------------------------------------------------------------------------------------------------------------------

    def send(self, contact_id: int, *, fault: str = "") -> None:
        """Deliver an outbox row. `fault`: "unsent" (nothing left the house) or "lost" (the vendor did it, the answer never came)."""
        waiting, ref = self.outbox.get(contact_id), self._client_of(contact_id)
        if waiting is None or (waiting.stuck and ref is None):
            return
        local = self.contacts[contact_id]
        if ref is not None:
            done = self._send_update(ref, local, fault)
        else:
            done = self._nothing_to_create(local, waiting) or self._send_create(local, waiting, fault)
        if done:
            self.outbox.pop(contact_id, None)

    def _send_update(self, ref: Ref, local: Local, fault: str) -> bool:
        row = self.links[ref]
        if ref not in self.vendor.records:
            row.state, row.reason = LinkState.GONE, Reason("gone_there", {"id": ref.id})
            return True
        fresh = self.vendor.read(ref)
        if not fresh.party.fields["name"]:
            row.state, row.reason = LinkState.FAILING, Reason("no_name", {"id": ref.id})
            return True
        plan = plan_push(self._link(ref), local, fresh, fields=FIELDS, policy=self.policy)
        for name, value in plan.send.items():
            self.auditor.outgoing(ref, name, fresh.party.fields.get(name), value, plan.conflicts)
        if fault == "unsent":
            return False
        if plan.send:
            self.vendor.update(ref, dict(plan.send))
            self.vendor.writes += 1
        if fault == "lost" and plan.send:
            return False
        self._store(ref, local, plan, fresh)
        return True

    def _store(self, ref: Ref, local: Local, plan: PushPlan, fresh: Remote) -> None:
        for name, value in plan.local.items():
            self.auditor.incoming(ref, name, local.fields.get(name), value, plan.conflicts)
        if local.deleted:
            return
        stored = self.vendor.read(ref)
        self.auditor.reading(stored)
        result = settle(plan, stored=stored, fields=FIELDS, policy=self.policy)
        row = self.links[ref]
        agreed = result.base if self.on.settle else Base(plan.base.ours, {**plan.base.theirs, **plan.send})
        row.base, row.version = agreed if self.on.base else None, stored.version
        row.conflicts = tuple(each for each in plan.conflicts if each.winner == "ask")
        row.state, row.reason = (LinkState.HELD, plan.reason) if row.conflicts else (LinkState.LINKED, None)
        ours = {**plan.ours, **result.local}
        self.contacts[local.id] = replace(local, fields=ours)
        asks = [each.field for each in row.conflicts]
        self.auditor.looked(ref, ours, dict(stored.party.fields), asks=asks, unsent=())
        self.ledger[ref, stored.version] = "applied"
        self._overtake(ref)

    @staticmethod
    def _nothing_to_create(local: Local, waiting: Waiting) -> bool:
        return not waiting.create or (local.deleted and not waiting.in_doubt)

    def _send_create(self, local: Local, waiting: Waiting, fault: str) -> bool:
        found = self._candidates(waiting) if waiting.in_doubt and self.on.look_up else []
        twin = self._twin_in_doubt(local)
        if len(found) > 1 or (twin and twin.stuck):
            waiting.stuck = Reason("in_doubt_many", {"name": local.fields["name"]})
            return False
        if found:
            return self._adopt(found[0], local)
        if local.deleted or twin:
            return local.deleted
        waiting.in_doubt, waiting.sent = True, dict(local.fields)
        waiting.known = frozenset(ref for ref, record in self.vendor.records.items() if record.fields["name"] == local.fields["name"])
        return fault != "unsent" and self._post(local, waiting, fault)

    def _post(self, local: Local, waiting: Waiting, fault: str) -> bool:
        sent = waiting.sent
        ref = self.vendor.create("client", sent, origin=(local.id, waiting.create))
        self.vendor.writes += 1
        if fault == "lost":
            return False
        stored = self.vendor.read(ref)
        base = created(sent, stored=stored, fields=FIELDS) if self.on.settle else Base(sent, sent)
        self._tie(ref, local, Row(LinkState.LINKED, local.id, base if self.on.base else None, stored.version))
        self.auditor.looked(ref, dict(sent), dict(stored.party.fields), asks=(), unsent=())
        self.ledger[ref, stored.version] = "applied"
        return True

    def _adopt(self, ref: Ref, local: Local) -> bool:
        """Either side may have been edited since it was sent: they meet as at link time."""
        self._tie(ref, local, Row(LinkState.LINKED, local.id))
        self.auditor.forget(ref)
        self.outbox[local.id] = Waiting()
        return False

    def _tie(self, ref: Ref, local: Local, row: Row) -> None:
        self._release(local.id, ref)
        self.links[ref] = row
        self._overtake(ref)

    def _twin_in_doubt(self, local: Local) -> Waiting | None:
        """Two creates of one name in doubt could not be told apart: the second waits for the first."""
        others = (waiting for contact_id, waiting in self.outbox.items() if contact_id != local.id and waiting.in_doubt and self.on.look_up)
        return next((waiting for waiting in others if waiting.sent["name"] == local.fields["name"]), None)

    def _candidates(self, waiting: Waiting) -> list[Ref]:
        names = {ref: record.fields["name"] for ref, record in self.vendor.records.items()}
        return [ref for ref, name in names.items() if self._may_be_ours(ref, name, waiting)]

    def _may_be_ours(self, ref: Ref, name: str, waiting: Waiting) -> bool:
        row = self.links.get(ref)
        free = ref.kind == "client" and ref not in waiting.known and (row is None or row.contact_id is None)
        return free and name == waiting.sent.get("name")

    # -- small parts ----------------------------------------------------------------------------------------------------------------

    def _overtake(self, ref: Ref) -> None:
        if self.on.fresh:
            self.staged = [remote for remote in self.staged if remote.ref != ref]

    def _release(self, contact_id: int, ref: Ref) -> None:
        for other, row in self.links.items():
            if other != ref and other.kind == ref.kind and row.contact_id == contact_id:
                assert row.state is LinkState.GONE, f"{ref} took contact {contact_id} from {other}"
                row.contact_id = None

    def _ring(self, contact_id: int, *, besides: Ref | None = None) -> None:
        ref = self._client_of(contact_id)
        if ref is not None and ref != besides and contact_id not in self.outbox:
            self.outbox[contact_id] = Waiting()

    def _client_of(self, contact_id: int) -> Ref | None:
        rows = ((ref, row) for ref, row in self.links.items() if ref.kind == "client" and row.state is not LinkState.GONE)
        return next((ref for ref, row in rows if row.contact_id == contact_id), None)

    def _link(self, ref: Ref) -> Link:
        row = self.links[ref]
        return Link(ref, row.state, row.contact_id, row.base, row.version)
