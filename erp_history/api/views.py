from __future__ import annotations

import datetime as dt
import json
from typing import Any

from django.http import Http404
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from accounts.api.problems import Problem, invalid
from accounts.api.schema import PAGE_PARAMETERS, page_of
from accounts.scoping import workspace_tx
from crmsync.lib.text import strip_nul
from erp_history.api import serializers as shapes
from erp_history.api.receiving import ErpView, ReceivingView
from erp_history.domain import ingest, night, snapshots
from erp_history.domain.reading import KINDS
from erp_history.domain.rows import row_json, rows_json, rows_of
from erp_history.domain.tables import TABLES, describe, split_key
from erp_history.models import ErpRequest, ErpRun, ErpSnapshot
from erp_history.tasks import ring_after_commit


class TableView(ReceivingView):
    @extend_schema(
        responses=page_of(shapes.ErpRowSerializer),
        parameters=[*PAGE_PARAMETERS, OpenApiParameter("updated_since", OpenApiTypes.DATETIME)],
    )
    def get(self, request: Request, table: str) -> Response:
        """Rows of a table as they are stored, by their key."""
        found = self.table(table)
        with workspace_tx(self.workspace, origin=self.origin):
            rows = rows_of(self.workspace, found)
            since = _moment("updated_since", request)
            if since is not None:
                rows = rows.filter(received_at__gte=since)
            return self.page(rows, order=found.key, serialize=lambda page: rows_json(found, page))

    @extend_schema(
        request=OpenApiTypes.OBJECT,
        responses=shapes.BatchAnswerSerializer,
        parameters=[OpenApiParameter("X-Snapshot", OpenApiTypes.STR, OpenApiParameter.HEADER, description="The snapshot it is part of.")],
    )
    def post(self, request: Request, table: str) -> Response:
        """Insert or update rows: a JSON array, NDJSON (application/x-ndjson) or CSV (text/csv), gzip allowed, at most 50,000 rows."""
        found = self.table(table)
        kind, charset = _content_type(request)
        answer = ingest.push(
            self.workspace,
            found,
            self.body(),
            kind=kind,
            encoding=charset,
            snapshot=self.request.headers.get("X-Snapshot", "").strip(),
            told=self.told,
            origin=self.origin,
        )
        self.is_noted = True
        return Response(answer)


class InfoView(ErpView):
    @extend_schema(responses=shapes.TableInfoSerializer)
    def get(self, request: Request, table: str) -> Response:
        """Fields, types and key of a table."""
        return Response(describe(self.table(table)))


class TablesView(ErpView):
    @extend_schema(responses=shapes.TablesSerializer)
    def get(self, request: Request) -> Response:
        """The tables, in the order in which a complete load sends them."""
        return Response({"tables": [describe(table) for table in TABLES.values()]})


class RowView(ErpView):
    @extend_schema(responses=shapes.ErpRowSerializer)
    def get(self, request: Request, table: str, key: str) -> Response:
        """One row by its key (parts joined with |)."""
        found = self.table(table)
        parts = split_key(found, key.removesuffix("/"))
        row = rows_of(self.workspace, found).filter(**parts).first() if parts and "\x00" not in key else None
        if row is None:
            raise Http404
        return Response(row_json(found, row))


class SnapshotsView(ReceivingView):
    @extend_schema(request=shapes.SnapshotBody, responses={201: shapes.SnapshotSerializer})
    def post(self, request: Request) -> Response:
        """Begin a complete load of a table: name its id as X-Snapshot in every batch."""
        data = self._data(shapes.SnapshotBody)
        with workspace_tx(self.workspace, origin=self.origin):
            return Response(shapes.SnapshotSerializer(snapshots.begin(self.workspace, data["table"])).data, status=201)

    def _data(self, serializer: type[BaseSerializer[Any]]) -> dict[str, Any]:
        """The body was read as bytes already."""
        try:
            data = json.loads(self.body() or b"{}")
        except (ValueError, RecursionError) as error:
            raise Problem(400, "bad_json", _("The body is not valid JSON.")) from error
        checked = serializer(data=data)
        checked.is_valid(raise_exception=True)
        found: dict[str, Any] = checked.validated_data
        return found


