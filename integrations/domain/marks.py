"""Pages that come in the very bytes of last time. They are not parsed, and not looked at record by record.

A mark says which records, in which versions, a page had. It is used while every one of them is linked in that version;
so what a mark says is exactly what parsing the page would say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import connection as database

from accounts.domain.bulk import insert_rows
from integrations.engine.errors import Retry
from integrations.engine.provider import Resource, ResourceKind
from integrations.engine.types import Page, Reason
from integrations.kit.fingerprint import fingerprint
from integrations.models import Connection, PageMark, Run

USED = """
SELECT m.place, m.digest, cardinality(m.ids), m.next, m.number, m.pages, m.total FROM integrations_pagemark m
WHERE m.workspace_id = %(workspace)s AND m.connection_id = %(connection)s AND m.resource = %(resource)s AND m.id NOT IN (
    SELECT o.id FROM integrations_pagemark o, unnest(o.ids, o.versions) AS r(id, version)
    WHERE o.workspace_id = %(workspace)s AND o.connection_id = %(connection)s AND o.resource = %(resource)s
    AND (r.id, r.version) NOT IN (
        SELECT l.remote_id, l.version FROM integrations_link l WHERE l.workspace_id = %(workspace)s
        AND l.connection_id = %(connection)s AND l.remote_kind = %(kind)s AND l.state = 'LINKED' AND l.version <> ''))
"""
NOTE = """
INSERT INTO integrations_seen (workspace_id, run_id, round, resource, remote_kind, ids)
SELECT %(workspace)s, %(run)s, %(round)s, %(resource)s, %(kind)s, array_agg(u.id) FROM integrations_pagemark m, unnest(m.ids) AS u(id)
WHERE m.workspace_id = %(workspace)s AND m.connection_id = %(connection)s AND m.resource = %(resource)s
AND m.place || m.digest = ANY(%(marks)s) HAVING count(*) > 0 RETURNING cardinality(ids)
"""


@dataclass(frozen=True, slots=True)
class Mark:
    """A page that came before and may come again."""

    place: str
    digest: str
    count: int
    next: Mapping[str, Any] | None
    number: int
    pages: int | None
    total: int | None


def place_of(cursor: Mapping[str, Any] | None) -> str:
    """The page's name: the cursor that it is read with."""
    return fingerprint(cursor)


def marks_of(connection: Connection, resource: Resource) -> dict[str, Mark]:
    """The pages of a collection all of whose records are linked in the version that they had, by their place."""
    if resource.kind is not ResourceKind.CONTACTS:
        return {}
    values: dict[str, int | str] = {"workspace": connection.workspace_id, "connection": connection.pk}
    values |= {"resource": resource.key, "kind": resource.remote_kind}
    with database.cursor() as cursor:
        cursor.execute(USED, values)
        rows = cursor.fetchall()
    return {
        place: Mark(place, digest, count, orjson.loads(following) if following else None, number, pages, total)
        for place, digest, count, following, number, pages, total in rows
    }


def keep_marks(connection: Connection, resource: Resource, pages: Sequence[tuple[str, Page]]) -> None:
    """Remember pages as they were read; one with an entry that is no record, or of another kind, is always read anew."""
    usual = [(place, page) for place, page in pages if page.digest and page.records and not page.bad and not page.gone]
    plain = [(place, page) for place, page in usual if all(record.ref.kind == resource.remote_kind for record in page.records)]
    if resource.kind is ResourceKind.CONTACTS:
        rows = [_row(connection, resource, place, page) for place, page in dict(plain).items()]
        columns = ("digest", "ids", "versions", "next", "number", "pages", "total")
        insert_rows(PageMark, rows, unique=("workspace_id", "connection_id", "resource", "place"), update=columns)


def note_marked(run: Run, resource: Resource, marks: Sequence[Mark]) -> None:
    """Write down that the run has seen the records of these pages. Raises Retry when another run has read them anew meanwhile."""
    if not marks:
        return
    values = {"workspace": run.workspace_id, "connection": run.connection_id, "run": run.pk, "round": run.cursor["round"]}
    names = {"resource": resource.key, "kind": resource.remote_kind, "marks": [mark.place + mark.digest for mark in marks]}
    with database.cursor() as cursor:
        cursor.execute(NOTE, values | names)
        found = cursor.fetchone()
    if (found[0] if found else 0) != sum(mark.count for mark in marks):
        raise Retry(Reason("timeout"), after=1.0, detail="another run has read these pages meanwhile")


def forget_marks(connection: Connection) -> None:
    PageMark.objects.filter(workspace_id=connection.workspace_id, connection=connection).delete()


def _row(connection: Connection, resource: Resource, place: str, page: Page) -> dict[str, Any]:
    return {
        "workspace_id": connection.workspace_id,
        "connection_id": connection.pk,
        "resource": resource.key,
        "place": place,
        "digest": page.digest,
        "ids": [record.ref.id for record in page.records],
        "versions": [record.version for record in page.records],
        "next": dict(page.next) if page.next is not None else None,
        "number": page.number,
        "pages": page.pages,
        "total": page.total,
    }
