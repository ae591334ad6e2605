"""The one door to vendors: JSON over HTTP with an SSRF guard, deadlines, pacing, recording, and errors named by what to do about them."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import orjson
from requests import PreparedRequest, Response
from requests.exceptions import InvalidURL, RequestException
from urllib3.exceptions import HTTPError

from integrations.engine.errors import BadAnswer, BadSettings, Reconnect, Retry
from integrations.engine.types import Reason
from integrations.kit import answers
from integrations.kit.answers import Answer, RawAnswer
from integrations.kit.fingerprint import digest_of
from integrations.kit.guard import BlockedAddress, GuardedAdapter, TooBig, shared_adapter
from integrations.kit.limits import NoPace, Pace
from integrations.kit.redact import redact, redact_headers

Params = Mapping[str, str | int]
MAX_BODY = 64 * 1024 * 1024
_CHUNK = 1024 * 1024
_RECORDED = 2_000  # characters of a body that are kept in an Exchange
_LISTED = 400  # of a page that was read without trouble
_IN_CALL_WAIT = 10.0  # a longer Retry-After is the caller's matter


@dataclass(slots=True)
class Outgoing:
    """A request before it leaves; `authorise` adds headers or parameters."""

    method: str
    path: str
    headers: dict[str, str]
    params: dict[str, str | int]


Authorise = Callable[[Outgoing], None]


def bearer(token: Callable[[], str]) -> Authorise:
    """`Authorization: Bearer` with whatever token is valid at that moment."""

    def authorise(request: Outgoing) -> None:
        request.headers["Authorization"] = f"Bearer {token()}"

    return authorise


def header_secrets(supply: Callable[[], Mapping[str, str]]) -> Authorise:
    """Secret headers (API keys)."""
    return lambda request: request.headers.update(supply())


def query_secret(name: str, token: Callable[[], str]) -> Authorise:
    """A token in the query string, where a vendor insists on it."""
    return lambda request: request.params.update({name: token()})


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, between two pieces of an answer, for one whole answer, and for all attempts of one call together."""

    connect: float = 5.0
    read: float = 20.0
    total: float = 60.0
    call: float = 30.0


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came of it, free of secrets, for the log."""

    at: datetime
    method: str
    url: str
    status: int | None
    seconds: float
    request_headers: Mapping[str, str] = field(default_factory=dict)
    request_body: str = ""
    response_headers: Mapping[str, str] = field(default_factory=dict)
    response_body: str = ""
    error: str = ""


class Http:
    """Calls of one connection. Holds no state of its own: threads may share it."""

    def __init__(
        self,
        base_url: str,
        *,
        authorise: Authorise | None = None,
        refresh: Callable[[], None] | None = None,
        pace: Pace | None = None,
        record: Callable[[Exchange], None] | None = None,
        rest_after: Callable[[Mapping[str, str]], float] | None = None,
        allow_private: bool = False,
        timeouts: Timeouts | None = None,
        attempts: int = 3,
        adapter: GuardedAdapter | None = None,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._base = base_url.rstrip("/")
        self._authorise = authorise
        self._refresh = refresh
        self._pace = pace or NoPace()
        self._record = record
        self._rest_after = rest_after
        self._timeouts = timeouts or Timeouts()
        self._attempts = attempts
        self._adapter = adapter or shared_adapter(allow_private=allow_private)
        self._sleep = sleep
        self._now = now
        self._jitter = jitter

    def get(self, path: str, *, params: Params | None = None, unless: str | None = None) -> Answer:
        """Read; tried up to three times within the call. `unless`: digest of an answer that need not be parsed again ("": of none)."""
        started = self._now()
        for attempt in range(1, self._attempts + 1):
            try:
                return self._call("GET", path, params, None, {}, unless=unless)
            except BadAnswer:
                raise
            except Retry as error:
                pause = self._pause(error, attempt)
                if attempt == self._attempts or pause > _IN_CALL_WAIT or self._now() - started + pause > self._timeouts.call:
                    raise
            self._sleep(pause)
        raise AssertionError("unreachable")

    def post(self, path: str, *, params: Params | None = None, json: Any = None, idempotency_key: str = "") -> Answer:
        """Create; sent once. Raises Retry(in_doubt=True) when the vendor may have done it."""
        return self._call("POST", path, params, json, {"Idempotency-Key": idempotency_key} if idempotency_key else {})

    def put(self, path: str, *, params: Params | None = None, json: Any = None, idempotency_key: str = "") -> Answer:
        """Replace; sent once, safe to send again."""
        return self._call("PUT", path, params, json, {"Idempotency-Key": idempotency_key} if idempotency_key else {})

    def patch(self, path: str, *, params: Params | None = None, json: Any = None, idempotency_key: str = "") -> Answer:
        """Change parts; sent once."""
        return self._call("PATCH", path, params, json, {"Idempotency-Key": idempotency_key} if idempotency_key else {})

    def _pause(self, error: Retry, attempt: int) -> float:
        return error.after if error.after is not None else 0.25 * 2**attempt * (0.5 + self._jitter())

    def _call(
        self, method: str, path: str, params: Params | None, json: Any, headers: dict[str, str], *, unless: str | None = None
    ) -> Answer:
        answer = self._once(method, path, params, json, headers)
        if answer.status == 401 and self._refresh is not None:
            self._refresh()
            answer = self._once(method, path, params, json, headers)
        if answer.status == 401:
            raise Reconnect(Reason("unauthorised"), detail=f"{method} {path}: 401 {answers.vendor_words(answer)}".rstrip())
        rest = self._rest_after(answer.headers) if self._rest_after else 0.0
        if answer.status == 429 or rest > 0:
            self._pace.slow_down(max(rest, (answers.retry_after(answer) or 1.0) if answer.status == 429 else 0.0))
        answers.raise_for(answer, method=method, path=path)
        digest = "" if unless is None else digest_of(answer.raw)
        if digest and digest == unless:
            return Answer(answer.status, None, answer.headers, digest, is_same=True)
        found = answers.parse(answer, method=method, path=path)
        return replace(found, digest=digest) if digest else found

    def _once(self, method: str, path: str, params: Params | None, json: Any, headers: dict[str, str]) -> RawAnswer:
        outgoing = Outgoing(method, path, {"Accept": "application/json", "User-Agent": "crmsync", **headers}, dict(params or {}))
        plain = set(outgoing.headers.values()) | {str(value) for value in outgoing.params.values()}
        if self._authorise is not None:
            self._authorise(outgoing)
        body = None if json is None else orjson.dumps(json)
        if body is not None:
            outgoing.headers["Content-Type"] = "application/json"
            plain.add("application/json")
        secrets = _secrets(outgoing, plain)
        self._pace.wait()
        started = time.monotonic()
        prepared = self._prepare(outgoing, body)
        try:
            answer = self._exchange(prepared)
        except (RequestException, HTTPError, OSError, BlockedAddress) as error:
            self._note(prepared, started, secrets, error=error)
            raise _transport_error(error, method=method, path=path, secrets=secrets) from None
        answer = RawAnswer(answer.status, answer.raw, answer.headers, frozenset(secrets))
        self._note(prepared, started, secrets, answer=answer)
        return answer

    def _prepare(self, outgoing: Outgoing, body: bytes | None) -> PreparedRequest:
        prepared = PreparedRequest()
        url = outgoing.path if outgoing.path.startswith(self._base) else f"{self._base}{outgoing.path}"
        prepared.prepare_method(outgoing.method)
        try:
            prepared.prepare_url(url, outgoing.params or None)
        except RequestException as error:
            raise BadSettings(Reason("bad_address"), detail=str(error)) from None
        prepared.prepare_headers(outgoing.headers)
        prepared.prepare_body(body, None)
        return prepared

    def _exchange(self, prepared: PreparedRequest) -> RawAnswer:
        times = self._timeouts
        response = self._adapter.send(prepared, stream=True, timeout=(times.connect, times.read), total=times.total)
        try:
            return RawAnswer(response.status_code, _read(response), response.headers)
        finally:
            response.close()

    def _note(
        self,
        request: PreparedRequest,
        started: float,
        secrets: set[str],
        *,
        answer: RawAnswer | None = None,
        error: Exception | None = None,
    ) -> None:
        if self._record is None:
            return
        sent = request.body or b""
        self._record(
            Exchange(
                at=datetime.now(UTC),
                method=request.method or "",
                url=redact(request.url or "", secrets),
                status=answer.status if answer else None,
                seconds=time.monotonic() - started,
                request_headers=redact_headers({name: str(value) for name, value in request.headers.items()}, secrets),
                request_body=_excerpt(sent if isinstance(sent, bytes) else str(sent).encode(), secrets),
                response_headers=redact_headers(answer.headers, secrets) if answer else {},
                response_body=_excerpt(answer.raw, secrets, _LISTED if request.method == "GET" and answer.status == 200 else _RECORDED)
                if answer
                else "",
                error=redact(f"{type(error).__name__}: {error}", secrets)[:500] if error else "",
            )
        )


def _secrets(outgoing: Outgoing, plain: set[str]) -> set[str]:
    """What `authorise` has put in: never to be seen again."""
    found: set[str] = set()
    for value in [*outgoing.headers.values(), *(str(value) for value in outgoing.params.values())]:
        if value not in plain:
            found |= {value, value.rpartition(" ")[2]}
    return {value for value in found if len(value) > 3}


def _excerpt(body: bytes, secrets: set[str], length: int = _RECORDED) -> str:
    # Cut after masking: a secret across the cut must not leave its first half.
    text = redact(body[: 2 * length].decode(errors="replace"), secrets)
    return text if len(text) <= length else f"{text[:length]}…"


def _read(response: Response) -> bytes:
    parts: list[bytes] = []
    size = 0
    while part := response.raw.read(_CHUNK, decode_content=True):
        size += len(part)
        if size > MAX_BODY:
            raise TooBig(f"more than {MAX_BODY} bytes")
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _transport_error(error: Exception, *, method: str, path: str, secrets: set[str]) -> Exception:
    detail = redact(f"{method} {path}: {type(error).__name__} {error}", secrets)[:500]
    if isinstance(error, BlockedAddress):
        return BadSettings(Reason("blocked_address"), detail=detail)
    if isinstance(error, InvalidURL):
        return BadSettings(Reason("bad_address"), detail=detail)
    in_doubt = method in {"POST", "PATCH"} and not answers.never_sent(error)
    return Retry(Reason(answers.transport_reason(error)), detail=detail, in_doubt=in_doubt)
