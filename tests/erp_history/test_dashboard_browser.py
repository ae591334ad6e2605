"""The dashboard in a real browser: the curve is drawn under the content security policy, is a table too, and leads to its customers."""

from __future__ import annotations

import pytest
from django.test import Client
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.browser import in_browser, is_too_wide
from tests.erp_history.makers import company, note, push, run_night
from tests.fixtures import Cast
from tests.test_ui_browser import log_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def customers(cast: Cast, erp: Client) -> None:
    push(erp, "empresa", [company(code) for code in "abc"])
    push(erp, "nota", [note(code, code, total) for code, total in (("a", "800.00"), ("b", "150.00"), ("c", "50.00"))])
    run_night(cast.workspace)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_the_curve_is_drawn_and_leads_on(live_server: LiveServer, customers: None, width: int, scheme: str) -> None:
    def steps(page: Page) -> None:
        log_in(page, live_server.url)
        page.goto(f"{live_server.url}/w/hartwell/customers/")
        expect(page.locator("[data-pareto-rows] tr")).to_have_count(3)
        assert page.evaluate("Chart.getChart(document.querySelector('canvas')).data.labels") == ["Company a", "Company b", "Company c"]
        page.get_by_text("The curve as a table").click()
        expect(page.locator("[data-pareto-rows] tr").first).to_contain_text("80")
        assert not is_too_wide(page)
        page.locator("[data-pareto-rows] a", has_text="Company a").click()
        page.get_by_role("heading", name="Company a").wait_for()
        page.locator("#erp-card svg.spark").wait_for()
        assert not is_too_wide(page)

    in_browser(steps, width=width, scheme=scheme)
