"""A batch of staged records and everything that is needed to decide about it: a fixed number of queries, whatever its size."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contacts.models import Contact
from integrations import registry
from integrations.domain.belonging import KEY, homes_of
from integrations.domain.candidates import find
from integrations.domain.eligible import raw_of, refusals, silent_contacts
from integrations.domain.fields import fields_of
from integrations.domain.imports import Customs, customs_of
from integrations.domain.parties import checked, local_of
from integrations.engine import types as engine
from integrations.engine.capabilities import ReusesIds
from integrations.engine.errors import SkipRecord
from integrations.engine.matching import Match
from integrations.engine.plan import Policy, Read, Refused, plan_pull, refused
from integrations.engine.provider import Manifest, Provider
from integrations.engine.types import Action, Decision, RawRecord, Reason, Ref, Remote
from integrations.enums import LinkState
from integrations.models import Connection, Link, Run, Staged


@dataclass
class Batch:
    """The records of one step, with their links, contacts and matches."""

    rows: Sequence[Staged]
    kind: str
    records: list[Read]
    details: Mapping[Ref, str]
    links: dict[Ref, Link]
    contacts: dict[int, Contact]
    homes: Mapping[Ref, int] = field(default_factory=dict)  # records of organisations that people of the batch belong to
    others: frozenset[Ref] = frozenset()  # records of an id that was another's before
    silent: Container[int] = frozenset()  # contacts of which nothing goes out
    customs: Customs | None = None
    matches: Mapping[Ref, Match] = field(default_factory=dict)
    said: Mapping[Ref, dict[str, Any]] = field(default_factory=dict)  # the reason that each link showed before this run


def policy_of(connection: Connection, manifest: Manifest) -> Policy:
    settings, ways = connection.settings, manifest.directions
    sends = ways is None or bool(settings.get(ways.push, True))
    return Policy(
        conflict=settings.get("conflict", "crm"),
        deleted_here=settings.get("deleted_here", "bring_back"),
        create=ways is None or ways.create is None or settings.get(ways.create[0], ways.create[1]) == ways.create[1],
        read_only=frozenset(r.remote_kind for r in manifest.resources if r.read_only or not sends),
    )


def next_rows(run: Run, *, resource: str, after: int, limit: int) -> list[Staged]:
    rows = Staged.objects.filter(workspace_id=run.workspace_id, run=run, resource=resource, pk__gt=after)
    return list(rows.order_by("pk")[:limit])


def load_batch(run: Run, provider: Provider, rows: Sequence[Staged], *, lock: bool) -> Batch:
    """Inside the page's transaction. With `lock` the contacts stay as read until it ends, so that no edit is overwritten."""
    records, details = _read(provider, rows, refusals(run, provider, rows))
    remotes = [record for record in records if isinstance(record, Remote)]
    refs = [record.ref for record in records]
    links = links_by_ref(run.connection, refs)
    others = _others(provider, remotes, links, {raw.ref: raw for raw in map(raw_of, rows)})
    _let_go(links, others)
    homes = homes_of(run.connection, {remote.parent for remote in remotes if remote.parent})
    loose = [remote for remote in remotes if not _is_tied(links.get(remote.ref))]
    found = find(run, loose, homes, reuses_ids=isinstance(provider, ReusesIds))
    contacts = _contacts(run, {link.contact_id for link in links.values() if link.contact_id} | found.contacts, lock=lock)
    return Batch(
        rows=rows,
        kind=rows[0].remote_kind if rows else "",
        records=records,
        details=details,
        links=links,
        contacts=contacts,
        homes=homes,
        others=frozenset(ref for ref in others if ref in links and links[ref].contact_id),
        silent=silent_contacts(provider, contacts),
        customs=customs_of(run, provider),
        matches=found.matches,
        said={ref: dict(link.reason) for ref, link in links.items()},
    )


