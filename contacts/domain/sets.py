"""Write many contacts in a few statements, from rows that SQL has already: for steps whose values come from tables.

Derived columns and search words are made by the database (`models.letters`), history by its trigger, and the signal tells what that of
`store` tells. `store` writes what people and other systems bring; tests hold the two equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from django.db import connection
from django.utils import timezone

from accounts.models import Workspace
from accounts.scoping import Origin, workspace_tx
from contacts.domain.store import KEYS, SEARCHED, TEXTS, WRITABLE
from contacts.models import Contact
from contacts.signals import contacts_changed

PLAIN = frozenset({"owner_id", "team_id", "life_cycle", "job_title", "website", "notes"})
EMPTY = {
    **dict.fromkeys(TEXTS, "''"),
    **dict.fromkeys(("emails", "phones", "addresses"), "'[]'::jsonb"),
    "tags": "'{}'::varchar[]",
    "custom": "'{}'::jsonb",
    **dict.fromkeys(KEYS, "NULL::bigint"),
}
# The id of a contact that a SELECT is going to make.
NEXT_ID = "nextval((SELECT pg_get_serial_sequence('contacts_contact', 'id')::regclass))"
# Who asks only whether a field was filled or changed is told a few sets of fields, each with its contacts.
TOLD = "SELECT names, array_agg(id ORDER BY id) FROM ({0}) x GROUP BY names"
EXACT_NAME = "contacts_exact_name({0}.name)"
SORT_NAME = "contacts_clip(contacts_fold({0}.name), 300)"
# In the order of the contacts, so that one of the two indexes grows at its end.
WORDS = """
INSERT INTO contacts_contacttoken (workspace_id, contact_id, word)
SELECT * FROM (
  SELECT DISTINCT c.workspace_id, c.id, w.word COLLATE "C" FROM contacts_contact c CROSS JOIN LATERAL unnest(contacts_words(
    concat_ws(' ', c.name, nullif(c.legal_name, c.name), nullif(c.trade_name, c.name)), c.emails, c.phones, c.tax_id, c.tags
  )) w(word) WHERE c.workspace_id = %(workspace)s AND c.id = ANY(%(ids)s) AND w.word <> ''
) x ORDER BY id
"""
DROP_WORDS = "DELETE FROM contacts_contacttoken WHERE workspace_id = %(workspace)s AND contact_id = ANY(%(ids)s)"


def insert_from(workspace: Workspace, rows: str, values: Mapping[str, Any], *, columns: Sequence[str], origin: Origin) -> list[int]:
    """Create contacts from a SELECT of `id` (reserved for them), `kind`, `name` and other columns; gives their ids."""
    _only(columns, frozenset(WRITABLE))
    rest = {name: empty for name, empty in EMPTY.items() if name not in columns}
    names = ("id", "workspace_id", "version", "created_at", "updated_at", "exact_name", "sort_name", *columns, *rest)
    given = [EXACT_NAME.format("r"), f"{SORT_NAME.format('r')} AS sort_name", *(f"r.{name}" for name in columns), *rest.values()]
    filled = ", ".join(f"CASE WHEN {name} IS DISTINCT FROM {EMPTY[name]} THEN '{name}' END" for name in sorted(columns))
    # Names come from the list above, the SELECT is a constant of the caller, values are parameters.
    sql = (
        f"WITH put AS (INSERT INTO contacts_contact ({', '.join(names)})"  # noqa: S608  see the comment above
        # In the order of names, as in six of the indexes: an entry finds its page in the cache, and costs a seventh less.
        f" SELECT r.id, %(workspace)s, 1, %(now)s, %(now)s, {', '.join(given)} FROM ({rows}) r ORDER BY sort_name"
        f" RETURNING id, array_remove(ARRAY[{filled}], NULL) AS names) {TOLD.format('SELECT * FROM put')}"
    )
    with workspace_tx(workspace, origin=origin):
        written = _written(sql, {**values, "now": timezone.now(), "workspace": workspace.pk})
        _execute(WORDS, {"workspace": workspace.pk, "ids": list(chain.from_iterable(ids for _names, ids in written))})
        return _tell(workspace, written, origin=origin, fresh=True)


def update_from(workspace: Workspace, rows: str, values: Mapping[str, Any], *, columns: Sequence[str], origin: Origin) -> list[int]:
    """Set plain columns of the contacts that a SELECT gives as `id`, the columns, and `names`: those of the columns that differ.

    Whoever calls has locked the contacts in the order of their ids, so that no two writers wait for each other. Gives their ids.
    """
    _only(columns, PLAIN)
    assignments = ", ".join(f"{name} = r.{name}" for name in columns)
    sql = (
        f"WITH put AS (UPDATE contacts_contact c SET {assignments}, version = c.version + 1, updated_at = %(now)s"  # noqa: S608  as above
        f" FROM ({rows}) r WHERE c.id = r.id AND c.workspace_id = %(workspace)s RETURNING c.id, r.names) {TOLD.format('SELECT * FROM put')}"
    )
    with workspace_tx(workspace, origin=origin):
        written = _written(sql, {**values, "now": timezone.now(), "workspace": workspace.pk})
        return _tell(workspace, written, origin=origin)


def change_from(workspace: Workspace, rows: str, values: Mapping[str, Any], *, origin: Origin) -> list[int]:
    """Bring fields that differ to the contacts that a SELECT gives as `id` and `changed`, a JSON object. Locked, and told, as above."""
    listed = ", ".join(f"'{name}'" for name in WRITABLE)
    assignments = ", ".join(f"{name} = n.{name}" for name in WRITABLE)
    sql = f"""
