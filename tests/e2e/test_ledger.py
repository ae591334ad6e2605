"""A workspace keeps its customers and its books alike: permission, first transfer, status, both sides compared, calls at once, totals."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.product import Product
from tests.e2e.steps import (
    add_organisation,
    look_in,
    open_contact,
    panel,
    reload_until,
    rows_of,
    sign_up,
    wait_for_the_run,
)
from tests.e2e.visitor import Visitor, visiting

pytestmark = pytest.mark.browser
log = logging.getLogger(__name__)
VENDOR, TITLE, COMPANY = "economic", "e-conomic", "Nordlys Handel ApS"
# As in the sandbox's books, numbers 1, 2 and 3; see SHOWCASE there.
FIRST, SECOND, THIRD = "Nordlys Arkitekter ApS", "Bager Sørensen", "Kirkegaard & Søn A/S"
CUSTOMERS = 40
NEW = "Ny Havn Kaffebar"
CITY_THERE, SITE_THERE, SITE_HERE, PHONE_HERE = "Ribe", "www.there.example", "www.here.example", "+45 70 11 22 33"


def arrive(visitor: Visitor) -> None:
    """Small books; one of their customers is known here already."""
    visitor.product.steer_vendor(VENDOR, reset={"clients": CUSTOMERS})
    sign_up(visitor, name="Freja Holm", workspace="Hartwell Danmark", email="freja@hartwell.example")
    add_organisation(visitor, SECOND)


def refuse_then_grant(visitor: Visitor) -> None:
    """On the vendor's page; nothing is kept before a person has seen whose company it is."""
    page = visitor.page
    visitor.go(f"{visitor.home}/settings/integrations/")
    visitor.follow("Set up e-conomic")
    visitor.heading("Set up e-conomic")
    page.get_by_label("Only by hand").check()
    visitor.look("l01-set-up")
    visitor.press("Enable integration")
    visitor.connection = page.url
    visitor.look("l02-connect")
    visitor.press("Connect to e-conomic")
    visitor.press("Grant access")
    visitor.heading("Connect to e-conomic")
    expect(page.locator("main")).to_contain_text(COMPANY)
    expect(page.locator("main")).to_contain_text("Nothing is stored or read before you say yes.")
    assert "token" not in page.url
    visitor.look("l03-whose")
    visitor.press("No")
    visitor.toast("Not connected. Nothing was stored.")
    visitor.press("Connect to e-conomic")
    visitor.press("Grant access")
    visitor.press("Yes, connect this account")
    visitor.heading(TITLE)


def choose_defaults(visitor: Visitor) -> None:
    """What a new customer needs is loaded from the books; what they tell is chosen already."""
    page = visitor.page
    expect(page.get_by_label("Currency")).to_have_value("DKK")
    expect(page.get_by_label("Customer group").locator("option")).to_contain_text(["1 Danske kunder", "2 EU-kunder"])
    expect(page.get_by_label("VAT zone").locator("option:checked")).to_have_text("1 Domestic")
    page.get_by_label("Customer group").select_option("1")
    page.get_by_label("Payment terms").select_option(label="2 Netto 14 dage")
    visitor.look("l04-defaults")
    visitor.press("Save")
    visitor.toast("Saved. The next sync follows the new settings.")


def transfer_everything(visitor: Visitor) -> None:
    """Counted first, and written once a person says so."""
    page = visitor.page
    visitor.go(visitor.connection)
    visitor.heading(TITLE)
    go_on = page.get_by_role("button", name="Go on and write")
    expect(go_on).to_be_visible()
    tiles = page.locator(".decide-tiles")
    expect(tiles).to_contain_text(re.compile(r"1\s*Linked to contacts that are here"))
    people = len(visitor.product.kept_by(VENDOR)["contacts"])
    expect(tiles).to_contain_text(re.compile(rf"{CUSTOMERS - 1 + people}\s*New here"))
    rows_of(visitor, "")
    expect(page.locator(".page-count")).to_have_text("1")
    visitor.go(visitor.connection)
    visitor.look("l05-preview")
    visitor.press("Go on and write")
    visitor.toast("The sync goes on.")
    visitor.go(visitor.connection)
    wait_for_the_run(visitor)
    visitor.look("l06-transferred")
    rows_of(visitor, "")
    expect(page.locator(".page-count")).to_have_text(str(CUSTOMERS + people))
    expect(rows_of(visitor, SECOND)).to_have_count(1)
    visitor.go(visitor.connection)
    visitor.press("Transfer all customers")
    visitor.toast("Everything is being read. You see what would happen before anything is written.")
    expect(go_on.or_(page.get_by_role("button", name="Sync now")).first).to_be_enabled()
    visitor.look("l07-again")


def customer(visitor: Visitor, number: int) -> dict[str, Any]:
    return dict(next(each for each in visitor.product.kept_by(VENDOR)["customers"] if each["customerNumber"] == number))


