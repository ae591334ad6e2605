from __future__ import annotations

from collections.abc import Mapping
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
from accounts.scoping import workspace_tx
from contacts.domain.visibility import visible_or_404
from crmsync.lib.text import strip_nul
from integrations import registry
from integrations.api.serializers import (
    STATES,
    ConnectionInput,
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
from integrations.domain.connect import connect_with_secrets, disable, set_up
from integrations.domain.hooks import SETTING, follow_setting
from integrations.domain.runs import request_run
from integrations.domain.sentences import say
from integrations.domain.settings import InvalidSettings, save_settings
from integrations.engine.errors import ProviderError, Retry
from integrations.engine.provider import Manifest
from integrations.engine.types import Reason
from integrations.enums import ConnectionStatus, RunKind
from integrations.models import Connection
from integrations.tasks import ring_after_commit


class ConnectionView(WorkspaceAPIView):
    """What the views of one connection share."""

    def connection(self, pk: int) -> Connection:
        found = Connection.objects.filter(workspace=self.workspace, pk=pk).exclude(status=ConnectionStatus.OFF).first()
        if found is None:
            raise Http404
        found.workspace = self.workspace
        return found

    def shown(self, connection: Connection) -> dict[str, Any]:
        """As much of it as the member may see."""
        return dict(ConnectionSerializer(connection, context={"is_admin": self.membership.is_admin}).data)

    def _told(self, connection: Connection, *, status: int = 200) -> Response:
        ring_after_commit(connection)
        with workspace_tx(self.workspace, origin=self.origin):
            return Response(self.shown(connection), status=status)


class ConnectionsView(ConnectionView):
    outside_transaction = True
    admin_methods = frozenset({"POST"})

    @extend_schema(responses=page_of(ConnectionSerializer), parameters=PAGE_PARAMETERS)
    def get(self, request: Request) -> Response:
        """The connections of the workspace and how they are."""
        with workspace_tx(self.workspace, origin=self.origin):
            found = Connection.objects.filter(workspace=self.workspace).exclude(status=ConnectionStatus.OFF).select_related("workspace")
            return self.page(found, order=("id",), serialize=lambda rows: [self.shown(each) for each in rows])

    @extend_schema(request=ConnectionInput, responses={201: ConnectionSerializer})
    def post(self, request: Request) -> Response:
        """Connect with keys. They are tried before anything is stored; then the first sync starts."""
        data = self.read(ConnectionInput)
        manifest = registry.manifests().get(data["provider"])
        if manifest is None or not manifest.secrets:
            raise invalid([("provider", "unknown", _("There is no such provider that is connected with keys."))])
        secrets = checked_secrets(manifest, data["secrets"])
        self._refuse_another(manifest.key)
        try:
            connection = set_up(
                self.workspace, manifest.key, settings=data["settings"], secrets=secrets, user=self.membership.user, match_first=True
            )
        except InvalidSettings as refused:
            raise invalid(
                [(f"settings.{key}" if key else "provider", "invalid", text) for key, text in refused.errors.items()]
            ) from refused
        except ProviderError as error:
            raise refused_by_vendor(error, manifest) from error
        follow_setting(connection)
        return self._told(connection, status=201)

    def _refuse_another(self, provider: str) -> None:
        with workspace_tx(self.workspace):
            known = Connection.objects.filter(workspace=self.workspace, provider=provider).exclude(status=ConnectionStatus.OFF).first()
        if known is not None:
            taken = FieldError("connection", "exists", str(known.pk))
            raise Problem(409, "exists", _("There is a connection already."), errors=[taken])


class ConnectionDetailView(ConnectionView):
    outside_transaction = True
    admin_methods = frozenset({"PATCH", "DELETE"})

    @extend_schema(responses=ConnectionSerializer)
    def get(self, request: Request, pk: int) -> Response:
        with workspace_tx(self.workspace, origin=self.origin):
            return Response(self.shown(self.connection(pk)))

    @extend_schema(request=SettingsInput, responses=ConnectionSerializer)
    def patch(self, request: Request, pk: int) -> Response:
        """Change some settings, or the keys; the others stay. New keys are tried before they are stored."""
        with workspace_tx(self.workspace, origin=self.origin):
            connection = self.connection(pk)
        data = self.read(SettingsInput)
        before = connection.settings.get(SETTING)
        if "secrets" in data:
            manifest = registry.manifest(connection.provider)
            secrets = checked_secrets(manifest, data["secrets"])
            try:
                connect_with_secrets(connection, secrets=secrets, user=self.membership.user)
            except ProviderError as error:
                raise refused_by_vendor(error, manifest) from error
        try:
            with workspace_tx(self.workspace, origin=self.origin):
                save_settings(connection, data.get("settings", {}), user=self.membership.user)
        except InvalidSettings as refused:
            raise invalid([(f"settings.{key}", "invalid", text) for key, text in refused.errors.items()]) from refused
        if connection.settings.get(SETTING) != before:
            follow_setting(connection)
        return self._told(connection)

    @extend_schema(responses={204: answer("Disabled: nothing of it is shown or sent any more, contacts stay.")})
    def delete(self, request: Request, pk: int) -> Response:
        """Disable the integration. Contacts stay."""
        with workspace_tx(self.workspace, origin=self.origin):
            connection = self.connection(pk)
        follow_setting(connection, leaving=True)
        disable(connection, user=self.membership.user)
        return Response(status=204)


class SyncView(ConnectionView):
    """Start a sync. While one runs: 409 with its id in `errors`."""

    admin_methods = frozenset({"POST"})
    kind = RunKind.MANUAL

    @extend_schema(request=None, responses={202: RunSerializer})
    def post(self, request: Request, pk: int) -> Response:
        connection = self.connection(pk)
        if connection.status != ConnectionStatus.ACTIVE or not registry.is_installed(connection.provider):
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
            reason=_text(request, "reason"),
            q=_text(request, "q"),
            after=_after(request),
            limit=limit_of(request),
        )
        return page_response(request, [FailureSerializer(row).data for row in rows.rows], next_cursor=rows.next)

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
        if connection is None:
            raise invalid([("connection", "unknown", _("There is no such connection."))])
        connection.workspace = self.workspace
        visible_or_404(self.membership, export.target_of(contact, connection).pk)
        try:
            row = export.export(contact, connection, user=self.membership.user)
        except export.NotExportable as refused:
            raise _not_exportable(refused.plan, connection.provider) from refused
        ring_after_commit(connection)
        return Response({"contact": row.contact_id, "state": row.state.lower()}, status=202)


