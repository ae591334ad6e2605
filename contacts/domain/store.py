"""The one way to write contacts: set-wise, with derived columns, search words, history (by trigger) and one signal per batch.

A statement or two per batch whatever its size; call it inside or outside a transaction, it opens the workspace's walls itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from accounts.domain.bulk import as_json, insert_rows, reserve_ids
from accounts.models import Workspace
from accounts.scoping import Origin, workspace_tx
from contacts.models import Contact
from contacts.signals import contacts_changed, contacts_deleted, contacts_restored
from crmsync.lib.text import clip, exact_name, fold, search_words

WRITABLE = (
    "kind",
    "name",
    "first_name",
    "last_name",
    "legal_name",
    "trade_name",
    "tax_id",
    "website",
    "job_title",
    "notes",
    "life_cycle",
    "emails",
    "phones",
    "addresses",
    "tags",
    "custom",
    "organisation_id",
    "owner_id",
    "team_id",
    "merged_into_id",
)
KEYS = ("organisation_id", "owner_id", "team_id", "merged_into_id")
TEXTS = (
    "kind", "name", "first_name", "last_name", "legal_name", "trade_name",
    "tax_id", "website", "job_title", "notes", "life_cycle",
)  # fmt: skip
ALIASES = {"organisation": "organisation_id", "owner": "owner_id", "team": "team_id"}
SEARCHED = frozenset({"name", "legal_name", "trade_name", "emails", "phones", "tax_id", "tags"})
BATCH = 1000


@dataclass(frozen=True, slots=True)
class Written:
    """What an update did: ids that were written, and ids left alone since somebody else had changed them."""

    updated: list[int] = field(default_factory=list)
    stale: list[int] = field(default_factory=list)


def live(workspace: Workspace) -> QuerySet[Contact]:
    return Contact.objects.filter(workspace=workspace, deleted_at=None)


def create_contacts(workspace: Workspace, rows: Sequence[Mapping[str, Any]], *, origin: Origin) -> list[Contact]:
    """Create contacts from validated rows of `Contact` field names."""
    with workspace_tx(workspace, origin=origin):
        ids = insert_contacts(workspace, rows, origin=origin)
        found = Contact.objects.in_bulk(ids)
    return [found[pk] for pk in ids]


def insert_contacts(workspace: Workspace, rows: Sequence[Mapping[str, Any]], *, origin: Origin) -> list[int]:
    """The same without reading them back: gives their ids in the rows' order. Four statements per thousand."""
    with workspace_tx(workspace, origin=origin):
        ids = reserve_ids(Contact, len(rows))
        full = [_full_row(workspace, pk, row) for pk, row in zip(ids, rows, strict=True)]
        for start in range(0, len(full), BATCH):
            insert_rows(Contact, full[start : start + BATCH])
        _write_words(workspace, {row["id"]: words_of(row) for row in full})
        filled = {pk: {name for name, value in row.items() if value} for pk, row in zip(ids, rows, strict=True)}
        _tell(workspace, filled, origin=origin, fresh=True)
    return ids


def update_contacts(
    workspace: Workspace, changes: Mapping[int, Mapping[str, Any]], *, origin: Origin, expected: Mapping[int, int] | None = None
) -> Written:
    """Write the given fields of the given contacts; a contact whose version is not the `expected` one is left alone and named."""
    with workspace_tx(workspace, origin=origin):
        found = {
            c.pk: c
            for c in Contact.objects.select_for_update(of=("self",)).filter(workspace=workspace, pk__any=list(changes)).order_by("pk")
        }
        stale = [pk for pk, version in (expected or {}).items() if pk in found and found[pk].version != version]
        different = {pk: _difference(found[pk], row) for pk, row in changes.items() if pk in found and pk not in stale}
        different = {pk: row for pk, row in different.items() if row}
        if different:
            _write(workspace, {pk: found[pk] for pk in different}, different)
            _tell(workspace, {pk: set(row) for pk, row in different.items()}, origin=origin)
    return Written(updated=list(different), stale=stale)


def delete_contacts(workspace: Workspace, ids: Sequence[int], *, origin: Origin) -> list[int]:
    """Put contacts into the trash, from where they can be restored."""
    with workspace_tx(workspace, origin=origin):
        gone = _mark(workspace, ids, deleted_at=timezone.now())
        contacts_deleted.send(sender=Contact, workspace=workspace, contact_ids=gone, origin=origin)
    return gone


def restore_contacts(workspace: Workspace, ids: Sequence[int], *, origin: Origin) -> list[int]:
    with workspace_tx(workspace, origin=origin):
        back = _mark(workspace, ids, deleted_at=None)
        contacts_restored.send(sender=Contact, workspace=workspace, contact_ids=back, origin=origin)
    return back


