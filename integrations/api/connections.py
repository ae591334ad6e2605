from __future__ import annotations

from typing import Any

from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.paging import cursor_of, limit_of, page_response
from accounts.api.problems import FieldError, Problem, invalid
from accounts.api.schema import PAGE_PARAMETERS, answer, page_of
from accounts.api.views import WorkspaceAPIView
from contacts.domain.visibility import visible_or_404
from integrations import registry
from integrations.api.serializers import (
    STATES,
    ConnectionSerializer,
    ExportAnswer,
    ExportInput,
    FailureSerializer,
    RetryInput,
    RunSerializer,
    SettingsInput,
)
from integrations.domain import attention, export
from integrations.domain.attention import CannotDo
from integrations.domain.connect import disable
from integrations.domain.runs import request_run
from integrations.domain.sentences import say
from integrations.domain.settings import InvalidSettings, save_settings
from integrations.enums import ConnectionStatus, RunKind
from integrations.models import Connection
from integrations.tasks import ring_after_commit


class ConnectionView(WorkspaceAPIView):
    """What the views of one connection share."""

    def connection(self, pk: int) -> Connection:
        found = Connection.objects.filter(workspace=self.workspace, pk=pk).exclude(status=ConnectionStatus.OFF).first()
        if found is None or found.provider not in registry.manifests():
            raise Http404
        found.workspace = self.workspace
        return found


class ConnectionsView(ConnectionView):
    @extend_schema(responses=page_of(ConnectionSerializer), parameters=PAGE_PARAMETERS)
    def get(self, request: Request) -> Response:
        """The connections of the workspace and how they are."""
        found = Connection.objects.filter(workspace=self.workspace).exclude(status=ConnectionStatus.OFF).select_related("workspace")
        return self.page(found, order=("id",), serialize=ConnectionSerializer)


class ConnectionDetailView(ConnectionView):
    admin_methods = frozenset({"PATCH", "DELETE"})

    @extend_schema(responses=ConnectionSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(ConnectionSerializer(self.connection(pk)).data)

    @extend_schema(request=SettingsInput, responses=ConnectionSerializer)
    def patch(self, request: Request, pk: int) -> Response:
        """Change some settings; the others stay."""
        connection = self.connection(pk)
        data = self.read(SettingsInput)
        try:
            save_settings(connection, data["settings"], user=self.membership.user)
        except InvalidSettings as refused:
            raise invalid([(f"settings.{key}", "invalid", text) for key, text in refused.errors.items()]) from refused
        return Response(ConnectionSerializer(connection).data)

    @extend_schema(responses={204: answer("Disabled: nothing of it is shown or sent any more, contacts stay.")})
    def delete(self, request: Request, pk: int) -> Response:
        """Disable the integration. Contacts stay."""
        disable(self.connection(pk), user=self.membership.user)
        return Response(status=204)


class SyncView(ConnectionView):
    """Start a sync. While one runs: 409 with its id in `errors`."""

    admin_methods = frozenset({"POST"})
    kind = RunKind.MANUAL

    @extend_schema(request=None, responses={202: RunSerializer})
    def post(self, request: Request, pk: int) -> Response:
        connection = self.connection(pk)
        if connection.status != ConnectionStatus.ACTIVE:
            raise Problem(409, "not_active", _("The connection is not active."))
        run, is_new = request_run(connection, kind=self.kind, user=self.membership.user)
        if not is_new:
            raise Problem(
                409, "already_running", _("A sync is running already."), errors=[FieldError("run", "already_running", str(run.pk))]
            )
        ring_after_commit(connection)
        return Response(RunSerializer(run).data, status=202)


class PreviewView(SyncView):
    """Plan a sync and write nothing; the plan stands in the run."""

    kind = RunKind.PREVIEW


class FailuresView(ConnectionView):
    admin_only = True

    @extend_schema(
        responses=page_of(FailureSerializer),
        parameters=[
            OpenApiParameter(
                "state", OpenApiTypes.STR, enum=[each.lower() for each in STATES], description="Held and failing unless told."
            ),
            OpenApiParameter("reason", OpenApiTypes.STR),
            OpenApiParameter("q", OpenApiTypes.STR),
            *PAGE_PARAMETERS,
        ],
    )
    def get(self, request: Request, pk: int) -> Response:
        """Records that wait for a person, each with its reason."""
        connection = self.connection(pk)
        state = request.query_params.get("state", "").upper()
        if state and state not in STATES:
            raise invalid([("state", "invalid", _("There is no such state."))])
        rows = attention.failing(
            connection,
            states=(state,) if state else attention.OPEN,
            reason=request.query_params.get("reason", "")[:40],
            q=_text(request, "q"),
            after=_after(request),
            limit=limit_of(request),
        )
        return page_response(request, [FailureSerializer(row).data for row in rows.rows], next_cursor=str(rows.next) if rows.next else None)

    @extend_schema(request=RetryInput, responses={202: answer("They are tried again now.")})
    def post(self, request: Request, pk: int) -> Response:
        """Try again: the named rows, all of one reason, or all."""
        connection = self.connection(pk)
        data = self.read(RetryInput)
        try:
            tried = attention.retry(connection, data.get("rows") or "all", reason=data.get("reason", ""), user=self.membership.user)
        except CannotDo as refused:
            raise invalid([("rows", "unknown", _("There is no such row."))]) from refused
        ring_after_commit(connection)
        return Response({"retried": tried}, status=202)


class ExportView(ConnectionView):
    @extend_schema(request=ExportInput, responses={202: ExportAnswer})
    def post(self, request: Request, pk: int) -> Response:
        """Export the contact; the record is made there within seconds. What is missing is named field by field."""
        contact = visible_or_404(self.membership, pk)
        wanted = self.read(ExportInput)["connection"]
        connection = Connection.objects.filter(workspace=self.workspace, pk=wanted).exclude(status=ConnectionStatus.OFF).first()
        if connection is None or connection.provider not in registry.manifests():
            raise invalid([("connection", "unknown", _("There is no such connection."))])
        connection.workspace = self.workspace
        try:
            row = export.export(contact, connection, user=self.membership.user)
        except export.NotExportable as refused:
            raise _not_exportable(refused.plan, connection.provider) from refused
        ring_after_commit(connection)
        return Response({"contact": row.contact_id, "state": row.state.lower()}, status=202)


def _not_exportable(plan: export.ExportPlan, provider: str) -> Problem:
    if plan.why is not None:
        return Problem(409, plan.why.code, say(plan.why, provider))
    return invalid([(each.field, "missing", _("%(field)s is missing.") % {"field": _(each.label)}) for each in plan.missing])


def _after(request: Request) -> int:
    cursor: Any = cursor_of(request) or "0"
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise invalid([("cursor", "invalid", _("This cursor is not valid."))])
    return int(cursor)


def _text(request: Request, name: str) -> str:
    return request.query_params.get(name, "").replace("\0", "").strip()[:100]
