"""How far a run reads: whole collections, or only what has changed in them."""

from __future__ import annotations

from integrations import registry
from integrations.models import Run


def changes_only(run: Run) -> frozenset[str]:
    """Keys of the collections of which this run reads no more than changes: what it does not show may well be there."""
    return frozenset(run.cursor.get("changes", ()))


def is_complete(run: Run, kind: str) -> bool:
    """Whether the run reads every record of the kind."""
    parts = changes_only(run)
    resources = registry.manifest(run.connection.provider).resources if parts else ()
    return all(each.key not in parts for each in resources if each.remote_kind == kind)
