"""Write plain columns of many contacts in one statement, from rows that SQL has already: for steps whose values come from tables.

Everything else goes through `store`. History (by trigger) and the signal are the same; what search words or sort names are made of is not
written this way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection
from django.utils import timezone

from accounts.models import Workspace
from accounts.scoping import Origin, workspace_tx
from contacts.models import Contact
from contacts.signals import contacts_changed

PLAIN = frozenset({"owner_id", "team_id", "life_cycle", "job_title", "website", "notes"})


def update_from(workspace: Workspace, rows: str, values: Mapping[str, Any], *, columns: Sequence[str], origin: Origin) -> list[int]:
    """Set columns of the contacts that a SELECT gives as `id`, the columns, and `names`: those of the columns that differ.

    Whoever calls has locked the contacts in the order of their ids, so that no two writers wait for each other.
    """
    if not PLAIN.issuperset(columns):
        raise ValueError(f"not to be written set-wise: {', '.join(sorted(set(columns) - PLAIN))}")
    assignments = ", ".join(f"{name} = r.{name}" for name in columns)
    # Names come from the list above, the SELECT is a constant of the caller, values are parameters.
    sql = (
        f"UPDATE contacts_contact c SET {assignments}, version = c.version + 1, updated_at = %(now)s"  # noqa: S608  see the comment above
        f" FROM ({rows}) r WHERE c.id = r.id AND c.workspace_id = %(workspace)s RETURNING c.id, r.names"
    )
    with workspace_tx(workspace, origin=origin):
        with connection.cursor() as cursor:
            cursor.execute(sql, {**values, "now": timezone.now(), "workspace": workspace.pk})
            fields = {pk: set(names) for pk, names in cursor.fetchall()}
        if fields:
            contacts_changed.send(sender=Contact, workspace=workspace, contact_ids=list(fields), fields=fields, origin=origin, fresh=False)
    return list(fields)
