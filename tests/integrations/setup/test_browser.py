"""Both set-ups in a real browser, against the vendors' pages: wide and narrow, light and dark, with the content policy on."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings

from tests.browser import in_browser, is_too_wide
from tests.fixtures import Cast
from tests.integrations.setup.place import Place

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
HARMLESS = ("422", "favicon", "404")  # refused forms, and the sandbox's missing icon
LOOKS = pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])


def log_in(page: Page, address: str) -> None:
    page.goto(f"{address}/accounts/login/?next=/w/hartwell/settings/integrations/")
    page.get_by_label("E-mail").fill("alice@example.com")
    page.get_by_label("Password", exact=True).fill("correct horse battery")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Integrations").wait_for()


@LOOKS
def test_a_helpdesk_is_set_up_on_one_page(live_server: Any, cast: Cast, desk: Place, width: int, scheme: str) -> None:
    def steps(page: Page) -> None:
        log_in(page, live_server.url)
        assert not is_too_wide(page)
        page.get_by_role("link", name="Set up Movidesk").click()
        token = page.get_by_label("Token", exact=True)
        token.fill("wrong-token")
        page.get_by_label("Name of the integration").fill("Support desk")
        page.get_by_label("From Movidesk to here").uncheck()
        expect(page.get_by_text("Keep in sync and create those missing")).to_be_hidden()
        page.get_by_label("From here to Movidesk").uncheck()
        expect(page.get_by_label("Address of a person's tickets")).to_be_hidden()
        page.get_by_role("button", name="Connect", exact=True).click()
        expect(page.get_by_text("Mark at least one direction.")).to_have_count(2)
        assert not is_too_wide(page)
        page.get_by_label("From here to Movidesk").check()
        token.fill("wrong-token")
        page.get_by_role("button", name="Connect", exact=True).click()
        expect(page.get_by_text("Movidesk does not accept this key")).to_be_visible()
        token.fill("sandbox-movidesk")
        page.get_by_role("button", name="Connect", exact=True).click()
        expect(page.get_by_role("heading", name="Support desk")).to_be_visible()

    in_browser(steps, width=width, scheme=scheme, harmless=HARMLESS)
    found = desk.connection()
    assert (found.status, found.title, found.settings["pull"], found.settings["push"]) == ("ACTIVE", "Support desk", False, True)


@LOOKS
def test_books_are_connected_through_the_vendors_page(
    live_server: Any, cast: Cast, books: Place, settings: Settings, width: int, scheme: str
) -> None:
    settings.PUBLIC_URL = live_server.url

    def steps(page: Page) -> None:
        log_in(page, live_server.url)
        page.get_by_role("link", name="Set up e-conomic").click()
        page.get_by_role("button", name="Enable integration").click()
        page.get_by_role("button", name="Connect to e-conomic").click()
        page.get_by_role("button", name="Grant access").click()
        expect(page.get_by_text("Nordlys Handel ApS")).to_be_visible()
        assert "token" not in page.url
        assert not is_too_wide(page)
        page.get_by_role("button", name="Yes, connect this account").click()
        expect(page.get_by_label("Currency")).to_have_value("DKK")
        expect(page.get_by_role("button", name="Copy").first).to_be_visible()
        assert not is_too_wide(page)
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Saved. The next sync follows the new settings.")).to_be_visible()

    in_browser(steps, width=width, scheme=scheme, harmless=HARMLESS)
    found = books.connection()
    assert (found.status, found.account_name, found.settings["currency"]) == ("ACTIVE", "Nordlys Handel ApS", "DKK")
