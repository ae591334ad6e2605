"""Write what providers tell of invoices: set by set, a fixed number of statements whatever the batch holds. All inside workspace_tx."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection as database

from accounts.models import Workspace

Key = tuple[str, str]  # (kind, id) at the provider


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """One invoice, quote or credit note as a provider tells it. `kind` and `state` take the values of invoices.enums."""

    remote_kind: str
    remote_id: str
    version: str
    kind: str
    state: str
    number: str
    currency: str
    gross: Decimal
    outstanding: Decimal
    customer_kind: str = ""
    customer_id: str = ""
    issued_on: date | None = None
    due_on: date | None = None
    paid_on: date | None = None
    url: str = ""


class Stored(NamedTuple):
    created: int
    updated: int
    unchanged: int


COLUMNS = (
    ("remote_kind", "text"),
    ("remote_id", "text"),
    ("version", "text"),
    ("kind", "text"),
    ("state", "text"),
    ("number", "text"),
    ("currency", "text"),
    ("gross", "numeric"),
    ("outstanding", "numeric"),
    ("customer_kind", "text"),
    ("customer_id", "text"),
    ("issued_on", "date"),
    ("due_on", "date"),
    ("paid_on", "date"),
    ("url", "text"),
)
NAMES = ", ".join(name for name, _type in COLUMNS)
UNNEST = ", ".join(f"%s::{kind}[]" for _name, kind in (*COLUMNS, ("contact_id", "bigint")))
TAKEN = ", ".join(f"{name} = EXCLUDED.{name}" for name, _type in COLUMNS if name not in {"remote_kind", "remote_id"})
UPSERT = f"""
INSERT INTO invoices_invoice AS old (workspace_id, connection_id, hidden, {NAMES}, contact_id)
SELECT %s, %s, false, new.* FROM unnest({UNNEST}) AS new
ON CONFLICT (workspace_id, connection_id, remote_kind, remote_id) DO UPDATE SET {TAKEN}, contact_id = EXCLUDED.contact_id
WHERE old.version <> EXCLUDED.version OR old.contact_id IS DISTINCT FROM EXCLUDED.contact_id
RETURNING (xmax = 0)
"""  # noqa: S608  names of columns, all from this module
KNOWN = """
SELECT old.remote_kind, old.remote_id, old.version
FROM unnest(%s::text[], %s::text[]) AS asked(kind, id)
JOIN invoices_invoice old ON old.workspace_id = %s AND old.connection_id = %s AND old.remote_kind = asked.kind AND old.remote_id = asked.id
"""
CHANGED = """
SELECT asked.id FROM unnest(%s::text[], %s::text[]) AS asked(id, version) WHERE NOT EXISTS (
  SELECT 1 FROM invoices_invoice old WHERE old.workspace_id = %s AND old.connection_id = %s
  AND old.remote_kind = %s AND old.remote_id = asked.id AND old.version = asked.version
)
"""
REMOVE = """
DELETE FROM invoices_invoice old WHERE old.workspace_id = %s AND old.connection_id = %s AND old.remote_kind = %s
AND NOT EXISTS (SELECT 1 FROM unnest(%s::text[]) AS seen(id) WHERE seen.id = old.remote_id)
"""
ATTACH = """
UPDATE invoices_invoice old SET contact_id = new.contact_id
FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS new(kind, id, contact_id)
WHERE old.workspace_id = %s AND old.connection_id = %s AND old.customer_kind = new.kind AND old.customer_id = new.id
AND old.contact_id IS DISTINCT FROM new.contact_id
"""


def store_invoices(
    workspace: Workspace, connection_id: int, invoices: Sequence[InvoiceRow], *, contact_by_customer: Mapping[Key, int]
) -> Stored:
    """Insert or update a batch in one statement. Same version and same contact: not written. Of one invoice sent twice the last counts."""
    rows = {(row.remote_kind, row.remote_id): row for row in invoices}.values()
    if not rows:
        return Stored(0, 0, 0)
    columns: list[Any] = [[getattr(row, name) for row in rows] for name, _type in COLUMNS]
    contacts = [contact_by_customer.get((row.customer_kind, row.customer_id)) for row in rows]
    written = [fresh for (fresh,) in _fetch(UPSERT, [workspace.pk, connection_id, *columns, contacts])]
    created = sum(written)
    return Stored(created=created, updated=len(written) - created, unchanged=len(rows) - len(written))


def known_versions(workspace: Workspace, connection_id: int, refs: Iterable[Key]) -> dict[Key, str]:
    """Tell which version of these invoices is stored; unknown ones are left out."""
    asked = list(refs)
    found = _fetch(KNOWN, [*_split(asked), workspace.pk, connection_id]) if asked else []
    return {(kind, remote_id): version for kind, remote_id, version in found}


def changed_versions(workspace: Workspace, connection_id: int, *, kind: str, pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Of these (id, version) the ids that are not stored in that version: what has to be read."""
    found = _fetch(CHANGED, [[id_ for id_, _ in pairs], [version for _, version in pairs], workspace.pk, connection_id, kind])
    return [row[0] for row in found]