def checked_secrets(manifest: Manifest, given: Mapping[str, Any]) -> dict[str, str]:
    """Keys as the provider asks for them. Raises a problem that names each one that is wrong."""
    specs = {spec.key: spec for spec in manifest.secrets}
    wrong = [(f"secrets.{key}", "unknown", _("There is no such key.")) for key in given if key not in specs]
    found = {key: str(given.get(key) or "").strip() for key in specs}
    wrong += [(f"secrets.{key}", "required", _("This is needed.")) for key, spec in specs.items() if spec.required and not found[key]]
    if wrong:
        raise invalid(wrong)
    return found


def refused_by_vendor(error: ProviderError, manifest: Manifest) -> Problem:
    """What the vendor said to keys."""
    if isinstance(error, Retry):
        return Problem(503, error.reason.code, say(error.reason, manifest.key))
    first = next((spec.key for spec in manifest.secrets), "")
    reason = Reason("secret_refused") if error.reason.code == "unauthorised" else error.reason
    return invalid([(f"secrets.{first}", reason.code, say(reason, manifest.key))])


def _not_exportable(plan: export.ExportPlan, provider: str) -> Problem:
    if plan.why is not None:
        return Problem(409, plan.why.code, say(plan.why, provider))
    return invalid([(each.field, "missing", _("%(field)s is missing.") % {"field": _(each.label)}) for each in plan.missing])


def _after(request: Request) -> str:
    cursor = cursor_of(request) or ""
    if cursor and not attention.is_row_id(cursor):
        raise invalid([("cursor", "invalid", _("This cursor is not valid."))])
    return cursor


def _text(request: Request, name: str) -> str:
    return strip_nul(request.query_params.get(name, "")).strip()[:100]
