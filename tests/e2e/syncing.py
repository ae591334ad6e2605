"""The stations in the middle: what came, what waits for a person, invoices, Sync now, changes in both directions."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect

from tests.e2e.arriving import BOOKS_NEAR, EQUAL, HOME, NEAR, TWICE
from tests.e2e.steps import wait_there
from tests.e2e.visitor import Visitor

FRESH_MAIL, FRESH_STREET = "post@bluebell.example", "7 Sawmill Yard"
HISTORY = "#timeline-items"


def see_what_came(visitor: Visitor) -> None:
    """Linked by its equal name, arrived as new, held because of two of one name, near names offered."""
    page = visitor.page
    open_connection(visitor)
    page.locator("a[href*='/runs/']", has_text="First sync").first.click()
    for figure in ("238 New here", "1 Linked", "1 Wait for you"):
        expect(page.locator(".tiles")).to_contain_text(re.compile(figure.replace(" ", r"\s*")))
    visitor.look("12-first-run")
    visitor.go(f"{HOME}/contacts/?q=bluebell")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text("accounts@bluebelljoinery.example")
    visitor.look("13-list-linked")
    visitor.go(f"{HOME}/contacts/")
    expect(page.locator(".page-count")).to_have_text("245")
    visitor.look("14-list-all")
    visitor.go(f"{HOME}/contacts/duplicates/")
    expect(pair(visitor)).to_contain_text(NEAR)
    visitor.look("15-duplicates")


def pair(visitor: Visitor) -> Locator:
    return visitor.page.locator(".duplicate-pair").filter(has_text=BOOKS_NEAR)


def open_connection(visitor: Visitor) -> None:
    visitor.go(visitor.connection)
    visitor.heading("Crunch")


def open_contact(visitor: Visitor, name: str) -> None:
    """As people do: with the search."""
    visitor.go(f"{HOME}/contacts/")
    visitor.page.get_by_label("Search in this list").fill(name)
    row = visitor.page.locator("tbody tr").filter(has_text=name)
    expect(row).to_have_count(1)
    expect(visitor.page.locator("tbody tr")).to_have_count(1)
    row.get_by_role("link", name=name, exact=True).click()
    visitor.heading(re.compile(re.escape(name)))


def panel(visitor: Visitor) -> Locator:
    """What a contact's page shows of Crunch."""
    return visitor.page.get_by_role("region", name="Crunch")


def see_the_invoices_of_a_contact(visitor: Visitor) -> None:
    open_contact(visitor, EQUAL)
    expect(panel(visitor)).to_contain_text("In sync")
    totals = panel(visitor).get_by_role("group", name="Totals in GBP")
    expect(totals).to_contain_text(re.compile(r"£[\d,]+\.\d\d\s*Outstanding"))
    expect(totals).to_contain_text(re.compile(r"Overdue, \d+ invoices?"))
    expect(panel(visitor).locator("tr.is-overdue").first).to_contain_text("overdue")
    expect(panel(visitor)).to_contain_text("As of")
    visitor.look("16-contact-linked")
    visitor.follow("All 7 invoices", within=panel(visitor))
    expect(visitor.page.locator("#invoices tbody tr")).to_have_count(7)
    expect(visitor.page.locator("#invoices tbody tr").filter(has_text=EQUAL)).to_have_count(7)


def filter_the_invoices(visitor: Visitor) -> None:
    page = visitor.page
    visitor.go(f"{HOME}/invoices/")
    rows = page.locator("#invoices tbody tr")
    expect(rows).not_to_have_count(0)
    visitor.look("17-invoices")
    page.get_by_label("Status").select_option("overdue")
    expect(page).to_have_url(re.compile("status=overdue"))
    expect(page.locator("#invoices tbody tr:not(.is-overdue)")).to_have_count(0)
    page.get_by_label("Status").select_option("paid")
    expect(page.locator("#invoices tbody tr.is-overdue")).to_have_count(0)
    page.get_by_label("Currency").select_option("EUR")
    expect(rows.first).to_contain_text("€")
    expect(page.locator("#invoices tbody tr").filter(has_text="£")).to_have_count(0)
    visitor.look("18-invoices-narrowed")
    visitor.go(f"{HOME}/invoices/?q=harrington")
    expect(rows.first).to_contain_text("Harrington & Cole Ltd")


def choose_for_the_held_record(visitor: Visitor) -> None:
    page = visitor.page
    open_connection(visitor)
    visitor.follow("Needs attention", within=page.locator("main"), exact=False)
    expect(page.get_by_text("More than one contact here fits").first).to_be_visible()
    visitor.look("19-attention")
    visitor.follow("Choose", within=page.locator("#rows"), exact=False)
    expect(page.get_by_role("heading", name=f"Which contact is {TWICE} of Crunch?")).to_be_visible()
    visitor.look("20-choose")
    visitor.send("Choose", within=page.locator("#found"), exact=False, first=True)
    open_connection(visitor)
    expect(page.get_by_text("Nothing needs you.")).to_be_visible()


def sync_now(visitor: Visitor, *, twice: bool = False) -> None:
    """Press it and wait for its end."""
    page = visitor.page
    open_connection(visitor)
    if twice:
        visitor.product.hold_vendor()
        other = page.context.new_page()
        # Who looks at a page of before; it would hear of the sync within seconds.
        other.route("**/live/**", lambda route: route.abort())
        other.goto(visitor.connection)
    visitor.press("Sync now")
    if twice:
        other.get_by_role("button", name="Sync now").click()
        expect(other.locator(".toast-note")).to_contain_text("A sync is running already")
        other.close()
        visitor.product.let_vendor_go()
    else:
        visitor.toast("The sync has started.")
    expect(page.get_by_role("region", name="The running sync")).to_have_count(0)
    expect(page.get_by_role("button", name="Sync now")).to_be_enabled()


def change_it_in_the_books(visitor: Visitor) -> None:
    page = visitor.page
    open_in_the_books(visitor, EQUAL)
    page.get_by_label("E-mail").fill(FRESH_MAIL)
    visitor.send("Save")
    sync_now(visitor, twice=True)
    open_contact(visitor, EQUAL)
    expect(page.get_by_role("region", name="Details")).to_contain_text(FRESH_MAIL)
    entry = page.locator(f"{HISTORY} > li").filter(has_text=FRESH_MAIL)
    expect(entry).to_contain_text(re.compile(r"Crunch.*run \d+"))
    visitor.look("21-change-arrived")
    visitor.follow("run ", within=entry, exact=False)
    expect(page.get_by_role("heading", name=re.compile(r"#\d+"))).to_be_visible()
    visitor.look("22-run")


def open_in_the_books(visitor: Visitor, name: str) -> None:
    visitor.go(f"{visitor.product.books}?q={name.split(maxsplit=1)[0]}")
    visitor.follow(name)
    visitor.heading(name)


def change_it_here(visitor: Visitor) -> None:
    """Within a minute it stands in the books."""
    page = visitor.page
    open_contact(visitor, EQUAL)
    visitor.follow("Edit", within=page.locator("main"))
    page.get_by_label("Address line 1").first.fill(FRESH_STREET)
    visitor.press("Save")
    visitor.heading(re.compile(EQUAL))
    visitor.look("23-edited")
    wait_there(visitor, lambda: FRESH_STREET in str(visitor.product.kept_by("crunch")["clients"]))
    open_in_the_books(visitor, EQUAL)
    expect(page.get_by_label("Address line 1")).to_have_value(FRESH_STREET)
