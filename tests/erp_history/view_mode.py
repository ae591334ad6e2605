"""View mode as tests use it: an address that is kept, and nights that read it."""

from __future__ import annotations

from typing import Any

import psycopg

from accounts.models import Workspace
from accounts.scoping import workspace_tx
from erp_history.domain import night, viewmode
from erp_history.domain.sources import source_of
from erp_history.domain.steps import Step
from erp_history.domain.vault import seal_secrets
from erp_history.enums import Phase
from erp_history.models import ErpPhase, ErpRun, ErpSource
from tests.erp_history.makers import TODAY
from tests.fixtures import Cast

# A connection that may do anything in it, and what a workspace is told of it.
Erp = tuple[psycopg.Connection[Any], dict[str, Any]]


def connect(cast: Cast, secrets: dict[str, Any], *, engine: str = "postgresql", workspace: Workspace | None = None) -> ErpSource:
    workspace = workspace or cast.workspace
    with workspace_tx(workspace):
        source = source_of(workspace)
        source.integration, source.engine = "view", engine
        source.secrets = seal_secrets(source, {name: value for name, value in secrets.items() if name != "door"})
        source.save()
    return source


def read_views(cast: Cast) -> ErpPhase:
    """The step of a night that reads, without the steps behind it. It stops where it fails, as a night does."""
    with workspace_tx(cast.workspace):
        run = ErpRun.objects.create(workspace=cast.workspace, kind="manual", today=TODAY, status="done")
        phase = ErpPhase.objects.create(workspace=cast.workspace, run=run, name=Phase.IMPORT, position=0)
    return go_on_reading(cast, phase)


def go_on_reading(cast: Cast, phase: ErpPhase) -> ErpPhase:
    is_done = False
    while not is_done:
        with workspace_tx(cast.workspace):
            source = source_of(cast.workspace)
        page = viewmode.fetch(source, phase.cursor)
        with workspace_tx(cast.workspace, origin=night.ORIGIN):
            source = source_of(cast.workspace)
            is_done = viewmode.step(Step(cast.workspace, source, phase.run, phase, origin=night.ORIGIN, fetched=page))
            phase.save()
    return phase


def failed_night(cast: Cast) -> ErpRun:
    night.request_run(cast.workspace, today=TODAY)
    night.advance(cast.workspace, until=float("inf"))
    with workspace_tx(cast.workspace):
        run = ErpRun.objects.order_by("-id").first()
    assert run is not None
    assert run.outcome == "failed"
    return run
