"""The base of every API view: who asks, inside which walls, and what a fault looks like."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Sequence
from http import HTTPStatus
from typing import Any, ClassVar, cast

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _
from django_scopes import scope
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from accounts.api import problems
from accounts.api.idempotency import answer_once, attempt_of, digest_of_body
from accounts.api.paging import Serialize, paginate
from accounts.api.parsers import StrictJSONParser
from accounts.api.requests import ApiRequest
from accounts.api.schema import ApiSchema
from accounts.enums import TokenScope
from accounts.models import Membership, Workspace
from accounts.scoping import Origin, workspace_tx


class AlwaysJSON(BaseContentNegotiation):
    """The API speaks one language, whatever the client says it reads."""

    def select_parser(self, request: Request, parsers: Iterable[Any]) -> Any:
        kind = str(request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == kind), None)

    def select_renderer(self, request: Request, renderers: Iterable[Any], format_suffix: str | None = None) -> Any:
        first = next(iter(renderers))
        return first, first.media_type


class WorkspaceAPIView(APIView):
    """Runs its handlers inside `workspace_tx` of the token's workspace.

    `outside_transaction`: only the scope is open, the handler opens `workspace_tx` itself (it talks to a vendor).
    `admin_only` / `admin_methods`: owners and administrators with the scope "admin".
    `read_scope` / `write_scope`: what else is asked of the token.
    """

    outside_transaction: ClassVar[bool] = False
    admin_only: ClassVar[bool] = False
    admin_methods: ClassVar[Collection[str]] = ()
    read_scope: ClassVar[str] = TokenScope.READ
    write_scope: ClassVar[str] = TokenScope.WRITE
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    content_negotiation_class = AlwaysJSON
    parser_classes = [StrictJSONParser]
    schema = ApiSchema()
    request: ApiRequest

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.args, self.kwargs = args, kwargs
        self.headers = self.default_response_headers
        self.request = cast(ApiRequest, self.initialize_request(request, *args, **kwargs))
        try:
            _refuse_plain_http(request)
            self.initial(self.request, *args, **kwargs)
            response = self._answer(self.request)
        except problems.answered() as error:
            response = self.handle_exception(error)
        self.response = self.finalize_response(self.request, cast(Response, response), *args, **kwargs)
        return self.response

    def _answer(self, request: ApiRequest) -> HttpResponseBase:
        handler = getattr(self, str(request.method).lower(), None) if str(request.method).lower() in self.http_method_names else None
        if handler is None:
            raise MethodNotAllowed(str(request.method))
        attempt = attempt_of(request, body_digest=self.body_digest)
        with self._walls():
            if attempt is None:
                return cast(HttpResponseBase, handler(request, *self.args, **self.kwargs))
            return answer_once(attempt, lambda: handler(request, *self.args, **self.kwargs), inside=not self.outside_transaction)

    def _walls(self) -> contextlib.AbstractContextManager[Any]:
        if self.outside_transaction:
            return scope(workspace=self.workspace)
        return workspace_tx(self.workspace, origin=self.origin)

    @property
    def workspace(self) -> Workspace:
        return self.request.workspace

    @property
    def membership(self) -> Membership:
        return self.request.membership

    @property
    def origin(self) -> Origin:
        return self.request.origin

    def body_digest(self, request: ApiRequest) -> str:
        """What makes two bodies with one Idempotency-Key the same; a view that streams its body has its own way."""
        return digest_of_body(request)

    def read(self, serializer: type[BaseSerializer], *, partial: bool = False) -> dict[str, Any]:
        """The body, checked; a problem names every field that is wrong."""
        checked = serializer(data=self.request.data, partial=partial, context={"request": self.request})
        checked.is_valid(raise_exception=True)
        data: dict[str, Any] = checked.validated_data
        return data

    def page(self, queryset: QuerySet[Any], *, order: Sequence[str], serialize: Serialize) -> Response:
        """One keyset page; `order`: columns without NULL, the last one unique."""
        return paginate(self.request, queryset, order=order, serialize=serialize)


def _refuse_plain_http(request: HttpRequest) -> None:
    """A redirect would hide that the token has just been sent in the clear."""
    if settings.PUBLIC_URL.startswith("https://") and not request.is_secure():
        text = _("Use https. (For the operator: behind a proxy, set TRUSTED_PROXIES.)")
        raise problems.Problem(HTTPStatus.BAD_REQUEST, "https_needed", text)
