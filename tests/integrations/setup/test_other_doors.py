"""The same set-up through the API and the command line, checked as the form checks it."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.scoping import workspace_tx
from integrations.domain.settings import save_settings
from tests.accounts.api_client import api_client
from tests.fixtures import Cast
from tests.integrations.setup.place import Place

BASE = "/api/v1/connections/"
KEYS = {"token": "sandbox-movidesk"}


@pytest.fixture
def api(cast: Cast) -> Client:
    return api_client(cast.alice, cast.workspace)


def call(client: Client, method: str, path: str, body: object) -> tuple[int, Any]:
    answer = getattr(client, method)(f"{BASE}{path}", body, content_type="application/json")
    return answer.status_code, answer.json() if answer.content else {}


def test_connected_through_the_api(api: Client, desk: Place) -> None:
    status, told = call(api, "post", "", {"provider": "movidesk", "settings": {"name": "Our desk", "tenant": "acme"}, "secrets": KEYS})
    assert (status, told["name"], told["label"], told["status"]) == (201, "Our desk", "Movidesk", "active")
    assert told["settings"]["requests_per_minute"] == 10
    assert "sandbox-movidesk" not in json.dumps(told)
    assert desk.secrets() == KEYS
    status, told = call(api, "post", "", {"provider": "movidesk", "secrets": KEYS})
    assert (status, told["errors"][0]["message"]) == (409, str(desk.connection().pk))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"provider": "crunch", "secrets": {}}, "provider"),
        ({"provider": "nobody", "secrets": {}}, "provider"),
        ({"provider": "movidesk", "secrets": {}}, "secrets.token"),
        ({"provider": "movidesk", "secrets": {"token": "wrong-token-of-somebody"}}, "secrets.token"),
        ({"provider": "movidesk", "secrets": {**KEYS, "pin": "1"}}, "secrets.pin"),
        ({"provider": "movidesk", "secrets": KEYS, "settings": {"pull": False, "push": False}}, "settings.pull"),
        ({"provider": "movidesk", "secrets": KEYS, "settings": {"requests_per_minute": 601}}, "settings.requests_per_minute"),
        ({"provider": "movidesk", "secrets": KEYS, "settings": {"ticket_link_field": "none"}}, "settings.ticket_link_field"),
        ({"provider": "movidesk", "secrets": KEYS, "settings": {"unheard_of": 1}}, "settings.unheard_of"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_stored(api: Client, desk: Place, body: dict[str, Any], field: str) -> None:
    status, told = call(api, "post", "", body)
    assert (status, told["errors"][0]["field"]) == (400, field), told
    assert desk.connections() == []


def test_keys_and_settings_are_changed_through_the_api(api: Client, desk: Place) -> None:
    call(api, "post", "", {"provider": "movidesk", "secrets": KEYS})
    path = f"{desk.connection().pk}/"
    assert call(api, "patch", path, {"secrets": {"token": "wrong-token-of-somebody"}})[0] == 400
    assert desk.secrets() == KEYS
    new = {"token": desk.sandbox.token()["access_token"]}
    status, told = call(api, "patch", path, {"secrets": new, "settings": {"name": "Support"}})
    assert (status, told["name"]) == (200, "Support")
    assert desk.secrets() == new
    status, told = call(api, "patch", path, {"settings": {"push": False, "pull": False}})
    assert (status, [each["field"] for each in told["errors"]]) == (400, ["settings.pull", "settings.push"])
    assert call(api, "delete", path, None)[0] == 204
    assert (desk.connection().status, desk.connection().secrets) == ("OFF", "")


def test_a_vendor_that_is_down_is_no_fault_of_the_caller(api: Client, desk: Place) -> None:
    desk.sandbox.fail("500", times=9)
    assert call(api, "post", "", {"provider": "movidesk", "secrets": KEYS})[0] == 503
    assert desk.connections() == []


def test_members_may_not(cast: Cast, desk: Place) -> None:
    assert call(api_client(cast.bob, cast.workspace), "post", "", {"provider": "movidesk", "secrets": KEYS})[0] == 403


def connect(*words: str) -> dict[str, Any]:
    out = StringIO()
    call_command("connect", *words, "--workspace", "hartwell", "--json", stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def test_connected_by_command(cast: Cast, desk: Place) -> None:
    now = timezone.now()
    later = f"{now + timedelta(hours=6):%H:%M}-{now + timedelta(hours=8):%H:%M}"
    told = connect("movidesk", "--set", "name=Our desk", "push=false", f"quiet_hours={later}", "--secret", "token=sandbox-movidesk")
    assert (told["id"], told["status"]) == (desk.connection().pk, "ACTIVE")
    settings = desk.connection().settings
    assert (settings["push"], settings["quiet_hours"]) == (False, later)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--set", "push=false", "pull=false", "--secret", "token=sandbox-movidesk"], "Mark at least one direction"),
        (["--set", "tenant=two words", "--secret", "token=sandbox-movidesk"], "tenant"),
        (["--secret", "token=wrong-token"], "does not accept"),
        (["--secret", "pin=1"], "unknown secret"),
    ],
)
def test_the_command_says_what_is_wrong(cast: Cast, desk: Place, words: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        connect("movidesk", *words)
    assert desk.connections() == []


def test_books_connected_by_command_tell_whose_they_are(cast: Cast, books: Place) -> None:
    token = books.sandbox.token()["grant_token"]
    assert connect("economic", "--set", "create_when=active", "--secret", f"grant_token={token}")["account"] == "Nordlys Handel ApS"
    assert connect("economic", "--secret", f"grant_token={token}", "--no-check")["id"] == books.connection().pk


def test_two_who_change_different_settings_at_once_both_get_their_way(api: Client, desk: Place) -> None:
    call(api, "post", "", {"provider": "movidesk", "secrets": KEYS})
    one, other = desk.connection(), desk.connection()
    with workspace_tx(desk.workspace):
        save_settings(one, {"quiet_hours": "01:00-02:00"}, user=None)
    with workspace_tx(desk.workspace):
        save_settings(other, {"tenant": "acme"}, user=None)
    found = desk.connection().settings
    assert (found["quiet_hours"], found["tenant"]) == ("01:00-02:00", "acme")
