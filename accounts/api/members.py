from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.schema import PAGE_PARAMETERS, page_of
from accounts.api.serializers import TeamSerializer, UserSerializer
from accounts.api.views import WorkspaceAPIView
from accounts.models import Membership, Team


class TeamsView(WorkspaceAPIView):
    @extend_schema(responses=page_of(TeamSerializer), parameters=PAGE_PARAMETERS)
    def get(self, request: Request) -> Response:
        """The teams of the workspace."""
        return self.page(Team.objects.filter(workspace=self.workspace), order=("name", "id"), serialize=TeamSerializer)


class UsersView(WorkspaceAPIView):
    @extend_schema(responses=page_of(UserSerializer), parameters=PAGE_PARAMETERS)
    def get(self, request: Request) -> Response:
        """The members of the workspace."""
        members = Membership.objects.filter(workspace=self.workspace).select_related("user")
        return self.page(members, order=("id",), serialize=UserSerializer)
