"""Sync a connection in the foreground, or show what a sync would do."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from accounts.models import Workspace
from accounts.scoping import workspace_tx
from crmsync.commands import JsonCommand
from integrations import registry
from integrations.domain.advance import advance
from integrations.domain.attend import count_pushed, drain
from integrations.domain.progress import progress
from integrations.domain.runs import confirm as let_go
from integrations.domain.runs import request_run
from integrations.domain.sentences import say, sentence
from integrations.engine.types import Reason
from integrations.enums import ConnectionStatus, Outcome, RunKind, RunStatus
from integrations.models import Connection, Run

PATIENCE = 900.0  # seconds to wait for a provider that asks for patience, or for a run of a worker
FINE = frozenset({Outcome.SUCCESS, Outcome.PARTIAL})


class Command(JsonCommand):
    help = "Sync a connection now, in the foreground, and send what waits. Exit code 1 unless the run went well or partly well."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("connection_id", type=int, metavar="CONNECTION_ID", help="its number, as in the address of its page")
        parser.add_argument("--preview", action="store_true", help="show what would happen; nothing is written on either side")
        parser.add_argument(
            "--confirm", action="store_true", help="go on with a run that waits for a decision (preview first, mass change)"
        )

    def run(self, *, connection_id: int, preview: bool, confirm: bool, **_options: Any) -> dict[str, Any]:
        connection = find_connection(connection_id)
        if connection.status != ConnectionStatus.ACTIVE:
            raise CommandError(f"connection {connection_id} is {connection.get_status_display().lower()}: nothing can be synced")
        if not registry.is_installed(connection.provider):
            raise CommandError(say(Reason("withdrawn"), connection.provider))
        kind = RunKind.PREVIEW if preview else RunKind.MANUAL
        run, _is_new = request_run(connection, kind=kind)
        if run.kind == RunKind.MATCH:
            _finish(run, connection)  # reading for the matching screen is no sync: that follows
            run, _is_new = request_run(connection, kind=kind)
        if confirm and run.status == RunStatus.DECIDING:
            let_go(run)
            with workspace_tx(connection.workspace):
                run.refresh_from_db()
        _finish(run, connection)
        if run.status == RunStatus.DONE and not preview:
            _send(run, connection)
        return {
            "run": run.pk,
            "run_id": run.pk,
            "outcome": run.outcome,
            "reason": sentence(run.reason, connection.provider),
            "counters": run.counters,
            **({"plan": run.plan} if run.plan else {}),
        }

    def say(self, result: dict[str, Any]) -> str:
        told = ", ".join(f"{count} {name}" for name, count in result["counters"].items() if count)
        return f"Run {result['run']}: {result['outcome']}. {result['reason']} {told or 'nothing to do'}".strip()

    def succeeded(self, result: dict[str, Any]) -> bool:
        return result["outcome"] in FINE


def find_connection(pk: int) -> Connection:
    """Look through the workspaces: a command has no session to say which one."""
    for workspace in Workspace.objects.order_by("pk"):
        with workspace_tx(workspace):
            found = Connection.objects.select_related("workspace").filter(pk=pk).first()
            if found is not None:
                return found
    raise CommandError(f"there is no connection {pk}")


def _finish(run: Run, connection: Connection) -> None:
    until = time.monotonic() + PATIENCE
    while run.status not in {RunStatus.DONE, RunStatus.DECIDING} and time.monotonic() < until:
        advance(run, on_step=_bar)
        with workspace_tx(connection.workspace):
            run.refresh_from_db()
        if run.status == RunStatus.WAITING or (run.lease and run.status == RunStatus.RUNNING):
            time.sleep(0.5)
    if sys.stderr.isatty():
        sys.stderr.write("\n")


def _bar(run: Run) -> None:
    if not sys.stderr.isatty():
        return
    state = progress(run)
    filled = "=" * (state.percent // 4)
    sys.stderr.write(f"\r[{filled:<25}] {state.percent:3d} %  {state.phase_label} {state.done}/{state.total}  {state.rate}/s   ")
    sys.stderr.flush()


def _send(run: Run, connection: Connection) -> None:
    """What the run found out has to be told over there belongs to it."""
    drained = drain(connection, until=time.monotonic() + PATIENCE)
    with workspace_tx(connection.workspace):
        count_pushed(run, drained.sent)
