"""Make two contacts one, and take it back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Workspace
from accounts.scoping import Origin, workspace_tx
from contacts.domain.faults import FieldError, Invalid
from contacts.domain.store import delete_contacts, live, restore_contacts, update_contacts
from contacts.enums import Kind
from contacts.models import Contact, Duplicate, Merge
from contacts.signals import contacts_merged, contacts_unmerged
from crmsync.lib.text import digits, fold

ONE_VALUE = (
    "name", "first_name", "last_name", "legal_name", "trade_name", "tax_id", "website", "job_title", "life_cycle",
    "organisation_id", "owner_id", "team_id",
)  # fmt: skip
LISTS = ("emails", "phones", "addresses")
TAKEN = frozenset([*ONE_VALUE, *LISTS])  # what a person may take from the one that goes; custom fields, too, as `custom.<key>`
OF_PEOPLE = frozenset(["first_name", "last_name", "job_title", "organisation_id"])
ROW_LIMIT = 50


@dataclass(frozen=True, slots=True)
class Undone:
    """What taking a merge back did: the restored contact, and the fields of the kept one that somebody has changed since."""

    gone_id: int
    left: list[str]


def merged_values(kept: Contact, gone: Contact, *, take_from_gone: Collection[str]) -> dict[str, Any]:
    """The values of the contact that stays. An empty field is filled from the other one; lists are joined, the taken ones first."""
    values: dict[str, Any] = {}
    for name in ONE_VALUE:
        if kept.kind == Kind.ORGANISATION and name in OF_PEOPLE:
            continue
        ours, theirs = getattr(kept, name), getattr(gone, name)
        values[name] = theirs if theirs and (name in take_from_gone or not ours) else ours
    for name in LISTS:
        both = [getattr(kept, name), getattr(gone, name)]
        values[name] = _joined(name, both[::-1] if name in take_from_gone else both)
    values["tags"] = list({fold(tag): tag for tag in [*gone.tags, *kept.tags]}.values())[:ROW_LIMIT]
    values["custom"] = _custom(kept.custom, gone.custom, take_from_gone=take_from_gone)
    values["notes"] = kept.notes if fold(gone.notes) in fold(kept.notes) else "\n\n".join(filter(None, [kept.notes, gone.notes]))
    if values.get("organisation_id") in (kept.pk, gone.pk):
        values["organisation_id"] = None
    return values


def _custom(ours: Mapping[str, Any], theirs: Mapping[str, Any], *, take_from_gone: Collection[str]) -> dict[str, Any]:
    taken = {key: value for key, value in theirs.items() if f"custom.{key}" in take_from_gone}
    return {**theirs, **ours, **taken}


def _joined(name: str, lists: Sequence[Sequence[Mapping[str, str]]]) -> list[dict[str, str]]:
    kept: dict[Any, dict[str, str]] = {}
    for rows in lists:
        for row in rows:
            kept.setdefault(_identity(name, row), dict(row))
    return list(kept.values())[:ROW_LIMIT]


def _identity(name: str, row: Mapping[str, str]) -> Any:
    if name == "emails":
        return row.get("email", "").lower()
    if name == "phones":
        return digits(row.get("number", ""))[-9:]
    return tuple(fold(value) for key, value in sorted(row.items()) if key != "label" and value)


def differences(kept: Contact, gone: Contact) -> list[str]:
    """Fields that both have filled differently: the ones a person chooses."""
    names = [name for name in ONE_VALUE if not (kept.kind == Kind.ORGANISATION and name in OF_PEOPLE)]
    return [name for name in names if getattr(kept, name) and getattr(gone, name) and getattr(kept, name) != getattr(gone, name)]


def custom_differences(kept: Contact, gone: Contact) -> list[str]:
    return sorted(key for key, value in kept.custom.items() if key in gone.custom and gone.custom[key] != value)


def merge(
    workspace: Workspace,
    *,
    kept_id: int,
    gone_id: int,
    origin: Origin,
    take_from_gone: Collection[str] = frozenset(),
    choices: Mapping[str, Any] | None = None,
) -> Merge:
    """Move all of `gone` into `kept`; raises `Invalid` when the two cannot be merged."""
    with workspace_tx(workspace, origin=origin):
        kept, gone = _both(workspace, kept_id, gone_id)
        values = merged_values(kept, gone, take_from_gone=take_from_gone)
        before = {name: getattr(kept, name) for name, value in values.items() if getattr(kept, name) != value}
        people = _people_of(workspace, gone, kept)
        done = Merge.objects.create(
            workspace=workspace, kept=kept, gone=gone, before=before, after={name: values[name] for name in before}, people=people,
            actor_id=origin.actor_id,
        )  # fmt: skip
        changes = {kept.pk: values} | {pk: {"organisation_id": kept.pk} for pk in people}
        update_contacts(workspace, changes, origin=origin)
        # Links move before the other contact goes: deleting it must not look like deleting a linked one.
        contacts_merged.send(
            sender=Contact, workspace=workspace, kept_id=kept.pk, gone_id=gone.pk, origin=origin, choices=dict(choices or {})
        )
        update_contacts(workspace, {gone.pk: {"merged_into_id": kept.pk}}, origin=origin)
        delete_contacts(workspace, [gone.pk], origin=origin)
        Duplicate.objects.filter(workspace=workspace, first_id=min(kept.pk, gone.pk), second_id=max(kept.pk, gone.pk)).delete()
    return done


def _both(workspace: Workspace, kept_id: int, gone_id: int) -> tuple[Contact, Contact]:
    if kept_id == gone_id:
        raise Invalid([FieldError("gone", "same", _("Choose another contact."))])
    found = {c.pk: c for c in live(workspace).filter(pk__in=[kept_id, gone_id]).order_by("pk").select_for_update(of=("self",))}
    for name, pk in (("kept", kept_id), ("gone", gone_id)):
        if pk not in found:
            raise Invalid([FieldError(name, "unknown", _("There is no such contact any more."))])
    return found[kept_id], found[gone_id]


def _people_of(workspace: Workspace, gone: Contact, kept: Contact) -> list[int]:
    people = list(Contact.objects.filter(workspace=workspace, organisation=gone).order_by("pk").values_list("pk", flat=True))
    if people and kept.kind == Kind.PERSON:
        raise Invalid([FieldError("kept", "kind", _("An organisation that has people cannot become a person: keep the organisation."))])
    return [pk for pk in people if pk != kept.pk]


def undo(workspace: Workspace, merge: Merge, *, origin: Origin) -> Undone:
    """Part the two again: the other contact is back, the kept one has its old values where nobody changed them since."""
    with workspace_tx(workspace, origin=origin):
        merge = Merge.objects.select_for_update(of=("self", "kept")).select_related("kept").get(pk=merge.pk)
        if merge.undone_at is not None:
            return Undone(gone_id=merge.gone_id, left=[])
        kept = merge.kept
        back = {name: old for name, old in merge.before.items() if getattr(kept, name) == merge.after[name]}
        moved = Contact.objects.filter(workspace=workspace, pk__in=merge.people, organisation_id=kept.pk).values_list("pk", flat=True)
        update_contacts(workspace, {kept.pk: back} | {pk: {"organisation_id": merge.gone_id} for pk in moved}, origin=origin)
        contacts_unmerged.send(sender=Contact, workspace=workspace, kept_id=kept.pk, gone_id=merge.gone_id, origin=origin)
        update_contacts(workspace, {merge.gone_id: {"merged_into_id": None}}, origin=origin)
        restore_contacts(workspace, [merge.gone_id], origin=origin)
        merge.undone_at = timezone.now()
        merge.save(update_fields=["undone_at"])
    return Undone(gone_id=merge.gone_id, left=sorted(set(merge.before) - set(back)))
