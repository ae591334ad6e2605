"""The frame in a real browser: nothing is refused by the content security policy, nothing runs over the edge, the keyboard works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.fixtures import Cast

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Visit = Callable[..., object]


@pytest.fixture
def visit() -> Iterator[Visit]:
    """Run a function with a page in a thread of its own: Playwright's loop and Django's ORM do not share one."""

    def run(steps: Callable[[Page], object], *, width: int = 1280, scheme: str = "light") -> object:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
            complaints: list[str] = []
            page.on("console", lambda line: complaints.append(line.text) if line.type in ("error", "warning") else None)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.set_default_timeout(10_000)
            result = steps(page)
            browser.close()
        assert complaints == []
        return result

    with ThreadPoolExecutor(max_workers=1) as pool:
        yield lambda *args, **kwargs: pool.submit(run, *args, **kwargs).result(timeout=60)


def _log_in(page: Page, address: str) -> None:
    page.goto(f"{address}/accounts/login/?next=/accounts/password/change/")
    page.get_by_label("E-mail").fill("alice@example.com")
    page.get_by_label("Password", exact=True).fill("correct horse battery")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Change your password").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_pages_fit_and_nothing_is_refused(visit: Visit, live_server: object, cast: Cast, width: int, scheme: str) -> None:
    def steps(page: Page) -> list[int]:
        _log_in(page, live_server.url)  # type: ignore[attr-defined]
        widths = []
        for path in ("accounts/password/change/", "accounts/email/", "accounts/2fa/", "accounts/sessions/", "accounts/logout/"):
            page.goto(f"{live_server.url}/{path}")  # type: ignore[attr-defined]
            widths.append(page.evaluate("document.documentElement.scrollWidth"))
        assert page.evaluate("document.documentElement.dataset.bsTheme") == scheme
        return widths

    assert set(visit(steps, width=width, scheme=scheme)) == {width}  # type: ignore[call-overload]


def test_the_keyboard_and_the_theme(visit: Visit, live_server: object, cast: Cast) -> None:
    cast.alice.last_workspace_id = cast.workspace.pk
    cast.alice.save()

    def steps(page: Page) -> None:
        _log_in(page, live_server.url)  # type: ignore[attr-defined]
        page.keyboard.press("?")
        page.get_by_role("dialog", name="Keyboard shortcuts").wait_for()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Your account").click()
        page.get_by_role("button", name="Dark").click()
        page.reload()
        assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"

    visit(steps)


def test_a_dangerous_button_says_what_happens_first(visit: Visit, live_server: object, cast: Cast) -> None:
    cast.alice.emailaddress_set.create(email="alice@example.com", verified=True, primary=True)
    cast.alice.emailaddress_set.create(email="old@example.com", verified=True)

    def steps(page: Page) -> None:
        _log_in(page, live_server.url)  # type: ignore[attr-defined]
        page.goto(f"{live_server.url}/accounts/email/")  # type: ignore[attr-defined]
        page.get_by_role("button", name="Remove").click()
        dialog = page.get_by_role("dialog", name="Remove old@example.com?")
        assert "no longer log in" in dialog.inner_text()
        dialog.get_by_role("button", name="Cancel").click()
        assert page.get_by_text("old@example.com", exact=True).is_visible()
        page.get_by_role("button", name="Remove").click()
        dialog.get_by_role("button", name="Remove").click()
        page.get_by_label("Password", exact=True).fill("correct horse battery")
        page.get_by_role("button", name="Go on").click()
        page.get_by_text("old@example.com is removed.").wait_for()

    visit(steps)
    assert [address.email for address in cast.alice.emailaddress_set.all()] == ["alice@example.com"]
