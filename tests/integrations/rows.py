"""Rows of the synchroniser for tests of its screens, made without a sync."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from accounts.models import User, Workspace
from accounts.scoping import SYSTEM
from contacts.domain.store import create_contacts
from contacts.models import Contact
from integrations.enums import ConnectionStatus, LinkState, OutboxState, Outcome, Phase, RunKind, RunStatus
from integrations.models import Connection, Exchange, Link, Outbox, Run, RunLine

_ids = itertools.count(1000)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def connection(workspace: Workspace, user: User | None = None, **fields: Any) -> Connection:
    now = timezone.now()
    values: dict[str, Any] = {
        "provider": "crunch",
        "status": ConnectionStatus.ACTIVE,
        "settings": {"suppliers": "ignore", "team": "", "deleted_here": "bring_back", "conflict": "crm", "preview_first": False},
        "account_name": "Hartwell & Co Ltd",
        "connected_by": user,
        "connected_at": now - timedelta(days=3),
        "last_success_at": now - timedelta(minutes=4),
        "last_attempt_at": now - timedelta(minutes=4),
        "next_due_at": now + timedelta(hours=1),
    }
    return Connection.objects.create(workspace=workspace, **values | fields)


def organisation(workspace: Workspace, name: str = "Smith Joinery", **fields: Any) -> Contact:
    return create_contacts(workspace, [{"kind": "organisation", "name": name, **fields}], origin=SYSTEM)[0]


def link(to: Connection, contact: Contact | None = None, **fields: Any) -> Link:
    number = next(_ids)
    values: dict[str, Any] = {
        "remote_kind": "client",
        "remote_id": str(number),
        "remote_name": contact.name if contact else f"Client {number}",
        "state": LinkState.LINKED,
        "synced_at": timezone.now(),
    }
    return Link.objects.create(workspace_id=to.workspace_id, connection=to, contact=contact, **values | fields)


def held(to: Connection, *candidates: Contact, **fields: Any) -> Link:
    number = next(_ids)
    name = fields.pop("remote_name", candidates[0].name if candidates else f"Client {number}")
    reason = {"code": "two_here", "params": {"name": name, "id": str(number)}}
    return link(
        to, state=LinkState.HELD, remote_id=str(number), remote_name=name, reason=reason, candidates=[c.pk for c in candidates], **fields
    )


def conflict(to: Connection, contact: Contact, field: str = "email", ours: str = "a@here.example", theirs: str = "b@there.example") -> Link:
    asked = {"field": field, "ours": ours, "theirs": theirs, "winner": "ask"}
    reason = {"code": "conflict_ask", "params": {"name": contact.name, "fields": "E-mail"}}
    bases = {"base_ours": {field: "old@both.example"}, "base_theirs": {field: "old@both.example"}}
    return link(to, contact, state=LinkState.HELD, reason=reason, conflicts=[asked], **bases)


def stuck(to: Connection, contact: Contact, **fields: Any) -> Outbox:
    reason = {"code": "refused", "params": {"name": contact.name, "message": "billing address line 1 is required"}}
    values: dict[str, Any] = {"state": OutboxState.STUCK, "reason": reason, "detail": "line1: must not be blank", "tries": 2}
    return Outbox.objects.create(workspace_id=to.workspace_id, connection=to, contact=contact, **values | fields)


def run(of: Connection, **fields: Any) -> Run:
    now = timezone.now()
    values: dict[str, Any] = {
        "kind": RunKind.SCHEDULED,
        "status": RunStatus.DONE,
        "outcome": Outcome.SUCCESS,
        "phase": Phase.DONE,
        "counters": {"seen": 12, "updated": 12},
        "started_at": now - timedelta(seconds=38),
        "finished_at": now,
    }
    return Run.objects.create(workspace_id=of.workspace_id, connection=of, **values | fields)


def running(of: Connection, **fields: Any) -> Run:
    values: dict[str, Any] = {
        "kind": RunKind.INITIAL,
        "status": RunStatus.RUNNING,
        "outcome": "",
        "phase": Phase.FETCH,
        "finished_at": None,
        "done": 6200,
        "total": 10000,
        "page": 31,
        "pages": 50,
        "counters": {"created": 5120, "linked": 1034, "held": 5, "failed": 2},
    }
    return run(of, **values | fields)


def line(of: Run, name: str = "Smith Joinery", **fields: Any) -> RunLine:
    values: dict[str, Any] = {
        "at": timezone.now(),
        "action": "update",
        "name": name,
        "fields": ["email"],
        "remote_kind": "client",
        "remote_id": "7",
    }
    return RunLine.objects.create(workspace_id=of.workspace_id, run=of, **values | fields)


def exchange(of: Connection, **fields: Any) -> Exchange:
    values: dict[str, Any] = {
        "at": timezone.now(),
        "method": "GET",
        "url": "https://api.example/v1/clients?page=0",
        "status": 200,
        "milliseconds": 120,
        "response": '{"clients": []}',
    }
    return Exchange.objects.create(workspace_id=of.workspace_id, connection_id=of.pk, **values | fields)
