"""`manage.py connect` and `manage.py sync`, as scripts use them, against the sandbox over HTTP."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Team
from accounts.scoping import workspace_tx
from contacts.models import Contact
from integrations.models import Connection, Link, Run
from tests.fixtures import Cast
from tests.sandboxes import Sandbox, crunch_sandbox

__all__ = ["crunch_sandbox"]
CLIENTS = 45


def run_command(*words: str) -> dict[str, Any]:
    """The JSON that the command prints; an exit code other than 0 raises SystemExit."""
    out = StringIO()
    call_command(*words, "--json", stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


@pytest.fixture
def books(cast: Cast, crunch_sandbox: Sandbox, settings: Any) -> Sandbox:
    settings.ENVIRON = {**settings.ENVIRON, **crunch_sandbox.env}
    return crunch_sandbox


def connect(books: Sandbox, *words: str) -> int:
    token = books.token()
    secrets = [f"access_token={token['access_token']}", f"refresh_token={token['refresh_token']}"]
    return int(run_command("connect", "crunch", "--workspace", "hartwell", *words, "--secret", *secrets)["id"])


@pytest.mark.django_db
def test_connect_and_sync_bring_the_clients_in_and_a_second_sync_changes_nothing(cast: Cast, books: Sandbox) -> None:
    pk = connect(books)
    first = run_command("sync", str(pk))
    second = run_command("sync", str(pk))
    assert (first["outcome"], first["counters"]["seen"], first["counters"]["created"]) == ("success", CLIENTS, CLIENTS)
    assert (second["outcome"], second["counters"]["unchanged"]) == ("success", CLIENTS)
    assert second["run"] != first["run"]


@pytest.mark.django_db
def test_preview_of_a_new_connection_writes_nothing_and_tells_what_the_sync_then_does(cast: Cast, books: Sandbox) -> None:
    pk = connect(books)
    preview = run_command("sync", str(pk), "--preview")
    with workspace_tx(cast.workspace):
        assert (Contact.objects.count(), Link.objects.count()) == (0, 0)
    done = run_command("sync", str(pk))
    assert preview["plan"]["counts"]["created"] == done["counters"]["created"] == CLIENTS


@pytest.mark.django_db
def test_a_first_sync_that_shows_itself_first_goes_on_when_it_is_confirmed(cast: Cast, books: Sandbox) -> None:
    pk = connect(books, "--set", "preview_first=true")
    out = StringIO()
    with pytest.raises(SystemExit) as stopped:
        call_command("sync", str(pk), "--json", stdout=out)
    assert (stopped.value.code, json.loads(out.getvalue())["outcome"]) == (1, "needs_decision")
    assert run_command("sync", str(pk), "--confirm")["outcome"] == "success"
    with workspace_tx(cast.workspace):
        assert (Contact.objects.count(), Run.objects.count()) == (CLIENTS, 1)


@pytest.mark.django_db
def test_settings_are_checked_as_in_the_form(cast: Cast, books: Sandbox) -> None:
    with workspace_tx(cast.workspace):
        Team.objects.create(workspace=cast.workspace, name="South", slug="south")
    pk = connect(books, "--set", "team=south", "suppliers=import", "conflict=ask")
    with workspace_tx(cast.workspace):
        stored = Connection.objects.get(pk=pk).settings
    assert (stored["team"], stored["suppliers"], stored["conflict"]) == ("south", "import", "ask")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("crunch", "--workspace", "nowhere", "--secret", "access_token=x"), "nowhere"),
        (("nothing", "--workspace", "hartwell"), "nothing"),
        (("crunch", "--workspace", "hartwell"), "access_token"),
        (("crunch", "--workspace", "hartwell", "--secret", "token=x"), "token"),
        (("crunch", "--workspace", "hartwell", "--set", "suppliers", "--secret", "access_token=x"), "KEY=VALUE"),
        (("crunch", "--workspace", "hartwell", "--set", "suppliers=maybe", "--secret", "access_token=x"), "suppliers"),
        (("crunch", "--workspace", "hartwell", "--set", "colour=red", "--secret", "access_token=x"), "colour"),
        (("crunch", "--workspace", "hartwell", "--set", "team=north", "--secret", "access_token=x"), "north"),
        (("crunch", "--workspace", "hartwell", "--secret", "access_token=wrong"), "Crunch"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_and_nothing_connects(cast: Cast, books: Sandbox, words: tuple[str, ...], complaint: str) -> None:
    with pytest.raises(CommandError, match=complaint):
        call_command("connect", *words)
    with workspace_tx(cast.workspace):
        assert not Connection.objects.exclude(status="SETUP").exists()


@pytest.mark.django_db
def test_an_unknown_connection_is_named(cast: Cast) -> None:
    with pytest.raises(CommandError, match="4711"):
        call_command("sync", "4711")
