"""A person with a browser: walks, looks, and notices what a screen does wrong."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import ConsoleMessage, Error, Locator, Page, expect, sync_playwright

from tests.browser import PATIENCE_MS, complains, launched, loaded, patience, slow_down
from tests.e2e.product import Product

# Where to leave pictures of every station for a person to look at, if anywhere.
PICTURES = os.environ.get("PICTURES", "")
RULES = (Path(__file__).parent / "screen_rules.js").read_text(encoding="utf-8")
# Colours fade into each other; what is judged is how they end. Nothing is judged before the page is all there.
JUDGE = f"""(theme) => {{
  if (document.readyState !== "complete") return null;
  document.documentElement.dataset.bsTheme = theme;
  document.getAnimations().filter((each) => each instanceof CSSTransition).forEach((each) => each.finish());
  const rules =
{RULES};
  return rules();
}}"""
# Notices go by themselves, and with their page: they are written down as they come.
NOTICE = """
const told = new WeakMap();
new MutationObserver(() => document.querySelectorAll(".toast-note").forEach((note) => {
  const text = note.innerText;
  if (told.get(note) !== text && note.checkVisibility()) window.noticed(text);
  told.set(note, text);
})).observe(document, { childList: true, subtree: true });
"""
DESK, PHONE = 1280, 360


@dataclass
class Visitor:
    page: Page
    product: Product
    width: int
    complaints: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    home: str = ""  # the path of the workspace
    connection: str = ""  # the address of the connection's page

    def go(self, path: str) -> None:
        """To a path of the workspace, or to a whole address."""
        self.notices.clear()
        self.page.goto(path if "://" in path else f"{self.product.url}{path}")

    def heading(self, text: str | re.Pattern[str]) -> None:
        expect(self.page.get_by_role("heading", level=1, name=text)).to_be_visible()

    def press(self, name: str, *, within: Locator | None = None, exact: bool = True, first: bool = False) -> None:
        self.notices.clear()
        found = (within or self.page).get_by_role("button", name=name, exact=exact)
        (found.first if first else found).click()

    def send(self, name: str, *, within: Locator | None = None, exact: bool = True, first: bool = False) -> None:
        """Press what sends a form, and stay until the answer is there: whoever walks on at once may take the form back."""
        with self.page.expect_navigation():
            self.press(name, within=within, exact=exact, first=first)

    def follow(self, name: str, *, within: Locator | None = None, exact: bool = True) -> None:
        self.notices.clear()
        (within or self.page).get_by_role("link", name=name, exact=exact).first.click()

    def toast(self, text: str | re.Pattern[str]) -> None:
        words = text if isinstance(text, re.Pattern) else re.compile(re.escape(text))
        until = time.monotonic() + PATIENCE_MS / 1000
        while not any(words.search(each) for each in self.notices):
            assert time.monotonic() < until, f"{text!r} was never said, but {self.notices}"
            self.page.wait_for_timeout(50)

    def notice(self, text: str) -> None:
        self.notices.append(text)

    def look(self, name: str) -> None:
        """A station of the tour: the screen keeps the rules at its own width and on a phone, in light and in dark."""
        own = self.page.viewport_size
        for width in dict.fromkeys((self.width, PHONE)):
            self.page.set_viewport_size({"width": width, "height": 800})
            for theme in ("dark", "light"):
                self.complaints += [f"{name}, {width} px, {theme}: {each}" for each in self._judge(theme)]
                self.picture(f"{name}-{width}-{theme}")
        if own:
            self.page.set_viewport_size(own)

    def _judge(self, theme: str) -> list[str]:
        """In one go. A page that is just loading itself anew is judged when it has."""
        until = time.monotonic() + PATIENCE_MS / 1000
        while time.monotonic() < until:
            try:
                wrong = loaded(self.page).evaluate(JUDGE, theme)
            except Error as error:
                if "context was destroyed" not in str(error):
                    raise
                continue
            if wrong is not None:
                return list(wrong)
        raise AssertionError(f"{self.page.url} is never loaded")

    def picture(self, name: str) -> None:
        if PICTURES:
            self.page.screenshot(path=str(Path(PICTURES) / f"{name}.png"), full_page=True)

    def hear(self, line: ConsoleMessage) -> None:
        """Only what our own pages say: the sandbox vendor has no icon, for example."""
        if not line.location["url"].startswith(self.product.url):
            return
        if complains(line, self.known):
            self.complaints.append(f"{self.page.url}: {line.text}")

    @contextmanager
    def expecting(self, text: str) -> Iterator[None]:
        """Chromium notes every answer of 400 and above; some are meant."""
        self.known.append(text)
        yield
        self.known.remove(text)


@contextmanager
def visiting(product: Product, *, width: int = DESK) -> Iterator[Visitor]:
    """A fresh browser. What it complained about fails the test at the end, all of it at once."""
    with sync_playwright() as playwright, patience():
        browser = launched(playwright)
        page = browser.new_context(viewport={"width": width, "height": 800}, color_scheme="light").new_page()
        visitor = Visitor(page, product, width)
        slow_down(page)
        page.expose_function("noticed", visitor.notice)
        page.add_init_script(NOTICE)
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
