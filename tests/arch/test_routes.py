"""Every address: who may open it. A new route is found by itself; only pages outside of /w/ and /api/ are listed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.api.views import WorkspaceAPIView
from tests.accounts.api_client import api_client
from tests.arch.samples import SAMPLE_ID, TEXTS, fill
from tests.fixtures import Cast

MEMBER = "w/<slug:slug>/"
API = "api/v1/"
# Open to everybody, each with the reason.
PUBLIC = {
    "healthz": "load balancers",
    "readyz": "load balancers",
    "set_language": "stores a language, nothing else",
    "api:schema": "describes the API, holds no data",
    "api:docs": "describes the API, holds no data",
    "accounts:join": "the secret in the link is the key",
    "account_login": "entrance",
    "account_signup": "entrance",
    "account_reset_password": "entrance",
    "account_reset_password_done": "entrance",
    "account_reset_password_from_key": "the key in the link",
    "account_reset_password_from_key_done": "entrance",
    "account_confirm_email": "the key in the link",
    "account_email_verification_sent": "says that a mail is on its way",
    "account_confirm_login_code": "second step of a log-in by code, which is switched off",
    "account_inactive": "says that the account is switched off",
    "account_logout": "ends what there is",
    "connect_granted": "takes a token out of the address; strangers are led to a page that says no",
    "connect_failed": "says why a permission was not stored",
    "connect_failed_in": "says why a permission was not stored",
    "hooks": "vendors call; the secret in the address is the key",
    "hooks_bare": "vendors call; the secret in the address is the key",
    "hooks_below": "vendors call; the secret in the address is the key",
    "mfa_authenticate": "second step of the entrance; without the first it leads back",
}
# For whoever is logged in, about themselves.
PERSON = {
    "accounts:start",
    "accounts:workspaces",
    "accounts:workspace_create",
    "accounts:profile",
    "account_change_password",
    "account_set_password",
    "account_reauthenticate",
    "account_email",
    "mfa_index",
    "mfa_reauthenticate",
    "mfa_activate_totp",
    "mfa_deactivate_totp",
    "mfa_generate_recovery_codes",
    "mfa_view_recovery_codes",
    "mfa_download_recovery_codes",
    "usersessions_list",
    "connect_callback",
}
PARAMETER = re.compile(r"<(?:(\w+):)?(\w+)>")
METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Route:
    name: str
    route: str
    view: Any

    def __str__(self) -> str:
        return self.route

    @property
    def has_id(self) -> bool:
        return "<int:" in self.route or "<str:row_id>" in self.route

    def path(self, slug: str = "hartwell") -> str:
        """An address of this route, about Alice's objects."""
        return "/" + PARAMETER.sub(lambda found: _sample(found[1] or "str", found[2], slug=slug), self.route)


def _sample(kind: str, name: str, *, slug: str) -> str:
    if name == "slug":
        return slug
    return str(SAMPLE_ID) if kind == "int" else TEXTS[name]


def walk(patterns: list[URLPattern | URLResolver], *, route: str = "", namespace: str = "") -> Iterator[Route]:
    for pattern in patterns:
        here = route + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            inner = ":".join(filter(None, (namespace, pattern.namespace or "")))
            yield from walk(pattern.url_patterns, route=here, namespace=inner)
        else:
            yield Route(":".join(filter(None, (namespace, pattern.name or ""))), here, pattern.callback)


ROUTES = list(walk(get_resolver().url_patterns))
MEMBER_ROUTES = [route for route in ROUTES if route.route.startswith(MEMBER)]
API_ROUTES = [route for route in ROUTES if route.route.startswith(API) and route.name not in PUBLIC]
OTHER_ROUTES = [route for route in ROUTES if not route.route.startswith((MEMBER, API)) or route.name in PUBLIC]
member_routes = pytest.mark.parametrize("route", MEMBER_ROUTES, ids=str)
id_routes = pytest.mark.parametrize("route", [route for route in MEMBER_ROUTES if route.has_id], ids=str)
api_routes = pytest.mark.parametrize("route", API_ROUTES, ids=str)


