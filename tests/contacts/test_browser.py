"""The contacts screens in a real browser: what htmx and the small scripts do, at desk and phone width, in light and dark."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.scoping import workspace_tx
from contacts.models import Contact
from tests.browser import Held, in_browser, is_too_wide, loaded
from tests.contacts.makers import organisation, person
from tests.fixtures import Cast

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Visit = Callable[..., object]


@pytest.fixture
def visit(live_server: LiveServer, cast: Cast) -> Visit:
    """Run a function with a logged-in page and the address of the list."""
    home = f"{live_server.url}/w/hartwell/contacts/"

    def logged_in(steps: Callable[[Page, str], object], page: Page) -> object:
        page.goto(home)
        page.get_by_label("E-mail").fill("alice@example.com")
        page.get_by_label("Password", exact=True).fill("correct horse battery")
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("heading", name="People & organisations").wait_for()
        return steps(loaded(page), home)

    # Chromium notes every 422 of a refused form by itself.
    return lambda steps, **look: in_browser(partial(logged_in, steps), harmless=["422"], **look)


def test_searching_as_one_types_and_changing_picked_rows(visit: Visit, cast: Cast) -> None:
    with workspace_tx(cast.workspace):
        for number in range(3):
            person(cast.workspace, f"Anna {number}")
        organisation(cast.workspace)

    def steps(page: Page, home: str) -> None:
        page.get_by_label("Search in this list").type("anna", delay=20)
        expect(page.locator("tbody tr")).to_have_count(3)
        expect(page).to_have_url(f"{home}?q=anna")
        expect(page.locator("#list-count")).to_have_text("3")
        page.get_by_label("Pick all on this page").check()
        expect(page.locator("[data-selection-count]")).to_have_text("3")
        page.get_by_role("button", name="Add tag").first.click()
        page.locator(".bulk-menu").get_by_label("Tag").fill("VIP")
        page.locator(".bulk-menu").get_by_role("button", name="Add tag").click()
        expect(page.locator(".toast-note")).to_contain_text("3 contacts tagged.")
        page.get_by_label("Pick Anna 0").check()
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(page.locator("tbody tr")).to_have_count(2)
        page.locator(".toast-note").get_by_role("button", name="Undo").click()
        page.get_by_role("heading", name="Anna 0").wait_for()
        page.goto(home)
        page.locator("tbody tr", has_text="Bakerloo").locator("td").nth(3).click()
        page.get_by_role("heading", name="Bakerloo Kitchens Ltd").wait_for()

    visit(steps)


def test_a_person_is_added_by_keyboard_and_chips(visit: Visit, cast: Cast) -> None:
    with workspace_tx(cast.workspace):
        firm = organisation(cast.workspace)

    def steps(page: Page, home: str) -> None:
        page.goto(f"{home}new/?kind=person")
        page.get_by_label("First name").fill("Joanna")
        page.get_by_label("Last name").fill("Dale")
        page.get_by_role("combobox", name="Organisation").type("baker", delay=20)
        page.get_by_role("option", name="Bakerloo Kitchens Ltd").wait_for()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(page.get_by_role("combobox", name="Organisation")).to_have_value("Bakerloo Kitchens Ltd")
        page.get_by_label("E-mail").first.fill("second@x.example")
        page.get_by_role("button", name="Add an e-mail").click()
        page.get_by_label("E-mail").nth(1).fill("first@x.example")
        page.get_by_role("button", name="Move up").nth(1).click()
        tags = page.get_by_label("Tags")
        tags.type("VIP,")
        tags.type("Net 30")
        page.get_by_role("button", name="Save").click()
        page.get_by_role("heading", name="Joanna Dale").wait_for()

    visit(steps)
    with workspace_tx(cast.workspace):
        made = Contact.objects.get(kind="person")
        assert (made.organisation_id, made.tags) == (firm.pk, ["VIP", "Net 30"])
        assert [row["email"] for row in made.emails] == ["first@x.example", "second@x.example"]


COUNT_ANSWERS = """() => {
  let answers = 0;
  document.addEventListener("htmx:afterRequest", () => (document.body.dataset.answers = answers += 1));
}"""


def test_a_late_answer_takes_nothing_away_from_the_organisation_picker(visit: Visit, cast: Cast) -> None:
    """Neither the option that is marked by the time it comes, nor the choice made meanwhile."""
    with workspace_tx(cast.workspace):
        organisation(cast.workspace)

    def steps(page: Page, home: str) -> None:
        page.goto(f"{home}new/?kind=person")
        field, option = page.get_by_role("combobox", name="Organisation"), page.get_by_role("option", name="Bakerloo Kitchens Ltd")
        field.fill("bak")
        expect(option).to_be_visible()
        page.evaluate(COUNT_ANSWERS)
        late = Held(page, "**/contacts/pick/**")
        field.press("e")
        late.arrived()
        page.keyboard.press("ArrowDown")
        late.let_go()
        expect(page.locator("body")).to_have_attribute("data-answers", "1")
        expect(option).to_have_attribute("aria-selected", "true")
        field.press("r")
        late.arrived()
        page.keyboard.press("Enter")
        late.let_go()
        expect(page.locator("body")).to_have_attribute("data-answers", "2")
        expect(field).to_have_value("Bakerloo Kitchens Ltd")
        expect(option).to_have_count(0)

    visit(steps)


def test_notes_quick_add_and_the_delete_dialog(visit: Visit, cast: Cast) -> None:
    with workspace_tx(cast.workspace):
        organisation(cast.workspace)

    def steps(page: Page, home: str) -> None:
        page.get_by_role("link", name="Bakerloo Kitchens Ltd").click()
        page.get_by_role("button", name="Note", exact=True).click()
        expect(page.locator(".note-form textarea")).to_be_focused()
        page.keyboard.type("Call Marek first")
        page.get_by_role("button", name="Add note").click()
        expect(page.locator(".timeline")).to_contain_text("Call Marek first")
        page.get_by_role("link", name="Sync", exact=True).click()
        expect(page.locator("#timeline")).to_contain_text("No system has changed this contact.")
        page.get_by_role("button", name="Add new").click()
        page.get_by_role("link", name="Quick add").click()
        dialog = page.get_by_role("dialog", name="Quick add")
        dialog.get_by_label("E-mail").fill("nope")
        dialog.get_by_role("button", name="Add", exact=True).click()
        expect(page.get_by_role("dialog", name="Quick add")).to_contain_text("Give a name.")
        page.get_by_role("dialog").get_by_label("Name").fill("Ann")
        page.get_by_role("dialog").get_by_label("E-mail").fill("a@x.example")
        page.get_by_role("dialog").get_by_role("button", name="Add", exact=True).click()
        page.get_by_role("heading", name="Ann", exact=True).wait_for()
        page.get_by_role("button", name="More").first.click()
        page.get_by_role("button", name="Delete").click()
        dialog = page.get_by_role("dialog", name="Delete Ann?")
        expect(dialog).to_contain_text("restore it for 30 days")
        dialog.get_by_role("button", name="Delete").click()
        expect(page.locator(".toast-note")).to_contain_text("Ann is in the trash.")

    visit(steps)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 820, 1280])
def test_every_screen_fits(visit: Visit, cast: Cast, width: int, scheme: str) -> None:
    with workspace_tx(cast.workspace):
        firm = organisation(
            cast.workspace, "An organisation with a very long name, International Holdings (Europe) GmbH & Co. KG " + "x" * 60, tags=["VIP"]
        )
        addresses = [{"label": "", "email": f"{'long' * 15}@{'domain' * 8}.example"}]
        other = organisation(cast.workspace, emails=addresses, owner_id=cast.alice.pk, life_cycle="related")

    def steps(page: Page, home: str) -> list[str]:
        paths = [
            "",
            "?q=zzz",
            f"{firm.pk}/",
            f"{firm.pk}/edit/",
            f"{firm.pk}/delete/",
            f"{firm.pk}/merge/",
            f"{firm.pk}/merge/?other={other.pk}",
        ]
        paths += ["new/", "trash/", "duplicates/", "../settings/tags/", "../settings/fields/", "../settings/fields/new/"]
        too_wide = []
        for path in paths:
            assert page.goto(home + path).status == 200  # type: ignore[union-attr]
            too_wide += [path] if is_too_wide(page) else []
        return too_wide

    assert visit(steps, width=width, scheme=scheme) == []


def test_the_list_does_not_scroll_sideways_in_its_card(visit: Visit, cast: Cast) -> None:
    """Where there is little room, the columns that matter less leave, and at last the rows become cards."""
    reached = {
        "emails": [{"label": "", "email": f"{'accounts' * 6}@bakerloo.example"}],
        "addresses": [{"label": "", "line1": "12 Baker Street", "city": "Newcastle upon Tyne", "country": "GB"}],
    }
    with workspace_tx(cast.workspace):
        name = "Bakerloo Kitchens and Bathrooms (United Kingdom) Limited"
        organisation(cast.workspace, name, life_cycle="related", owner_id=cast.alice.pk, **reached)

    def steps(page: Page, home: str) -> dict[int, int]:
        page.goto(home)
        hidden = {}
        for width in (360, 700, 820, 1024, 1100, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            hidden[width] = page.evaluate("(place => place.scrollWidth - place.clientWidth)(document.querySelector('#list .table-wrap'))")
        return {width: pixels for width, pixels in hidden.items() if pixels}

    assert visit(steps) == {}
