"""What a vendor's answer means: status -> what to do, body -> JSON, failures -> was it sent at all."""

from __future__ import annotations

import http.client
import json
import math
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ProtocolError, ReadTimeoutError, SSLError

from crmsync.lib import http_dates
from integrations.engine.errors import BadAnswer, Conflict, Denied, Gone, ProviderError, Retry, SkipRecord
from integrations.engine.types import Reason
from integrations.kit.guard import TooBig, TooSlow
from integrations.kit.redact import redact

_WORDS = 300
_DAY = 86_400.0
_MESSAGE_KEYS = ("message", "errorMessage", "error_description", "detail", "title", "developerHint", "error", "errors", "details")


@dataclass(frozen=True, slots=True)
class Answer:
    """A vendor's successful answer. `body` is the parsed JSON, None where there was nothing to say (204, some PUTs).

    `digest` of its bytes where it was asked for; `is_same`: they are those of the digest that was given, and were not parsed.
    """

    status: int
    body: Any
    headers: Mapping[str, str]
    digest: str = ""
    is_same: bool = False


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """An answer as it came, with the secrets of its request, which it may repeat."""

    status: int
    raw: bytes
    headers: Mapping[str, str]
    secrets: frozenset[str] = frozenset()

    def excerpt(self) -> str:
        return " ".join(redact(self.raw[:_WORDS].decode(errors="replace"), self.secrets).split())


def parse(answer: RawAnswer, *, method: str, path: str) -> Answer:
    """Read the JSON of a success. Raises BadAnswer for HTML, cut or empty bodies; after a POST it may yet have been done."""
    body: Any = None
    wrong = _wrong(answer, method)
    if not wrong and answer.raw:
        try:
            body = _json(answer.raw)
        except (ValueError, RecursionError) as error:
            wrong = f"no JSON ({error})"
    if wrong:
        html = answer.raw.lstrip()[:1] == b"<"
        detail = f"{method} {path}: {answer.status}, {wrong}: {answer.excerpt()}"
        raise BadAnswer(Reason("not_json" if html else "bad_answer"), detail=detail, in_doubt=method in {"POST", "PATCH"})
    return Answer(answer.status, body, answer.headers)


def _json(raw: bytes) -> Any:
    """Strictly first. A page with one broken character or number in it is still a page: only what is broken goes."""
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return _mended(json.loads(raw.decode(errors="replace")))
    return _mended(found) if b"\\u0000" in raw else found


def _mended(value: Any) -> Any:
    """Without lone surrogates, NUL and numbers that are none, which no database keeps."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\x00", "")
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [_mended(one) for one in value]
    if isinstance(value, dict):
        return {_mended(key): _mended(one) for key, one in value.items()}
    return value


def _wrong(answer: RawAnswer, method: str) -> str:
    if not answer.raw:
        return "" if answer.status == 204 or method in {"PUT", "PATCH"} else "empty body"
    kind = answer.headers.get("Content-Type", "")
    return f"content type {kind}" if kind and "json" not in kind.lower() else ""


def raise_for(answer: RawAnswer, *, method: str, path: str) -> None:
    """Turn a status that is no success into the error that says what to do. 401 is the caller's."""
    status = answer.status
    if 200 <= status < 300:
        return
    words = vendor_words(answer)
    detail = f"{method} {path}: {status} {words}".rstrip()
    if status in _TABLE:
        error = _TABLE[status](Reason(_CODES[status], {"message": words} if words else {}), detail=detail)
        error.told = _told(answer)
        raise error
    if status in {429, 503}:
        code = "rate_limited" if status == 429 else "vendor_down"
        raise Retry(Reason(code), detail=detail, after=retry_after(answer), in_doubt=status == 503 and method == "POST")
    if status >= 500 or status in {408, 425}:
        raise Retry(Reason("vendor_down"), detail=detail, after=retry_after(answer), in_doubt=status >= 500 and method in {"POST", "PATCH"})
    if status >= 400 and method != "GET":
        raise SkipRecord(Reason("refused", {"message": words}), detail=detail)
    raise BadAnswer(Reason("redirected" if 300 <= status < 400 else "bad_answer"), detail=detail)


_TABLE: dict[int, type[ProviderError]] = {
    400: SkipRecord,
    402: Denied,
    403: Denied,
    404: Gone,
    409: Conflict,
    410: Gone,
    412: Conflict,
    422: SkipRecord,
}
_CODES = {
    400: "refused",
    402: "forbidden",
    403: "forbidden",
    404: "gone",
    409: "changed_there",
    410: "gone",
    412: "changed_there",
    422: "refused",
}


def retry_after(answer: RawAnswer) -> float | None:
    """Seconds to wait as the vendor asks, at most a day; None when it does not say."""
    seconds = http_dates.retry_after(answer.headers.get("Retry-After"), datetime.now(UTC))
    return None if seconds is None else min(seconds, _DAY)


def vendor_words(answer: RawAnswer) -> str:
    """The vendor's own sentence about what was wrong, free of secrets."""
    if "html" in answer.headers.get("Content-Type", "").lower():
        return ""
    try:
        found = _sentence(orjson.loads(answer.raw))
    except orjson.JSONDecodeError:
        found = answer.raw[:_WORDS].decode(errors="replace")
    return redact(" ".join(found.split()), answer.secrets)[:_WORDS]


def _told(answer: RawAnswer) -> Any:
    """The refusal's JSON, masked before it is parsed; None where it is none."""
    try:
        return orjson.loads(redact(answer.raw.decode(errors="replace"), answer.secrets))
    except orjson.JSONDecodeError:
        return None


def _sentence(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "; ".join(filter(None, map(_sentence, value[:5])))
    if not isinstance(value, dict):
        return ""
    for key in _MESSAGE_KEYS:
        if found := _sentence(value.get(key)):
            return found
    return ""


def transport_reason(error: BaseException) -> str:
    """The reason code of a request without an answer."""
    kinds = tuple(_causes(error))
    for code, types in _TRANSPORT.items():
        if any(isinstance(one, types) for one in kinds):
            return code
    return "unreachable"


_TRANSPORT: dict[str, tuple[type[BaseException], ...]] = {
    "too_slow": (TooSlow,),
    "too_big": (TooBig,),
    "dns": (socket.gaierror,),
    "tls": (ssl.SSLError, SSLError),
    "timeout": (TimeoutError, ReadTimeoutError),
    "connection_lost": (ConnectionResetError, BrokenPipeError, ProtocolError, http.client.HTTPException),
}


def never_sent(error: BaseException) -> bool:
    """Whether the failure came before the request was on its way (name, connection, TLS handshake)."""
    early = (ConnectTimeoutError, NewConnectionError, socket.gaierror, ssl.SSLError, SSLError, ConnectionRefusedError)
    return any(isinstance(one, early) for one in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and everything it wraps; urllib3 and requests keep the cause in `reason` or in the arguments."""
    pending: list[Any] = [error]
    seen: list[BaseException] = []
    while pending:
        one = pending.pop(0)
        if isinstance(one, BaseException) and not any(one is other for other in seen):
            yield one
            seen.append(one)
            pending += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
