"""How far a run reads: whole collections, or only what has changed in them."""

from __future__ import annotations

from integrations import registry
from integrations.enums import Phase
from integrations.models import Run

# Steps of the reading phase that are no collection of the vendor's.
CHANGES, AGAIN, PARENTS = "*changes", "*again", "*parents"


def current_step(run: Run) -> str | None:
    """The collection (or one of the steps above) that is at hand in the run's phase; None when all are done."""
    keys: list[str] = run.cursor["resources"]
    if run.phase == Phase.FETCH:
        keys = run.cursor.get("lists") or keys
    return keys[run.cursor["at"]] if run.cursor["at"] < len(keys) else None


def changes_only(run: Run) -> frozenset[str]:
    """Keys of the collections of which this run reads no more than changes: what it does not show may well be there."""
    return frozenset(run.cursor.get("changes", ()))


def is_complete(run: Run, kind: str) -> bool:
    """Whether the run reads every record of the kind."""
    parts = changes_only(run)
    resources = registry.manifest(run.connection.provider).resources if parts else ()
    return all(each.key not in parts for each in resources if each.remote_kind == kind)