def decide(batch: Batch, connection: Connection, manifest: Manifest) -> list[Decision]:
    decisions = plan_pull(
        [record for record in batch.records if record.ref not in batch.others],
        links={ref: engine_link(link) for ref, link in batch.links.items()},
        contacts={pk: local_of(contact) for pk, contact in batch.contacts.items()},
        matches=batch.matches,
        fields=fields_of(connection, manifest, kind=batch.kind),
        policy=policy_of(connection, manifest),
        silent=batch.silent,
    )
    return [*decisions, *(_another(batch, record) for record in batch.records if record.ref in batch.others)]


def _others(provider: Provider, remotes: Sequence[Remote], links: Mapping[Ref, Link], rows: Mapping[Ref, RawRecord]) -> set[Ref]:
    """Records that share nothing with what was agreed about their id: it was given again."""
    if not isinstance(provider, ReusesIds):
        return set()
    agreed = {ref: {name: value for name, value in link.base_theirs.items() if name != KEY} for ref, link in links.items()}
    return {r.ref for r in remotes if agreed.get(r.ref) and provider.is_another(rows[r.ref], agreed[r.ref])}


def _let_go(links: Mapping[Ref, Link], others: Iterable[Ref]) -> None:
    """Where the former record was gone already, its contact has nothing to do with the new one."""
    for ref in others:
        if links[ref].state == LinkState.GONE:
            links[ref].contact_id, links[ref].base_ours, links[ref].base_theirs = None, {}, {}


def _another(batch: Batch, record: Read) -> Decision:
    link = batch.links[record.ref]
    remote = record if isinstance(record, Remote) else None
    name = str(remote.party.fields.get("name") or record.ref.id) if remote else record.ref.id
    reason = Reason("number_reused", {"id": record.ref.id, "name": name})
    return Decision(Action.HOLD, record.ref, contact_id=link.contact_id, remote=remote, reason=reason)


def engine_link(link: Link) -> engine.Link:
    has_base = bool(link.base_ours or link.base_theirs)
    return engine.Link(
        ref=Ref(link.remote_kind, link.remote_id),
        state=engine.LinkState(link.state),
        contact_id=link.contact_id,
        base=engine.Base(ours=link.base_ours, theirs=link.base_theirs) if has_base else None,
        version=link.version,
    )


def links_by_ref(connection: Connection, refs: Iterable[Ref]) -> dict[Ref, Link]:
    listed = list(refs)
    rows = Link.objects.filter(
        workspace_id=connection.workspace_id,
        connection=connection,
        remote_kind__in={r.kind for r in listed},
        remote_id__any=[r.id for r in listed],
    )
    found = {Ref(link.remote_kind, link.remote_id): link for link in rows}
    return {ref: found[ref] for ref in listed if ref in found}


def _read(provider: Provider, rows: Sequence[Staged], out: Mapping[Ref, Reason]) -> tuple[list[Read], dict[Ref, str]]:
    records: list[Read] = []
    details: dict[Ref, str] = {}
    for raw in map(raw_of, rows):
        if raw.ref in out:
            records.append(Refused(raw.ref, out[raw.ref], failed=False))
            continue
        try:
            records.append(checked(provider.remote(raw)))
        except SkipRecord as error:
            records.append(refused(raw.ref, error))
            details[raw.ref] = error.detail
    return records, details


def _is_tied(link: Link | None) -> bool:
    return link is not None and link.contact_id is not None


def _contacts(run: Run, ids: set[int], *, lock: bool) -> dict[int, Contact]:
    rows = Contact.objects.filter(workspace_id=run.workspace_id, pk__any=ids).order_by("pk")
    return {contact.pk: contact for contact in (rows.select_for_update(of=("self",)) if lock else rows)}


def live_link_count(connection: Connection) -> int:
    return Link.objects.filter(workspace_id=connection.workspace_id, connection=connection, state=LinkState.LINKED).count()


def provider_manifest(connection: Connection) -> Manifest:
    return registry.manifest(connection.provider)
