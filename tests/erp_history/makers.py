"""ERP rows, pushed the way an ERP pushes them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import orjson
from django.test import Client

from accounts.models import Workspace
from accounts.scoping import workspace_tx
from erp_history.domain import night
from erp_history.models import ErpRun

TODAY = dt.date(2026, 8, 31)


def push(client: Client, table: str, rows: Sequence[Any], **headers: str) -> dict[str, Any]:
    response = post(client, table, rows, **headers)
    assert response.status_code == 200, response.content
    answer: dict[str, Any] = response.json()
    return answer


def post(client: Client, table: str, rows: Any, *, kind: str = "application/json", **headers: str) -> Any:
    body = rows if isinstance(rows, bytes) else orjson.dumps(rows)
    return client.generic("POST", f"/api/v1/erp/{table}/", body, content_type=kind, headers=headers)


def counts(answer: dict[str, Any]) -> list[int]:
    return [answer[name] for name in ("received", "inserted", "updated", "unchanged", "superseded", "rejected")]


def confirm(client: Client) -> None:
    """Give the password again."""
    assert client.post("/accounts/reauthenticate/", {"password": "correct horse battery"}).status_code == 302


def company(code: str, **values: Any) -> dict[str, Any]:
    return {"codigo_erp": code, "razao_social": f"Company {code}", **values}


def note(code: str, company_code: str, total: str, day: str = "2026-08-01", **values: Any) -> dict[str, Any]:
    return {"codigo_erp": code, "codigo_empresa": company_code, "data_emissao": day, "valor_total": total, **values}


def run_night(workspace: Workspace, *, today: dt.date = TODAY) -> ErpRun:
    """A whole night, in the foreground."""
    run, _new = night.request_run(workspace, today=today)
    done = night.advance(workspace, until=float("inf"))
    assert done is not None
    with workspace_tx(workspace):
        run = ErpRun.objects.prefetch_related("phases").get(pk=done.pk)
        assert run.outcome == "success", (run.error, [(phase.name, phase.error) for phase in run.phases.all()])
    return run
