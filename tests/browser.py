"""A real browser for the tests: one way to start it, one patience, and whatever it complains of fails the test.

`SLOW=6` makes its pages run six times slower, as on a machine that has much else to do.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Literal

from django.db import connection as database
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Route, expect, sync_playwright

# Nothing waits longer than it must; a busy machine needs its time.
PATIENCE_MS = 90_000
SLOW = float(os.environ.get("SLOW", "1"))
# What depends on the speed of the machine alone. A request that fails is told by a line of its own besides.
NOISE = (
    "htmx:sendAbort",  # the next letter has replaced a search
    "htmx:afterRequest",
    "preloaded using link preload but not used",
)
BUSY = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND state <> 'idle'
"""


def in_browser(
    steps: Callable[[Page], Any], *, width: int = 1280, height: int = 860, scheme: str = "light", harmless: Sequence[str] = ()
) -> Any:
    """Take the steps on a fresh page, in a thread of its own: Playwright's loop and Django's ORM do not share one."""

    def run() -> Any:
        complaints: list[str] = []
        with sync_playwright() as playwright, patience():
            browser = launched(playwright)
            look: Literal["dark", "light"] = "dark" if scheme == "dark" else "light"
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=look)
            slow_down(page)
            page.on("console", lambda line: complaints.append(line.text) if complains(line, harmless) else None)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.set_default_timeout(PATIENCE_MS)
            result = steps(page)
            browser.close()
        assert complaints == []
        return result

    with ThreadPoolExecutor(max_workers=1) as pool:
        result = pool.submit(run).result()
    _let_the_server_end()
    return result


def launched(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])


def slow_down(page: Page) -> None:
    if SLOW > 1:
        page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOW})


def complains(line: ConsoleMessage, harmless: Sequence[str] = ()) -> bool:
    return line.type in ("error", "warning") and not any(words in line.text for words in (*NOISE, *harmless))


@contextmanager
def patience() -> Iterator[None]:
    expect.set_options(timeout=PATIENCE_MS)
    try:
        yield
    finally:
        expect.set_options(timeout=5_000)


def loaded(page: Page) -> Page:
    """All of it is there: what is counted or measured once would be too little, or not yet in shape, before."""
    page.wait_for_load_state("load")
    return page


def is_too_wide(page: Page) -> bool:
    return bool(loaded(page).evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


class Held:
    """Requests to an address wait until they are let go: an answer as late as wanted, on every machine."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.waiting: list[Route] = []
        page.route(address, self._hold)

    def _hold(self, route: Route) -> None:
        self.waiting.append(route)

    def arrived(self) -> Route:
        """The first one that waits, as soon as it does."""
        until = time.monotonic() + PATIENCE_MS / 1000
        while not self.waiting:
            assert time.monotonic() < until, "nobody has asked"
            self.page.wait_for_timeout(50)
        return self.waiting[0]

    def let_go(self) -> None:
        self.arrived()
        self.waiting.pop(0).continue_()


def _let_the_server_end() -> None:
    """Somebody who leaves does not wait for his last answer; it is done before the tables are emptied."""
    until = time.monotonic() + PATIENCE_MS / 1000
    while _busy_sessions():
        assert time.monotonic() < until, "the server is still at work"
        time.sleep(0.05)


def _busy_sessions() -> int:
    with database.cursor() as cursor:
        cursor.execute(BUSY)
        return int(cursor.fetchone()[0])
