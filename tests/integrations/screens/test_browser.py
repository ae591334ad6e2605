"""The new screens in a real browser: nothing over the edge, nothing refused, by mouse and by keyboard."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from contacts.models import Contact
from integrations.models import Link, Outbox
from tests.browser import in_browser, is_too_wide, loaded
from tests.integrations.screens.test_matching import BAKERY
from tests.integrations.screens.world import World
from tests.integrations.test_views_browser import log_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
# Where to leave pictures for a person to look at, if anywhere.
PICTURES = os.environ.get("PICTURES", "")
LOOKS = [(1280, "light"), (360, "dark")] + ([(1280, "dark"), (360, "light")] if PICTURES else [])


def look(page: Page, name: str, *, width: int, scheme: str, whole: bool = True) -> None:
    assert not is_too_wide(page), name
    if PICTURES:
        page.wait_for_timeout(250)
        page.screenshot(path=str(Path(PICTURES) / f"{name}-{width}-{scheme}.png"), full_page=whole)


def matchable(desk: World) -> None:
    for name in (BAKERY, "Farmácia Vida Nova", "Metalurgica Vale Itajai", "Cafe da Serra Azul", "Escola Principe", "Dourado Holding"):
        desk.add(name, addresses=[{"label": "", "city": "Blumenau", "country": "BR"}])
    desk.add("Café Serra Azul")
    desk.add("Café Serra Azul")


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_matching(live_server: Any, desk: World, width: int, scheme: str) -> None:
    matchable(desk)
    desk.connect(match_first=True)
    root = f"{live_server.url}{desk.address()}"

    def steps(page: Page) -> None:
        log_in(page, live_server.url)
        page.goto(root)
        expect(page.get_by_role("heading", name="Match first, then sync")).to_be_visible()
        look(page, "offer", width=width, scheme=scheme)
        page.get_by_role("link", name="Match now").click()
        expect(page.get_by_role("heading", name="Match organisations of Movidesk")).to_be_visible()
        look(page, "matches", width=width, scheme=scheme)
        rows = page.locator("[data-match]")
        before = rows.count()
        page.locator("#main").focus()
        page.keyboard.press("j")
        expect(rows.first).to_be_focused()
        page.keyboard.press("Enter")
        expect(rows).to_have_count(before - 1)
        expect(page.get_by_text("is linked with")).to_be_visible()
        expect(rows.first).to_be_focused()
        look(page, "matches-saved", width=width, scheme=scheme)
        page.get_by_role("button", name="Undo").click()
        expect(rows).to_have_count(before)
        loaded(page).keyboard.press("/")
        expect(page.locator("#match-q")).to_be_focused()
        page.keyboard.type("escola")
        # The answer to the whole word: one to its beginning would be replaced under our hands.
        expect(page).to_have_url(re.compile("q=escola$"))
        expect(rows).to_have_count(1)
        rows.first.get_by_role("button", name="Another").click()
        page.locator("[data-match-find]").fill("dourado")
        page.get_by_role("button", name="Dourado Holding").click()
        expect(page.get_by_text("Your choice")).to_be_visible()
        look(page, "matches-chosen", width=width, scheme=scheme)
        rows.first.get_by_role("button", name="Save").click()
        expect(page.get_by_text("No open record fits").or_(page.get_by_text("Nothing is left"))).to_be_visible()
        page.goto(f"{root}matches/")
        page.get_by_role("button", name="Save all exact matches").click()
        look(page, "matches-confirm", width=width, scheme=scheme, whole=False)
        page.get_by_role("button", name="Save them").click()
        expect(page.get_by_text("exact matches are linked")).to_be_visible()
        look(page, "matches-after", width=width, scheme=scheme)

    in_browser(steps, width=width, scheme=scheme)


TYPE_AT_ONCE = """() => new MutationObserver((_, watch) => {
  const field = document.querySelector("[data-match-find]");
  if (!field) return;
  watch.disconnect();
  field.value = "dourado";
  field.dispatchEvent(new Event("input", { bubbles: true }));
}).observe(document.body, { childList: true, subtree: true })"""


def test_what_is_typed_at_once_is_searched(live_server: Any, desk: World) -> None:
    """A field listens from the moment it is there: nobody's first letters are lost, however slow the machine."""
    matchable(desk)
    desk.connect(match_first=True)

    def steps(page: Page) -> None:
        log_in(page, live_server.url)
        page.goto(f"{live_server.url}{desk.address('matches/')}?q=escola")
        page.evaluate(TYPE_AT_ONCE)
        page.get_by_role("button", name="Another").click()
        expect(page.get_by_role("button", name="Dourado Holding")).to_be_visible()

    in_browser(steps, width=1280)


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_matching_when_there_is_nothing(live_server: Any, desk: World, width: int, scheme: str) -> None:
    desk.connect_quietly()

    def steps(page: Page) -> None:
        log_in(page, live_server.url)
        page.goto(f"{live_server.url}{desk.address('matches/')}")
        expect(page.get_by_text("have not been read yet")).to_be_visible()
        look(page, "matches-empty", width=width, scheme=scheme)
        page.get_by_role("button", name="Read and compare").click()
        expect(page.get_by_text("You can leave this page")).to_be_visible()
        look(page, "matches-reading", width=width, scheme=scheme)

    in_browser(steps, width=width, scheme=scheme)


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_compare_and_status(live_server: Any, books: World, width: int, scheme: str) -> None:
    books.connect()
    with books.open():
        link = Link.objects.select_related("contact").get(remote_kind="customer", remote_id="1")
        contact = link.contact
        assert contact is not None
    books.edit(contact, website="www.here.example", name="Here ApS", tax_id="")
    with books.open():
        Outbox.objects.all().delete()
    new = books.add("Ny Kunde ApS")
    people = f"{live_server.url}/w/{books.workspace.slug}/contacts/"

    def steps(page: Page) -> None:
        log_in(page, live_server.url)
        page.goto(f"{people}{new.pk}/")
        expect(page.get_by_text("Not in e-conomic")).to_be_visible()
        look(page, "status-not-there", width=width, scheme=scheme)
        page.goto(f"{people}{contact.pk}/")
        expect(page.get_by_text("Different: 3 fields")).to_be_visible()
        page.get_by_role("button", name="Totals from e-conomic").click()
        expect(page.get_by_text("As the books of e-conomic say")).to_be_visible()
        look(page, "status-different", width=width, scheme=scheme)
        page.get_by_role("button", name="Compare", exact=True).click()
        expect(page.get_by_text("3 fields differ")).to_be_visible()
        look(page, "compare-dialog", width=width, scheme=scheme, whole=False)
        page.get_by_role("button", name="All from e-conomic").click()
        page.get_by_role("group", name="Website").get_by_label("Here").check()
        look(page, "compare-chosen", width=width, scheme=scheme, whole=False)
        page.get_by_role("button", name="Save on both sides").click()
        expect(page.get_by_text("3 fields saved, here and in e-conomic.")).to_be_visible()
        expect(page.get_by_text("The same on both sides")).to_be_visible()
        look(page, "status-same", width=width, scheme=scheme)
        page.goto(f"{people}{contact.pk}/integrations/{books.connection.pk}/compare/")
        look(page, "compare-same", width=width, scheme=scheme)

    in_browser(steps, width=width, scheme=scheme)
    after = next(row for row in books.sandbox.state()["customers"] if row["customerNumber"] == 1)
    assert after["website"] == "www.here.example"
    with books.open():
        assert Contact.objects.get(pk=contact.pk).name == after["name"]


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_tickets_and_transfer(live_server: Any, desk: World, width: int, scheme: str) -> None:
    desk.connect()
    with desk.open():
        contact = Link.objects.get(remote_kind="company", remote_name=BAKERY).contact
        assert contact is not None
    address = f"{live_server.url}/w/{desk.workspace.slug}/contacts/{contact.pk}/"

    def steps(page: Page) -> None:
        log_in(page, live_server.url)
        page.goto(address)
        expect(page.get_by_role("button", name="Refresh")).to_be_visible()
        look(page, "tickets", width=width, scheme=scheme)
        page.goto(f"{address}integrations/{desk.connection.pk}/tickets/")
        expect(page.get_by_role("heading", name=f"Tickets of {BAKERY}")).to_be_visible()
        expect(page.get_by_role("button", name="Refresh")).to_be_visible()
        look(page, "tickets-page", width=width, scheme=scheme)
        page.goto(f"{live_server.url}{desk.address()}")
        page.get_by_role("button", name="Transfer all organisations").click()
        expect(page.get_by_text("Everything is being read")).to_be_visible()

    in_browser(steps, width=width, scheme=scheme)
    desk.settle()

    def decide(page: Page) -> None:
        log_in(page, live_server.url)
        page.goto(f"{live_server.url}{desk.address()}")
        expect(page.get_by_role("button", name="Go on and write")).to_be_visible()
        look(page, "transfer", width=width, scheme=scheme)

    in_browser(decide, width=width, scheme=scheme)
