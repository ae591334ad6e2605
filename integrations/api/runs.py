from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, StreamingHttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.problems import Problem, invalid
from accounts.api.schema import PAGE_PARAMETERS, page_of
from accounts.api.views import WorkspaceAPIView
from accounts.scoping import workspace_tx
from crmsync.lib.sheets import guard
from crmsync.lib.text import row_number
from integrations.api.serializers import RunDetailSerializer, RunLineSerializer, RunSerializer
from integrations.domain.runs import cancel, confirm
from integrations.domain.undo import CannotUndo, undo
from integrations.enums import ConnectionStatus, Level, Outcome, RunKind, RunStatus
from integrations.models import Run, RunLine
from integrations.tasks import ring_after_commit

Writer = Callable[..., str]
BATCH = 1000
HEADINGS = ("at", "level", "action", "kind", "remote_id", "name", "contact", "fields", "code", "reason", "detail")


class RunView(WorkspaceAPIView):
    def runs(self) -> QuerySet[Run]:
        found = Run.objects.filter(workspace=self.workspace).exclude(connection__status=ConnectionStatus.OFF)
        return found.select_related("connection", "connection__workspace")

    def run(self, pk: int) -> Run:
        found = self.runs().filter(pk=pk).first()
        if found is None:
            raise Http404
        return found


class RunsView(RunView):
    @extend_schema(
        responses=page_of(RunSerializer),
        parameters=[
            OpenApiParameter("connection", OpenApiTypes.INT),
            OpenApiParameter("outcome", OpenApiTypes.STR, enum=Outcome.values),
            *PAGE_PARAMETERS,
        ],
    )
    def get(self, request: Request) -> Response:
        """Runs, newest first."""
        found = self.runs()
        wanted, outcome = request.query_params.get("connection", ""), request.query_params.get("outcome", "")
        if wanted and row_number(wanted) is None:
            raise invalid([("connection", "invalid", _("A connection is a number."))])
        if outcome and outcome not in Outcome.values:
            raise invalid([("outcome", "invalid", _("There is no such outcome."))])
        found = found.filter(connection_id=int(wanted)) if wanted else found
        return self.page(found.filter(outcome=outcome) if outcome else found, order=("-id",), serialize=RunSerializer)


class RunDetailView(RunView):
    @extend_schema(responses=RunDetailSerializer)
    def get(self, request: Request, pk: int) -> Response:
        run = self.run(pk)
        return Response((RunDetailSerializer if self.membership.is_admin else RunSerializer)(run).data)


class RunLogView(RunView):
    admin_only = True

    @extend_schema(
        responses=page_of(RunLineSerializer),
        parameters=[
            OpenApiParameter("level", OpenApiTypes.STR, enum=Level.values),
            OpenApiParameter("as", OpenApiTypes.STR, enum=["csv", "jsonl"], description="The whole log as a file."),
            *PAGE_PARAMETERS,
        ],
    )
    def get(self, request: Request, pk: int) -> Any:
        """What the run did, line by line."""
        run = self.run(pk)
        lines, level = RunLine.objects.filter(workspace=self.workspace, run=run), request.query_params.get("level", "")
        if level and level not in Level.values:
            raise invalid([("level", "invalid", _("There is no such level."))])
        lines = lines.filter(level=level) if level else lines
        kind = request.query_params.get("as", "")
        if kind:
            return self._file(run, lines, kind)
        return self.page(lines, order=("id",), serialize=lambda rows: [_shown(line, run) for line in rows])

    def _file(self, run: Run, lines: QuerySet[RunLine], kind: str) -> StreamingHttpResponse:
        writers: dict[str, tuple[str, Writer]] = {"csv": ("text/csv; charset=utf-8", _csv), "jsonl": ("application/x-ndjson", _json_lines)}
        if kind not in writers:
            raise invalid([("as", "invalid", _("A log comes as csv or jsonl."))])
        content_type, write = writers[kind]
        response = StreamingHttpResponse(self._text(run, lines, write), content_type=content_type)
        response["Content-Disposition"] = f'attachment; filename="run-{run.pk}.{kind}"'
        return response

    def _text(self, run: Run, lines: QuerySet[RunLine], write: Writer) -> Iterator[str]:
        after, is_first = 0, True
        while True:
            with workspace_tx(self.workspace):
                batch = list(lines.filter(pk__gt=after).order_by("pk")[:BATCH])
            yield write([_shown(line, run) for line in batch], is_first=is_first)
            if len(batch) < BATCH:
                return
            after, is_first = batch[-1].pk, False


class RunUndoView(RunView):
    admin_methods = frozenset({"POST"})

    @extend_schema(request=None, responses={201: RunSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """Take the run back, as a run of its own; what was edited since is left alone and listed in its log."""
        run = self.run(pk)
        if run.kind in {RunKind.PREVIEW, RunKind.UNDO}:
            raise Problem(409, "nothing_to_undo", _("This run wrote nothing that can be undone."))
        try:
            back = undo(run, user=self.membership.user)
        except CannotUndo as refused:
            raise Problem(409, "cannot_undo", _("A sync is running, or this run was undone before.")) from refused
        return Response(RunSerializer(back).data, status=201)


class RunConfirmView(RunView):
    admin_methods = frozenset({"POST"})

    @extend_schema(request=None, responses={202: RunSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """Let a run go on that waits for a decision."""
        run = self.run(pk)
        if run.status != RunStatus.DECIDING:
            raise Problem(409, "not_waiting", _("This run does not wait for a decision."))
        confirm(run, user=self.membership.user)
        run.refresh_from_db()
        ring_after_commit(run.connection)
        return Response(RunSerializer(run).data, status=202)


class RunCancelView(RunView):
    admin_methods = frozenset({"POST"})

    @extend_schema(request=None, responses={202: RunSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """Stop a run at its next page; what it has done stays."""
        run = self.run(pk)
        if not run.is_over:
            cancel(run, user=self.membership.user)
            run.refresh_from_db()
        return Response(RunSerializer(run).data, status=202)


def _shown(line: RunLine, run: Run) -> dict[str, Any]:
    return dict(RunLineSerializer(line, context={"provider": run.connection.provider}).data)


def _json_lines(rows: list[dict[str, Any]], *, is_first: bool) -> str:
    return "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)


def _csv(rows: list[dict[str, Any]], *, is_first: bool) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    if is_first:
        writer.writerow(HEADINGS)
    for row in rows:
        writer.writerow([_cell(row[name]) for name in HEADINGS])
    return buffer.getvalue()


def _cell(value: Any) -> str:
    text = " ".join(value) if isinstance(value, list) else "" if value is None else str(value)
    return guard(text)
