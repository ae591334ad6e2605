"""Deleted contacts stay for a while; then they and all that is kept about them go for good."""

from __future__ import annotations

import datetime as dt

from django.db import connection

from accounts.models import Workspace
from accounts.scoping import workspace_tx
from contacts.models import Contact, ContactChange

KEPT = dt.timedelta(days=30)
BATCH = 500


def purge(workspace: Workspace, *, now: dt.datetime) -> int:
    """Remove what has been in the trash for longer than KEPT, a batch per transaction. Returns the number of contacts."""
    total = 0
    while True:
        with workspace_tx(workspace):
            gone = _purge_batch(workspace, before=now - KEPT)
        total += gone
        if gone < BATCH:
            return total


def _purge_batch(workspace: Workspace, *, before: dt.datetime) -> int:
    due = Contact.objects.filter(workspace=workspace, deleted_at__lt=before).order_by("deleted_at")
    ids = list(due.select_for_update(skip_locked=True).values_list("pk", flat=True)[:BATCH])
    if not ids:
        return 0
    _hand_over(workspace, ids)
    ContactChange.objects.filter(workspace=workspace, contact_id__in=ids).delete()
    Contact.objects.filter(workspace=workspace, pk__in=ids).delete()
    return len(ids)


def _hand_over(workspace: Workspace, ids: list[int]) -> None:
    """History and notes of a merged contact belong to the one it was merged into."""
    for table in ("contacts_contactchange", "contacts_note"):
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {table} t SET contact_id = c.merged_into_id FROM contacts_contact c"  # noqa: S608  names from the tuple above
                " WHERE t.workspace_id = %s AND c.workspace_id = %s AND t.contact_id = c.id AND c.id = ANY(%s)"
                " AND c.merged_into_id IS NOT NULL AND NOT c.merged_into_id = ANY(%s)",
                [workspace.pk, workspace.pk, ids, ids],
            )
