"""What scripts rely on (docs/api.md, docs/erp.md, docs/operations.md): commands, addresses and shapes, each really called once."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from tests.fixtures import Cast
from tests.sandboxes import Sandbox, crunch_sandbox

__all__ = ["crunch_sandbox"]
pytestmark = pytest.mark.django_db

API = "/api/v1/"
CONTACT = {
    "id", "kind", "name", "first_name", "last_name", "legal_name", "trade_name", "tax_id", "website", "job_title", "notes", "life_cycle",
    "emails", "phones", "addresses", "tags", "custom_fields", "organisation", "owner", "team", "links", "erp", "created_at", "updated_at",
    "version",
}  # fmt: skip
ERP = {"class", "category", "portfolio", "last_purchase_on", "revenue_12m", "open_receivables"}
COUNTERS = {"seen", "created", "updated", "linked", "pushed", "unchanged", "held", "skipped", "failed"}
BATCH = {"received", "inserted", "updated", "unchanged", "superseded", "rejected", "errors"}
PROBLEM = {"type", "title", "status", "detail", "errors"}
LISTS = (
    "contacts/", "contacts/{contact}/history/", "contacts/{contact}/invoices/", "tags/", "teams/", "users/", "custom-fields/",
    "saved-lists/", "connections/", "connections/{connection}/failures/", "connections/{connection}/matches/", "runs/", "runs/{run}/log/",
    "invoices/", "erp/empresa/", "erp/requests/", "erp/runs/",
)  # fmt: skip
FILTERS = (
    "kind=organisation", "q=bluebell", "tag=VIP", "team=none", "owner=none", "updated_since=2026-01-01T00:00:00Z", "linked_to=crunch",
    "erp_code=C1", "limit=1",
)  # fmt: skip


def command(*words: str) -> dict[str, Any]:
    """The JSON that a command prints; an exit code other than 0 raises SystemExit."""
    out = io.StringIO()
    call_command(*words, "--json", stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


@dataclass
class Caller:
    """A script with its token."""

    client: Client
    ids: dict[str, int]

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        return self.client.generic(
            method,
            API + path.format(**self.ids),
            "" if body is None else json.dumps(body),
            content_type="application/json",
            headers=headers,
        )

    def json(self, method: str, path: str, body: Any = None, *, status: int = 200, **headers: str) -> Any:
        answer = self.ask(method, path, body, **headers)
        assert answer.status_code == status, (method, path, answer.content)
        return answer.json() if answer.content else None


@pytest.fixture
def script(cast: Cast, crunch_sandbox: Sandbox, settings: Any) -> Caller:
    """A new workspace, connected and synced by commands alone; its owner has an account."""
    settings.ENVIRON = {**settings.ENVIRON, **crunch_sandbox.env}
    made = command("create_workspace", "Promised", "--owner", "alice@example.com")
    assert {"slug", "id"} <= made.keys()
    token = command("api_token", "alice@example.com", "--workspace", made["slug"])["token"]
    told = crunch_sandbox.token()
    secrets = [f"{name}={told[name]}" for name in ("access_token", "refresh_token")]
    connection = command("connect", "crunch", "--workspace", made["slug"], "--set", "suppliers=ignore", "--secret", *secrets)["id"]
    preview = command("sync", str(connection), "--preview")
    run = command("sync", str(connection))
    for each in (preview, run):
        assert {"run", "outcome", "counters"} <= each.keys()
        assert each["counters"].keys() >= COUNTERS
    assert run["outcome"] == "success"
    caller = Caller(Client(headers={"Authorization": f"Bearer {token}"}), {"connection": connection, "run": run["run"]})
    contact = caller.json("GET", "contacts/?q=Bluebell Joinery")["results"][0]
    caller.ids["contact"] = contact["id"]
    return caller


def test_contacts(script: Caller) -> None:
    shown = script.json("GET", "contacts/{contact}/")
    assert shown.keys() == CONTACT
    assert shown["erp"] is None
    assert [(link["provider"], link["state"]) for link in shown["links"]] == [("crunch", "linked")]

    body = {"kind": "organisation", "name": "New Ltd", "tags": ["VIP"], "emails": [{"email": "a@new.example"}]}
    answer = script.ask("POST", "contacts/", body, **{"Idempotency-Key": "once"})
    again = script.ask("POST", "contacts/", body, **{"Idempotency-Key": "once"})
    assert (answer.status_code, again.status_code, again.json()) == (201, 201, answer.json())
    script.ids["new"] = answer.json()["id"]
    assert script.json("PATCH", "contacts/{new}/", {"name": "Newer Ltd"})["name"] == "Newer Ltd"
    missing = script.json("POST", "contacts/{new}/export/", {"connection": script.ids["connection"]}, status=400)
    assert missing.keys() == PROBLEM
    assert {fault.keys() == {"field", "code", "message"} for fault in missing["errors"]} == {True}
    other = script.json("POST", "contacts/", {"kind": "organisation", "name": "Other Ltd"}, status=201)
    assert script.json("POST", "contacts/merge/", {"kept": script.ids["new"], "gone": other["id"]})["id"] == script.ids["new"]
    assert script.ask("DELETE", "contacts/{new}/").status_code == 204
    # Crunch has no page that compares.
    for method, answers in (("GET", None), ("POST", {"choices": {"name": "ours"}})):
        assert script.json(method, "contacts/{contact}/compare/{connection}/", answers, status=404).keys() == PROBLEM


@pytest.mark.parametrize("asked", FILTERS)
def test_filters_of_contacts(script: Caller, asked: str) -> None:
    found = script.json("GET", f"contacts/?{asked}")
    assert found.keys() == {"results", "next"}
    assert bool(found["next"]) == (asked == "limit=1")
    if found["next"]:
        assert script.client.get(found["next"]).json()["results"][0]["id"] != found["results"][0]["id"]


def test_every_list_is_an_envelope(script: Caller) -> None:
    assert [path for path in LISTS if not script.json("GET", path).keys() >= {"results", "next"}] == []


def test_connections_and_runs(script: Caller) -> None:
    shown = script.json("GET", "connections/{connection}/")
    assert (shown["provider"], shown["status"], shown["settings"]["suppliers"]) == ("crunch", "active", "ignore")
    assert script.json("PATCH", "connections/{connection}/", {"settings": {"conflict": "ask"}})["settings"]["conflict"] == "ask"
    run = script.json("POST", "connections/{connection}/sync/", status=202)
    assert run["counters"].keys() >= COUNTERS
    busy = script.json("POST", "connections/{connection}/sync/", status=409)
    assert busy["errors"][0]["message"] == str(run["id"])
    preview = script.json("POST", "connections/{connection}/preview/", status=202)
    assert preview["kind"] == "preview"
    assert script.json("GET", "runs/{run}/")["outcome"] == "success"
    for each in (run, preview):
        assert script.json("POST", f"runs/{each['id']}/cancel/", status=202)["outcome"] == "cancelled"
    assert script.json("POST", "runs/{run}/undo/", status=201)["kind"] == "undo"
    assert script.ask("DELETE", "connections/{connection}/").status_code == 204
    assert script.json("GET", "connections/{connection}/", status=404).keys() == PROBLEM


def test_erp(script: Caller) -> None:
    rows = [{"codigo_erp": "C1", "razao_social": "Company C1"}, {"codigo_erp": ""}]
    answer = script.json("POST", "erp/empresa/", rows)
    assert answer.keys() >= BATCH
    assert [answer[name] for name in ("received", "inserted", "rejected")] == [2, 1, 1]
    assert answer["errors"][0].keys() == {"index", "key", "field", "code", "message"}
    assert script.json("GET", "erp/empresa/C1/")["razao_social"] == "Company C1"
    assert script.json("GET", "erp/empresa/info/").keys() >= {"key", "fields"}
    snapshot = script.json("POST", "erp/snapshots/", {"table": "empresa"}, status=201)["id"]
    script.json("POST", "erp/empresa/", rows[:1], **{"X-Snapshot": str(snapshot)})
    assert script.json("POST", f"erp/snapshots/{snapshot}/end/", {"rows": 2}, status=409).keys() == PROBLEM
    assert script.json("POST", f"erp/snapshots/{snapshot}/end/", {"rows": 1})["status"] == "closed"
    night = command("erp_nightly", "--workspace", "promised", "--today", "2026-08-31")
    assert night["outcome"] == "success"
    [company] = script.json("GET", "contacts/?erp_code=C1")["results"]
    assert company["erp"].keys() >= ERP
    assert (company["erp"]["class"], company["erp"]["revenue_12m"], company["erp"]["last_purchase_on"]) == (None, "0.00", None)
    assert script.json("POST", "erp/runs/", status=202)["status"] == "queued"


def test_documents(script: Caller, client: Client) -> None:
    document = client.get(f"{API}schema/").json()
    assert document["openapi"].startswith("3.1")
    assert client.get(f"{API}docs/").status_code == 200
    refused = client.get(f"{API}contacts/")
    assert (refused.status_code, refused["Content-Type"], refused.json().keys()) == (401, "application/problem+json", PROBLEM)


@pytest.mark.parametrize("name", ["create_workspace", "api_token", "connect", "sync", "erp_nightly", "serve"])
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command(name, "--help")
    assert (ended.value.code, "usage:" in capsys.readouterr().out) == (0, True)
