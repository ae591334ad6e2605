"""Small views of the API for its tests, under the addresses of the product, and how to ask them."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client
from django.urls import include, path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.problems import Problem
from accounts.api.views import WorkspaceAPIView
from accounts.domain.errors import Refused
from accounts.models import Team
from accounts.scoping import workspace_tx
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
