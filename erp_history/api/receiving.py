"""The base of the endpoints that ERP systems push to: a body of up to 64 MiB, and a line in the history for every request."""

from __future__ import annotations

import hashlib
import logging
from typing import Any

from django.db import OperationalError
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.problems import Problem
from accounts.api.requests import ApiRequest
from accounts.api.views import WorkspaceAPIView
from accounts.enums import TokenScope
from accounts.scoping import workspace_tx
from erp_history.domain.ingest import Told, beginning, note_request
from erp_history.domain.reading import MAX_BYTES, inflate, too_large
from erp_history.domain.tables import TABLES, Table

log = logging.getLogger(__name__)


class ErpView(WorkspaceAPIView):
    """ERP data are of the whole workspace, so they need the scope "erp"."""

    read_scope = TokenScope.ERP
    write_scope = TokenScope.ERP

    def table(self, name: str) -> Table:
        found = TABLES.get(name)
        if found is None:
            raise Problem(404, "unknown_table", f"There is no table {name[:40]!r}: use {', '.join(TABLES)}.")
        return found


class ReceivingView(ErpView):
    """Handlers open `workspace_tx` themselves: what was refused is written down too."""

    outside_transaction = True
    told: Told
    is_noted = False
    raw = b""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.told = Told(method=str(request.method), path=request.get_full_path(), table=str(kwargs.get("table", "")), since=timezone.now())
        response = super().dispatch(request, *args, **kwargs)
        if request.method == "POST" and not self.is_noted and hasattr(request, "workspace"):
            self._note(response)
        return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method == "POST":
            self.raw = read_body(request._request)
            self.told.size = len(self.raw)
            if not request.headers.get("Content-Encoding"):
                self.told.sample = beginning(self.raw)

    def check_permissions(self, request: Request) -> None:
        """Who asked stands in the history also when it was refused."""
        if self.request.auth is not None:
            self.told.user_id, self.told.token_name = request.user.pk, self.request.auth.name
        super().check_permissions(request)

    def body_digest(self, request: ApiRequest) -> str:
        return hashlib.sha256(self.raw).hexdigest()

    def body(self) -> bytes:
        return inflate(self.raw, encoding=self.request.headers.get("Content-Encoding", "").strip().lower())

    def _note(self, response: HttpResponseBase) -> None:
        answer = response.data if isinstance(response, Response) and isinstance(response.data, dict) else {}
        if response.has_header("Idempotency-Replayed"):
            answer = {"replayed": True}
        try:
            with workspace_tx(self.workspace, origin=self.origin):
                note_request(self.workspace, self.told, status=response.status_code, answer=dict(answer))
        except OperationalError:
            # The database is in trouble, which may be what the answer says. The ERP gets its answer all the same.
            log.exception("a refused request could not be written down: %s", self.told.path)


def read_body(request: HttpRequest) -> bytes:
    """The body as it was sent, up to MAX_BYTES of it; Django's own limit is for forms."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if length.isdigit() and int(length) > MAX_BYTES:
        raise too_large()
    stream: Any = request
    if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
        if not request.META.get("wsgi.input_terminated"):
            raise Problem(411, "length_required", "Send a Content-Length.")
        stream = request.META["wsgi.input"]
    raw: bytes = stream.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise too_large()
    if length.isdigit() and len(raw) < int(length):
        raise Problem(400, "bad_request", "The body ended too early.")
    return raw