def remove_unseen(workspace: Workspace, connection_id: int, *, remote_kind: str, seen: Collection[str]) -> int:
    """After a complete pull: remove the stored invoices of this kind that were not in it. Returns how many went."""
    return _execute(REMOVE, [workspace.pk, connection_id, remote_kind, list(seen)])


def attach(workspace: Workspace, connection_id: int, pairs: Mapping[Key, int | None]) -> int:
    """Give the invoices of these customers to their contacts (None: to nobody)."""
    if not pairs:
        return 0
    return _execute(ATTACH, [*_split(pairs), list(pairs.values()), workspace.pk, connection_id])


def hide(workspace: Workspace, connection_id: int) -> int:
    """The integration is off: show none of its invoices."""
    return _set_hidden(workspace, connection_id, hidden=True)


def show(workspace: Workspace, connection_id: int) -> int:
    return _set_hidden(workspace, connection_id, hidden=False)


def repoint(workspace: Workspace, from_contact: int, to_contact: int) -> int:
    """Two contacts became one: their invoices too."""
    statement = "UPDATE invoices_invoice SET contact_id = %s WHERE workspace_id = %s AND contact_id = %s"
    return _execute(statement, [to_contact, workspace.pk, from_contact])


def move_connection(workspace: Workspace, from_connection: int, to_connection: int) -> int:
    """The integration is on again under a new connection: its invoices come back with it, but for those that it has read already."""
    statement = (
        "UPDATE invoices_invoice old SET connection_id = %s, hidden = false"
        " WHERE old.workspace_id = %s AND old.connection_id = %s AND NOT EXISTS"
        " (SELECT 1 FROM invoices_invoice new WHERE new.workspace_id = old.workspace_id AND new.connection_id = %s"
        " AND new.remote_kind = old.remote_kind AND new.remote_id = old.remote_id)"
    )
    return _execute(statement, [to_connection, workspace.pk, from_connection, to_connection])


def _set_hidden(workspace: Workspace, connection_id: int, *, hidden: bool) -> int:
    statement = "UPDATE invoices_invoice SET hidden = %s WHERE workspace_id = %s AND connection_id = %s AND hidden <> %s"
    return _execute(statement, [hidden, workspace.pk, connection_id, hidden])


def _split(keys: Iterable[Key]) -> tuple[list[str], list[str]]:
    pairs = list(keys)
    return [kind for kind, _id in pairs], [remote_id for _kind, remote_id in pairs]


def _fetch(statement: str, params: list[Any]) -> list[tuple[Any, ...]]:
    with database.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchall()


def _execute(statement: str, params: list[Any]) -> int:
    with database.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.rowcount
