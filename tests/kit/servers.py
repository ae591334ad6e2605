"""Small servers that misbehave in one way each, and a client without patience."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from integrations.kit.http import Http, Timeouts
from integrations.kit.sandbox import Running
from integrations.kit.vendor import Reply, Request, Vendor

PATIENT = Timeouts(connect=30, read=30, total=60, call=30)


class Scripted(Vendor):
    """Answers what it is told to, in this order; the last answer stays."""

    key = "vendor"
    label = "Scripted vendor"

    def __init__(self, *replies: Reply | Callable[[Request], Reply]) -> None:
        super().__init__()
        self.replies = list(replies)
        self.seen: list[Request] = []
        for method in ("GET", "POST", "PUT", "PATCH"):
            self.route(method, "/.*", self.answer)

    def answer(self, request: Request) -> Reply:
        self.seen.append(request)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        return reply if isinstance(reply, Reply) else reply(request)


@contextmanager
def serving(*replies: Reply | Callable[[Request], Reply]) -> Iterator[tuple[Scripted, str]]:
    vendor = Scripted(*replies)
    with Running({"vendor": vendor}) as server:
        yield vendor, f"{server.url}/vendor"


def door(url: str, **options: Any) -> Http:
    """A client that may reach this machine and does not really sleep."""
    defaults: dict[str, Any] = {"allow_private": True, "sleep": lambda seconds: None, "timeouts": PATIENT}
    return Http(url, **{**defaults, **options})


class Listener:
    """A socket that counts who comes, and says `answer` (slowly, if there is a pause between the bytes)."""

    def __init__(self, answer: bytes = b"", *, pause: float = 0.0, keep_open: bool = False, rounds: int = 1) -> None:
        self.connections = 0
        self._answer = answer
        self._pause = pause
        self._keep_open = keep_open
        self._rounds = rounds
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._done = threading.Event()
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Listener:
        self._socket.settimeout(0.05)
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._done.set()
        self._thread.join(timeout=5)
        self._socket.close()

    def _serve(self) -> None:
        while not self._done.is_set():
            try:
                visitor, _ = self._socket.accept()
            except TimeoutError:
                continue
            self.connections += 1
            with visitor:
                self._talk(visitor)

    def _talk(self, visitor: socket.socket) -> None:
        visitor.settimeout(30)
        try:
            for _ in range(self._rounds - 1):
                visitor.recv(65536)
                visitor.sendall(self._answer)
            visitor.recv(65536)
            for byte in self._answer if self._pause else []:
                visitor.sendall(bytes([byte]))
                if self._done.wait(self._pause):
                    return
            if not self._pause:
                visitor.sendall(self._answer)
            while self._keep_open and not self._done.is_set():
                time.sleep(0.02)
        except OSError:
            return
