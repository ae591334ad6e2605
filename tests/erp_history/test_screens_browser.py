"""The administrator's day in a real browser: a token, a push, a run, the history, and the Excel file opened again."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.db import connections
from django.test import Client
from playwright.sync_api import Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.scoping import workspace_tx
from erp_history.domain import exports, night
from erp_history.models import ErpRun
from tests.browser import in_browser, is_too_wide, loaded
from tests.erp_history.makers import company, note, push
from tests.fixtures import Cast

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ROWS = [company("C1", cnpj="16727230000197"), company("C2", nome_fantasia="=1+1"), {"codigo_erp": "BAD"}]
DATABASE = "connection/database/"
PAGES = ("", "history/", "connection/", DATABASE, "rules/", "decisions/", "waiting/")


def log_in(page: Page, address: str) -> str:
    page.goto(f"{address}/accounts/login/")
    page.get_by_label("E-mail").fill("alice@example.com")
    page.get_by_label("Password", exact=True).fill("correct horse battery")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Welcome, Alice").wait_for()
    return f"{address}/w/hartwell/settings/erp/"


def confirm(page: Page) -> None:
    """The password is asked for again."""
    page.get_by_label("Password", exact=True).fill("correct horse battery")
    page.get_by_role("button", name="Go on").click()


def work(job: Callable[[], Any]) -> None:
    """What a worker would do, on a connection of its own."""

    def run() -> None:
        job()
        connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def test_a_day_of_the_administrator(cast: Cast, live_server: LiveServer, settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path

    def day(page: Page) -> None:
        base = log_in(page, live_server.url)
        page.goto(f"{base}connection/")
        page.get_by_role("link", name="Make a token").first.click()
        confirm(page)
        page.get_by_label("Name").fill("Server of the ERP")
        page.get_by_role("button", name="Make the token").click()
        token = str(page.locator("[data-copy^=crm_]").get_attribute("data-copy"))
        work(lambda: pushed(token))
        page.goto(base)
        expect(page.locator("#onboarding")).to_contain_text("2 of 12")
        page.get_by_role("button", name="Run now").click()
        expect(page.locator("#erp-live")).to_contain_text("A run is under way")
        work(lambda: night.advance(cast.workspace, until=float("inf")))
        expect(page.locator("#erp-runs")).to_contain_text("Successful")
        page.goto(f"{base}history/?outcome=rejected")
        page.locator("#erp-history td.cell-title a").first.click()
        expect(page.get_by_text("razao_social").first).to_be_visible()
        page.goto(f"{base}history/")
        page.get_by_role("button", name="Make an Excel file").click()
        expect(page.locator("#exports li")).to_have_count(1)
        work(lambda: exports.advance(cast.workspace))
        with page.expect_download() as download:
            page.get_by_role("link", name="Download", exact=True).click()
        download.value.save_as(tmp_path / "file.xlsx")

    in_browser(day)
    book = openpyxl.load_workbook(tmp_path / "file.xlsx")
    head, *rows = book["empresa"].iter_rows(values_only=True)
    cells = [dict(zip(map(str, head), row, strict=True)) for row in rows]
    assert [(row["codigo_erp"], row["cnpj"], row["nome_fantasia"]) for row in cells] == [
        ("C1", "16727230000197", None),
        ("C2", None, "=1+1"),
    ]
    assert [row[0].value for row in book["nota"].iter_rows(min_row=2)] == [None]
    assert book["Remarks"].max_row == 2


def pushed(token: str) -> None:
    client = Client(headers={"Authorization": f"Bearer {token}"})
    push(client, "empresa", ROWS)
    push(client, "nota", [note("N1", "C1", "120.50")])


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_no_page_is_wider_than_the_screen(cast: Cast, erp: Client, live_server: LiveServer, width: int, scheme: str) -> None:
    push(erp, "empresa", ROWS)
    night.request_run(cast.workspace)
    night.advance(cast.workspace, until=float("inf"))

    def look(page: Page) -> None:
        base = log_in(page, live_server.url)
        for name in PAGES:
            page.goto(f"{base}{name}")
            if name == DATABASE:
                confirm(page)
                page.get_by_role("heading", name="Database of the views").wait_for()
            assert not is_too_wide(page), name
            expect(page.locator("h1")).to_have_text(re.compile(r"\S"))

    in_browser(look, width=width, scheme=scheme)


def test_a_question_about_a_run_is_not_swept_away(cast: Cast, erp: Client, live_server: LiveServer) -> None:
    """The page renews itself every two seconds; whoever thinks longer about "Cancel this run?" still cancels it."""
    push(erp, "empresa", ROWS)
    night.request_run(cast.workspace)

    def steps(page: Page) -> None:
        page.clock.install()
        page.goto(log_in(page, live_server.url))
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        loaded(page).get_by_role("button", name="Cancel the run").click()
        dialog = page.get_by_role("dialog", name="Cancel this run?")
        expect(dialog).to_be_visible()
        asked.clear()
        page.clock.run_for(10_000)
        page.evaluate("1")
        assert asked == []
        dialog.get_by_role("button", name="Cancel the run").click()
        expect(page.get_by_role("button", name="Run now")).to_be_enabled()

    in_browser(steps)
    with workspace_tx(cast.workspace):
        assert ErpRun.objects.get().outcome == "cancelled"


def test_what_is_typed_outlives_the_end_of_a_run(cast: Cast, erp: Client, live_server: LiveServer) -> None:
    """The page of a run that ended loads itself anew, but takes nothing with it that was not saved yet."""
    push(erp, "empresa", ROWS)
    night.request_run(cast.workspace)

    def steps(page: Page) -> None:
        page.goto(log_in(page, live_server.url))
        loaded(page).get_by_label("Maximum time without success (hours)").fill("36")
        expect(page.locator("#erp-live")).to_contain_text("A run is under way")
        work(lambda: night.advance(cast.workspace, until=float("inf")))
        expect(page.locator("#erp-live")).not_to_contain_text("A run is under way")
        expect(page.get_by_label("Maximum time without success (hours)")).to_have_value("36")
        page.get_by_role("button", name="Save").click()
        expect(page.locator("#erp-live")).to_contain_text("36 hours")
        expect(page.locator("#erp-runs")).to_contain_text("Successful")

    in_browser(steps)