def change_there(visitor: Visitor, number: int, **values: str) -> None:
    """As the bookkeeper does, on the customer's page."""
    visitor.go(f"{visitor.product.books_of(VENDOR)}/customers/{number}")
    for name, value in values.items():
        visitor.page.locator(f"[name={name}]").first.fill(value)
    visitor.send("Save")
    visitor.heading(re.compile(f"^{number} "))


def status(visitor: Visitor) -> Locator:
    return panel(visitor, TITLE).locator(".live-status")


def see_the_status(visitor: Visitor) -> None:
    """The same; different after an edit there that nobody has read yet; not there at all."""
    page = visitor.page
    open_contact(visitor, FIRST)
    expect(status(visitor)).to_contain_text("The same on both sides")
    expect(status(visitor)).to_contain_text("checked")
    for name in ("Compare", "Update"):
        expect(panel(visitor, TITLE).get_by_role("button", name=name, exact=True)).to_be_visible()
    visitor.look("l08-same")
    seen = page.url
    change_there(visitor, 1, city=CITY_THERE, website=SITE_THERE)
    visitor.go(seen)
    visitor.press("Check again", within=status(visitor))
    expect(status(visitor)).to_contain_text("Different: 2 fields")
    visitor.look("l09-different")


def compare(visitor: Visitor) -> None:
    """A value from each side, one Save, and both have both."""
    page = visitor.page
    dialog = open_comparison(visitor)
    expect(dialog).to_contain_text("2 fields differ.")
    side(dialog, "City", TITLE).check()
    side(dialog, "Website", "Here").check()
    visitor.look("l10-compare")
    before = customer(visitor, 1)
    visitor.press("Save on both sides", within=dialog)
    visitor.toast("2 fields saved, here and in e-conomic.")
    expect(status(visitor)).to_contain_text("The same on both sides")
    after = customer(visitor, 1)
    assert after["city"] == CITY_THERE
    assert after["website"] not in ("", SITE_THERE)
    assert filled_but(before, "website", "lastUpdated") == filled_but(after, "website", "lastUpdated")
    details = page.get_by_role("region", name="Details")
    expect(details).to_contain_text(CITY_THERE)
    expect(details).not_to_contain_text(SITE_THERE)
    expect(page.locator("#timeline-items")).to_contain_text("Compared with e-conomic · sent: Website · taken from there: City")
    visitor.look("l11-saved")


def filled_but(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value not in ("", None) and name not in names}


def open_comparison(visitor: Visitor) -> Locator:
    visitor.press("Compare", within=panel(visitor, TITLE))
    dialog = visitor.page.get_by_role("dialog", name="Compare with e-conomic")
    expect(dialog.locator(".compare-foot")).to_be_visible()
    return dialog


def side(dialog: Locator, field: str, name: str) -> Locator:
    return dialog.get_by_role("group", name=field, exact=True).get_by_role("radio", name=re.compile(f"^{name}"))


def compare_while_it_changes(visitor: Visitor) -> None:
    """What was changed meanwhile, there or here, is shown anew; nothing is written over."""
    page = visitor.page
    open_contact(visitor, THIRD)
    seen = page.url
    change_there(visitor, 3, city="Tønder")
    visitor.go(seen)
    dialog = open_comparison(visitor)
    side(dialog, "City", "Here").check()
    other = page.context.new_page()
    elsewhere(other, visitor, "Skive")
    with visitor.expecting("status of 409"):
        visitor.press("Save on both sides", within=dialog)
        expect(dialog).to_contain_text("It was changed in e-conomic meanwhile. Nothing was saved; these are the values of now.")
    expect(dialog).to_contain_text("Skive")
    visitor.look("l12-changed-there")
    assert customer(visitor, 3)["city"] == "Skive"
    other.goto(seen)
    other.get_by_role("link", name="Edit", exact=True).click()
    other.locator("[name$=city]").first.fill("Holstebro")
    other.get_by_role("button", name="Save", exact=True).click()
    expect(other.get_by_role("region", name="Details")).to_contain_text("Holstebro")
    other.close()
    side(dialog, "City", TITLE).check()
    with visitor.expecting("status of 409"):
        visitor.press("Save on both sides", within=dialog)
        expect(dialog).to_contain_text("The contact was changed here meanwhile. Nothing was saved; these are the values of now.")
    visitor.press("All from here", within=dialog)
    visitor.press("Save on both sides", within=dialog)
    visitor.toast("saved, here and in e-conomic.")
    assert customer(visitor, 3)["city"] == "Holstebro"


def elsewhere(page: Page, visitor: Visitor, city: str) -> None:
    page.goto(f"{visitor.product.books_of(VENDOR)}/customers/3")
    page.locator("[name=city]").fill(city)
    with page.expect_navigation():
        page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("[name=city]")).to_have_value(city)
    visitor.product.steer_vendor(VENDOR, settle_hooks=True)


