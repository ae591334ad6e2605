from __future__ import annotations

import json
import os

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import Workspace
from accounts.scoping import SYSTEM, workspace_tx
from contacts.domain.store import delete_contacts
from contacts.models import Contact
from integrations import registry
from integrations.enums import ConnectionStatus, LinkState, Outcome, RunKind, RunStatus
from integrations.models import Connection, Link, Outbox, Run
from tests.accounts.api_client import api_client
from tests.fixtures import Cast
from tests.integrations import rows

BASE = "/api/v1"


@pytest.fixture
def connection(cast: Cast, settings: Settings) -> Connection:
    settings.ENVIRON = {**os.environ, "CRUNCH_API_URL": "http://127.0.0.1:9/v1"}
    with workspace_tx(cast.workspace):
        return rows.connection(cast.workspace, cast.alice)


@pytest.fixture
def api(cast: Cast) -> Client:
    return api_client(cast.alice, cast.workspace)


@pytest.fixture
def member(cast: Cast) -> Client:
    return api_client(cast.bob, cast.workspace)


def post(client: Client, path: str, body: object = None) -> tuple[int, dict[str, object]]:
    answer = client.post(f"{BASE}{path}", body, content_type="application/json")
    return answer.status_code, answer.json() if answer.content else {}


def test_connections_tell_how_they_are_and_no_secret(member: Client, workspace: Workspace, connection: Connection) -> None:
    with workspace_tx(workspace):
        rows.held(connection, rows.organisation(workspace))
        Connection.objects.update(secrets="sealed")
    (told,) = member.get(f"{BASE}/connections/").json()["results"]
    assert (told["provider"], told["label"], told["status"], told["health"], told["needs_attention"]) == (
        "crunch",
        "Crunch",
        "active",
        "attention",
        1,
    )
    assert "sealed" not in json.dumps(told)
    assert member.get(f"{BASE}/connections/{connection.pk}/").json()["account"] == "Hartwell & Co Ltd"


def test_settings_are_shown_to_administrators(member: Client, api: Client, connection: Connection) -> None:
    for address in (f"{BASE}/connections/", f"{BASE}/connections/{connection.pk}/"):
        told, shown = member.get(address).json(), api.get(address).json()
        told, shown = (each["results"][0] if "results" in each else each for each in (told, shown))
        assert (shown["settings"]["conflict"], "settings" in told) == ("crm", False)
        assert shown.keys() - told.keys() == {"settings"}


def test_strangers_get_404(cast: Cast, connection: Connection) -> None:
    stranger = api_client(cast.charlie, cast.elsewhere)
    assert stranger.get(f"{BASE}/connections/{connection.pk}/").status_code == 404
    assert stranger.get(f"{BASE}/connections/").json()["results"] == []
    assert post(stranger, f"/connections/{connection.pk}/sync/")[0] == 404


def test_members_start_and_change_nothing(member: Client, connection: Connection) -> None:
    for path in ("sync/", "preview/", "failures/", "matches/"):
        assert post(member, f"/connections/{connection.pk}/{path}")[0] == 403
    assert member.delete(f"{BASE}/connections/{connection.pk}/").status_code == 403


def test_settings_are_changed_one_by_one(api: Client, connection: Connection) -> None:
    address = f"{BASE}/connections/{connection.pk}/"
    told = api.patch(address, {"settings": {"conflict": "ask"}}, content_type="application/json").json()
    assert (told["settings"]["conflict"], told["settings"]["deleted_here"]) == ("ask", "bring_back")
    wrong = api.patch(address, {"settings": {"conflict": "war", "colour": "red"}}, content_type="application/json")
    assert wrong.status_code == 400
    assert {error["field"] for error in wrong.json()["errors"]} == {"settings.conflict", "settings.colour"}