class SnapshotEndView(SnapshotsView):
    @extend_schema(request=shapes.SnapshotEndBody, responses=shapes.SnapshotSerializer)
    def post(self, request: Request, pk: int) -> Response:  # type: ignore[override]  # its address has an id
        """End a complete load. Rows that did not come are closed; if `rows` is not what came, nothing is."""
        with workspace_tx(self.workspace, origin=self.origin):
            if not ErpSnapshot.objects.filter(workspace=self.workspace, pk=pk).exists():
                raise Http404
            data = self._data(shapes.SnapshotEndBody)
            ended = snapshots.end(self.workspace, pk, rows=data["rows"], confirmed=data["confirm"])
            return Response(shapes.SnapshotSerializer(ended).data)


class RequestsView(ErpView):
    @extend_schema(
        responses=page_of(shapes.RequestSerializer),
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("table", OpenApiTypes.STR, enum=list(TABLES)),
            OpenApiParameter("rejected", OpenApiTypes.BOOL, description="Only requests with rejected rows."),
            OpenApiParameter("from", OpenApiTypes.DATETIME),
            OpenApiParameter("to", OpenApiTypes.DATETIME),
        ],
    )
    def get(self, request: Request) -> Response:
        """Every request received by the endpoints, with its answer, newest first."""
        found = ErpRequest.objects.filter(workspace=self.workspace)
        if request.query_params.get("table"):
            found = found.filter(table=strip_nul(request.query_params["table"]))
        if request.query_params.get("rejected", "").lower() in {"1", "true"}:
            found = found.filter(rejected__gt=0)
        since, until = _moment("from", request), _moment("to", request)
        if since is not None:
            found = found.filter(at__gte=since)
        if until is not None:
            found = found.filter(at__lt=until)
        return self.page(found, order=("-id",), serialize=shapes.RequestSerializer)


class RunsView(ErpView):
    @extend_schema(responses=page_of(shapes.ErpRunSerializer), parameters=PAGE_PARAMETERS)
    def get(self, request: Request) -> Response:
        """Nights, newest first, with their phases."""
        runs = ErpRun.objects.filter(workspace=self.workspace).prefetch_related("phases")
        return self.page(runs, order=("-id",), serialize=shapes.ErpRunSerializer)

    @extend_schema(request=None, responses={202: shapes.ErpRunSerializer})
    def post(self, request: Request) -> Response:
        """Start the night now. 409 when one is running."""
        run, is_new = night.request_run(self.workspace, user=self.membership.user)
        if not is_new:
            raise Problem(409, "already_running", _("A night is running already."))
        ring_after_commit(self.workspace)
        return Response(shapes.ErpRunSerializer(run).data, status=202)


class RunView(ErpView):
    @extend_schema(responses=shapes.ErpRunSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(shapes.ErpRunSerializer(_run(self, pk)).data)


class RunCancelView(ErpView):
    @extend_schema(request=None, responses={202: shapes.ErpRunSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """Stop a night after its current step; what it has done stays."""
        run = _run(self, pk)
        night.cancel(run)
        run.refresh_from_db()
        return Response(shapes.ErpRunSerializer(run).data, status=202)


def _run(view: ErpView, pk: int) -> ErpRun:
    found = ErpRun.objects.filter(workspace=view.workspace, pk=pk).first()
    if found is None:
        raise Http404
    return found


def _content_type(request: Request) -> tuple[str, str]:
    """(kind, character set) of the body."""
    name, _sep, rest = str(request.content_type or "").partition(";")
    kind = KINDS.get(name.strip().lower())
    if kind is None:
        raise Problem(415, "unsupported_media_type", _("Send application/json, application/x-ndjson or text/csv."))
    charset = next((part.partition("=")[2] for part in rest.split(";") if part.strip().lower().startswith("charset=")), "")
    return kind, charset.strip().strip('"')


def _moment(name: str, request: Request) -> dt.datetime | None:
    text = request.query_params.get(name, "").strip().replace(" ", "+")
    if not text:
        return None
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise invalid([(name, "invalid", _("Give a moment such as 2026-08-31T12:00:00Z."))])
    return timezone.make_aware(found, dt.UTC) if timezone.is_naive(found) else found
