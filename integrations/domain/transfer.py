"""Bring over everything at once: a sync that reads whole collections and shows what it would do before it writes."""

from __future__ import annotations

from accounts.models import User
from accounts.scoping import workspace_tx
from integrations import registry
from integrations.domain.runs import request_run
from integrations.domain.settings import audit
from integrations.engine.provider import Capability, ResourceKind
from integrations.enums import ConnectionStatus, RunKind
from integrations.models import Connection, Run

SHOWS_FIRST = "shows_first"  # in the cursor of a run, to its end


def can_transfer(connection: Connection) -> bool:
    """Where a sync reads everything anyway there is nothing more to ask for."""
    manifest = registry.manifest(connection.provider)
    if manifest.incremental is None or manifest.one_time or not manifest.can(Capability.PULL_CONTACTS):
        return False
    comes_in = manifest.directions is None or bool(connection.settings.get(manifest.directions.pull, True))
    return connection.status == ConnectionStatus.ACTIVE and comes_in


def transferred(connection: Connection) -> str:
    """What people call the records that come over, as the manifest has it; "" when the provider is not installed any more."""
    manifest = registry.manifest(connection.provider)
    return next((each.label for each in manifest.resources if each.kind is ResourceKind.CONTACTS), "")


def request_transfer(connection: Connection, *, user: User | None) -> tuple[Run, bool]:
    """False: another run is under way, and is given back as it is."""
    with workspace_tx(connection.workspace):
        run, is_new = request_run(connection, kind=RunKind.MANUAL, user=user)
        if is_new:
            run.cursor = {**run.cursor, "whole": True, SHOWS_FIRST: True}
            run.save(update_fields=["cursor"])
            audit(connection, "connection.transfer", user=user, data={"run": run.pk})
        return run, is_new
