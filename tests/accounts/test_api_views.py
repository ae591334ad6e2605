"""What every API view has: problems, paging, scopes, Idempotency-Key, throttle. Shown on views of this test."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import include, path
from openapi_spec_validator import OpenAPIV31SpecValidator
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.problems import Problem
from accounts.api.schema import openapi
from accounts.api.views import WorkspaceAPIView
from accounts.domain.errors import Refused
from accounts.models import IdempotentAnswer, Membership, Team
from accounts.scoping import workspace_tx
from tests.accounts.api_client import api_client
from tests.fixtures import Cast


class LineSerializer(serializers.Serializer[Any]):
    email = serializers.EmailField()


class ThingSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=20)
    lines = LineSerializer(many=True, required=False)


def new_team(view: WorkspaceAPIView, name: str) -> Team:
    return Team.objects.create(workspace=view.workspace, name=name, slug=name.lower())


class ThingsView(WorkspaceAPIView):
    def get(self, request: Request) -> Response:
        return self.page(
            Team.objects.filter(workspace=self.workspace), order=("-name", "id"), serialize=lambda rows: [row.name for row in rows]
        )

    def post(self, request: Request) -> Response:
        name = self.read(ThingSerializer)["name"]
        new_team(self, name)
        if name == "refused":
            raise Refused("no", "Not this one.")
        if name == "busy":
            raise Problem(429, "busy", "Later.", headers={"Retry-After": "9"})
        if name == "fault":
            raise ZeroDivisionError
        return Response({"id": name, "count": Team.objects.count()}, status=201, headers={"Location": "/there"})


class OutsideView(ThingsView):
    outside_transaction = True

    def post(self, request: Request) -> Response:
        with workspace_tx(self.workspace, origin=self.origin):
            return super().post(request)


class AdminView(WorkspaceAPIView):
    admin_methods = frozenset({"POST"})

    def get(self, request: Request) -> Response:
        return Response({})

    post = get


class ErpView(AdminView):
    admin_methods = frozenset()
    read_scope = write_scope = "erp"


urlpatterns = [
    path("api/v1/things/", ThingsView.as_view()),
    path("api/v1/outside/", OutsideView.as_view()),
    path("api/v1/admin/", AdminView.as_view()),
    path("api/v1/erp/", ErpView.as_view()),
    path("", include("crmsync.urls")),
]
handler404 = "accounts.views.errors.not_found"
handler500 = "accounts.views.errors.fault"

pytestmark = pytest.mark.urls(__name__)


@pytest.fixture
def api(cast: Cast) -> Client:
    return api_client(cast.alice, cast.workspace)


def post(client: Client, name: Any = "Sales", *, key: str = "", url: str = "/api/v1/things/", **extra: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(url, json.dumps({"name": name} | extra), content_type="application/json", headers=headers)


def teams(cast: Cast) -> list[str]:
    with workspace_tx(cast.workspace):
        return list(Team.objects.order_by("pk").values_list("name", flat=True))


def assert_problem(response: Any, status: int, code: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(response.content)
    assert (response.status_code, body["status"], body["type"]) == (status, status, f"/api/v1/docs/#problem-{code}")
    assert response["Content-Type"] == "application/problem+json"
    assert list(body) == ["type", "title", "status", "detail", "errors"]
    return body


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


@pytest.mark.parametrize("url", ["/api/v1/things/", "/api/v1/outside/"])
def test_the_same_key_is_done_once_and_answered_twice(api: Client, cast: Cast, url: str) -> None:
    first, second = post(api, key="k1", url=url), post(api, key="k1", url=url)

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json() == {"id": "Sales", "count": 1}
    assert second["Location"] == "/there"
    assert ("Idempotency-Replayed" in first, second["Idempotency-Replayed"]) == (False, "true")
    assert teams(cast) == ["Sales"]


@pytest.mark.parametrize("url", ["/api/v1/things/", "/api/v1/outside/"])
@pytest.mark.parametrize(("name", "status"), [("", 400), ("refused", 409)])
def test_refusals_are_answered_again_too_and_leave_nothing(api: Client, cast: Cast, url: str, name: str, status: int) -> None:
    first, second = post(api, name, key="k1", url=url), post(api, name, key="k1", url=url)

    assert first.status_code == second.status_code == status
    assert first.content == second.content
    assert second["Content-Type"] == "application/problem+json"
    assert teams(cast) == []


def test_another_body_or_address_with_the_key_is_a_422(api: Client) -> None:
    post(api, key="k1")

    assert_problem(post(api, "Other", key="k1"), 422, "idempotency_key_reused")
    assert_problem(post(api, key="k1", url="/api/v1/outside/"), 422, "idempotency_key_reused")


def test_keys_of_two_people_are_two_keys(api: Client, cast: Cast) -> None:
    assert post(api, key="k1").status_code == 201
    assert post(api_client(cast.bob, cast.workspace), "Bobs", key="k1").status_code == 201
    assert post(api_client(cast.charlie, cast.elsewhere), "Other", key="k1").json()["count"] == 1


@pytest.mark.parametrize("url", ["/api/v1/things/", "/api/v1/outside/"])
@pytest.mark.parametrize("name", ["fault", "busy"])
def test_faults_and_come_back_later_are_not_kept(api: Client, cast: Cast, url: str, name: str) -> None:
    api.raise_request_exception = False
    assert post(api, name, key="k1", url=url).status_code in {500, 429}

    with workspace_tx(cast.workspace):
        assert not IdempotentAnswer.objects.exists()


@pytest.mark.parametrize("key", ["", "x" * 201, "café", "a b"])
def test_a_key_must_be_plain(api: Client, key: str) -> None:
    response = api.post("/api/v1/things/", "{}", content_type="application/json", headers={"Idempotency-Key": key})

    assert_problem(response, 400, "bad_idempotency_key")


def test_a_key_is_forgotten_after_seven_days(api: Client, cast: Cast, time_machine: Any) -> None:
    time_machine.move_to("2026-08-01T12:00:00Z")
    post(api, key="k1")
    time_machine.move_to("2026-08-08T11:59:00Z")
    assert "Idempotency-Replayed" in post(api, key="k1")
    time_machine.move_to("2026-08-08T12:01:00Z")
    assert post(api, "Other", key="k1").status_code == 201


def test_a_view_that_died_outside_a_transaction_is_taken_over(api: Client, cast: Cast, time_machine: Any) -> None:
    time_machine.move_to("2026-08-01T12:00:00Z")
    post(api, key="k1", url="/api/v1/outside/")
    with workspace_tx(cast.workspace):
        IdempotentAnswer.objects.update(status=None)
        Team.objects.all().delete()
    busy = post(api, key="k1", url="/api/v1/outside/")
    assert_problem(busy, 409, "in_flight")
    assert busy["Retry-After"] == "1"

    time_machine.move_to("2026-08-01T12:11:00Z")
    assert post(api, key="k1", url="/api/v1/outside/").status_code == 201
    assert teams(cast) == ["Sales"]


@pytest.mark.django_db(transaction=True)
def test_the_same_key_at_the_same_moment_is_done_once(cast: Cast) -> None:
    statuses: list[int] = []
    clients = [api_client(cast.alice, cast.workspace) for _ in range(4)]
    barrier = threading.Barrier(4)

    def press(client: Client) -> None:
        barrier.wait()
        statuses.append(post(client, key="k1").status_code)
        connections.close_all()

    threads = [threading.Thread(target=press, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert teams(cast) == ["Sales"]
    assert set(statuses) <= {201, 409}
    assert 201 in statuses


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
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:1/0"}}

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
