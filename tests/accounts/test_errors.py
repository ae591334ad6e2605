"""Pages that stand in for a page, and the roots of the site."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import include, path

from accounts.models import Membership
from tests.fixtures import Cast


def broken(_request: object) -> None:
    raise ZeroDivisionError


urlpatterns = [path("broken/", broken), path("api/v1/broken/", broken), path("", include("crmsync.urls"))]
handler400 = "accounts.views.errors.bad_request"
handler403 = "accounts.views.errors.forbidden"
handler404 = "accounts.views.errors.not_found"
handler500 = "accounts.views.errors.fault"
pytestmark = pytest.mark.urls(__name__)


def test_a_fault_is_a_page_for_people_and_a_problem_for_programs(db: None) -> None:
    client = Client(raise_request_exception=False)

    assert "Something broke" in client.get("/broken/").content.decode()
    response = client.get("/api/v1/broken/")
    assert (response.status_code, response["Content-Type"], response.json()["status"]) == (500, "application/problem+json", 500)


def test_a_forged_host_is_refused(db: None, settings: object) -> None:
    settings.ALLOWED_HOSTS = ["crm.example.org"]
    client = Client(headers={"Host": "evil.example.net"})

    assert client.get("/accounts/login/").status_code == 400
    assert client.get("/api/v1/users/").json()["status"] == 400


def test_nothing_here_is_a_404_in_both_tongues(alice: Client) -> None:
    assert "Nothing here" in alice.get("/nothing/").content.decode()
    assert alice.get("/api/v2/nothing/").json()["status"] == 404


def test_the_start_leads_strangers_to_the_log_in_and_members_home(client: Client, alice: Client) -> None:
    assert client.get("/").url == "/accounts/login/?next=/"
    assert alice.get("/").url == "/w/hartwell/"


def test_without_a_workspace_the_start_offers_to_create_one(cast: Cast, alice: Client) -> None:
    Membership.objects.filter(user=cast.alice).delete()

    assert alice.get("/").url == "/workspaces/"
    assert "Create a workspace" in alice.get("/workspaces/").content.decode()
    assert alice.post("/workspaces/new/", {"name": "Second"}).url == "/w/second/"


def test_the_switcher_opens_own_workspaces_only(cast: Cast, alice: Client) -> None:
    alice.post("/workspaces/new/", {"name": "Second"})

    assert alice.post("/workspaces/", {"slug": "hartwell"}).url == "/w/hartwell/"
    assert alice.get("/").url == "/w/hartwell/"
    assert alice.post("/workspaces/", {"slug": "elsewhere"}).status_code == 404


def test_the_profile_changes_name_language_zone_and_theme(cast: Cast, alice: Client) -> None:
    values = {"name": "Alice B", "language": "da", "time_zone": "America/Sao_Paulo", "theme": "dark"}
    response = alice.post("/profile/", values)

    cast.alice.refresh_from_db()
    assert (cast.alice.name, cast.alice.language, cast.alice.time_zone) == ("Alice B", "da", "America/Sao_Paulo")
    assert (response.cookies["theme"].value, response.cookies["django_language"].value) == ("dark", "da")
    assert alice.post("/profile/", values | {"time_zone": "Mars/Olympus"}).status_code == 422
    assert 'lang="da"' in alice.get("/profile/").content.decode()


def test_first_steps_are_those_that_the_role_can_take(cast: Cast, alice: Client, bob: Client) -> None:
    assert "Invite a colleague" in alice.get("/w/hartwell/").content.decode()
    assert "Invite a colleague" not in bob.get("/w/hartwell/").content.decode()


def test_members_see_no_entry_of_the_settings(bob: Client, alice: Client) -> None:
    assert "/w/hartwell/settings/" in alice.get("/w/hartwell/").content.decode()
    assert 'href="/w/hartwell/settings/"' not in bob.get("/w/hartwell/").content.decode()
