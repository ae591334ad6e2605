"""The frame in a real browser: nothing is refused by the content security policy, nothing runs over the edge, the keyboard works."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.browser import Held, in_browser, is_too_wide, loaded
from tests.fixtures import Cast

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def log_in(page: Page, address: str) -> None:
    page.goto(f"{address}/accounts/login/?next=/accounts/password/change/")
    page.get_by_label("E-mail").fill("alice@example.com")
    page.get_by_label("Password", exact=True).fill("correct horse battery")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Change your password").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_pages_fit_and_nothing_is_refused(live_server: LiveServer, cast: Cast, width: int, scheme: str) -> None:
    def steps(page: Page) -> None:
        log_in(page, live_server.url)
        for path in ("accounts/password/change/", "accounts/email/", "accounts/2fa/", "accounts/sessions/", "accounts/logout/"):
            page.goto(f"{live_server.url}/{path}")
            assert not is_too_wide(page), path
        assert page.evaluate("document.documentElement.dataset.bsTheme") == scheme

    in_browser(steps, width=width, scheme=scheme)


def test_the_keyboard_and_the_theme(live_server: LiveServer, cast: Cast) -> None:
    cast.alice.last_workspace_id = cast.workspace.pk
    cast.alice.save()

    def steps(page: Page) -> None:
        log_in(page, live_server.url)
        page.keyboard.press("?")
        page.get_by_role("dialog", name="Keyboard shortcuts").wait_for()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        page.get_by_role("button", name="Your account").click()
        page.get_by_role("button", name="Dark").click()
        page.reload()
        assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()

    in_browser(steps)


def test_a_dangerous_button_says_what_happens_first(live_server: LiveServer, cast: Cast) -> None:
    cast.alice.emailaddress_set.create(email="alice@example.com", verified=True, primary=True)
    cast.alice.emailaddress_set.create(email="old@example.com", verified=True)

    def steps(page: Page) -> None:
        log_in(page, live_server.url)
        page.goto(f"{live_server.url}/accounts/email/")
        page.get_by_role("button", name="Remove").click()
        dialog = page.get_by_role("dialog", name="Remove old@example.com?")
        expect(dialog).to_contain_text("no longer log in")
        dialog.get_by_role("button", name="Cancel").click()
        expect(page.get_by_text("old@example.com", exact=True)).to_be_visible()
        page.get_by_role("button", name="Remove").click()
        dialog.get_by_role("button", name="Remove").click()
        page.get_by_label("Password", exact=True).fill("correct horse battery")
        page.get_by_role("button", name="Go on").click()
        page.get_by_text("old@example.com is removed.").wait_for()

    in_browser(steps)
    assert [address.email for address in cast.alice.emailaddress_set.all()] == ["alice@example.com"]


def test_what_is_pressed_before_the_page_listens_is_done_once_it_does(live_server: LiveServer, cast: Cast) -> None:
    """On a slow line a page stands there before its scripts do. Above all, nothing may be sent unasked."""
    cast.alice.last_workspace_id = cast.workspace.pk
    cast.alice.save()
    cast.alice.emailaddress_set.create(email="alice@example.com", verified=True, primary=True)
    cast.alice.emailaddress_set.create(email="old@example.com", verified=True)

    def steps(page: Page) -> None:
        log_in(loaded(page), live_server.url)
        script = Held(page, "**/js/app.js")
        page.goto(f"{live_server.url}/accounts/email/", wait_until="commit")
        page.get_by_role("button", name="Remove").click()
        expect(page.get_by_role("dialog")).to_have_count(0)
        script.let_go()
        expect(page.get_by_role("dialog", name="Remove old@example.com?")).to_be_visible()
        page.goto(f"{live_server.url}/accounts/email/", wait_until="commit")
        expect(page.get_by_role("button", name="Remove")).to_be_visible()
        page.keyboard.press("?")
        script.let_go()
        expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()

    in_browser(steps)
    assert cast.alice.emailaddress_set.count() == 2
