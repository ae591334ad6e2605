"""`Idempotency-Key`: the same POST twice is done once and answered twice."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.db import connection, transaction
from django.http import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from accounts.api import problems
from accounts.api.requests import ApiRequest
from accounts.models import IdempotentAnswer
from accounts.scoping import workspace_tx

KEPT = dt.timedelta(days=7)
# A view outside a transaction that is silent for so long has died: the next one with its key may start.
LEASE = dt.timedelta(minutes=10)
KEY = re.compile(r"[\x21-\x7e]{1,200}")
HEADERS = ("Location",)
NOT_KEPT = frozenset({HTTPStatus.TOO_MANY_REQUESTS})
Work = Callable[[], HttpResponseBase]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request with its key."""

    request: ApiRequest
    key: str
    target: str
    body_digest: str

    def rows(self) -> Any:
        return IdempotentAnswer.objects.filter(user_id=self.request.user.pk, key=self.key)


def attempt_of(request: ApiRequest, *, body_digest: Callable[[ApiRequest], str]) -> Attempt | None:
    """The attempt, or None for a request without the header."""
    key = request.headers.get("Idempotency-Key")
    if request.method != "POST" or key is None:
        return None
    if not KEY.fullmatch(key):
        message = _("The key is 1 to 200 visible ASCII characters.")
        raise problems.Problem(400, "bad_idempotency_key", message)
    return Attempt(request=request, key=key, target=f"POST {request.path}"[:300], body_digest=body_digest(request))


def digest_of_body(request: ApiRequest) -> str:
    return hashlib.sha256(request._request.body).hexdigest()


def answer_once(attempt: Attempt, work: Work, *, inside: bool) -> HttpResponseBase:
    """Do `work`, or give the answer of the first time.

    `inside`: the caller holds the transaction, so work and answer are committed together.
    """
    with workspace_tx(attempt.request.workspace, origin=attempt.request.origin):
        known = _claim(attempt, now=timezone.now())
    if known is not None:
        return known
    try:
        response = _run(work, inside=inside)
    except BaseException:
        if not inside:
            _forget(attempt)
        raise
    _keep(attempt, response)
    return response


def _claim(attempt: Attempt, *, now: dt.datetime) -> Response | None:
    if not _lock(attempt):
        raise _in_flight()
    attempt_rows = attempt.rows()
    IdempotentAnswer.objects.filter(created_at__lt=now - KEPT).delete()
    row = attempt_rows.first()
    if row is None:
        IdempotentAnswer.objects.create(
            workspace=attempt.request.workspace,
            user_id=attempt.request.user.pk,
            key=attempt.key,
            target=attempt.target,
            body_digest=attempt.body_digest,
            created_at=now,
        )
        return None
    return _known(attempt, row, now=now)


def _known(attempt: Attempt, row: IdempotentAnswer, *, now: dt.datetime) -> Response | None:
    if (row.target, row.body_digest) != (attempt.target, attempt.body_digest):
        raise problems.Problem(422, "idempotency_key_reused", _("This key was used for another request."))
    if row.status is not None:
        return _replay(row)
    if row.created_at > now - LEASE:
        raise _in_flight()
    attempt.rows().update(created_at=now)
    return None


def _run(work: Work, *, inside: bool) -> HttpResponseBase:
    """A refusal undoes what was written, but is an answer to keep."""
    try:
        if not inside:
            return work()
        with transaction.atomic():
            return work()
    except problems.answered() as error:
        problem = problems.to_problem(error)
        if problem is None or problem.status_code in NOT_KEPT or problem.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
        response = problems.render(problem)
        response.exception = True
        return response


def _keep(attempt: Attempt, response: HttpResponseBase) -> None:
    if not isinstance(response, Response):
        _forget(attempt)
        return
    with workspace_tx(attempt.request.workspace, origin=attempt.request.origin):
        attempt.rows().update(
            status=response.status_code,
            body=JSONRenderer().render(response.data).decode(),
            headers={name: response[name] for name in HEADERS if name in response},
        )


def _forget(attempt: Attempt) -> None:
    with workspace_tx(attempt.request.workspace, origin=attempt.request.origin):
        attempt.rows().delete()


def _replay(row: IdempotentAnswer) -> Response:
    is_problem = row.status is not None and row.status >= HTTPStatus.BAD_REQUEST
    return Response(
        json.loads(row.body) if row.body else None,
        status=row.status,
        headers={**row.headers, "Idempotency-Replayed": "true"},
        content_type=problems.CONTENT_TYPE if is_problem else None,
    )


def _in_flight() -> problems.Problem:
    return problems.Problem(409, "in_flight", _("The first request with this key is still being worked on."), headers={"Retry-After": "1"})


def _lock(attempt: Attempt) -> bool:
    """Held to the end of the transaction; does not wait."""
    name = f"idempotency:{attempt.request.workspace.pk}:{attempt.request.user.pk}:{attempt.key}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        return bool(cursor.fetchone()[0])
