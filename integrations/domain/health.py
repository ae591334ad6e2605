"""How a connection is, in one word, one sentence and a few counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count
from django.utils.translation import gettext as _

from accounts.models import Workspace
from integrations import registry
from integrations.domain.sentences import sentence
from integrations.domain.settings import name_of
from integrations.engine.provider import Manifest
from integrations.enums import ConnectionStatus, Health, LinkState, OutboxState, Outcome, RunStatus
from integrations.models import Connection, Link, Outbox, Run

OPEN = (LinkState.HELD, LinkState.FAILING)


@dataclass(frozen=True, slots=True)
class HealthInfo:
    state: Health
    sentence: str
    count: int = 0  # records that need a person
    next_at: datetime | None = None
    last_success_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RailEntry:
    connection: Connection
    manifest: Manifest
    name: str
    health: Health
    count: int


def counts(connection: Connection) -> dict[str, int]:
    """Records by what became of them: in_sync held failing ignored gone pending. Two queries."""
    rows = (
        Link.objects.filter(workspace_id=connection.workspace_id, connection=connection).values("state").annotate(n=Count("pk")).order_by()
    )
    by_state = {row["state"]: row["n"] for row in rows}
    waiting = (
        Outbox.objects.filter(workspace_id=connection.workspace_id, connection=connection)
        .values("state")
        .annotate(n=Count("pk"))
        .order_by()
    )
    outbox = {row["state"]: row["n"] for row in waiting}
    return {
        "in_sync": by_state.get(LinkState.LINKED, 0),
        "held": by_state.get(LinkState.HELD, 0),
        "failing": by_state.get(LinkState.FAILING, 0) + outbox.get(OutboxState.STUCK, 0),
        "ignored": by_state.get(LinkState.IGNORED, 0),
        "gone": by_state.get(LinkState.GONE, 0),
        "pending": outbox.get(OutboxState.WAITING, 0) + outbox.get(OutboxState.SENDING, 0),
    }


def health(connection: Connection) -> HealthInfo:
    attention = _attention([connection.pk], connection.workspace).get(connection.pk, 0)
    run = Run.objects.filter(workspace_id=connection.workspace_id, connection=connection).order_by("-pk").first()
    state = _state(connection, run, attention)
    return HealthInfo(
        state=state,
        sentence=_sentence(connection, state, run, attention),
        count=attention,
        next_at=connection.next_due_at,
        last_success_at=connection.last_success_at,
    )


def rail(workspace: Workspace) -> list[RailEntry]:
    """Every connection that is not off, for the side rail: three queries whatever their number."""
    connections = list(Connection.objects.filter(workspace=workspace).exclude(status=ConnectionStatus.OFF).order_by("pk"))
    if not connections:
        return []
    ids = [connection.pk for connection in connections]
    attention = _attention(ids, workspace)
    runs = {
        run.connection_id: run
        for run in Run.objects.filter(workspace=workspace, connection__in=ids).distinct("connection").order_by("connection", "-pk")
    }
    return [
        RailEntry(c, registry.manifest(c.provider), name_of(c), _state(c, runs.get(c.pk), attention.get(c.pk, 0)), attention.get(c.pk, 0))
        for c in connections
    ]


def _attention(ids: list[int], workspace: Workspace) -> dict[int, int]:
    links = (
        Link.objects.filter(workspace=workspace, connection__in=ids, state__in=OPEN)
        .values_list("connection")
        .annotate(n=Count("pk"))
        .order_by()
    )
    stuck = Outbox.objects.filter(workspace=workspace, connection__in=ids, state=OutboxState.STUCK).values_list("connection")
    return dict(Counter(dict(links)) + Counter(dict(stuck.annotate(n=Count("pk")).order_by())))


def _state(connection: Connection, run: Run | None, attention: int) -> Health:
    if connection.status != ConnectionStatus.OFF and not registry.is_installed(connection.provider):
        return Health.WITHDRAWN
    fixed = {
        ConnectionStatus.OFF: Health.OFF,
        ConnectionStatus.SETUP: Health.SETUP,
        ConnectionStatus.PAUSED: Health.PAUSED,
        ConnectionStatus.RECONNECT: Health.RECONNECT,
        ConnectionStatus.DONE: Health.DONE,
    }
    if connection.status in fixed:
        return fixed[ConnectionStatus(connection.status)]
    if run is not None and run.status in {RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.WAITING}:
        return Health.SYNCING
    troubled = run is not None and (run.status == RunStatus.DECIDING or run.outcome == Outcome.FAILED)
    if attention or troubled or connection.denied:
        return Health.ATTENTION
    return Health.HEALTHY if connection.last_success_at is not None else Health.NOT_STARTED


def _sentence(connection: Connection, state: Health, run: Run | None, attention: int) -> str:
    if state is Health.WITHDRAWN:
        return sentence({"code": "withdrawn"}, connection.provider)
    if state in {Health.RECONNECT, Health.HEALTHY, Health.NOT_STARTED} and connection.notice:
        return sentence(connection.notice, connection.provider)
    if state is Health.ATTENTION:
        return _trouble(connection, run, attention)
    if state is Health.SYNCING and run is not None and run.status == RunStatus.WAITING:
        return sentence(run.reason, connection.provider)
    return _("Nothing has been synced yet.") if state is Health.NOT_STARTED else ""


def _trouble(connection: Connection, run: Run | None, attention: int) -> str:
    if run is not None and run.reason and (run.status == RunStatus.DECIDING or run.outcome == Outcome.FAILED):
        return sentence(run.reason, connection.provider)
    if connection.denied:
        return sentence(next(iter(connection.denied.values())), connection.provider)
    return _("%(count)s records need you.") % {"count": attention} if attention != 1 else _("One record needs you.")
