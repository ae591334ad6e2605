"""The first stations: a workspace, a few contacts, the connection to Crunch, the first sync."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser import loaded
from tests.e2e.visitor import Visitor

HOME = "/w/hartwell-co"
PASSWORD = "correct horse battery"
# As in the sandbox's books; see SHOWCASE there.
EQUAL, TWICE, NEAR, BOOKS_NEAR = "Bluebell Joinery", "Saltmarsh Books", "Northgate Dental Practise", "Northgate Dental Practice"
FIRM, PERSON, LACKING = "Tidewater Surveys", "Joanna Dale", "Kestrel Ceramics"


def sign_up(visitor: Visitor) -> None:
    page = visitor.page
    visitor.go("/accounts/signup/")
    visitor.look("01-sign-up")
    page.get_by_label("Your name").fill("Dora Ek")
    page.get_by_label("Workspace name").fill("Hartwell & Co")
    page.get_by_label("E-mail").fill("dora@hartwell.example")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    visitor.press("Create the workspace")
    visitor.heading("Welcome, Dora Ek")
    visitor.look("02-home-new")


def add_contacts(visitor: Visitor) -> None:
    visitor.go(f"{HOME}/contacts/")
    visitor.heading(re.compile("People & organisations"))
    visitor.look("03-list-empty")
    for name in (EQUAL, TWICE, TWICE, NEAR):
        add_organisation(visitor, name)
    add_organisation(visitor, FIRM, email="office@tidewater.example", lines=("Quay House", "3 Harbour Road"))
    add_organisation(visitor, LACKING, email="studio@kestrel.example", lines=("The Old Kiln",))
    add_person(visitor)
    visitor.go(f"{HOME}/contacts/")
    expect(visitor.page.locator("tbody tr")).to_have_count(7)
    visitor.look("04-list")


def add_organisation(visitor: Visitor, name: str, *, email: str = "", lines: tuple[str, ...] = ()) -> None:
    """As far as the form goes; an address is given with its country."""
    page = visitor.page
    visitor.go(f"{HOME}/contacts/new/?kind=organisation")
    page.get_by_label("Name", exact=True).fill(name)
    if email:
        page.get_by_role("textbox", name="E-mail", exact=True).first.fill(email)
    for number, line in enumerate(lines, start=1):
        page.get_by_label(f"Address line {number}").first.fill(line)
    if lines:
        page.get_by_label("Country").first.select_option("GB")
    if name == FIRM:
        visitor.look("05-form")
    visitor.send("Save")
    if loaded(page).get_by_text("Add it anyway").count():
        visitor.press("Add it anyway")
    visitor.heading(re.compile(re.escape(name)))


def add_person(visitor: Visitor) -> None:
    page = visitor.page
    visitor.go(f"{HOME}/contacts/new/?kind=person")
    page.get_by_label("First name").fill("Joanna")
    page.get_by_label("Last name").fill("Dale")
    page.get_by_role("combobox", name="Organisation").press_sequentially("tide", delay=30)
    page.get_by_role("option", name=FIRM).click()
    visitor.press("Save")
    visitor.heading(re.compile(PERSON))


def set_up(visitor: Visitor) -> None:
    visitor.go(f"{HOME}/settings/integrations/")
    visitor.look("06-gallery")
    visitor.follow("Set up Crunch")
    visitor.heading("Set up Crunch")
    visitor.look("07-set-up")
    visitor.press("Enable integration")
    expect(visitor.page.get_by_text("One step left: connect to Crunch")).to_be_visible()
    visitor.connection = visitor.page.url
    visitor.look("08-connect")


def refuse_then_allow(visitor: Visitor) -> None:
    page = visitor.page
    visitor.press("Connect to Crunch")
    expect(page.get_by_text("It will be able to")).to_be_visible()
    with visitor.expecting("status of 400"):
        visitor.press("Refuse")
        visitor.heading("Not connected to Crunch")
    expect(page.get_by_text("Nothing was stored.")).to_be_visible()
    visitor.look("09-refused")
    with visitor.expecting("status of 400"):
        page.reload()
        expect(page.get_by_text("This answer was used before.")).to_be_visible()
    visitor.follow("Back, and try again")
    visitor.product.hold_vendor()
    visitor.press("Connect to Crunch")
    visitor.press("Allow")
    visitor.toast("Connected to Crunch. The first sync has started.")


def watch_the_first_sync(visitor: Visitor) -> None:
    page = visitor.page
    running = page.get_by_role("region", name="The running sync")
    expect(running).to_contain_text(re.compile(r"page \d+ of \d+"))
    expect(page.get_by_role("button", name="Sync now")).to_be_disabled()
    before = running.inner_text()
    visitor.product.hold_vendor()
    expect(running).not_to_have_text(before, use_inner_text=True)
    page.reload()
    expect(running).to_be_visible()
    visitor.look("10-first-sync")
    visitor.product.let_vendor_go()
    expect(running).to_have_count(0)
    expect(page.get_by_role("button", name="Sync now")).to_be_enabled()
    visitor.look("11-connected")
