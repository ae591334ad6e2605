from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from accounts.api.problems import invalid
from accounts.domain.keyset import keyset_page

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
Serialize = type[BaseSerializer] | Callable[[list[Any]], list[Any]]


def limit_of(request: Request) -> int:
    """`?limit=`: 50 unless told, never above 200."""
    text = request.query_params.get("limit", "")
    if not text:
        return DEFAULT_LIMIT
    if not (text.isascii() and text.isdigit() and int(text[:9]) > 0):
        raise invalid([("limit", "invalid", _("The limit is a number from 1 to %(max)s.") % {"max": MAX_LIMIT})])
    return min(int(text[:9]), MAX_LIMIT)


def cursor_of(request: Request) -> str | None:
    return request.query_params.get("cursor") or None


def paginate(request: Request, queryset: QuerySet[Any], *, order: Sequence[str], serialize: Serialize) -> Response:
    """One keyset page of a queryset; `order` as in `keyset_page`."""
    page = keyset_page(queryset, order=order, cursor=cursor_of(request), limit=limit_of(request))
    return page_response(request, serialized(page.rows, serialize=serialize, request=request), next_cursor=page.next_cursor)


def serialized(rows: list[Model], *, serialize: Serialize, request: Request) -> list[Any]:
    if isinstance(serialize, type):
        return list(serialize(rows, many=True, context={"request": request}).data)
    return serialize(rows)


def page_response(request: Request, results: list[Any], *, next_cursor: str | None) -> Response:
    """The envelope, for apps that page by themselves."""
    return Response({"results": results, "next": _next_url(request, next_cursor)})


def _next_url(request: Request, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    query = [(key, value) for key, values in request.query_params.lists() for value in values if key != "cursor"]
    return str(request.build_absolute_uri(f"{request.path}?{urlencode([*query, ('cursor', cursor)])}"))
