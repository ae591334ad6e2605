from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from accounts.enums import Role
from accounts.models import Membership, User
from tests.fixtures import Cast


def run(*arguments: str) -> dict[str, object]:
    out = io.StringIO()
    call_command(*arguments, "--json", stdout=out)
    result: dict[str, object] = json.loads(out.getvalue())
    return result


def test_create_workspace_with_a_new_owner(db: None) -> None:
    result = run("create_workspace", "Hartwell & Co", "--owner", "Anna@Example.com", "--password", "pw")

    member = Membership.objects.select_related("user").get()
    assert result == {"id": member.workspace_id, "slug": "hartwell-co", "name": "Hartwell & Co", "owner": "anna@example.com"}
    assert (member.role, member.user.check_password("pw")) == (Role.OWNER, True)


def test_create_workspace_of_a_known_person(cast: Cast) -> None:
    run("create_workspace", "Second", "--owner", "alice@example.com")

    assert Membership.objects.filter(user=cast.alice).count() == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["", "--owner", "a@example.com", "--password", "pw"], "one line of 1 to 120"),
        (["A\nB", "--owner", "a@example.com", "--password", "pw"], "one line of 1 to 120"),
        (["Acme", "--owner", "nobody", "--password", "pw"], "not an e-mail address"),
        (["Acme", "--owner", "a@example.com"], "give a --password"),
        (["Acme", "--owner", "alice@example.com", "--password", "wrong"], "another password"),
    ],
)
def test_create_workspace_says_what_is_wrong_and_makes_nothing(cast: Cast, arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        call_command("create_workspace", *arguments)
    assert User.objects.count() == 3


def test_api_token_may_do_what_the_role_allows(cast: Cast, client: object) -> None:
    made = run("api_token", "alice@example.com", "--workspace", "hartwell")
    assert made["scopes"] == ["read", "write", "admin", "erp"]
    assert client.get("/api/v1/users/", headers={"Authorization": f"Bearer {made['token']}"}).status_code == 200

    assert run("api_token", "bob@example.com", "--workspace", "hartwell")["scopes"] == ["read", "write"]
    assert run("api_token", "alice@example.com", "--workspace", "hartwell", "--scopes", "read,erp")["scopes"] == ["read", "erp"]
    assert run("api_token", "alice@example.com", "--workspace", "hartwell", "--scopes", "erp", "read")["scopes"] == ["read", "erp"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["alice@example.com", "--workspace", "elsewhere"], "not a member"),
        (["alice@example.com", "--workspace", "hartwell", "--scopes", "root"], "no scope root"),
        (["bob@example.com", "--workspace", "hartwell", "--scopes", "admin"], "does not allow"),
        (["bob@example.com", "--workspace", "hartwell", "--days", "0"], "1 to 3650"),
    ],
)
def test_api_token_says_what_is_wrong(cast: Cast, arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        call_command("api_token", *arguments)


def test_an_old_database_is_named_in_one_line(cast: Cast) -> None:
    [(app, newest)] = MigrationLoader(connection).graph.leaf_nodes("accounts")
    MigrationRecorder(connection).record_unapplied(app, newest)

    with pytest.raises(CommandError, match="not up to date"):
        call_command("create_workspace", "Acme", "--owner", "alice@example.com")