def test_sync_once_at_a_time(api: Client, workspace: Workspace, connection: Connection) -> None:
    status, run = post(api, f"/connections/{connection.pk}/sync/")
    assert (status, run["kind"], run["status"]) == (202, "manual", "queued")
    status, problem = post(api, f"/connections/{connection.pk}/sync/")
    assert (status, problem["errors"]) == (409, [{"field": "run", "code": "already_running", "message": str(run["id"])}])
    assert post(api, f"/connections/{connection.pk}/preview/")[1]["kind"] == "preview", "a preview goes beside it"
    assert post(api, f"/runs/{run['id']}/cancel/")[1]["outcome"] == "cancelled"


def test_a_paused_connection_does_not_sync(api: Client, workspace: Workspace, connection: Connection) -> None:
    with workspace_tx(workspace):
        Connection.objects.update(status=ConnectionStatus.PAUSED)
    assert post(api, f"/connections/{connection.pk}/sync/")[0] == 409


def test_delete_disables(api: Client, workspace: Workspace, connection: Connection) -> None:
    assert api.delete(f"{BASE}/connections/{connection.pk}/").status_code == 204
    assert api.get(f"{BASE}/connections/{connection.pk}/").status_code == 404
    with workspace_tx(workspace):
        assert Connection.objects.get().status == ConnectionStatus.OFF


def test_failures_and_retry(api: Client, workspace: Workspace, connection: Connection) -> None:
    with workspace_tx(workspace):
        stuck = rows.stuck(connection, contact := rows.organisation(workspace))
        rows.link(connection, state=LinkState.IGNORED, reason={"code": "ignored_by_person", "params": {}})
    address = f"{BASE}/connections/{connection.pk}/failures/"
    (row,) = api.get(address).json()["results"]
    assert (row["id"], row["code"], row["contact"], row["detail"]) == (
        f"outbox:{stuck.pk}",
        "refused",
        contact.pk,
        "line1: must not be blank",
    )
    assert "billing address line 1 is required" in row["reason"]
    assert "ignored_by_person" in {each["code"] for each in api.get(f"{address}?state=ignored").json()["results"]}
    assert api.get(f"{address}?state=nonsense").status_code == 400
    assert api.get(f"{address}?cursor=x").status_code == 400
    assert post(api, f"/connections/{connection.pk}/failures/", {"rows": [row["id"]]}) == (202, {"retried": 1})
    assert post(api, f"/connections/{connection.pk}/failures/", {"rows": ["x"]})[0] == 400


def test_matches(api: Client, workspace: Workspace, connection: Connection) -> None:
    with workspace_tx(workspace):
        twins = [rows.organisation(workspace), rows.organisation(workspace)]
        held = rows.held(connection, *twins)
        rows.conflict(connection, rows.organisation(workspace, "Other"))
    address = f"/connections/{connection.pk}/matches/"
    (row,) = api.get(f"{BASE}{address}").json()["results"]
    assert [each["id"] for each in row["candidates"]] == [each.pk for each in twins]
    assert post(api, address, {"row": row["id"], "contact": 1})[0] == 400
    assert post(api, address, {"row": "link:0", "contact": twins[0].pk})[0] == 400
    assert post(api, address, {"row": row["id"], "contact": twins[1].pk})[0] == 204
    with workspace_tx(workspace):
        held.refresh_from_db()
        assert held.contact_id == twins[1].pk


def test_export_names_what_is_missing(member: Client, workspace: Workspace, connection: Connection) -> None:
    complete = {"line1": "1 High Street", "line2": "Unit 3", "city": "Leeds", "postcode": "LS1", "country": "GB"}
    with workspace_tx(workspace):
        bare, full = rows.organisation(workspace, "Bare"), rows.organisation(workspace, "Full", addresses=[complete])
    status, problem = post(member, f"/contacts/{bare.pk}/export/", {"connection": connection.pk})
    assert status == 400
    assert any(str(error["field"]).startswith("address") for error in problem["errors"])  # type: ignore[attr-defined]
    assert post(member, f"/contacts/{full.pk}/export/", {"connection": connection.pk}) == (202, {"contact": full.pk, "state": "waiting"})
    assert post(member, f"/contacts/{full.pk}/export/", {"connection": 1})[0] == 400
    with workspace_tx(workspace):
        Outbox.objects.all().delete()
        rows.link(connection, full)
    assert post(member, f"/contacts/{full.pk}/export/", {"connection": connection.pk})[0] == 409