def create_there(visitor: Visitor) -> None:
    """A contact that is not in the books is made there from its page."""
    page = visitor.page
    add_organisation(visitor, NEW)
    expect(status(visitor)).to_contain_text("Not in e-conomic")
    visitor.look("l13-not-there")
    visitor.press("Create in e-conomic", within=panel(visitor, TITLE))
    dialog = page.get_by_role("dialog", name="Export to e-conomic")
    expect(dialog).to_contain_text(NEW)
    visitor.look("l14-create")
    visitor.press("Export", within=dialog)
    visitor.toast(f"{NEW} is on its way to e-conomic.")
    reload_until(visitor, status(visitor).get_by_text("The same on both sides"))
    made = [each for each in visitor.product.kept_by(VENDOR)["customers"] if each["name"] == NEW]
    assert [(each["customerGroup"], each["paymentTerms"], each["vatZone"], each["currency"]) for each in made] == [(1, 2, 1, "DKK")]


def hear_of_a_change(visitor: Visitor) -> None:
    """With its address entered in the books, a change is here without anybody asking and long before the schedule."""
    page = visitor.page
    visitor.go(f"{visitor.connection}settings/")
    hooks = page.get_by_role("region", name="Addresses for calls")
    expect(hooks).to_contain_text("Not entered")
    copied = hooks.locator(".hook-row").filter(has_text="CUSTOMER_UPDATED").or_(hooks.locator(".hook-row").filter(has_text="ustomer")).first
    address = copied.locator("[data-copy]").get_attribute("data-copy") or ""
    visitor.look("l15-addresses")
    visitor.go(f"{visitor.product.books_of(VENDOR)}/hooks")
    page.get_by_label("CUSTOMER_UPDATED").fill(address)
    visitor.send("Save")
    change_there(visitor, 2, email="bager@soerensen.example")
    open_contact(visitor, SECOND)
    reload_until(visitor, page.get_by_role("region", name="Details").get_by_text("bager@soerensen.example"))
    expect(page.locator("#timeline-items > li").first).to_contain_text("bager@soerensen.example")
    visitor.look("l16-told")
    visitor.go(f"{visitor.connection}runs/")
    expect(page.locator("#main tbody tr").first).to_contain_text("Told by the other side")
    visitor.look("l17-runs")


def see_the_totals(visitor: Visitor) -> None:
    page = visitor.page
    open_contact(visitor, FIRST)
    ours = panel(visitor, TITLE)
    expect(ours.get_by_role("group", name="Totals in DKK")).to_contain_text("Outstanding")
    expect(ours.locator("tbody tr").first).to_be_visible()
    visitor.press("Totals from e-conomic", within=ours)
    totals = ours.locator(".live-totals")
    expect(totals).to_contain_text("As the books of e-conomic say")
    for word in ("Booked", "Paid", "Unpaid", "Overdue", "Not due", "Drafts", "Quotes"):
        expect(totals.locator("dt").filter(has_text=re.compile(word, re.IGNORECASE)).first).to_be_visible()
    open_there = sum(each["remainder"] for each in visitor.product.kept_by(VENDOR)["invoices"] if each["customer"] == 1)
    unpaid = totals.locator("div").filter(has=page.locator("dt", has_text=re.compile("^Unpaid")))
    assert abs(amount(unpaid.locator("dd").inner_text()) - open_there) < 0.01
    visitor.look("l18-totals")


def amount(text: str) -> float:
    return float(re.sub(r"[^\d.]", "", text))


def in_other_languages(visitor: Visitor) -> None:
    page = visitor.page
    open_contact(visitor, FIRST)
    contact = page.url
    compare_page = re.sub(
        r"/contacts/(\d+)/.*", rf"/contacts/\1/integrations/{visitor.connection.rstrip('/').rpartition('/')[2]}/compare/", contact
    )
    look_in(visitor, "da", {contact: "l19-contact", compare_page: "l20-compare", f"{visitor.connection}settings/": "l21-settings"})
    look_in(visitor, "pt-br", {contact: "l19-contact"})


STORY: tuple[Callable[[Visitor], None], ...] = (
    arrive,
    refuse_then_grant,
    choose_defaults,
    transfer_everything,
    see_the_status,
    compare,
    compare_while_it_changes,
    create_there,
    hear_of_a_change,
    see_the_totals,
    in_other_languages,
)


def test_a_ledger(product: Product) -> None:
    """One story: every station stands on the ones before it."""
    with visiting(product) as visitor:
        for station in STORY:
            began = time.monotonic()
            station(visitor)
            log.info("%s took %.1f s", station.__name__, time.monotonic() - began)
    assert "Traceback" not in product.said()
