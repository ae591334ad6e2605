"""What a complete pull did not show any more: links that are gone, invoices that were removed. And whose books these are."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import F, QuerySet

from accounts.domain.bulk import insert_rows
from contacts.domain.duplicates import suggest
from contacts.enums import ChangeAction
from contacts.models import ContactChange
from crmsync.lib.text import exact_name
from integrations import registry
from integrations.domain.journal import line_of, reason_json
from integrations.domain.leases import save_progress
from integrations.domain.reach import changes_only
from integrations.domain.seen import lacking_ids, lacking_links, seen_counts, seen_ids
from integrations.engine.guard import Stop, check_list
from integrations.engine.plan import PULLS_UNTIL_GONE
from integrations.engine.provider import Manifest, Resource, ResourceKind
from integrations.engine.types import Action, Decision, Reason, Ref
from integrations.enums import ConnectionStatus, LinkState
from integrations.models import Connection, Link, Run, RunLine, Staged
from invoices.domain.store import move_connection, remove_unseen

SAME_BOOKS = 2  # at least every second stored link must be met again under its id with its name


def resources_of(run: Run, manifest: Manifest, kind: ResourceKind, *, complete: bool = False) -> list[Resource]:
    """The collections of this run; `complete` leaves out those that drifted, were refused, or of which only changes were read."""
    partial = set(run.cursor.get("partial", [])) | changes_only(run) if complete else set()
    if complete and manifest.one_time:
        return []
    return [r for r in manifest.resources if r.kind is kind and r.key in run.cursor["resources"] and r.key not in partial]


def take_census(run: Run, manifest: Manifest) -> None:
    """Count once, before anything is decided: records per collection, those to decide about, linked ones that are lacking."""
    staged = Staged.objects.filter(workspace_id=run.workspace_id, run=run).count()
    lacking = len(lacking_links(run, _complete_kinds(run, manifest)))
    save_progress(run, cursor={**run.cursor, "counts": _counts(run), "staged": staged, "lacking": lacking})


def _counts(run: Run) -> dict[str, int]:
    """How many different records each collection has given; those that ended in order have been counted."""
    known: dict[str, int] = run.cursor.get("counts", {})
    return known if set(known) == set(run.cursor["resources"]) else seen_counts(run)


def check_empty(run: Run, manifest: Manifest) -> Stop | None:
    """An empty list after a full one is a fault over there."""
    counts = run.cursor["counts"]
    for resource in resources_of(run, manifest, ResourceKind.CONTACTS):
        if counts.get(resource.key) or resource.key in changes_only(run):
            continue
        rows = Link.objects.filter(workspace_id=run.workspace_id, connection=run.connection, remote_kind=resource.remote_kind)
        links = rows.filter(state=LinkState.LINKED).count()
        stop = check_list(read=0, links=links)
        if stop is not None:
            return stop
    return None


def about_to_go(run: Run, manifest: Manifest) -> int:
    """How many linked records this run would call gone."""
    told = len(run.cursor.get("gone", ()))
    if not run.cursor["lacking"]:
        return told
    lacking = Link.objects.filter(pk__in=lacking_links(run, _complete_kinds(run, manifest)))
    return told + lacking.filter(missed__gte=PULLS_UNTIL_GONE - 1, contact__isnull=False).count()


def sweep_links(run: Run, manifest: Manifest) -> int:
    """Count the lacking once more; those that two complete pulls in a row lacked are gone. Their contacts stay."""
    _mark_told(run)
    kinds = _complete_kinds(run, manifest)
    ids = lacking_links(run, kinds) if run.cursor["lacking"] else []
    missed = Link.objects.filter(workspace_id=run.workspace_id, connection=run.connection, remote_kind__in=kinds, missed__gt=0)
    missed.exclude(pk__in=ids).update(missed=0)
    if not ids:
        return 0
    lacking = Link.objects.filter(workspace_id=run.workspace_id, pk__in=ids)
    lacking.update(missed=F("missed") + 1)
    # Of a record without a contact nothing is left to say.
    lacking.filter(contact=None, missed__gte=PULLS_UNTIL_GONE).delete()
    gone = list(lacking.filter(missed__gte=PULLS_UNTIL_GONE))
    _mark_gone(run, gone)
    return len(gone)


def _mark_told(run: Run) -> None:
    """The vendor itself lists these as deleted."""
    told = {(kind, id_) for kind, id_ in run.cursor.get("gone", ())}
    if told:
        rows = Link.objects.filter(workspace_id=run.workspace_id, connection=run.connection, remote_id__in={id_ for _kind, id_ in told})
        open_ones = rows.exclude(state__in=[LinkState.GONE, LinkState.HIDDEN])
        _mark_gone(run, [link for link in open_ones if (link.remote_kind, link.remote_id) in told])


def _complete_kinds(run: Run, manifest: Manifest) -> list[str]:
    return [r.remote_kind for r in resources_of(run, manifest, ResourceKind.CONTACTS, complete=True)]


def _mark_gone(run: Run, links: Sequence[Link]) -> None:
    for link in links:
        link.state, link.reason = LinkState.GONE, reason_json(Reason("gone_there", {"id": link.remote_id}))
    Link.objects.bulk_update(links, ["state", "reason"], batch_size=500)
    decisions = [Decision(Action.GONE, Ref(link.remote_kind, link.remote_id), contact_id=link.contact_id) for link in links]
    insert_rows(
        RunLine, [line_of(run, d, contact_id=link.contact_id, name=link.remote_name) for d, link in zip(decisions, links, strict=True)]
    )


def sweep_invoices(run: Run, manifest: Manifest) -> None:
    """Remove the invoices that a complete, non-empty pull does not have any more."""
    counts = run.cursor["counts"]
    for resource in resources_of(run, manifest, ResourceKind.INVOICES, complete=True):
        if counts.get(resource.key):
            remove_unseen(run.workspace, run.connection_id, remote_kind=resource.remote_kind, seen=seen_ids(run, resource.key))


def offer_duplicates(run: Run) -> None:
    """Contacts that this run brought in and whose names are near to others are offered for a merge."""
    rows = ContactChange.objects.filter(workspace_id=run.workspace_id, run_id=run.pk, action=ChangeAction.CREATED)
    created = list(rows.values_list("contact_id", flat=True))
    if created:
        suggest(run.workspace, created, source=registry.manifest(run.connection.provider).label)


def prove_books(run: Run) -> bool:
    """After a new consent, where the vendor does not say whose books these are, the records tell.

    Same books when at least every second stored link is met again under its id with its name. Links of an integration that was off
    come back then; otherwise none is used, since another company's record must never be taken for the one that was linked.
    False: this very connection has live links, and they belong to other books.
    """
    connection = run.connection
    own = Link.objects.filter(workspace_id=run.workspace_id, connection=connection, contact__isnull=False).exclude(state=LinkState.GONE)
    # A vendor that says whose books these are has said so at the consent.
    if not connection.account_id and not _are_met(run, own):
        return False
    for old in _off_connections(connection):
        hidden = Link.objects.filter(workspace_id=run.workspace_id, connection=old, state=LinkState.HIDDEN)
        told = bool(connection.account_id and old.account_id)
        if hidden.exists() and (told or _are_met(run, hidden.filter(contact__isnull=False).exclude(hidden_state=LinkState.GONE))):
            _take_over(connection, old)
            break
    Connection.objects.filter(pk=connection.pk).update(restores_links=False)
    connection.restores_links = False
    return True


def _are_met(run: Run, links: QuerySet[Link]) -> bool:
    stored = list(links.values_list("remote_kind", "remote_id", "remote_name"))
    if not stored:
        return True
    rows = Staged.objects.filter(workspace_id=run.workspace_id, run=run).values_list("remote_kind", "remote_id", "match_key")
    staged = {(kind, id_): key for kind, id_, key in rows}
    lacking = set(lacking_ids(run, links))
    # Read and not staged: the very version that is stored.
    met = sum(staged.get((kind, id_), exact_name(name)) == exact_name(name) for kind, id_, name in stored if (kind, id_) not in lacking)
    return met * SAME_BOOKS >= len(stored)


def _off_connections(connection: Connection) -> list[Connection]:
    rows = Connection.objects.filter(workspace_id=connection.workspace_id, provider=connection.provider, status=ConnectionStatus.OFF)
    known = connection.account_id
    return [row for row in rows.order_by("-disabled_at") if not (known and row.account_id) or known == row.account_id]


def _take_over(connection: Connection, old: Connection) -> None:
    """Links and invoices of the connection that was off come back under the new one; every record is looked at again."""
    hidden = Link.objects.filter(workspace_id=connection.workspace_id, connection=old, state=LinkState.HIDDEN)
    hidden.update(connection=connection, state=F("hidden_state"), hidden_state="", version="")
    move_connection(connection.workspace, old.pk, connection.pk)
