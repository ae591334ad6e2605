"""Take a run back: restore what nobody has changed since, remove what it created and nobody touched, and list what is left alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from accounts.models import User
from accounts.scoping import Origin
from contacts.domain.store import WRITABLE, delete_contacts, update_contacts
from contacts.enums import ChangeAction
from contacts.models import Contact, ContactChange
from integrations import registry
from integrations.domain.journal import reason_json, write_lines
from integrations.domain.outbox import LOCAL_NAMES
from integrations.domain.parties import local_of
from integrations.domain.settings import audit
from integrations.engine.types import Reason
from integrations.enums import LinkState, Outcome, Phase, RunKind, RunStatus
from integrations.models import Link, Run, RunLine

BATCH = 1000


@dataclass
class UndoPlan:
    """What Undo would do. `left` = (contact id, name, field or "", why: edited | linked)."""

    restored: dict[int, dict[str, Any]] = field(default_factory=dict)
    removed: list[int] = field(default_factory=list)
    left: list[tuple[int, str, str, str]] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not self.restored and not self.removed


class CannotUndo(Exception):
    """Another run is under way, or this one was undone before."""


def undo_effect(run: Run, *, lock: bool = False) -> UndoPlan:
    """Plan it; two queries per thousand contacts. With `lock` they stay as read until the transaction ends, so that no edit is lost."""
    plan = UndoPlan()
    for contact_ids in _batches(_touched(run)):
        rows = Contact.objects.filter(workspace_id=run.workspace_id, pk__in=contact_ids).order_by("pk")
        contacts = {c.pk: c for c in (rows.select_for_update(of=("self",)) if lock else rows)}
        changes = ContactChange.objects.filter(workspace_id=run.workspace_id, contact_id__in=contact_ids).order_by("pk")
        by_contact: dict[int, list[ContactChange]] = {}
        for change in changes:
            by_contact.setdefault(change.contact_id, []).append(change)
        for pk, history in by_contact.items():
            if pk in contacts and contacts[pk].deleted_at is None:
                _plan_contact(plan, run, contacts[pk], history)
    return plan


def undo(run: Run, *, user: User | None) -> Run:
    """Carry it out in one transaction, as a run of its own. Nothing is taken back at the provider. Raises CannotUndo."""
    done = Run.objects.select_for_update(of=("self",)).get(pk=run.pk)  # two who press the button at once come here one after the other
    busy = Run.objects.filter(workspace_id=run.workspace_id, connection=run.connection).exclude(status=RunStatus.DONE).exists()
    if busy or done.undone_by_id or not done.is_over:
        raise CannotUndo
    plan = undo_effect(run, lock=True)
    now = timezone.now()
    back = Run.objects.create(
        workspace_id=run.workspace_id,
        connection=run.connection,
        kind=RunKind.UNDO,
        status=RunStatus.DONE,
        outcome=Outcome.SUCCESS,
        phase=Phase.DONE,
        requested_by=user,
        started_at=now,
        finished_at=now,
        counters={"updated": len(plan.restored), "removed": len(plan.removed)},
    )
    label = registry.manifest(run.connection.provider).label
    origin = Origin(kind="sync", actor_id=user.pk if user else None, run_id=back.pk, label=label)
    # The links go first: an undone contact must neither be told to the provider nor come back by itself.
    _release(run, plan.removed)
    update_contacts(run.workspace, plan.restored, origin=origin)
    _agree(run, plan.restored)
    delete_contacts(run.workspace, plan.removed, origin=origin)
    _log(back, plan)
    Run.objects.filter(pk=run.pk).update(undone_by=back)
    audit(run.connection, "run.undone", user=user, data={"run": run.pk, "restored": len(plan.restored), "removed": len(plan.removed)})
    return back


def _touched(run: Run) -> list[int]:
    rows = ContactChange.objects.filter(workspace_id=run.workspace_id, run_id=run.pk)
    return sorted(set(rows.values_list("contact_id", flat=True)))


def _batches(ids: list[int]) -> Iterable[list[int]]:
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))


def _plan_contact(plan: UndoPlan, run: Run, contact: Contact, history: list[ContactChange]) -> None:
    own = [change for change in history if change.run_id == run.pk]
    later = [change for change in history if change.pk > own[0].pk and change.run_id != run.pk]
    if own[0].action in {ChangeAction.CREATED, ChangeAction.RESTORED}:
        if later:
            plan.left.append((contact.pk, contact.name, "", "edited"))
        else:
            plan.removed.append(contact.pk)
        return
    touched_since = {name for change in later for name in change.changes}
    values = _before(own)
    for name in values.keys() & touched_since:
        plan.left.append((contact.pk, contact.name, name, "edited"))
    kept = {name: value for name, value in values.items() if name not in touched_since and name in WRITABLE}
    if kept:
        plan.restored[contact.pk] = kept


def _before(own: list[ContactChange]) -> Mapping[str, Any]:
    """The value of each field before the run's first write of it."""
    values: dict[str, Any] = {}
    for change in own:
        for name, (old, _new) in change.changes.items():
            values.setdefault(name, old)
    return values


def _release(run: Run, removed: list[int]) -> None:
    """Removed contacts are kept away."""
    links = Link.objects.filter(workspace_id=run.workspace_id, connection=run.connection, contact__in=removed)
    links.update(state=LinkState.IGNORED, reason=reason_json(Reason("undone")), contact=None)


def _agree(run: Run, restored: Mapping[int, Mapping[str, Any]]) -> None:
    """The values from before are the agreement now, so that nothing is sent because of the undo and the next sync leaves them alone."""
    contacts = Contact.objects.in_bulk(list(restored))
    links = list(Link.objects.filter(workspace_id=run.workspace_id, connection=run.connection, contact__in=restored))
    for link in links:
        contact = contacts[link.contact_id or 0]
        fields = local_of(contact).fields
        names = {LOCAL_NAMES.get(name, name) for name in restored[contact.pk]}
        link.base_ours = {name: fields.get(name, "") if name in names else value for name, value in link.base_ours.items()}
    Link.objects.bulk_update(links, ["base_ours"], batch_size=500)


def _log(back: Run, plan: UndoPlan) -> None:
    now = timezone.now()
    base = {"workspace_id": back.workspace_id, "run": back, "at": now}
    touched = Contact.objects.filter(workspace_id=back.workspace_id, pk__in=[*plan.restored, *plan.removed])
    names = dict(touched.values_list("pk", "name"))
    lines = [
        RunLine(**base, action="restore", contact_id=pk, name=names.get(pk, "")[:300], fields=sorted(values))
        for pk, values in plan.restored.items()
    ]
    lines += [RunLine(**base, action="remove", contact_id=pk, name=names.get(pk, "")[:300]) for pk in plan.removed]
    lines += [
        RunLine(
            **base,
            action="left",
            contact_id=pk,
            name=name[:300],
            fields=[what] if what else [],
            reason=reason_json(Reason("left_alone", {"name": name})),
            level="warning",
        )
        for pk, name, what, _why in plan.left
    ]
    write_lines(lines)