def _empty_row() -> dict[str, Any]:
    return dict.fromkeys(TEXTS, "") | {"emails": [], "phones": [], "addresses": [], "tags": [], "custom": {}} | dict.fromkeys(KEYS)


def _full_row(workspace: Workspace, pk: int, row: Mapping[str, Any]) -> dict[str, Any]:
    now = timezone.now()
    given = {ALIASES.get(name, name): getattr(value, "pk", value) for name, value in row.items()}
    names = {"exact_name": exact_name(given["name"]), "sort_name": clip(fold(given["name"]), 300)}
    times = {"created_at": now, "updated_at": now, "deleted_at": None}
    return {"id": pk, "workspace_id": workspace.pk, "version": 1, **_empty_row(), **given, **names, **times}


def _derive(contact: Contact) -> None:
    contact.exact_name = exact_name(contact.name)
    contact.sort_name = clip(fold(contact.name), 300)


def _difference(contact: Contact, row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if getattr(contact, name) != value}


def _write(workspace: Workspace, contacts: Mapping[int, Contact], changes: Mapping[int, Mapping[str, Any]]) -> None:
    for pk, row in changes.items():
        for name, value in row.items():
            setattr(contacts[pk], name, value)
        _derive(contacts[pk])
    columns = sorted({name for row in changes.values() for name in row} | {"exact_name", "sort_name"})
    _update_set_wise(workspace, list(contacts.values()), columns)
    searched = [contacts[pk] for pk, row in changes.items() if SEARCHED & set(row)]
    if searched:
        _drop_words(workspace, searched)
        _write_words(workspace, {contact.pk: words_of(vars(contact)) for contact in searched})


def _update_set_wise(workspace: Workspace, contacts: Sequence[Contact], columns: Sequence[str]) -> None:
    types = {f.column: f.db_type(connection) for f in Contact._meta.concrete_fields}
    rows = as_json([{"id": c.pk} | {name: getattr(c, name) for name in columns} for c in contacts])
    assignments = ", ".join(f'"{name}" = r."{name}"' for name in columns)
    record = ", ".join(f'"{name}" {types[name]}' for name in columns)
    # Column names come from the model, values travel as one parameter.
    sql = (
        f"UPDATE contacts_contact c SET {assignments}, version = c.version + 1, updated_at = %s"  # noqa: S608  see the comment above
        f" FROM jsonb_to_recordset(%s::jsonb) AS r(id bigint, {record}) WHERE c.id = r.id AND c.workspace_id = %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [timezone.now(), rows, workspace.pk])


def _mark(workspace: Workspace, ids: Sequence[int], *, deleted_at: datetime | None) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE contacts_contact SET deleted_at = %s, updated_at = %s, version = version + 1"
            " WHERE workspace_id = %s AND id = ANY(%s) AND (deleted_at IS NULL) = %s RETURNING id",
            [deleted_at, timezone.now(), workspace.pk, list(ids), deleted_at is not None],
        )
        return [row[0] for row in cursor.fetchall()]


def words_of(row: Mapping[str, Any]) -> list[str]:
    """What a contact is found by."""
    mails = [entry["email"] for entry in row["emails"]]
    found = search_words(
        row["name"],
        row["legal_name"],
        row["trade_name"],
        emails=mails,
        numbers=[*(entry["number"] for entry in row["phones"]), row["tax_id"]],
    )
    exact = [clip(f"e:{mail.lower()}", 100) for mail in mails]
    return sorted({*found, *exact, *(clip(f"t:{tag}", 100) for tag in row["tags"])})


def _write_words(workspace: Workspace, words: Mapping[int, Sequence[str]]) -> None:
    """One document instead of a value for each: a contact has up to twenty words."""
    rows = [{"id": pk, "words": listed} for pk, listed in words.items()]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO contacts_contacttoken (workspace_id, contact_id, word)"
            " SELECT %s, x.id, w.word FROM json_to_recordset(%s::json) AS x(id bigint, words text[]), unnest(x.words) AS w(word)",
            [workspace.pk, as_json(rows)],
        )


def _drop_words(workspace: Workspace, contacts: Sequence[Contact]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM contacts_contacttoken WHERE workspace_id = %s AND contact_id = ANY(%s)", [workspace.pk, [c.pk for c in contacts]]
        )


def _tell(workspace: Workspace, fields: Mapping[int, set[str]], *, origin: Origin, fresh: bool = False) -> None:
    contacts_changed.send(sender=Contact, workspace=workspace, contact_ids=list(fields), fields=fields, origin=origin, fresh=fresh)
