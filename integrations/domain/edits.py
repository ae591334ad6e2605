"""What an edit here means for the providers: who has to be told, and who may go out now that could not before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db.models import Q

from accounts.models import Workspace
from accounts.scoping import Origin
from contacts.models import Contact
from integrations import registry
from integrations.domain import outbox
from integrations.domain.by_rule import queue_new
from integrations.domain.fields import fields_of
from integrations.domain.outbox import LOCAL_NAMES, is_news
from integrations.domain.outgoing import LEFT, creates_by_rule, has_rules, pushes, writable_kinds
from integrations.domain.wake import wake_at
from integrations.engine.provider import Direction, Manifest
from integrations.enums import ConnectionStatus, OutboxOperation, OutboxState
from integrations.models import Connection, Link, Outbox

PUSHING = (ConnectionStatus.ACTIVE, ConnectionStatus.PAUSED, ConnectionStatus.RECONNECT)
DECIDING = frozenset({"life_cycle", "organisation"})  # fields that rules look at, whether they are in sync or not

Names = Mapping[int, set[str]]


def on_contacts_changed(
    *, workspace: Workspace, contact_ids: Sequence[int], fields: dict[int, set[str]], origin: Origin, fresh: bool = False
) -> list[Connection]:
    """Queue the changed contacts for every provider that gets one of the changed fields; gives the connections concerned.

    `fresh`: they have just been made, so no record and nothing in a queue is theirs.
    """
    connections = [each for each in Connection.objects.filter(workspace=workspace, status__in=PUSHING) if pushes(each)]
    if not connections:
        return []
    names = {pk: {LOCAL_NAMES.get(name, name) for name in changed} for pk, changed in fields.items()}
    return [each for each in connections if _tell(each, contact_ids, names, origin, fresh=fresh)]


def on_contacts_restored(*, workspace: Workspace, contact_ids: Sequence[int], origin: Origin) -> list[Connection]:
    """Who comes out of the trash may go out again, and with an organisation its people."""
    people = Contact.objects.filter(workspace=workspace, organisation__in=contact_ids, deleted_at=None)
    touched = []
    for connection in Connection.objects.filter(workspace=workspace, status__in=PUSHING):
        manifest = registry.manifest(connection.provider)
        asks = creates_by_rule(manifest) and not manifest.creates_new_only and pushes(connection)
        if asks and is_news(connection, origin):
            ids = [*contact_ids, *people.values_list("pk", flat=True)]
            touched += [connection] if queue_new(connection, ids, names={}) else []
    return touched


def _tell(connection: Connection, contact_ids: Sequence[int], names: Names, origin: Origin, *, fresh: bool) -> bool:
    manifest = registry.manifest(connection.provider)
    if fresh and not (creates_by_rule(manifest) and is_news(connection, origin)):
        return False
    if not fresh:
        _try_stuck_again(connection, contact_ids)
    heard = sent_fields(connection, manifest) | (DECIDING if has_rules(manifest) else frozenset())
    changed = [pk for pk in contact_ids if heard & names.get(pk, set())]
    people = _people_of(connection, manifest, changed, names)
    linked = _linked(connection, manifest, [*changed, *people]) if changed and not fresh else []
    asks = bool(changed) and creates_by_rule(manifest)
    if not (linked or asks) or not is_news(connection, origin):
        return False
    if linked:
        outbox.enqueue(connection, linked)
    made = queue_new(connection, [*changed, *people], names=names) if asks else False
    return bool(linked) or made


def sent_fields(connection: Connection, manifest: Manifest) -> frozenset[str]:
    """The canonical fields that any kind of record gets."""
    kinds = {"", *(each.remote_kind for each in manifest.resources if each.fields)}
    fields = [each for kind in kinds for each in fields_of(connection, manifest, kind=kind)]
    return frozenset(each.ours for each in fields if each.direction is not Direction.IN)


def _people_of(connection: Connection, manifest: Manifest, changed: Sequence[int], names: Names) -> list[int]:
    """The people of organisations whose life cycle has changed: rules may let them out, too, or keep them here."""
    if not manifest.life_cycles_out:
        return []
    ids = [pk for pk in changed if "life_cycle" in names.get(pk, set())]
    people = Contact.objects.filter(
        workspace_id=connection.workspace_id, organisation__in=ids, deleted_at=None, life_cycle__in=manifest.life_cycles_out
    )
    return list(people.values_list("pk", flat=True)) if ids else []


def _try_stuck_again(connection: Connection, contact_ids: Sequence[int]) -> None:
    """A record that was refused may pass after this edit."""
    mine = Q(workspace_id=connection.workspace_id, connection=connection)
    stuck = Outbox.objects.filter(mine, contact__any=contact_ids, state=OutboxState.STUCK, operation=OutboxOperation.CREATE)
    waiting = Outbox.objects.filter(mine, state=OutboxState.WAITING).values("contact")
    if stuck.exclude(contact__in=waiting).update(state=OutboxState.WAITING, not_before=None, tries=0):
        wake_at(connection)


def _linked(connection: Connection, manifest: Manifest, contact_ids: Sequence[int]) -> list[int]:
    rows = Link.objects.filter(
        workspace_id=connection.workspace_id,
        connection=connection,
        contact__any=contact_ids,
        remote_kind__in=writable_kinds(manifest),
    )
    return list(rows.exclude(state__in=LEFT).values_list("contact_id", flat=True))
