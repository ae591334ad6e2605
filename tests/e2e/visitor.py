"""A person with a browser: walks, looks, and notices what a screen does wrong."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import ConsoleMessage, Locator, Page, expect, sync_playwright

from tests.e2e.product import Product

# Where to leave pictures of every station for a person to look at, if anywhere.
PICTURES = os.environ.get("PICTURES", "")
RULES = (Path(__file__).parent / "screen_rules.js").read_text(encoding="utf-8")
# A worker on a busy machine needs its time; nothing here waits longer than it must.
PATIENCE_MS = 90_000
DESK, PHONE = 1280, 360


@dataclass
class Visitor:
    page: Page
    product: Product
    width: int
    complaints: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    home: str = ""  # the path of the workspace
    connection: str = ""  # the address of the connection's page

    def go(self, path: str) -> None:
        """To a path of the workspace, or to a whole address."""
        self.page.goto(path if "://" in path else f"{self.product.url}{path}")

    def heading(self, text: str | re.Pattern[str]) -> None:
        expect(self.page.get_by_role("heading", level=1, name=text)).to_be_visible()

    def press(self, name: str, *, within: Locator | None = None, exact: bool = True, first: bool = False) -> None:
        found = (within or self.page).get_by_role("button", name=name, exact=exact)
        (found.first if first else found).click()

    def follow(self, name: str, *, within: Locator | None = None, exact: bool = True) -> None:
        (within or self.page).get_by_role("link", name=name, exact=exact).first.click()

    def toast(self, text: str | re.Pattern[str]) -> None:
        expect(self.page.locator(".toast-note").filter(has_text=text).first).to_be_visible()

    def look(self, name: str) -> None:
        """A station of the tour: the screen keeps the rules at its own width and on a phone, in light and in dark."""
        own = self.page.viewport_size
        for width in dict.fromkeys((self.width, PHONE)):
            self.page.set_viewport_size({"width": width, "height": 800})
            for theme in ("light", "dark"):
                self.page.evaluate("theme => { document.documentElement.dataset.bsTheme = theme }", theme)
                self._finish_moving()
                wrong = self.page.evaluate(RULES)
                self.complaints += [f"{name}, {width} px, {theme}: {each}" for each in wrong]
                self.picture(f"{name}-{width}-{theme}")
            self.page.evaluate("document.documentElement.dataset.bsTheme = 'light'")
        if own:
            self.page.set_viewport_size(own)

    def _finish_moving(self) -> None:
        """Colours fade into each other; what is measured is how they end."""
        self.page.evaluate("document.getAnimations().filter((each) => each instanceof CSSTransition).forEach((each) => each.finish())")

    def picture(self, name: str) -> None:
        if PICTURES:
            self.page.screenshot(path=str(Path(PICTURES) / f"{name}.png"), full_page=True)

    def hear(self, line: ConsoleMessage) -> None:
        """Only what our own pages say: the sandbox vendor has no icon, for example."""
        if not line.location["url"].startswith(self.product.url):
            return
        if line.type in ("error", "warning") and not any(each in line.text for each in self.known):
            self.complaints.append(f"{self.page.url}: {line.text}")

    @contextmanager
    def expecting(self, text: str) -> Iterator[None]:
        """Chromium notes every answer of 400 and above; some are meant."""
        self.known.append(text)
        yield
        self.known.remove(text)


@contextmanager
def patience() -> Iterator[None]:
    expect.set_options(timeout=PATIENCE_MS)
    try:
        yield
    finally:
        expect.set_options(timeout=5_000)


@contextmanager
def visiting(product: Product, *, width: int = DESK) -> Iterator[Visitor]:
    """A fresh browser. What it complained about fails the test at the end, all of it at once."""
    with sync_playwright() as playwright, patience():
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_context(viewport={"width": width, "height": 800}, color_scheme="light").new_page()
        visitor = Visitor(page, product, width)
        page.on("console", visitor.hear)
        page.on("pageerror", lambda error: visitor.complaints.append(f"{page.url}: {error}"))
        page.set_default_timeout(PATIENCE_MS)
        arrived = False
        try:
            yield visitor
            arrived = True
        finally:
            if not arrived:
                visitor.picture("stuck")
            browser.close()
    assert not visitor.complaints, "\n".join(visitor.complaints)
