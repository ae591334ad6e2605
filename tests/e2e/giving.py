"""Export, merge and the two ways in which a record is deleted."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect

from tests.e2e.arriving import BOOKS_NEAR, FIRM, HOME, LACKING, PERSON
from tests.e2e.steps import reload_until
from tests.e2e.syncing import open_connection, open_contact, open_in_the_books, pair, panel, sync_now
from tests.e2e.visitor import Visitor

DELETED_HERE, DELETED_THERE = "Pennine Web Studio Ltd", "Thistle & Thorn Florists"


def export_dialog(visitor: Visitor) -> Locator:
    visitor.press("Export to Crunch")
    dialog = visitor.page.get_by_role("dialog", name="Export to Crunch")
    expect(dialog).to_contain_text("Exactly this will be sent to Crunch")
    return dialog


def export_what_lacks_a_line(visitor: Visitor) -> None:
    """The dialog says what is sent and what is missing; once that is filled in, it goes."""
    page = visitor.page
    open_contact(visitor, LACKING)
    dialog = export_dialog(visitor)
    for text in (LACKING, "studio@kestrel.example", "The Old Kiln", "Crunch needs more"):
        expect(dialog).to_contain_text(text)
    expect(dialog.get_by_role("listitem")).to_contain_text("Address line 2")
    expect(dialog.get_by_role("button", name="Export", exact=True)).to_be_disabled()
    visitor.look("24-export-lacking")
    visitor.follow(f"Edit {LACKING}", within=dialog)
    page.get_by_label("Address line 2").first.fill("Kiln Lane")
    visitor.press("Save")
    visitor.heading(re.compile(LACKING))
    dialog = export_dialog(visitor)
    expect(dialog).to_contain_text("Kiln Lane")
    visitor.look("25-export-ready")
    visitor.press("Export", within=dialog)
    visitor.toast(f"{LACKING} is on its way to Crunch.")
    wait_for_link(visitor)
    visitor.look("26-exported")
    visitor.go(f"{visitor.product.books}?q=Kestrel")
    visitor.follow(LACKING)
    expect(page.get_by_label("Address line 2")).to_have_value("Kiln Lane")


def wait_for_link(visitor: Visitor) -> None:
    """The page shows the link once the worker has made it."""
    reload_until(visitor, panel(visitor).get_by_text("In sync"))
    expect(panel(visitor)).to_contain_text("No invoices for this contact yet.")


def export_a_person_of_a_firm(visitor: Visitor) -> None:
    page = visitor.page
    open_contact(visitor, PERSON)
    dialog = export_dialog(visitor)
    expect(dialog).to_contain_text(f"{PERSON} belongs to {FIRM}, so {FIRM} is exported.")
    expect(dialog).to_contain_text("office@tidewater.example")
    visitor.look("27-export-person")
    visitor.press("Export", within=dialog)
    visitor.toast(f"{FIRM} is on its way to Crunch.")
    expect(panel(visitor)).to_contain_text("Linked through the organisation")
    expect(page.get_by_role("button", name="Export to Crunch")).to_have_count(0)
    visitor.look("28-person-exported")
    open_contact(visitor, FIRM)
    wait_for_link(visitor)
    visitor.go(f"{visitor.product.books}?q=Joanna")
    expect(page.get_by_text("0 clients")).to_be_visible()


def merge_the_duplicate(visitor: Visitor) -> None:
    """One click; the books' name stays, and nothing comes back with the next sync."""
    page = visitor.page
    visitor.go(f"{HOME}/contacts/duplicates/")
    visitor.follow("Compare", within=pair(visitor))
    visitor.heading("Merge two contacts")
    visitor.look("29-merge")
    visitor.go(f"{HOME}/contacts/duplicates/")
    visitor.press("Merge", within=pair(visitor))
    expect(pair(visitor)).to_have_count(0)
    sync_now(visitor)
    visitor.go(f"{HOME}/contacts/?q=northgate+dental")
    expect(page.locator("tbody tr")).to_have_count(1)
    visitor.follow(BOOKS_NEAR)
    expect(panel(visitor)).to_contain_text("In sync")
    expect(panel(visitor).locator("tbody tr").first).to_contain_text("INV-")
    visitor.look("30-merged")


def delete_here(visitor: Visitor) -> None:
    """The warning says that it will come back, and it does."""
    page = visitor.page
    open_contact(visitor, DELETED_HERE)
    visitor.press("More", within=page.locator(".page-top"))
    visitor.press("Delete", within=page.locator(".page-top"))
    dialog = page.get_by_role("dialog", name=f"Delete {DELETED_HERE}?")
    expect(dialog).to_contain_text("will come back at the next sync")
    visitor.look("31-delete-warning")
    visitor.press("Delete", within=dialog)
    visitor.toast(f"{DELETED_HERE} is in the trash.")
    visitor.go(f"{HOME}/contacts/?q=pennine+web")
    expect(page.get_by_text("Nothing found")).to_be_visible()
    visitor.look("32-nothing-found")
    sync_now(visitor)
    open_contact(visitor, DELETED_HERE)
    expect(panel(visitor)).to_contain_text("In sync")


def delete_in_the_books(visitor: Visitor) -> None:
    """It stays here, and says what happened there."""
    page = visitor.page
    open_in_the_books(visitor, DELETED_THERE)
    visitor.send("Delete this client and its invoices")
    sync_now(visitor)
    sync_now(visitor)
    open_contact(visitor, DELETED_THERE)
    expect(panel(visitor)).to_contain_text(re.compile("deleted", re.IGNORECASE))
    visitor.look("33-deleted-there")
    open_connection(visitor)
    expect(page.locator(".tile").filter(has_text="Deleted there")).to_contain_text("1")
