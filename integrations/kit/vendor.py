"""The frame of a sandbox vendor: requests and replies, routes, faults on demand, a request log and a control API, as a WSGI app.

A vendor subclasses `Vendor`, adds routes, and implements `reset`, `dump`, `load`, `tamper`.
    POST <vendor>/_control        {"reset": {...}, "faults": [...], "clear_faults": true, "clear_log": true, "switches": {...}, ...}
    GET  <vendor>/_control/state  every table and the log;  GET <vendor>/_control/log  only the log
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import orjson

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
_STATUS = {"401": 401, "403": 403, "404": 404, "429": 429, "500": 500, "503": 503}
_LOGGED = 10_000
FAULTS = {
    "401": "refuse the token",
    "403": "refuse the permission",
    "404": "answer 404",
    "429": "answer 429 (retry_after: seconds or a date)",
    "500": "answer 500",
    "503": "answer 503",
    "slow": "wait before the answer (seconds, or until the faults are cleared)",
    "loris": "trickle the answer byte by byte (seconds between bytes)",
    "reset": "drop the connection before anything happens",
    "lost": "do it, then drop the connection without an answer",
    "lost_timeout": "do it, then hang (seconds) and drop the connection",
    "html": "answer 200 with an HTML page",
    "cut": "answer 200 with half of the JSON",
    "empty_body": "answer 200 with nothing",
    "redirect": "answer 302 (location)",
    "empty_list": "answer an empty list",
    "repeat_page": "answer the page before once more",
    "duplicate_ids": "list the first record of the page twice",
    "nulls": "set every optional field to null",
    "drift": "delete a record at the front before this page is read",
}


@dataclass(slots=True)
class Fault:
    """Something that goes wrong on requests that fit: `times` (None: always) after letting `skip` of them pass."""

    kind: str
    method: str = ""
    path: str = ""  # a part of the path
    times: int | None = None
    skip: int = 0
    seconds: float = 1.0
    retry_after: str = ""
    location: str = ""

    def strikes(self, request: Request) -> bool:
        if (self.method and self.method != request.method) or self.path not in request.path or self.times == 0:
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


@dataclass(slots=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes
    base: str  # address under which the vendor is mounted

    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    def json(self) -> Any:
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise Refusal(400, "The body is no JSON.") from None

    def number(self, name: str, default: int) -> int:
        value = self.query.get(name, "")
        return int(value) if re.fullmatch(r"\d{1,9}", value) else default


@dataclass(slots=True)
class Reply:
    status: int = 200
    body: bytes = b""
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """Ends a request with an error status and the vendor's words."""

    def __init__(self, status: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.more = more


class Drop(ConnectionAbortedError):
    """Ends a request without an answer."""


def as_json(value: Any, status: int = 200, **headers: str) -> Reply:
    return Reply(status, orjson.dumps(value), headers={name.replace("_", "-"): text for name, text in headers.items()})


def as_html(text: str, status: int = 200) -> Reply:
    return Reply(status, text.encode(), "text/html; charset=utf-8")


def see_other(address: str) -> Reply:
    return Reply(303, headers={"Location": address})


Handler = Callable[..., Reply]


class Vendor:
    """A WSGI app with state. Handlers run one at a time; waiting and trickling happen outside the lock."""

    key = ""
    label = ""
    api_path = "/v1"

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.faults: list[Fault] = []
        self.log: deque[dict[str, Any]] = deque(maxlen=_LOGGED)
        self.switches: dict[str, Any] = {}
        self.file: Path | None = None
        self._count = 0
        self._let_go = threading.Event()
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = []
        self.route("POST", "/_control", self._control)
        self.route("GET", "/_control/state", lambda _: as_json({**self.dump(), "log": list(self.log)}))
        self.route("GET", "/_control/log", lambda _: as_json({"log": list(self.log)}))

    def reset(self, **options: Any) -> None:
        """Start again with fresh tables; options are the vendor's (`clients=...`)."""
        raise LookupError("a vendor defines this")

    def dump(self) -> dict[str, Any]:
        """Every table, JSON-able; `load` takes it back."""
        raise LookupError("a vendor defines this")

    def load(self, tables: dict[str, Any]) -> None:
        raise LookupError("a vendor defines this")

    def tamper(self, kind: str, request: Request, reply: Reply) -> Reply:
        """Apply a fault that needs to know the vendor's shapes."""
        return reply

    def before(self, kind: str, request: Request) -> None:
        """Apply a fault that changes tables or the request before it is handled."""

    def steer(self, commands: dict[str, Any]) -> dict[str, Any]:
        """Further commands of the control API; returns what is added to its answer."""
        return {}

    def is_api(self, path: str) -> bool:
        """Whether faults may strike and the log shall show this path."""
        return not path.startswith("/_control")

    def logs_body(self, path: str) -> bool:
        """Whether the log shows what was sent to this path."""
        return path.startswith("/v")

    def route(self, method: str, pattern: str, handler: Handler) -> None:
        """`{name}` in the pattern is a number that the handler gets as an argument."""
        self._routes.append((method, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>\\d{1,18})", pattern) + "/?"), handler))

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        request = _request(environ)
        fault = self._fault(request)
        kind = fault.kind if fault else ""
        arrived = time.time()
        if fault and kind == "slow":
            self._let_go.wait(fault.seconds)
        reply = None if kind == "reset" else self._answer(request, fault)
        self._write_log(request, reply, kind, arrived)
        if reply is None or kind in {"lost", "lost_timeout"}:
            if fault and kind == "lost_timeout":
                self._let_go.wait(fault.seconds)
            environ["sandbox.drop"]()
            raise Drop
        headers = {"Content-Type": reply.kind, "Content-Length": str(len(reply.body)), **reply.headers}
        start_response(f"{reply.status} {HTTPStatus(reply.status).phrase}", list(headers.items()))
        return _trickle(reply.body, fault.seconds) if fault and kind == "loris" else [reply.body]

    def _fault(self, request: Request) -> Fault | None:
        if not self.is_api(request.path):
            return None
        with self.lock:
            return next((fault for fault in self.faults if fault.strikes(request)), None)

    def _answer(self, request: Request, fault: Fault | None) -> Reply:
        if fault and (reply := _refused(fault)):
            return reply
        with self.lock:
            if fault:
                self.before(fault.kind, request)
            try:
                reply = self._dispatch(request)
            except Refusal as refusal:
                return self.refuse(refusal)
            if fault:
                reply = self._spoil(fault, request, reply)
            if self.file and request.method != "GET":
                self.save()
        return reply

    def _dispatch(self, request: Request) -> Reply:
        allowed = False
        for method, pattern, handler in self._routes:
            if found := pattern.fullmatch(request.path):
                if method == request.method:
                    return handler(request, **{name: int(value) for name, value in found.groupdict().items()})
                allowed = True
        raise Refusal(405, "Method not allowed.") if allowed else Refusal(404, "Not found.")

    def refuse(self, refusal: Refusal) -> Reply:
        return as_json({"message": refusal.message, **refusal.more}, refusal.status)

    def _spoil(self, fault: Fault, request: Request, reply: Reply) -> Reply:
        if fault.kind == "cut":
            return Reply(reply.status, reply.body[: len(reply.body) // 2], reply.kind)
        if fault.kind == "empty_body":
            return Reply(200, b"")
        return self.tamper(fault.kind, request, reply)

    def _control(self, request: Request) -> Reply:
        commands = request.json()
        if "reset" in commands:
            self.faults.clear()
            self.log.clear()
            options = commands["reset"] if isinstance(commands["reset"], dict) else {}
            self.reset(**{**{name: commands[name] for name in ("clients", "suppliers", "invoices", "seed") if name in commands}, **options})
        if commands.get("clear_faults"):
            self.faults.clear()
            # Slow answers that are under way come now.
            self._let_go.set()
            self._let_go = threading.Event()
        if commands.get("clear_log"):
            self.log.clear()
        self.faults += [Fault(**fault) for fault in commands.get("faults", [])]
        self.switches.update(commands.get("switches", {}))
        return as_json({"faults": [asdict(fault) for fault in self.faults], "switches": self.switches, **self.steer(commands)})

    def _write_log(self, request: Request, reply: Reply | None, kind: str, arrived: float) -> None:
        if not self.is_api(request.path):
            return
        with self.lock:
            self._count += 1
            self.log.append(
                {
                    "n": self._count,
                    "at": arrived,
                    "method": request.method,
                    "path": request.path,
                    "query": request.query,
                    "status": reply.status if reply else None,
                    "fault": kind,
                    "body": request.body[:2000].decode(errors="replace") if self.logs_body(request.path) else "",
                }
            )

    def save(self) -> None:
        """Write the tables to the vendor's file, so that a restarted sandbox knows its books."""
        if self.file:
            fresh = self.file.with_suffix(".new")
            fresh.write_bytes(orjson.dumps(self.dump()))
            fresh.replace(self.file)

    def keep_in(self, file: Path) -> None:
        """Take the tables from the file if it exists, and keep them there from now on."""
        self.file = file
        if file.exists():
            self.load(orjson.loads(file.read_bytes()))


def _request(environ: Environ) -> Request:
    scheme, host, mount = environ["wsgi.url_scheme"], environ.get("HTTP_HOST", ""), environ.get("SCRIPT_NAME", "")
    headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
    return Request(
        method=environ["REQUEST_METHOD"],
        path=environ.get("PATH_INFO", "") or "/",
        query=dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)),
        headers=headers,
        body=environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)),
        base=f"{scheme}://{host}{mount}",
    )


def _refused(fault: Fault) -> Reply | None:
    if fault.kind in _STATUS:
        headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
        status = _STATUS[fault.kind]
        return Reply(status, orjson.dumps({"message": HTTPStatus(status).phrase}), headers=headers)
    if fault.kind == "html":
        return as_html("<!doctype html><title>Log in</title><h1>Please log in</h1>")
    if fault.kind == "redirect":
        return Reply(302, headers={"Location": fault.location})
    return None


def _trickle(body: bytes, seconds: float) -> Iterator[bytes]:
    for position in range(len(body)):
        yield body[position : position + 1]
        time.sleep(seconds)
