"""A batch of staged records and everything that is needed to decide about it: a fixed number of queries, whatever its size."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection as database

from contacts.domain.store import live
from contacts.models import Contact
from crmsync.lib.text import exact_name
from integrations import registry
from integrations.domain.fields import fields_of
from integrations.domain.parties import checked, local_of
from integrations.domain.seen import seen_among
from integrations.engine import types as engine
from integrations.engine.errors import SkipRecord
from integrations.engine.matching import Match, match_by_exact_name, name_key
from integrations.engine.plan import Policy, Read, plan_pull, refused
from integrations.engine.provider import Manifest, Provider
from integrations.engine.types import Decision, Kind, RawRecord, Reason, Ref, Remote
from integrations.enums import LinkState
from integrations.models import Connection, Link, Outbox, Run, Staged

Claim = tuple[int, str]


@dataclass
class Batch:
    """The records of one step, with their links, contacts and matches."""

    rows: Sequence[Staged]
    records: list[Read]
    details: Mapping[Ref, str]
    links: dict[Ref, Link]
    contacts: dict[int, Contact]
    matches: Mapping[Ref, Match] = field(default_factory=dict)
    said: Mapping[Ref, dict[str, Any]] = field(default_factory=dict)  # the reason that each link showed before this run


def policy_of(connection: Connection, manifest: Manifest) -> Policy:
    settings = connection.settings
    return Policy(
        conflict=settings.get("conflict", "crm"),
        deleted_here=settings.get("deleted_here", "bring_back"),
        read_only=frozenset(r.remote_kind for r in manifest.resources if r.read_only),
    )


def next_rows(run: Run, *, resource: str, after: int, limit: int) -> list[Staged]:
    rows = Staged.objects.filter(workspace_id=run.workspace_id, run=run, resource=resource, pk__gt=after)
    return list(rows.order_by("pk")[:limit])


def load_batch(run: Run, provider: Provider, rows: Sequence[Staged], *, lock: bool) -> Batch:
    """Inside the page's transaction. With `lock` the contacts stay as read until it ends, so that no edit is overwritten."""
    records, details = _read(provider, rows)
    links = links_by_ref(run.connection, [record.ref for record in records])
    wanted = [r for r in records if isinstance(r, Remote) and not _is_tied(links.get(r.ref))]
    candidates = _candidates(run, {name_key(remote) for remote in wanted})
    ids = {link.contact_id for link in links.values() if link.contact_id} | {pk for pk, _kind, _key in candidates}
    contacts = _contacts(run, ids, lock=lock)
    matches = _matches(run, wanted, candidates)
    return Batch(
        rows=rows,
        records=records,
        details=details,
        links=links,
        contacts=contacts,
        matches=matches,
        said={ref: dict(link.reason) for ref, link in links.items()},
    )


def decide(batch: Batch, connection: Connection, manifest: Manifest) -> list[Decision]:
    return plan_pull(
        batch.records,
        links={ref: engine_link(link) for ref, link in batch.links.items()},
        contacts={pk: local_of(contact) for pk, contact in batch.contacts.items()},
        matches=batch.matches,
        fields=fields_of(connection, manifest),
        policy=policy_of(connection, manifest),
    )


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
        remote_id__in=[r.id for r in listed],
    )
    found = {Ref(link.remote_kind, link.remote_id): link for link in rows}
    return {ref: found[ref] for ref in listed if ref in found}


def _read(provider: Provider, rows: Sequence[Staged]) -> tuple[list[Read], dict[Ref, str]]:
    records: list[Read] = []
    details: dict[Ref, str] = {}
    for row in rows:
        raw = RawRecord(Ref(row.remote_kind, row.remote_id), row.body or {}, row.version)
        try:
            records.append(checked(provider.remote(raw)))
        except SkipRecord as error:
            records.append(refused(raw.ref, error))
            details[raw.ref] = error.detail
    return records, details


def _is_tied(link: Link | None) -> bool:
    return link is not None and link.contact_id is not None


def _candidates(run: Run, keys: set[str]) -> list[tuple[int, str, str]]:
    named = live(run.workspace).filter(exact_name__in=keys - {""})
    return list(named.order_by("pk").values_list("pk", "kind", "exact_name"))


def _contacts(run: Run, ids: set[int], *, lock: bool) -> dict[int, Contact]:
    rows = Contact.objects.filter(workspace_id=run.workspace_id, pk__in=ids).order_by("pk")
    return {contact.pk: contact for contact in (rows.select_for_update(of=("self",)) if lock else rows)}


def _matches(run: Run, remotes: Sequence[Remote], candidates: Sequence[tuple[int, str, str]]) -> Mapping[Ref, Match]:
    by_kind: dict[str, dict[str, list[int]]] = {Kind.ORGANISATION: defaultdict(list), Kind.PERSON: defaultdict(list)}
    for pk, kind, key in candidates:
        by_kind[kind][key].append(pk)
    taken, leaving = _bound(run, [pk for pk, _kind, _key in candidates])
    found = match_by_exact_name(
        remotes,
        organisations_by_key=by_kind[Kind.ORGANISATION],
        persons_by_key=by_kind[Kind.PERSON],
        doubled_keys=_doubled(run, {name_key(remote) for remote in remotes}),
        taken=taken,
        leaving=leaving,
    )
    return {**found, **_being_sent(run, remotes)}


def _being_sent(run: Run, remotes: Sequence[Remote]) -> dict[Ref, Match]:
    """Records that a create whose answer never came may have made: they wait for its look-up, lest they come in as new."""
    rows = Outbox.objects.filter(workspace_id=run.workspace_id, connection=run.connection, in_doubt=True) if remotes else ()
    keys = {exact_name(str(row.sent.get("name") or "")) for row in rows}
    doubtful = [remote for remote in remotes if name_key(remote) in keys]
    return {remote.ref: Match(reason=Reason("being_sent", {"name": name_key(remote)})) for remote in doubtful}


def _bound(run: Run, contact_ids: Sequence[int]) -> tuple[set[Claim], set[Claim]]:
    """Contacts that have a link already: to a record of this pull (taken), or to one that it lacks (leaving)."""
    rows = Link.objects.filter(workspace_id=run.workspace_id, connection=run.connection, contact__in=contact_ids)
    bonds = list(rows.values_list("contact_id", "remote_kind", "remote_id", "state"))
    seen = {kind: seen_among(run, kind, [id_ for _pk, k, id_, _state in bonds if k == kind]) for kind in {bond[1] for bond in bonds}}
    # A record that was gone and is in this pull keeps its contact.
    taken = {(pk, kind) for pk, kind, id_, _state in bonds if id_ in seen[kind]}
    return taken, {(pk, kind) for pk, kind, _id, state in bonds if state != LinkState.GONE} - taken


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
    here = {kind: seen_among(run, kind, ids) for kind, ids in linked.items()}
    holders: dict[tuple[str, str], set[str]] = defaultdict(set)
    for kind, key, id_, known in named:
        if not known or id_ in here[kind]:
            holders[kind, key].add(id_)
    return frozenset(name for name, ids in holders.items() if len(ids) > 1)


def live_link_count(connection: Connection) -> int:
    return Link.objects.filter(workspace_id=connection.workspace_id, connection=connection, state=LinkState.LINKED).count()


def provider_manifest(connection: Connection) -> Manifest:
    return registry.manifest(connection.provider)
