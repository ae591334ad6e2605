"""Errors of the API: `application/problem+json` (RFC 9457) with one entry per field."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpRequest, JsonResponse, UnreadablePostError
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response

from accounts.domain.errors import Refused
from crmsync.lib.paging import CursorError

CONTENT_TYPE = "application/problem+json"
TYPES = "/api/v1/docs/#problem-"
RETRY_AFTER = "60"
log = logging.getLogger(__name__)


class FieldError(NamedTuple):
    field: str
    code: str
    message: str


class Problem(exceptions.APIException):
    """Raise it to answer with a problem: `raise Problem(409, "already_running", _("A sync is running."))`."""

    def __init__(
        self, status: int, code: str, detail: str = "", *, errors: Iterable[FieldError] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail or HTTPStatus(status).phrase, code)
        self.status_code = status
        self.code = code
        self.text = str(detail)
        self.errors = [FieldError(*error) for error in errors]
        self.headers = dict(headers or {})


def invalid(errors: Iterable[tuple[str, str, str]]) -> Problem:
    """400 with a message for each field: (field, code, message)."""
    return Problem(HTTPStatus.BAD_REQUEST, "invalid", _("Some values are not valid."), errors=[FieldError(*error) for error in errors])


def _refused(error: Refused) -> Problem:
    if error.field:
        return invalid([(error.field, error.code, error.message)])
    return Problem(HTTPStatus.CONFLICT, error.code, error.message)


def _database_in_trouble(error: OperationalError) -> Problem:
    """A full disk, a server that restarts, two writers in each other's way: no fault of the request, which may come again as it is."""
    log.error("the database is in trouble", exc_info=error)
    text = _("Something failed on our side. Nothing was changed. It has been noted; try again in a while.")
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "database_in_trouble", text, headers={"Retry-After": RETRY_AFTER})


Translate = Callable[[Any], Problem]
_known: dict[type[Exception], Translate] = {
    Http404: lambda _error: Problem(404, "not_found", _("There is nothing here, or it is not yours to see.")),
    PermissionDenied: lambda error: Problem(403, "permission_denied", str(error) or _("Your role does not allow this.")),
    RequestDataTooBig: lambda _error: Problem(413, "too_large", _("The body is too large.")),
    SuspiciousOperation: lambda _error: Problem(400, "bad_request", _("The request cannot be read.")),
    UnreadablePostError: lambda _error: Problem(400, "bad_request", _("The body ended too early.")),
    CursorError: lambda _error: invalid([("cursor", "invalid", _("This cursor is not valid."))]),
    Refused: _refused,
    OperationalError: _database_in_trouble,
}


def register(kind: type[Exception], translate: Translate) -> None:
    """Let an app's domain error be answered as a problem."""
    _known[kind] = translate


def answered() -> tuple[type[Exception], ...]:
    """What becomes a problem; everything else is a fault of ours and a 500."""
    return (exceptions.APIException, *_known)


def problem_response(error: Exception, _context: Mapping[str, Any]) -> Response | None:
    """Exception handler of the REST framework."""
    problem = to_problem(error)
    return None if problem is None else render(problem)


def to_problem(error: Exception) -> Problem | None:
    if isinstance(error, Problem):
        return error
    if isinstance(error, exceptions.APIException):
        return _of_framework(error)
    for kind in type(error).__mro__:
        if kind in _known:
            return _known[kind](error)
    return None


def render(problem: Problem) -> Response:
    return Response(body_of(problem), status=problem.status_code, headers=problem.headers, content_type=CONTENT_TYPE)


def body_of(problem: Problem) -> dict[str, Any]:
    return {
        "type": f"{TYPES}{problem.code}",
        "title": HTTPStatus(problem.status_code).phrase,
        "status": problem.status_code,
        "detail": problem.text,
        "errors": [error._asdict() for error in problem.errors],
    }


def plain_problem(_request: HttpRequest, problem: Problem) -> JsonResponse:
    """The same outside the REST framework: unknown addresses, faults."""
    return JsonResponse(body_of(problem), status=problem.status_code, content_type=CONTENT_TYPE, headers=problem.headers)


def _of_framework(error: exceptions.APIException) -> Problem:
    if isinstance(error, exceptions.ValidationError):
        return invalid(_flatten(error.detail))
    detail = error.detail if isinstance(error.detail, str) else str(error.default_detail)
    headers = {}
    wait = getattr(error, "wait", None)
    if wait is not None:
        headers["Retry-After"] = str(max(1, round(wait)))
    challenge = getattr(error, "auth_header", None)
    if challenge:
        headers["WWW-Authenticate"] = challenge
    return Problem(
        error.status_code, str(error.get_codes() if isinstance(error.detail, str) else error.default_code), detail, headers=headers
    )


def _flatten(detail: Any, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Nested details as `emails[1].email`; errors of the whole body have field ""."""
    if isinstance(detail, Mapping):
        for key, value in detail.items():
            yield from _flatten(value, _join(path, key))
    elif isinstance(detail, list | tuple):
        for index, value in enumerate(detail):
            yield from _flatten(value, path if isinstance(value, str) else f"{path}[{index}]")
    else:
        yield path, getattr(detail, "code", "invalid"), str(detail)


def _join(path: str, key: Any) -> str:
    if key == "non_field_errors":
        return path
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else str(key)
