"""What every API view has: problems, paging, scopes, Idempotency-Key, throttle. Shown on views of this test."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from openapi_spec_validator import OpenAPIV31SpecValidator

from accounts.api.schema import openapi
from accounts.models import Membership, Team
from accounts.scoping import workspace_tx
from tests.accounts.api_client import api_client
from tests.accounts.things import assert_problem, post, teams
from tests.fixtures import Cast

pytestmark = pytest.mark.urls("tests.accounts.things")


@pytest.fixture
def api(cast: Cast) -> Client:
    return api_client(cast.alice, cast.workspace)


def test_field_errors_name_the_nested_field(api: Client) -> None:
    body = assert_problem(post(api, "x" * 21, lines=[{"email": "a@example.com"}, {"email": "no"}]), 400, "invalid")

    assert [(error["field"], error["code"]) for error in body["errors"]] == [("name", "max_length"), ("lines[1].email", "invalid")]
    assert all(error["message"] for error in body["errors"])


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"",
        b"\xff\xfe",
        b'{"name": NaN}',
        b'{"name": "\\ud800"}',
        b"[" * 100_000,
        b'{"name": ' + b"9" * 5000 + b"}",
        b'"a"',
        b"[]",
        b"null",
    ],
)
def test_a_body_that_cannot_be_read_is_a_400(api: Client, raw: bytes) -> None:
    response = api.post("/api/v1/things/", raw, content_type="application/json")

    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("name", ["nul\0", "x" * 21, "", None, True, [], {}])
def test_wrong_values_are_named_and_nothing_is_written(api: Client, cast: Cast, name: Any) -> None:
    post(api, name)

    assert teams(cast) == []


def test_the_other_refusals(api: Client, cast: Cast) -> None:
    assert_problem(api.get("/api/v1/nothing/"), 404, "not_found")
    assert_problem(api.delete("/api/v1/things/"), 405, "method_not_allowed")
    assert_problem(api.options("/api/v1/things/"), 405, "method_not_allowed")
    assert_problem(api.post("/api/v1/things/", {"name": "x"}), 415, "unsupported_media_type")
    assert_problem(post(api, "refused"), 409, "no")
    assert assert_problem(post(api, "busy"), 429, "busy")["detail"] == "Later."
    assert teams(cast) == []


def test_a_body_beyond_the_limit_is_a_413(api: Client, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100

    assert_problem(post(api, "x" * 200), 413, "too_large")
    assert_problem(post(api, "x" * 200, key="k"), 413, "too_large")


def test_a_fault_of_ours_is_a_json_500_and_undone(api: Client, cast: Cast) -> None:
    api.raise_request_exception = False

    assert_problem(post(api, "fault"), 500, "fault")
    assert teams(cast) == []


def test_html_is_not_spoken_whatever_the_client_accepts(api: Client) -> None:
    assert api.get("/api/v1/things/", headers={"Accept": "text/html"}).json() == {"results": [], "next": None}


def test_plain_http_is_refused_not_redirected(api: Client, settings: Any) -> None:
    settings.PUBLIC_URL = "https://crm.example.org"

    assert_problem(post(api), 400, "https_needed")
    assert api.get("/api/v1/things/", secure=True).status_code == 200


def test_pages_follow_next_to_the_end_without_loss(api: Client, cast: Cast) -> None:
    names = [f"T{number:02}" for number in range(7)]
    with workspace_tx(cast.workspace):
        for name in names:
            Team.objects.create(workspace=cast.workspace, name=name, slug=name)
    seen, url = [], "/api/v1/things/?limit=3&q=a%20b"
    while url:
        page = api.get(url).json()
        seen.append(page["results"])
        url = page["next"]
        assert url is None or ("limit=3" in url and "q=a+b" in url)

    assert seen == [["T06", "T05", "T04"], ["T03", "T02", "T01"], ["T00"]]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=-1", "limit=x", "limit=1.5", "cursor=x", "cursor=%00", "cursor=" + "A" * 5000, "cursor=WzEsMl0"]
)
def test_a_bad_page_is_a_400_that_names_the_parameter(api: Client, query: str) -> None:
    body = assert_problem(api.get(f"/api/v1/things/?{query}"), 400, "invalid")

    assert body["errors"][0]["field"] == query.partition("=")[0]


def test_a_page_is_never_longer_than_200(api: Client, cast: Cast) -> None:
    with workspace_tx(cast.workspace):
        Team.objects.bulk_create(Team(workspace=cast.workspace, name=f"T{n}", slug=f"t{n}") for n in range(201))

    assert len(api.get("/api/v1/things/?limit=9999").json()["results"]) == 200
    assert len(api.get("/api/v1/things/").json()["results"]) == 50


def test_scopes_narrow_the_role(cast: Cast) -> None:
    reader = api_client(cast.alice, cast.workspace, scopes=["read"])
    writer = api_client(cast.alice, cast.workspace, scopes=["write"])
    erp = api_client(cast.alice, cast.workspace, scopes=["erp"])
    admin = api_client(cast.alice, cast.workspace, scopes=["admin"])

    assert (reader.get("/api/v1/things/").status_code, post(reader).status_code) == (200, 403)
    assert (writer.get("/api/v1/things/").status_code, post(writer).status_code) == (200, 201)
    assert [client.get("/api/v1/things/").status_code for client in (erp, admin)] == [403, 200]
    assert [client.post("/api/v1/admin/").status_code for client in (reader, writer, erp, admin)] == [403, 403, 403, 200]
    assert [client.get("/api/v1/erp/").status_code for client in (reader, writer, erp, admin)] == [403, 403, 200, 403]


def test_admin_views_need_the_role_too(cast: Cast) -> None:
    bob = api_client(cast.bob, cast.workspace)

    assert bob.get("/api/v1/admin/").status_code == 200
    assert_problem(bob.post("/api/v1/admin/"), 403, "role_too_low")


def test_too_many_requests_are_told_when_to_come_back(cast: Cast, settings: Any, time_machine: Any) -> None:
    time_machine.move_to("2026-08-01T12:00:30Z", tick=False)
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"DEFAULT_THROTTLE_RATES": {"token": "3/min"}}
    client, other = api_client(cast.alice, cast.workspace), api_client(cast.bob, cast.workspace)
    statuses = [client.get("/api/v1/things/").status_code for _ in range(4)]
    refused = client.get("/api/v1/things/")

    assert statuses == [200, 200, 200, 429]
    assert_problem(refused, 429, "throttled")
    assert refused["Retry-After"] == "30"
    assert other.get("/api/v1/things/").status_code == 200


def test_without_redis_nobody_is_locked_out(cast: Cast, settings: Any) -> None:
    api = api_client(cast.alice, cast.workspace)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    assert api.get("/api/v1/things/").status_code == 200


def test_the_schema_is_public_and_valid_openapi_3_1(db: None, client: Client) -> None:
    schema = client.get("/api/v1/schema/").json()

    assert schema["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(schema).validate()
    assert {"/api/v1/teams/", "/api/v1/users/"} <= set(schema["paths"])


def test_every_operation_of_the_schema_names_its_answers(db: None) -> None:
    for path_name, methods in openapi()["paths"].items():
        for method, operation in methods.items():
            answers = set(operation["responses"])
            assert {"401", "403", "404"} <= answers, (path_name, method)
            assert any(status.startswith("2") for status in answers), (path_name, method)


def test_the_documentation_is_a_page_without_foreign_scripts(db: None, client: Client) -> None:
    page = client.get("/api/v1/docs/").content.decode()

    assert "/api/v1/teams/" in page
    assert "://cdn" not in page
    assert "<style" not in page


def test_lists_ask_as_often_for_three_rows_as_for_one(cast: Cast, django_assert_num_queries: Any) -> None:
    client = api_client(cast.alice, cast.workspace)
    client.get("/api/v1/users/")
    with CaptureQueriesContext(connection) as one:
        client.get("/api/v1/users/?limit=1")
    with django_assert_num_queries(len(one)):
        assert len(client.get("/api/v1/users/").json()["results"]) == 2
    assert len(one) <= 8


def test_a_browser_session_is_no_token(alice: Client) -> None:
    assert alice.get("/api/v1/users/").status_code == 401


def test_members_are_listed_with_role_and_teams(cast: Cast, api: Client) -> None:
    users = api.get("/api/v1/users/").json()["results"]

    assert users == [
        {"id": cast.alice.pk, "name": "Alice", "email": "alice@example.com", "role": "owner", "teams": []},
        {"id": cast.bob.pk, "name": "Bob", "email": "bob@example.com", "role": "member", "teams": []},
    ]
    assert Membership.objects.count() == 3