def test_runs_and_their_log(api: Client, member: Client, workspace: Workspace, connection: Connection) -> None:
    with workspace_tx(workspace):
        run = rows.run(connection, plan={"counts": {"created": 1}}, outcome=Outcome.FAILED, reason={"code": "timeout", "params": {}})
        rows.line(run, "=Smith")
        rows.line(run, "Bad", level="error", action="fail", reason={"code": "no_name", "params": {"id": "7"}})
    (told,) = member.get(f"{BASE}/runs/?connection={connection.pk}&outcome=failed").json()["results"]
    assert (told["id"], told["counters"]["updated"], told["counters"]["held"]) == (run.pk, 12, 0)
    assert "did not answer in time" in told["reason"]
    assert "plan" not in member.get(f"{BASE}/runs/{run.pk}/").json()
    assert api.get(f"{BASE}/runs/{run.pk}/").json()["plan"] == {"counts": {"created": 1}}
    assert member.get(f"{BASE}/runs/{run.pk}/log/").status_code == 403
    assert [line["code"] for line in api.get(f"{BASE}/runs/{run.pk}/log/?level=error").json()["results"]] == ["no_name"]
    as_lines = b"".join(api.get(f"{BASE}/runs/{run.pk}/log/?as=jsonl").streaming_content).decode()  # type: ignore[union-attr]
    assert [json.loads(line)["name"] for line in as_lines.splitlines()] == ["=Smith", "Bad"]
    as_csv = b"".join(api.get(f"{BASE}/runs/{run.pk}/log/?as=csv").streaming_content).decode()  # type: ignore[union-attr]
    assert "'=Smith" in as_csv
    for query in ("level=x", "as=xml", "cursor=x"):
        assert api.get(f"{BASE}/runs/{run.pk}/log/?{query}").status_code == 400
    for query in ("connection=x", "outcome=x"):
        assert api.get(f"{BASE}/runs/?{query}").status_code == 400


def test_undo_and_confirm(api: Client, workspace: Workspace, connection: Connection) -> None:
    with workspace_tx(workspace):
        preview = rows.run(connection, kind=RunKind.PREVIEW)
        done = rows.run(connection)
    assert post(api, f"/runs/{preview.pk}/undo/")[0] == 409
    status, back = post(api, f"/runs/{done.pk}/undo/")
    assert (status, back["kind"]) == (201, "undo")
    assert post(api, f"/runs/{done.pk}/undo/")[0] == 409
    assert post(api, f"/runs/{done.pk}/confirm/")[0] == 409
    with workspace_tx(workspace):
        waiting = rows.running(connection, status=RunStatus.DECIDING)
    assert post(api, f"/runs/{waiting.pk}/confirm/")[1]["status"] == "queued"
    with workspace_tx(workspace):
        assert Run.objects.get(pk=waiting.pk).confirmed


def test_a_run_is_undone_once_and_never_beside_another(api: Client, cast: Cast, workspace: Workspace, connection: Connection) -> None:
    with workspace_tx(cast.elsewhere):
        theirs = rows.run(rows.connection(cast.elsewhere, cast.charlie))
    with workspace_tx(workspace):
        done = rows.run(connection)
        preview = rows.running(connection, kind=RunKind.PREVIEW)
    assert post(api, f"/runs/{theirs.pk}/undo/")[0] == 404
    assert post(api, f"/runs/{2**70}/undo/")[0] == 404
    assert post(api, f"/runs/{done.pk}/undo/")[0] == 409, "a preview is being made"
    assert post(api, f"/runs/{preview.pk}/undo/")[0] == 409
    with workspace_tx(workspace):
        Run.objects.filter(pk=preview.pk).update(status=RunStatus.DONE)
    status, back = post(api, f"/runs/{done.pk}/undo/", ["no", "body", "is", "asked", "for"])
    assert status == 201
    assert [post(api, f"/runs/{pk}/undo/")[0] for pk in (done.pk, back["id"])] == [409, 409]
    with workspace_tx(workspace):
        assert Run.objects.filter(kind=RunKind.UNDO).count() == 1
    for path in (f"/runs/{2**70}/", f"/runs/{2**70}/log/", f"/connections/{2**70}/", f"/connections/{2**70}/failures/"):
        assert api.get(f"{BASE}{path}").status_code == 404, path
    for query in (
        f"connection={2**70}",
        "connection=%00",
        "connection=1&outcome=%00",
        "outcome=x",
        "cursor=%00",
        "limit=-1",
        "limit=%D9%A3",
    ):
        assert api.get(f"{BASE}/runs/?{query}").status_code == 400, query


