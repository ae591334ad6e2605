"""What people do again and again, in the workspace that they have made (`visitor.home`)."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence

from playwright.sync_api import Error, Locator, Page, expect
from playwright.sync_api import TimeoutError as TookTooLong

from tests.browser import PATIENCE_MS
from tests.e2e.visitor import Visitor

PASSWORD = "correct horse battery"


def beginning(name: str) -> re.Pattern[str]:
    """A heading that may go on with badges. Selectors write expressions between slashes."""
    return re.compile("^" + re.escape(name).replace("/", r"\/"))


def sign_up(visitor: Visitor, *, name: str, workspace: str, email: str) -> None:
    page = visitor.page
    visitor.go("/accounts/signup/")
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Workspace name").fill(workspace)
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    visitor.press("Create the workspace")
    visitor.heading(f"Welcome, {name}")
    visitor.home = re.findall(r"/w/[^/]+", page.url)[0]


def add_organisation(visitor: Visitor, name: str, **choices: str) -> None:
    """`choices`: selects of the form by their names."""
    page = visitor.page
    visitor.go(f"{visitor.home}/contacts/new/?kind=organisation")
    page.get_by_label("Name", exact=True).fill(name)
    for field, value in choices.items():
        page.locator(f"#id_{field}").select_option(value)
    visitor.press("Save")
    visitor.heading(beginning(name))


def edit_contact(visitor: Visitor, name: str, **values: str) -> None:
    """From the contact's page."""
    visitor.follow("Edit", within=visitor.page.locator("main"))
    visitor.heading(f"Edit {name}")
    for field, value in values.items():
        box = visitor.page.locator(f"#id_{field}")
        if box.evaluate("box => box.localName") == "select":
            box.select_option(value)
        else:
            box.fill(value)
    visitor.press("Save")
    visitor.heading(beginning(values.get("name", name)))


def rows_of(visitor: Visitor, words: str) -> Locator:
    """What the list finds."""
    visitor.go(f"{visitor.home}/contacts/?q={words}")
    visitor.heading(re.compile("People & organisations"))
    return visitor.page.locator("#main tbody tr")


def open_contact(visitor: Visitor, name: str) -> None:
    row = rows_of(visitor, name).filter(has=visitor.page.get_by_role("link", name=name, exact=True)).first
    row.get_by_role("link", name=name, exact=True).click()
    visitor.heading(beginning(name))


def panel(visitor: Visitor, title: str) -> Locator:
    """What a contact's page shows of an integration."""
    return visitor.page.get_by_role("region", name=title, exact=True)


def wait_for_the_run(visitor: Visitor) -> None:
    """On the connection's page: until nothing is under way."""
    page = visitor.page
    expect(page.get_by_role("region", name="The running sync")).to_have_count(0)
    expect(page.get_by_role("button", name="Sync now")).to_be_enabled()


def sync_now(visitor: Visitor) -> None:
    visitor.go(visitor.connection)
    visitor.press("Sync now")
    visitor.toast("The sync has started.")
    wait_for_the_run(visitor)


def wait_there(visitor: Visitor, so: Callable[[], object]) -> None:
    """Until a vendor has it."""
    until = time.monotonic() + PATIENCE_MS / 1000
    while not so():
        assert time.monotonic() < until, "it took too long"
        visitor.page.wait_for_timeout(250)


def reload_until(visitor: Visitor, sight: Locator) -> None:
    """The page shows it once the worker has done it."""
    until = time.monotonic() + PATIENCE_MS / 1000
    while time.monotonic() < until:
        try:
            # Parts of a page come after it.
            sight.first.wait_for(timeout=2_000)
        except TookTooLong:
            reload(visitor.page)
        else:
            return
    expect(sight.first).to_be_visible()


def reload(page: Page) -> None:
    """A page that renews itself in the same moment takes the place of our reload; either will do."""
    try:
        page.reload()
    except Error as error:
        if "ERR_ABORTED" not in str(error):
            raise


def look_in(visitor: Visitor, language: str, stations: dict[str, str], *, says: Mapping[str, Sequence[str]] | None = None) -> None:
    """The same screens in another language: path -> name of the station, and the words that must stand there."""
    speak(visitor, language)
    for path, name in stations.items():
        visitor.go(path)
        expect(visitor.page.locator("html")).to_have_attribute("lang", re.compile(language, re.IGNORECASE))
        expect(visitor.page.locator("[aria-busy=true]")).to_have_count(0)
        for words in (says or {}).get(path, ()):
            expect(visitor.page.locator("main")).to_contain_text(words)
        visitor.look(f"{name}-{language}")
    speak(visitor, "en")


def speak(visitor: Visitor, language: str) -> None:
    visitor.go("/profile/")
    visitor.page.locator("#id_language").select_option(language)
    visitor.page.locator(".sticky-actions .btn-primary").click()
    expect(visitor.page.locator("html")).to_have_attribute("lang", re.compile(language, re.IGNORECASE))
