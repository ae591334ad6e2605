"""The check that every hard case ends with: nothing lost, nothing twice, and every open question has its words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db import connection as database

from accounts.models import Workspace
from accounts.scoping import workspace_tx
from contacts.enums import ChangeAction
from contacts.models import Contact, ContactChange
from crmsync.lib.text import exact_name
from integrations import registry
from integrations.domain.parties import local_of
from integrations.engine.errors import SkipRecord
from integrations.engine.merge import same
from integrations.engine.provider import Direction
from integrations.engine.reasons import REASONS
from integrations.engine.types import Fields, RawRecord, Ref, Remote
from integrations.enums import LinkState, OutboxState, Outcome, RunKind, RunStatus
from integrations.kit.fingerprint import fingerprint
from integrations.models import Link, Outbox, Run, RunLine
from integrations.providers.crunch import mapping
from tests.integrations.sync.world import World

MADE = {"created": ("create", "restore"), "updated": ("update",), "linked": ("link",)}
COUNTED = ("created", "updated", "linked", "unchanged", "held", "skipped", "failed")
TABLES = ("contacts_contact", "contacts_contactchange", *(f"integrations_{name}" for name in ("connection", "link", "run", "outbox")))


def violations(world: World, *, exported: Iterable[Contact] = (), twins: bool = False) -> list[str]:
    """What is wrong after both sides have gone quiet. `twins`: the books had records of one name from the start."""
    with world.open():
        links = list(Link.objects.filter(connection=world.connection).select_related("contact"))
        found = [*_records(world, links), *_links(world, links), *_outbox(world), *_runs(world)]
        if not twins:
            found += [
                *_twice("here", [c.name for c in world.contacts()]),
                *_twice("there", [str(c["name"]) for c in world.clients().values()]),
            ]
    return [*found, *_exports(world, exported)]


def missing(world: World, expected: Mapping[tuple[int, str], Any]) -> list[str]:
    """Edits by (client, field) that must have arrived on both sides, and have not."""
    found = []
    for (client, name), value in expected.items():
        here, there = here_of(world, client), there_of(world.clients()[client])
        for side, fields in (("here", here), ("there", there)):
            if not same(name, fields.get(name), value):
                found.append(f"client {client}: {name} is {fields.get(name)!r} {side}, and {value!r} was written last")
    return found


def here_of(world: World, client: int) -> Fields:
    contact = world.link(client).contact_id
    with world.open():
        return local_of(Contact.objects.get(pk=contact)).fields if contact else {}


def there_of(body: Mapping[str, Any]) -> Fields:
    return _remote("client", body).party.fields


def digest(workspace: Workspace) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of another workspace: no sync may change one of them."""
    with workspace_tx(workspace), database.cursor() as cursor:
        found = {}
        for table in TABLES:
            cursor.execute(f"SELECT * FROM {table} ORDER BY id")
            found[table] = cursor.fetchall()
        return found


def _remote(kind: str, body: Mapping[str, Any]) -> Remote:
    raw = RawRecord(Ref(kind, str(body["id"])), body, fingerprint(body))
    return mapping.remote_supplier(raw) if kind == "supplier" else mapping.remote_client(raw)


def _bodies(world: World) -> dict[tuple[str, str], Mapping[str, Any]]:
    state = world.sandbox.state()
    kinds = {"client": state["clients"]}
    if world.connection.settings.get("suppliers") == "import":
        kinds["supplier"] = state["suppliers"]
    return {(kind, str(row["id"])): row for kind, rows in kinds.items() for row in rows}


def _records(world: World, links: list[Link]) -> Iterator[str]:
    """Every record there is applied, or left out with a reason that a person can see."""
    known = {(link.remote_kind, link.remote_id): link for link in links}
    for key, body in _bodies(world).items():
        link = known.get(key)
        if link is None:
            yield f"{key} was never taken notice of"
        elif link.state == LinkState.LINKED:
            yield from _agreement(link, body)
        elif link.state == LinkState.GONE:
            yield f"{key} is said to be gone, and is there"


def _agreement(link: Link, body: Mapping[str, Any]) -> Iterator[str]:
    if link.contact is None:
        yield f"{link} is in sync with nobody"
        return
    if link.contact.deleted_at is not None:
        if link.reason.get("code") != "deleted_here_kept_away":
            yield f"{link} is in sync with a contact in the trash"
        return
    try:
        theirs = _remote(link.remote_kind, body).party.fields
    except SkipRecord:
        yield f"{link} is in sync with a record that cannot be read"
        return
    ours = local_of(link.contact).fields
    for each in registry.manifest(link.connection.provider).fields:
        name = each.ours
        if name not in theirs or each.direction is Direction.OUT or same(name, ours.get(name), theirs.get(name)):
            continue
        agreed = same(name, link.base_ours.get(name), ours.get(name)) and same(name, link.base_theirs.get(name), theirs.get(name))
        if not agreed:
            yield f"{link}: {name} is {ours.get(name)!r} here and {theirs.get(name)!r} there"


def _links(world: World, links: list[Link]) -> Iterator[str]:
    bodies = _bodies(world)
    for link in links:
        if link.state != LinkState.LINKED and link.reason.get("code") not in REASONS and link.state != LinkState.HIDDEN:
            yield f"{link} is {link.state} without a reason"
        if link.state == LinkState.LINKED and link.missed == 0 and (link.remote_kind, link.remote_id) not in bodies:
            yield f"{link} is in sync with nothing"


def _outbox(world: World) -> Iterator[str]:
    for row in Outbox.objects.filter(connection=world.connection):
        if row.state == OutboxState.STUCK:
            if row.reason.get("code") not in REASONS:
                yield f"{row} is stuck without a reason"
        elif row.operation not in world.connection.denied:
            yield f"{row} still waits"


def _runs(world: World) -> Iterator[str]:
    """The counters of a run are what its log and the contacts' history say."""
    for run in Run.objects.filter(connection=world.connection).exclude(kind__in=[RunKind.UNDO, RunKind.PREVIEW]):
        if run.status not in {RunStatus.DONE, RunStatus.DECIDING}:
            yield f"{run} is still {run.status}"
        if run.outcome not in {Outcome.SUCCESS, Outcome.PARTIAL}:
            continue
        if run.counters["seen"] != sum(run.counters[name] for name in COUNTED):
            yield f"{run}: seen {run.counters['seen']} is not the sum of {run.counters}"
        said = Counter(RunLine.objects.filter(run=run).values_list("action", flat=True))
        for name, actions in MADE.items():
            if run.counters[name] != sum(said[action] for action in actions):
                yield f"{run}: {run.counters[name]} {name}, the log has {dict(said)}"
        created = ContactChange.objects.filter(run_id=run.pk, action=ChangeAction.CREATED).count()
        if said["create"] != created:
            yield f"{run}: {said['create']} created by the log, {created} by the history"


def _twice(where: str, names: Iterable[str]) -> Iterator[str]:
    counts = Counter(map(exact_name, names))
    yield from (f"{name!r} exists {count} times {where}" for name, count in counts.items() if count > 1 and name)


def _exports(world: World, exported: Iterable[Contact]) -> Iterator[str]:
    for contact in exported:
        name = world.again(contact).name
        count = len([row for row in world.clients().values() if exact_name(str(row["name"])) == exact_name(name)])
        if count != 1:
            yield f"the export of {name!r} made {count} records"