ODD = ["a\0b", "a\ud800b", "٣" * 5000, ["x"], {"a": 1}, 1e308, True]


def test_a_merge_of_odd_values_names_the_field_and_does_nothing(
    api: Client, cast: Cast, workspace: Workspace, connection: Connection
) -> None:
    with workspace_tx(cast.elsewhere):
        theirs = rows.organisation(cast.elsewhere).pk
    with workspace_tx(workspace):
        kept, gone, trashed = (rows.organisation(workspace, name).pk for name in ("A", "B", "C"))
        links = [rows.link(connection, Contact.objects.get(pk=pk)) for pk in (kept, gone)]
        delete_contacts(workspace, [trashed], origin=SYSTEM)
        before = list(Contact.objects.order_by("pk").values())
    odd = [*ODD[:1], *ODD[2:], None, "", "x", [kept], {"id": kept}, -1, 0, 1.5, 2**63, 2**70, theirs, trashed]
    asked = [({"kept": value, "gone": gone}, "kept") for value in odd] + [({"kept": kept, "gone": value}, "gone") for value in odd]
    asked += [
        ({"kept": kept, "gone": kept}, "gone"),
        ({"gone": gone}, "kept"),
        ([kept, gone], ""),
        ("x", ""),
        ({"kept": ODD[1], "gone": gone}, ""),
    ]
    for name, values in {
        "take_from_gone": ["name", 1, {"name": 1}, [["name"]], [{}], [None], ["a\0b"], ["name"] * 201, ["id"], ["nonsense"]],
        "choices": ["x", 1, ["x"], {"a": ["x"]}, {"a": None}, {"a": "b\0"}, {f"link:{connection.pk}:client": "nonsense"}],
    }.items():
        asked += [({"kept": kept, "gone": gone, name: value}, name) for value in values]
    for body, field in asked:
        status, told = post(api, "/contacts/merge/", body)
        named = [error["field"] for error in told["errors"]]  # type: ignore[attr-defined]
        assert (status, not field or any(each.startswith(field) for each in named)) == (400, True), (body, told)
    with workspace_tx(workspace):
        assert list(Contact.objects.order_by("pk").values()) == before
    fine = {"kept": kept, "gone": gone, "choices": {f"link:{connection.pk}:client": str(links[1].pk)}, "take_from_gone": ["name"]}
    assert (post(api, "/contacts/merge/", fine)[0], post(api, "/contacts/merge/", fine)[0]) == (200, 400)
    with workspace_tx(workspace):
        assert list(Link.objects.exclude(contact=None).values_list("pk", "contact")) == [(links[1].pk, kept)]


@pytest.mark.parametrize("provider", sorted(registry.manifests()))
def test_no_value_of_a_setting_is_too_odd_to_be_refused(api: Client, cast: Cast, provider: str) -> None:
    with workspace_tx(cast.workspace):
        connection = rows.connection(cast.workspace, cast.alice, provider=provider)
    for spec in registry.manifest(provider).settings:
        for odd in ODD:
            body = json.dumps({"settings": {spec.key: odd}})
            answer = api.patch(f"{BASE}/connections/{connection.pk}/", body, content_type="application/json")
            assert answer.status_code in (200, 400), (spec.key, odd)
