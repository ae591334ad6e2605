"""A workspace takes in its helpdesk: set-up, matching, first sync, who flows and who does not, tickets; against the vendor's own pages."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.browser import loaded
from tests.e2e.product import Product
from tests.e2e.steps import (
    add_organisation,
    edit_contact,
    look_in,
    open_contact,
    panel,
    reload_until,
    rows_of,
    sign_up,
    sync_now,
    wait_for_the_run,
    wait_there,
)
from tests.e2e.visitor import Visitor, visiting

pytestmark = pytest.mark.browser
log = logging.getLogger(__name__)
VENDOR, TITLE, TENANT = "movidesk", "Support desk", "hartwell"
# As in the sandbox's books; see SHOWCASE there.
EQUAL, ALSO_EQUAL, NEAR, NEAR_THERE = "Padaria Pão Dourado", "Farmácia Vida Nova", "Cafe da Serra Azul", "Café Serra Azul"
ARRIVING = "Clínica Sorriso Pleno"
OURS, LINK_FIELD = "Vidraçaria Nossa", "Tickets there"
SUBJECT = "O forno não liga"


def arrive(visitor: Visitor) -> None:
    """A small helpdesk that answers at once, and a few organisations here."""
    visitor.product.steer_vendor(VENDOR, reset={"clients": 24, "people": 48}, switches={"per_minute": 0}, unblock=True)
    sign_up(visitor, name="Rosa Lima", workspace="Hartwell Brasil", email="rosa@hartwell.example")
    for name in (EQUAL, ALSO_EQUAL, NEAR):
        add_organisation(visitor, name)
    add_organisation(visitor, OURS, life_cycle="prospect")
    visitor.go(f"{visitor.home}/settings/fields/new/")
    visitor.page.get_by_label("Name", exact=True).fill(LINK_FIELD)
    visitor.page.get_by_label("Type", exact=True).select_option("url")
    visitor.press("Save")
    expect(visitor.page.locator("main")).to_contain_text(LINK_FIELD)


def refuse_what_is_wrong(visitor: Visitor) -> None:
    """Neither direction, then a token that is none: each is told at its field, and nothing is stored."""
    page = visitor.page
    visitor.go(f"{visitor.home}/settings/integrations/")
    visitor.follow("Set up Movidesk")
    visitor.heading("Set up Movidesk")
    visitor.look("h01-set-up")
    page.get_by_label("Name of the integration").fill(TITLE)
    page.get_by_label("Host name in Movidesk").fill(TENANT)
    token = page.get_by_label("Token", exact=True)
    token.fill("no-such-token")
    page.get_by_label("From Movidesk to here").uncheck()
    expect(page.get_by_text("Keep in sync and create those missing")).to_be_hidden()
    page.get_by_label("From here to Movidesk").uncheck()
    with visitor.expecting("status of 422"):
        visitor.press("Connect")
        expect(page.get_by_text("Mark at least one direction.")).to_have_count(2)
    visitor.look("h02-no-direction")
    page.get_by_label("From Movidesk to here").check()
    page.get_by_label("From here to Movidesk").check()
    token.fill("no-such-token")
    with visitor.expecting("status of 422"):
        visitor.press("Connect")
        expect(page.locator(".field", has=token).get_by_text("Movidesk does not accept this key")).to_be_visible()
    expect(token).to_have_value("")
    visitor.look("h03-wrong-token")
    seen = page.url
    visitor.go(f"{visitor.home}/settings/integrations/")
    expect(page.get_by_role("link", name="Set up Movidesk")).to_be_visible()
    expect(page.locator("main")).not_to_contain_text(TITLE)
    visitor.go(seen)


def set_up(visitor: Visitor) -> None:
    page = visitor.page
    page.get_by_label("Name of the integration").fill(TITLE)
    page.get_by_label("Host name in Movidesk").fill(TENANT)
    page.get_by_label("Requests a minute").fill("600")
    page.get_by_label("Give contacts a link to their tickets").select_option(label=LINK_FIELD)
    page.get_by_label("Address of a person's tickets").fill("https://{tenant}.movidesk.com/Person/{person_id}")
    page.get_by_label("Token", exact=True).fill("sandbox-movidesk")
    visitor.press("Connect")
    visitor.toast(f"Connected to {TITLE}. Match its records before the first sync starts.")
    visitor.heading(TITLE)
    visitor.connection = re.findall(r".*/integrations/\d+/", page.url)[0]


def match(visitor: Visitor) -> None:
    """By keyboard, by choice, and all equal ones at once."""
    page = visitor.page
    expect(page.get_by_role("heading", name="Match organisations of Movidesk")).to_be_visible()
    visitor.look("h04-matching")
    rows = page.locator("[data-match]")
    count = loaded(page).locator("[data-match]").count()
    expect(row_of(visitor, EQUAL)).to_contain_text("Equal name")
    expect(row_of(visitor, NEAR_THERE)).to_contain_text(NEAR)
    page.locator("#main").focus()
    page.keyboard.press("j")
    expect(rows.first).to_be_focused()
    first = rows.first.locator("strong").inner_text()
    assert first in (EQUAL, ALSO_EQUAL)
    page.keyboard.press("Enter")
    expect(row_of(visitor, first)).to_have_count(0)
    expect(rows).to_have_count(count - 1)
    expect(page.locator("#match-saved")).to_contain_text(f"{first} is linked with {first}.")
    expect(rows.first).to_be_focused()
    row_of(visitor, NEAR_THERE).get_by_role("button", name="Save").click()
    expect(row_of(visitor, NEAR_THERE)).to_have_count(0)
    visitor.press("Save all exact matches", exact=False)
    dialog = page.get_by_role("dialog", name="Save 1 exact match?")
    expect(dialog).to_contain_text("Equal tax id or equal name, and nobody else fits.")
    visitor.press("Save them", within=dialog)
    expect(row_of(visitor, EQUAL).or_(row_of(visitor, ALSO_EQUAL))).to_have_count(0)
    expect(page.get_by_role("button", name="Save all exact matches")).to_have_count(0)
    visitor.look("h05-matched")


def row_of(visitor: Visitor, name: str) -> Locator:
    return visitor.page.locator("[data-match]").filter(has=visitor.page.get_by_text(name, exact=True).and_(visitor.page.locator("strong")))


def start(visitor: Visitor) -> None:
    visitor.press("Start the first sync")
    visitor.toast("The first sync has started.")
    wait_for_the_run(visitor)
    visitor.look("h06-first-sync")


def see_who_came(visitor: Visitor) -> None:
    """Organisations as suspects with their people; what was made from here, and who is inactive, stays away."""
    page = visitor.page
    for words, name in ((EQUAL, EQUAL), (ALSO_EQUAL, ALSO_EQUAL), ("Serra Azul", NEAR)):
        rows = rows_of(visitor, words)
        expect(rows).to_have_count(1)
        expect(rows).to_contain_text(re.compile(f"{name}.*Movidesk", re.DOTALL))
    open_contact(visitor, ARRIVING)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Suspect")
    people = people_of(visitor, code_of(visitor, ARRIVING))
    assert len(people) == 2
    for person in people:
        expect(page.locator("main")).to_contain_text(person)
    visitor.look("h07-arrived")
    rows_of(visitor, "")
    expect(page.locator(".page-count")).to_have_text(str(1 + welcome(visitor)))
    stayed = [each["businessName"] for each in companies(visitor) if "Nectar" in each["id"] or not each["isActive"]]
    assert len(stayed) == 3
    for name in stayed:
        rows_of(visitor, name)
        expect(page.get_by_text("Nothing found")).to_be_visible()


def welcome(visitor: Visitor) -> int:
    """How many the rules let in: organisations, and people who belong to one of them and to none that was made from here."""
    firms = {each["id"] for each in companies(visitor) if each["isActive"] and "nectar" not in each["id"].lower()}
    persons = [each for each in visitor.product.kept_by(VENDOR)["persons"] if each["personType"] == 1 and each["isActive"]]
    homes = [{home["id"] for home in each["relationships"]} for each in persons]
    return len(firms) + sum(1 for each in homes if each & firms and not any("nectar" in id.lower() for id in each))


def companies(visitor: Visitor) -> list[dict[str, Any]]:
    return [each for each in visitor.product.kept_by(VENDOR)["persons"] if each["personType"] == 2]


def code_of(visitor: Visitor, name: str) -> str:
    return str(next(each["id"] for each in companies(visitor) if each["businessName"] == name))


def people_of(visitor: Visitor, code: str) -> list[str]:
    persons = visitor.product.kept_by(VENDOR)["persons"]
    return [each["businessName"] for each in persons if code in [home["id"] for home in each["relationships"]]]


def see_why_not(visitor: Visitor) -> None:
    """A prospect is not sent, and its page says so."""
    open_contact(visitor, OURS)
    expect(panel(visitor, TITLE)).to_contain_text(f"{OURS} is not sent to Movidesk: the life cycle is Prospect.")
    expect(panel(visitor, TITLE)).to_contain_text("Clients are sent")
    visitor.look("h08-not-sent")
    assert not [each for each in companies(visitor) if each["businessName"] == OURS]


def make_it_a_client(visitor: Visitor) -> None:
    """It goes there by itself, marked as ours, and the link to its tickets comes back."""
    page = visitor.page
    edit_contact(visitor, OURS, life_cycle="client")
    wait_there(visitor, lambda: [each for each in companies(visitor) if each["businessName"] == OURS])
    assert re.fullmatch(r"Nectar\d+", code_of(visitor, OURS))
    reload_until(visitor, panel(visitor, TITLE).get_by_text("What changes here is sent within a minute."))
    sync_now(visitor)
    open_contact(visitor, OURS)
    link = page.get_by_role("region", name="Details").get_by_role("link", name=re.compile(code_of(visitor, OURS)))
    expect(link).to_have_attribute("href", f"https://{TENANT}.movidesk.com/Person/{code_of(visitor, OURS)}")
    visitor.look("h09-client")
    expect(rows_of(visitor, OURS)).to_have_count(1)


def see_tickets(visitor: Visitor) -> None:
    """A ticket that is opened there stands here after a refresh, and leads there."""
    page = visitor.page
    person = people_of(visitor, code_of(visitor, EQUAL))[0]
    visitor.go(f"{visitor.product.books_of(VENDOR)}?q={person}")
    visitor.follow(person)
    page.get_by_label("Subject").fill(SUBJECT)
    visitor.press("Open a ticket")
    expect(page.get_by_role("cell", name=SUBJECT)).to_be_visible()
    open_contact(visitor, EQUAL)
    tickets = panel(visitor, TITLE).locator("[id^=tickets-]")
    ticket = tickets.get_by_role("link", name=SUBJECT)
    visitor.press("Refresh", within=tickets)
    expect(ticket).to_be_visible()
    expect(ticket).to_have_attribute("href", re.compile(rf"https://{TENANT}\.movidesk\.com/Ticket/Edit/\d+"))
    expect(tickets.locator("tbody tr").filter(has_text=SUBJECT)).to_contain_text("Novo")
    assert tickets.locator("tbody tr").count() <= 20
    visitor.look("h10-tickets")


def change_it_there(visitor: Visitor) -> None:
    page = visitor.page
    visitor.go(f"{visitor.product.books_of(VENDOR)}/person?id={code_of(visitor, ARRIVING)}")
    page.get_by_label("E-mail", exact=True).fill("recepcao@sorriso.example")
    visitor.send("Save")
    sync_now(visitor)
    open_contact(visitor, ARRIVING)
    expect(page.get_by_role("region", name="Details")).to_contain_text("recepcao@sorriso.example")


def in_other_languages(visitor: Visitor) -> None:
    page = visitor.page
    open_contact(visitor, EQUAL)
    contact, connection = page.url, visitor.connection
    screens = {
        contact: "h11-contact",
        connection: "h12-connection",
        f"{connection}matches/": "h13-matching",
        f"{connection}settings/": "h14-settings",
    }
    look_in(visitor, "pt-br", screens)
    look_in(visitor, "da", {connection: "h12-connection"})


STORY: tuple[Callable[[Visitor], None], ...] = (
    arrive,
    refuse_what_is_wrong,
    set_up,
    match,
    start,
    see_who_came,
    see_why_not,
    make_it_a_client,
    see_tickets,
    change_it_there,
    in_other_languages,
)


def test_a_helpdesk(product: Product) -> None:
    """One story: every station stands on the ones before it."""
    with visiting(product) as visitor:
        for station in STORY:
            began = time.monotonic()
            station(visitor)
            log.info("%s took %.1f s", station.__name__, time.monotonic() - began)
    assert "Traceback" not in product.said()