def test_every_route_outside_of_a_workspace_is_listed() -> None:
    assert {route.name for route in OTHER_ROUTES} - set(PUBLIC) - PERSON == set()


def test_nothing_is_listed_that_is_not_there() -> None:
    assert (set(PUBLIC) | PERSON) - {route.name for route in ROUTES} == set()


def test_every_api_route_is_a_view_of_the_base() -> None:
    assert [route.route for route in API_ROUTES if not issubclass(route.view.cls, WorkspaceAPIView)] == []


@pytest.mark.parametrize("route", [route for route in OTHER_ROUTES if route.name in PERSON], ids=str)
def test_pages_about_oneself_lead_strangers_to_the_log_in(db: None, client: Client, route: Route) -> None:
    for response in (client.get(route.path()), client.post(route.path())):
        assert response.status_code in {302, 405}
        if response.status_code == 302:
            assert response.url.startswith("/accounts/login/")


@member_routes
def test_pages_of_a_workspace_lead_strangers_to_the_log_in(cast: Cast, client: Client, route: Route) -> None:
    for response in (client.get(route.path()), client.post(route.path())):
        assert (response.status_code, response.url.partition("?")[0]) == (302, "/accounts/login/")


@member_routes
def test_pages_of_a_workspace_are_not_there_for_charlie(cast: Cast, charlie: Client, route: Route) -> None:
    fill(cast.workspace, user=cast.alice)

    assert [getattr(charlie, method)(route.path()).status_code for method in METHODS] == [404] * len(METHODS)


@id_routes
def test_charlie_does_not_reach_alice_s_rows_through_his_own_workspace(cast: Cast, charlie: Client, route: Route) -> None:
    fill(cast.workspace, user=cast.alice)
    statuses = {method: getattr(charlie, method)(route.path("elsewhere")).status_code for method in ("get", "post")}

    assert set(statuses.values()) <= {404, 405}
    assert 404 in statuses.values()


@api_routes
def test_the_api_asks_for_a_token(cast: Cast, client: Client, route: Route) -> None:
    for method in METHODS:
        response = client.generic(method.upper(), route.path(), "{}", content_type="application/json")
        assert (response.status_code, response["Content-Type"]) == (401, "application/problem+json")


@pytest.mark.parametrize("route", [route for route in API_ROUTES if route.has_id], ids=str)
def test_alice_s_rows_are_not_there_for_charlie_s_token(cast: Cast, route: Route) -> None:
    fill(cast.workspace, user=cast.alice)
    charlie = api_client(cast.charlie, cast.elsewhere)
    answers = {method: charlie.generic(method.upper(), route.path(), "{}", content_type="application/json") for method in METHODS}
    statuses = {method: answer.status_code for method, answer in answers.items()}

    assert set(statuses.values()) <= {404, 405}
    assert 404 in statuses.values()


@pytest.mark.parametrize("route", [route for route in API_ROUTES if not route.has_id], ids=str)
def test_lists_of_charlie_s_token_hold_nothing_of_alice(cast: Cast, route: Route) -> None:
    fill(cast.workspace, user=cast.alice)
    response = api_client(cast.charlie, cast.elsewhere).get(route.path())

    if response.status_code == 200 and route.name != "api:users":
        assert response.json().get("results", []) == []


def test_the_sample_rows_are_rows_of_alice(cast: Cast, alice: Client) -> None:
    """Or the tests above would prove nothing."""
    fill(cast.workspace, user=cast.alice)
    reached = [route for route in MEMBER_ROUTES if route.has_id and _opens(alice, route)]

    assert get_user_model().objects.count() == 3
    assert {"contacts:detail", "accounts:settings_team"} <= {route.name for route in reached}


def _opens(client: Client, route: Route) -> bool:
    return client.get(route.path()).status_code == 200
