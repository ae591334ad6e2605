"""Webhooks of the sandbox: every change calls the addresses that were entered, one request each, tried again when nobody answers."""

from __future__ import annotations

import http.client
import queue
import re
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from integrations.providers.economic.sandbox_store import Books, Event

EVENT_TYPES: Mapping[str, tuple[str, ...]] = {
    "CUSTOMER_UPDATED": ("OLDNUMBER", "NEWNUMBER"),
    "INVOICE_BOOKED": ("INVOICENO",),
}
_TRIES, _PAUSE, _PATIENCE = 3, 0.2, 5.0
_KEPT = 1000


@dataclass(slots=True)
class Delivery:
    """One call that was or will be made. `status` is 0 while nobody answered."""

    event: str
    method: str
    url: str
    body: str
    kind: str
    status: int = 0
    tries: int = 0


class Sender:
    """Delivers in a thread of its own, in order; `settle` waits until everything went out."""

    def __init__(self) -> None:
        self.log: deque[Delivery] = deque(maxlen=_KEPT)
        self._queue: queue.Queue[Delivery] = queue.Queue()
        self._thread: threading.Thread | None = None

    def take(self, books: Books, *, lose: bool = False) -> None:
        """Turn the events of the books into calls; with `lose` they are forgotten."""
        events, books.events = books.events, []
        for event in [] if lose else events:
            for delivery in _deliveries(books, event):
                self.log.append(delivery)
                self._queue.put(delivery)
        if self._queue.qsize() and self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()

    def settle(self, *, patience: float = 10.0) -> bool:
        until = time.monotonic() + patience
        while self._queue.unfinished_tasks and time.monotonic() < until:
            time.sleep(0.01)
        return not self._queue.unfinished_tasks

    def dump(self) -> list[dict[str, Any]]:
        return [asdict(each) for each in self.log]

    def _work(self) -> None:
        while True:
            delivery = self._queue.get()
            for attempt in range(_TRIES):
                delivery.tries = attempt + 1
                delivery.status = _call(delivery)
                if 200 <= delivery.status < 300:
                    break
                time.sleep(_PAUSE)
            self._queue.task_done()


def _deliveries(books: Books, event: Event) -> list[Delivery]:
    """By the classic webhooks first, then by those of the Webhooks API."""
    name = event["event"]
    classic = [
        Delivery(name, each.get("method") or "POST", merged(each["url"], event), merged(each.get("body") or "", event), "text/plain")
        for each in books.classic
        if each["event"] == name
    ]
    hook = books.webhooks.get(name)
    if not hook or hook.get("isDisabled"):
        return classic
    data = merged(hook.get("postData") or "", event)
    return [*classic, Delivery(name, "POST", merged(hook["url"], event), data, hook["contentType"])]


def merged(template: str, event: Event) -> str:
    """Merge fields filled in; e-conomic leaves what it does not know."""
    return re.sub(r"\[([A-Z]+)\]", lambda found: event.get(found[1], found[0]), template)


def _call(delivery: Delivery) -> int:
    parts = urlsplit(delivery.url)
    connection = (http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection)(parts.netloc, timeout=_PATIENCE)
    try:
        body = delivery.body.encode() if delivery.method == "POST" else None
        path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        connection.request(delivery.method, path, body=body, headers={"Content-Type": delivery.kind, "User-Agent": "e-conomic sandbox"})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