WITH put AS (
  UPDATE contacts_contact c SET {assignments}, exact_name = {EXACT_NAME.format("n")}, sort_name = {SORT_NAME.format("n")},
    version = c.version + 1, updated_at = %(now)s
  FROM ({rows}) r JOIN contacts_contact k ON k.id = r.id AND k.workspace_id = %(workspace)s
  CROSS JOIN LATERAL (SELECT to_jsonb(k) AS doc OFFSET 0) b
  CROSS JOIN LATERAL (
    SELECT array_agg(d.key ORDER BY d.key) AS names FROM jsonb_each(r.changed) d
    WHERE d.key IN ({listed}) AND d.value IS DISTINCT FROM b.doc -> d.key
  ) d CROSS JOIN LATERAL jsonb_populate_record(k, r.changed) n
  WHERE c.id = k.id AND c.workspace_id = %(workspace)s AND d.names IS NOT NULL RETURNING c.id, d.names
) {TOLD.format("SELECT * FROM put")}
"""  # noqa: S608  as above
    with workspace_tx(workspace, origin=origin):
        written = _written(sql, {**values, "now": timezone.now(), "workspace": workspace.pk})
        searched = {"workspace": workspace.pk, "ids": list(chain.from_iterable(ids for names, ids in written if SEARCHED & names))}
        _execute(DROP_WORDS, searched)
        _execute(WORDS, searched)
        return _tell(workspace, written, origin=origin)


def _only(columns: Iterable[str], known: frozenset[str]) -> None:
    if not known.issuperset(columns):
        raise ValueError(f"not to be written set-wise: {', '.join(sorted(set(columns) - known))}")


def _written(sql: str, values: Mapping[str, Any]) -> list[tuple[set[str], list[int]]]:
    """Sets of fields, each with the contacts for which they were written."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [(set(names), ids) for names, ids in cursor.fetchall()]


def _execute(sql: str, values: Mapping[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def _tell(workspace: Workspace, written: Sequence[tuple[set[str], list[int]]], *, origin: Origin, fresh: bool = False) -> list[int]:
    fields: dict[int, set[str]] = {}
    for names, ids in written:
        fields |= dict.fromkeys(ids, names)
    if fields:
        contacts_changed.send(sender=Contact, workspace=workspace, contact_ids=list(fields), fields=fields, origin=origin, fresh=fresh)
    return list(fields)
