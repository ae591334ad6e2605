from __future__ import annotations

import datetime as dt
import re

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.domain.errors import Refused
from accounts.domain.tokens import create_token, find_token
from accounts.enums import Role
from accounts.models import ApiToken, Membership, User
from tests.accounts.api_client import api_client
from tests.fixtures import Cast

PASSWORD = "correct horse battery"


def confirmed(client: Client) -> Client:
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


def test_a_token_is_made_after_the_password_and_shown_once(cast: Cast, alice: Client) -> None:
    asked = alice.get("/w/hartwell/settings/tokens/new/")
    assert asked.url == "/accounts/reauthenticate/?next=%2Fw%2Fhartwell%2Fsettings%2Ftokens%2Fnew%2F"
    assert alice.post("/w/hartwell/settings/tokens/new/", {"name": "Script", "scopes": ["read"]}).status_code == 302
    assert not ApiToken.objects.exists()

    page = confirmed(alice).post("/w/hartwell/settings/tokens/new/", {"name": "Script", "scopes": ["read"], "days": "30"})
    text = re.search(r"crm_[0-9a-f]{8}_[\w-]{43}", page.content.decode())[0]

    token = ApiToken.objects.get()
    assert "no-store" in page["Cache-Control"]
    assert text.split("_", 2)[2] not in str(vars(token))
    assert token.expires_at - timezone.now() < dt.timedelta(days=30)
    assert text not in alice.get("/w/hartwell/settings/tokens/").content.decode()
    assert Client(headers={"Authorization": f"Bearer {text}"}).get("/api/v1/users/").status_code == 200


def test_a_revoked_token_opens_nothing(cast: Cast, alice: Client) -> None:
    client = api_client(cast.alice, cast.workspace)
    assert client.get("/api/v1/users/").status_code == 200
    alice.post(f"/w/hartwell/settings/tokens/{ApiToken.objects.get().pk}/revoke/")

    assert client.get("/api/v1/users/").status_code == 401


def test_an_expired_token_opens_nothing(cast: Cast, time_machine: object) -> None:
    member = Membership.objects.select_related("workspace", "user").get(user=cast.alice)
    _token, text = create_token(member, name="Script", scopes=["read"], expires_at=timezone.now() + dt.timedelta(days=1))
    client = Client(headers={"Authorization": f"Bearer {text}"})
    assert client.get("/api/v1/users/").status_code == 200
    time_machine.move_to(timezone.now() + dt.timedelta(days=1, seconds=1))

    assert client.get("/api/v1/users/").status_code == 401


@pytest.mark.parametrize("change", ["left", "disabled"])
def test_a_token_ends_with_its_owner(cast: Cast, change: str) -> None:
    client = api_client(cast.bob, cast.workspace)
    if change == "left":
        Membership.objects.filter(user=cast.bob).delete()
    else:
        User.objects.filter(pk=cast.bob.pk).update(is_active=False)

    assert client.get("/api/v1/users/").status_code == 401


def test_a_token_with_one_wrong_character_opens_nothing(cast: Cast) -> None:
    member = Membership.objects.select_related("workspace", "user").get(user=cast.alice)
    _token, text = create_token(member, name="Script", scopes=["read"])
    wrong = text[:-1] + ("A" if text[-1] != "A" else "B")

    assert Client(headers={"Authorization": f"Bearer {wrong}"}).get("/api/v1/users/").status_code == 401


def test_the_use_is_noted_at_most_once_a_minute(cast: Cast, time_machine: object) -> None:
    start = dt.datetime(2026, 8, 1, 12, tzinfo=dt.UTC)
    time_machine.move_to(start, tick=False)
    client = api_client(cast.alice, cast.workspace)
    for seconds in (0, 30, 61):
        time_machine.move_to(start + dt.timedelta(seconds=seconds), tick=False)
        client.get("/api/v1/users/")
        expected = start + dt.timedelta(seconds=61 if seconds == 61 else 0)
        assert ApiToken.objects.get().last_used_at == expected


def test_members_give_no_admin_scopes(cast: Cast) -> None:
    bob = Membership.objects.select_related("workspace", "user").get(user=cast.bob)

    for scope in ("admin", "erp"):
        with pytest.raises(Refused):
            create_token(bob, name="Script", scopes=[scope])


def test_an_admin_token_shrinks_with_the_role(cast: Cast) -> None:
    Membership.objects.filter(user=cast.bob).update(role=Role.ADMIN)
    client = api_client(cast.bob, cast.workspace, scopes=["erp"])
    Membership.objects.filter(user=cast.bob).update(role=Role.MEMBER)

    assert client.get("/api/v1/users/").status_code == 403


def test_tokens_of_another_workspace_are_out_of_reach(cast: Cast, charlie: Client) -> None:
    api_client(cast.alice, cast.workspace)
    pk = ApiToken.objects.get().pk

    assert charlie.post(f"/w/elsewhere/settings/tokens/{pk}/revoke/").status_code == 404
    assert ApiToken.objects.get().revoked_at is None


def test_a_token_is_found_with_everything_that_a_request_needs_in_one_statement(
    cast: Cast, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    member = Membership.objects.get(workspace=cast.workspace, user=cast.alice)
    member.team_ids = [7]
    member.save()
    made, text = create_token(member, name="Script", scopes=["read", "erp"])
    with django_assert_num_queries(1):
        found = find_token(text, now=timezone.now())
        assert found is not None
        token, membership = found
        assert (token, token.user, token.workspace) == (made, cast.alice, cast.workspace)
        assert (membership, membership.user, membership.workspace) == (member, cast.alice, cast.workspace)
    for one, other in ((token, made), (membership, member), (token.user, cast.alice), (token.workspace, cast.workspace)):
        fresh = type(other).objects.get(pk=other.pk)
        assert all(getattr(one, field.attname) == getattr(fresh, field.attname) for field in fresh._meta.concrete_fields)
    member.delete()
    assert find_token(text, now=timezone.now()) is None
