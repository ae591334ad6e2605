"""The last stations: preview, undo, off and on again, and the main steps once more on a phone."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.e2e.arriving import EQUAL, HOME, PASSWORD
from tests.e2e.steps import reload_until
from tests.e2e.syncing import open_connection, open_contact, open_in_the_books, panel, sync_now
from tests.e2e.visitor import Visitor

PREVIEWED, NEW_MAIL = "Café Zoë", "zoe@cafezoe.example"


def preview(visitor: Visitor) -> None:
    """It tells what would happen, and nothing has happened."""
    page = visitor.page
    open_in_the_books(visitor, PREVIEWED)
    page.get_by_label("E-mail").fill(NEW_MAIL)
    visitor.send("Save")
    open_connection(visitor)
    visitor.press("Preview")
    visitor.toast("The preview has started. Nothing is written.")
    page.locator("a[href*='/runs/']", has_text="Preview").first.click()
    plan = page.locator("#plan")
    reload_until(visitor, plan)
    expect(plan).to_contain_text("Nothing has been written yet.")
    expect(plan).to_contain_text(PREVIEWED)
    expect(plan).to_contain_text(NEW_MAIL)
    visitor.look("34-preview")
    open_contact(visitor, PREVIEWED)
    expect(page.get_by_role("region", name="Details")).not_to_contain_text(NEW_MAIL)


def undo(visitor: Visitor) -> None:
    """What the run wrote here is taken back; the books stay, and the next sync leaves it so."""
    page = visitor.page
    sync_now(visitor)
    open_contact(visitor, PREVIEWED)
    details = page.get_by_role("region", name="Details")
    expect(details).to_contain_text(NEW_MAIL)
    visitor.follow("run ", within=page.locator("#timeline-items"), exact=False)
    visitor.follow("Undo this run")
    expect(page.get_by_text("1 contact gets its values of before back.")).to_be_visible()
    visitor.look("35-undo")
    visitor.press("Undo this run")
    visitor.toast("The run is undone.")
    visitor.look("36-undone")
    sync_now(visitor)
    open_contact(visitor, PREVIEWED)
    expect(details).not_to_contain_text(NEW_MAIL)


def disable(visitor: Visitor) -> None:
    """With a confirmation; then nothing of Crunch is anywhere, and the contacts are all there."""
    page = visitor.page
    visitor.go(f"{HOME}/contacts/")
    count = page.locator(".page-count").inner_text()
    open_connection(visitor)
    visitor.press("More", within=page.locator(".page-top"))
    visitor.follow("Disable integration")
    expect(page.get_by_role("heading", name="Disable Crunch?")).to_be_visible()
    visitor.look("37-disable")
    visitor.press("Disable integration")
    visitor.toast("Crunch is off. Your contacts are all still here.")
    visitor.look("38-off")
    visitor.go(f"{HOME}/contacts/")
    expect(page.locator(".page-count")).to_have_text(count)
    expect(page.locator("main")).not_to_contain_text("Crunch")
    open_contact(visitor, EQUAL)
    expect(panel(visitor)).to_have_count(0)
    expect(page.locator("main")).not_to_contain_text("INV-")
    visitor.look("39-contact-without")
    visitor.follow("run ", within=page.locator("#timeline-items"), exact=False)
    visitor.toast("belongs to a connection that is off")
    visitor.go(f"{HOME}/invoices/")
    expect(page.get_by_text("No invoices yet")).to_be_visible()
    visitor.look("40-no-invoices")
    expect(page.locator(".rail")).not_to_contain_text("Crunch")


def enable_again(visitor: Visitor) -> None:
    """The same company: the links are found again."""
    page = visitor.page
    visitor.go(f"{HOME}/settings/integrations/")
    visitor.follow("Set up Crunch")
    expect(page.get_by_text("Crunch was connected before.")).to_be_visible()
    visitor.press("Enable integration")
    visitor.connection = page.url
    visitor.press("Connect to Crunch")
    visitor.press("Allow")
    visitor.toast("Connected to Crunch.")
    expect(page.get_by_role("region", name="The running sync")).to_have_count(0)
    expect(page.get_by_role("button", name="Sync now")).to_be_enabled()
    expect(page.locator(".tile").filter(has_text="In sync")).to_contain_text("241")
    visitor.look("41-on-again")
    open_contact(visitor, EQUAL)
    expect(panel(visitor)).to_contain_text("In sync")
    expect(panel(visitor).locator("tbody tr").first).to_contain_text("INV-")


def on_a_phone(visitor: Visitor) -> None:
    """Log in, list, contact, connection: with a thumb, nothing over the edge."""
    page = visitor.page
    visitor.go("/accounts/login/")
    page.get_by_label("E-mail").fill("dora@hartwell.example")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    visitor.press("Log in")
    visitor.heading("Welcome, Dora Ek")
    visitor.look("42-phone-home")
    bar = page.locator(".bottom-bar")
    visitor.follow("People", within=bar, exact=False)
    visitor.heading(re.compile("People & organisations"))
    page.get_by_label("Search in this list").fill("bluebell")
    expect(page.locator("tbody tr")).to_have_count(1)
    visitor.look("43-phone-list")
    visitor.follow(EQUAL)
    visitor.heading(re.compile(EQUAL))
    visitor.look("44-phone-contact")
    visitor.follow("Invoices", within=bar, exact=False)
    visitor.heading("Invoices")
    visitor.follow("Connections", within=bar, exact=False)
    visitor.follow("Open Crunch")
    visitor.heading("Crunch")
    visitor.look("45-phone-connection")
