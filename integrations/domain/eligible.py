"""Who flows in, and why not: a provider's rules asked about the records of a batch, with what is known of the records they belong to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from accounts.scoping import workspace_tx
from contacts.models import Contact
from integrations.domain.parties import local_of
from integrations.engine.capabilities import Eligibility, ReadsMany
from integrations.engine.errors import Gone, SkipRecord
from integrations.engine.provider import Provider
from integrations.engine.types import Local, RawRecord, Reason, Ref
from integrations.enums import LinkState
from integrations.models import Connection, Link, Run, Staged


def refusals(run: Run, provider: Provider, rows: Sequence[Staged]) -> dict[Ref, Reason]:
    """The records of the batch that a rule leaves out, each with its reason. Three queries whatever their number."""
    if not isinstance(provider, Eligibility):
        return {}
    raws = [raw_of(row) for row in rows]
    belongs = {raw.ref: list(provider.parents_of(raw)) for raw in raws}
    standing = _standing(run, provider, {ref for refs in belongs.values() for ref in refs})
    found: dict[Ref, Reason] = {}
    for raw in raws:
        known = {ref: standing[ref] for ref in belongs[raw.ref] if ref in standing}
        reason = provider.why_not_in(raw, parents=known)
        if reason is not None:
            found[raw.ref] = reason if reason.params.get("name") else _named(reason, provider, raw)
    return found


def stays_out(provider: Provider, raw: RawRecord) -> bool:
    """Whether a record is left out by itself, whatever it belongs to: nobody can be mistaken for it."""
    return isinstance(provider, Eligibility) and not provider.parents_of(raw) and provider.why_not_in(raw, parents={}) is not None


def unknown_parents(run: Run, provider: Provider, rows: Iterable[Staged]) -> list[Ref]:
    """Records that those of the batch belong to, and that this run has not read though nobody vouches for them."""
    if not isinstance(provider, Eligibility):
        return []
    wanted = dict.fromkeys(ref for row in rows for ref in provider.parents_of(raw_of(row)))
    known = set(_staged(run, wanted)) | _vouched(run.connection, wanted)
    return [ref for ref in wanted if ref not in known]


def unvouched(connection: Connection, provider: Provider, records: Mapping[Ref, RawRecord]) -> list[Ref]:
    """The same for records that were asked for one by one. Opens its own transaction."""
    if not isinstance(provider, Eligibility):
        return []
    wanted = dict.fromkeys(ref for raw in records.values() for ref in provider.parents_of(raw) if ref not in records)
    if not wanted:
        return []
    with workspace_tx(connection.workspace):
        known = _vouched(connection, wanted)
    return [ref for ref in wanted if ref not in known]


def read_records(provider: Provider, refs: Sequence[Ref]) -> dict[Ref, RawRecord]:
    """Those of the records that exist, in as few calls as the vendor allows. What a list does not show is asked for by itself."""
    found: dict[Ref, RawRecord] = {}
    if isinstance(provider, ReadsMany):
        for start in range(0, len(refs), provider.many):
            found |= provider.get_many(refs[start : start + provider.many])
    for ref in refs:
        if ref not in found and (raw := read_one(provider, ref)) is not None:
            found[ref] = raw
    return found


def read_one(provider: Provider, ref: Ref) -> RawRecord | None:
    try:
        return provider.get(ref)
    except (Gone, SkipRecord):
        return None


def silent_contacts(provider: Provider, contacts: Mapping[int, Contact]) -> set[int]:
    """Contacts that the rules keep here: their records come in, and nothing of them goes out."""
    if not isinstance(provider, Eligibility) or provider.manifest.creates_new_only or not contacts:
        return set()
    homes = {contact.organisation_id for contact in contacts.values() if contact.organisation_id}
    workspace = next(iter(contacts.values())).workspace_id
    rows = live_by_id(workspace, homes) if homes else {}
    return {
        pk for pk, contact in contacts.items() if provider.why_not_out(local_of(contact), organisation=_home(contact, rows)) is not None
    }


def live_by_id(workspace_id: int, ids: Collection[int]) -> dict[int, Contact]:
    return {each.pk: each for each in Contact.objects.filter(workspace_id=workspace_id, deleted_at=None, pk__in=ids)}


def raw_of(row: Staged) -> RawRecord:
    return RawRecord(Ref(row.remote_kind, row.remote_id), row.body or {}, row.version)


def _home(contact: Contact, rows: Mapping[int, Contact]) -> Local | None:
    home = rows.get(contact.organisation_id or 0)
    return local_of(home) if home else None


def _named(reason: Reason, provider: Provider, raw: RawRecord) -> Reason:
    try:
        name = str(provider.remote(raw).party.fields.get("name") or raw.ref.id)
    except SkipRecord:
        name = raw.ref.id
    return replace(reason, params={**reason.params, "name": name})


def _standing(run: Run, provider: Eligibility, refs: Collection[Ref]) -> dict[Ref, Reason | None]:
    """What the rules say about each; absent = there is no such record."""
    read = _staged(run, refs)
    found: dict[Ref, Reason | None] = dict.fromkeys(_vouched(run.connection, [ref for ref in refs if ref not in read]))
    return found | {ref: provider.why_not_in(raw_of(row), parents={}) for ref, row in read.items()}


def _staged(run: Run, refs: Collection[Ref]) -> dict[Ref, Staged]:
    if not refs:
        return {}
    rows = Staged.objects.filter(workspace_id=run.workspace_id, run=run, **_among(refs))
    wanted = set(refs)
    return {ref: row for row in rows if (ref := Ref(row.remote_kind, row.remote_id)) in wanted}


def _vouched(connection: Connection, refs: Collection[Ref]) -> set[Ref]:
    """Linked in a known version: the rules let it in when it was read last, and it has not changed since."""
    if not refs:
        return set()
    rows = Link.objects.filter(workspace_id=connection.workspace_id, connection=connection, state=LinkState.LINKED, **_among(refs))
    return {Ref(kind, id_) for kind, id_ in rows.exclude(version="").values_list("remote_kind", "remote_id")} & set(refs)


def _among(refs: Collection[Ref]) -> dict[str, list[str]]:
    return {"remote_kind__in": sorted({ref.kind for ref in refs}), "remote_id__any": sorted({ref.id for ref in refs})}
