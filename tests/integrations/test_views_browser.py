"""The integration and invoice pages in a real browser: nothing over the edge, nothing refused, the moving parts move."""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection as database
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django import Settings

from accounts.scoping import workspace_tx
from integrations.domain.settings import audit
from integrations.enums import LinkState, OutboxState, Outcome, RunKind
from integrations.models import Connection, Run
from invoices.domain.store import InvoiceRow
from tests.browser import Held, in_browser, is_too_wide, loaded
from tests.fixtures import Cast
from tests.integrations import rows
from tests.invoices.builders import row, store

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASSWORD = "correct horse battery"
# Where to leave pictures for a person to look at, if anywhere.
PICTURES = os.environ.get("PICTURES", "")
LOOKS = [(1280, "light"), (360, "dark")] + ([(1280, "dark"), (360, "light")] if PICTURES else [])


def log_in(page: Page, address: str) -> None:
    page.goto(f"{address}/accounts/login/")
    page.get_by_label("E-mail").fill("alice@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Welcome, Alice").wait_for()


@pytest.fixture
def pages(cast: Cast, settings: Settings) -> dict[str, str]:
    """A connection with something of everything; gives the addresses."""
    settings.ENVIRON = {**os.environ, "CRUNCH_API_URL": "http://127.0.0.1:9/v1"}
    with workspace_tx(cast.workspace):
        to = rows.connection(cast.workspace, cast.alice)
        return connection_pages(to, cast) | contact_pages(to, cast) | PLAIN


PLAIN = {
    "gallery": "w/hartwell/settings/integrations/",
    "contacts": "w/hartwell/contacts/",
    "home": "w/hartwell/",
    "invoices": "w/hartwell/invoices/",
    "invoices_none": "w/hartwell/invoices/?q=zzz",
}


def connection_pages(to: Connection, cast: Cast) -> dict[str, str]:
    lumiere = rows.organisation(cast.workspace, "Café Lumière", emails=[{"label": "", "email": "hello@cafelumiere.example"}])
    held = rows.held(to, *(rows.organisation(cast.workspace, tax_id=str(each)) for each in range(2)))
    differs = rows.conflict(to, lumiere, ours="hello@cafelumiere.example", theirs="info@cafelumiere.example")
    alone = {"code": "ignored_by_person", "params": {"name": "Left Alone Ltd"}}
    rows.link(to, state=LinkState.IGNORED, remote_name="Left Alone Ltd", reason=alone)
    run = rows.run(to, requested_by=cast.alice, kind=RunKind.MANUAL)
    rows.line(run, contact_id=lumiere.pk)
    nameless = {"code": "no_name", "params": {"id": "7"}}
    rows.line(run, "Nameless", level="error", action="fail", fields=[], reason=nameless, detail='{"name": null}')
    preview = rows.run(to, kind=RunKind.PREVIEW, plan=plan(), counters=plan()["counts"])
    rows.run(to, outcome=Outcome.PARTIAL, counters={"seen": 12, "failed": 1})
    rows.exchange(to)
    rows.exchange(to, method="PUT", status=400, request='{"name": "Ørsted Foods"}', response='{"error": "line1: must not be blank"}')
    audit(to, "connection.settings", user=cast.alice, data={"changed": {"conflict": ["crm", "ask"]}})
    paths = {
        "overview": "",
        "settings": "settings/",
        "fields": "fields/",
        "runs": "runs/",
        "run": f"runs/{run.pk}/",
        "preview": f"runs/{preview.pk}/",
        "undo": f"runs/{run.pk}/undo/",
        "attention": "attention/",
        "ignored": "attention/?state=IGNORED",
        "waiting": "attention/?state=WAITING",
        "choose": f"attention/link:{held.pk}/choose/",
        "settle": f"attention/link:{differs.pk}/settle/",
        "log": "log/",
        "audit": "log/?part=audit",
        "disable": "disable/",
    }
    return {name: f"w/hartwell/integrations/{to.pk}/{path}" for name, path in paths.items()} | {
        "contact_differs": f"w/hartwell/contacts/{lumiere.pk}/"
    }


def plan() -> dict[str, Any]:
    first = [{"kind": "client", "id": str(each), "name": f"New client {each}"} for each in range(5)]
    changed = {"kind": "client", "id": "8", "name": "Old Ltd", "contact_id": 1, "push": True, "changes": {"email": "new@old.example"}}
    return {"counts": {"created": 5, "updated": 1, "pushed": 1}, "first": {"create": first, "update": [changed]}}


def contact_pages(to: Connection, cast: Cast) -> dict[str, str]:
    names = ("Bakerloo Kitchens Ltd", "Ørsted Foods", "Quite Plain Ltd", "On Its Way Ltd")
    emails = [{"label": "", "email": "a@b.example"}]
    bakerloo, orsted, plain, sent = (rows.organisation(cast.workspace, name, emails=emails) for name in names)
    rows.link(to, bakerloo, remote_url="https://books.example/clients/7")
    rows.link(to, sent)
    rows.stuck(to, orsted)
    rows.stuck(to, sent, state=OutboxState.WAITING, reason={}, detail="", tries=0)
    store(cast.workspace, *invoices(), contact=bakerloo, connection_id=to.pk)
    return {
        "contact": f"w/hartwell/contacts/{bakerloo.pk}/",
        "contact_failing": f"w/hartwell/contacts/{orsted.pk}/",
        "contact_plain": f"w/hartwell/contacts/{plain.pk}/",
        "export": f"w/hartwell/contacts/{plain.pk}/integrations/{to.pk}/export/",
        "merge": f"w/hartwell/contacts/{bakerloo.pk}/merge/?other={sent.pk}",
    }


def invoices() -> list[InvoiceRow]:
    today = timezone.localdate()
    return [
        row(number="INV-0231", gross=Decimal(2400), outstanding=Decimal(2400), due_on=today - timedelta(days=71)),
        row(number="INV-0247", gross=Decimal(1180), outstanding=Decimal(1180), due_on=today + timedelta(days=12)),
        row(number="INV-0219", gross=Decimal(3960), outstanding=Decimal(0), state="paid", paid_on=today - timedelta(days=90)),
        row(number="INV-0204", gross=Decimal(860), outstanding=Decimal(0), state="paid", paid_on=today - timedelta(days=150)),
        *(row(number=f"EUR-{each}", currency="EUR", issued_on=today - timedelta(days=200 + each)) for each in range(3)),
    ]


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_pages_fit_and_nothing_is_refused(live_server: Any, pages: dict[str, str], width: int, scheme: str) -> None:
    def steps(page: Page) -> list[str]:
        log_in(page, live_server.url)
        too_wide = []
        for name, path in pages.items():
            answer = page.goto(f"{live_server.url}/{path}")
            assert answer is not None
            assert answer.status == 200, name
            too_wide += [name] if is_too_wide(page) else []
            if PICTURES:
                page.screenshot(path=str(Path(PICTURES) / f"{name}-{width}-{scheme}.png"), full_page=True)
        return too_wide

    assert in_browser(steps, width=width, scheme=scheme) == []


def test_progress_moves_by_itself_and_ends_in_a_fresh_page(live_server: Any, cast: Cast, pages: dict[str, str]) -> None:
    """The other side of the table works on the run's row while the page is open."""
    with workspace_tx(cast.workspace):
        run = rows.running(Connection.objects.get())

    def work(**values: Any) -> None:
        with workspace_tx(cast.workspace):
            Run.objects.filter(pk=run.pk).update(**values)
        database.close()

    def steps(page: Page) -> None:
        log_in(page, live_server.url)
        page.goto(f"{live_server.url}/{pages['overview']}")
        expect(page.get_by_text("page 31 of 50")).to_be_visible()
        with ThreadPoolExecutor(max_workers=1) as pool:
            pool.submit(work, page=32, done=6400).result()
        expect(page.get_by_text("page 32 of 50")).to_be_visible()
        expect(page.get_by_role("button", name="Sync now")).to_be_disabled()
        with ThreadPoolExecutor(max_workers=1) as pool:
            pool.submit(work, status="DONE", outcome="success", phase="done", finished_at=timezone.now()).result()
        expect(page.get_by_role("button", name="Sync now")).to_be_enabled()
        expect(page.get_by_text("is running")).to_have_count(0)

    in_browser(steps, width=1280)


def test_whoever_walks_on_while_a_run_ends_is_not_turned_back(live_server: Any, cast: Cast, pages: dict[str, str]) -> None:
    """A run that ended loads its page anew; not for somebody who has pressed a link already and waits for the next page."""
    with workspace_tx(cast.workspace):
        run = rows.running(Connection.objects.get())

    def end() -> None:
        with workspace_tx(cast.workspace):
            Run.objects.filter(pk=run.pk).update(status="DONE", outcome="success", phase="done", finished_at=timezone.now())
        database.close()

    def steps(page: Page) -> None:
        log_in(page, live_server.url)
        page.goto(f"{live_server.url}/{pages['overview']}")
        answers = Held(page, "**/live/?*")
        loaded(page)
        answers.arrived()
        with ThreadPoolExecutor(max_workers=1) as pool:
            pool.submit(end).result()
        following = Held(page, f"{live_server.url}/{pages['contacts']}")
        page.locator(f".rail a[href='/{pages['contacts']}']").click(no_wait_after=True)
        following.arrived()
        with page.expect_response("**/live/?*"):
            answers.let_go()
        page.wait_for_timeout(300)
        following.let_go()
        expect(page.get_by_role("heading", level=1, name=re.compile("People"))).to_be_visible()

    in_browser(steps, width=1280)


def test_export_dialog_and_live_search(live_server: Any, pages: dict[str, str]) -> None:
    def steps(page: Page) -> None:
        log_in(page, live_server.url)
        page.goto(f"{live_server.url}/{pages['contact_plain']}")
        page.get_by_role("button", name="Export to Crunch").click()
        dialog = page.get_by_role("dialog", name="Export to Crunch")
        expect(dialog.get_by_text("Exactly this will be sent")).to_be_visible()
        expect(dialog.get_by_role("button", name="Export", exact=True)).to_be_disabled()
        dialog.get_by_role("button", name="Cancel").click()
        expect(dialog).to_be_hidden()
        page.goto(f"{live_server.url}/{pages['choose']}")
        page.get_by_placeholder("Search all contacts").fill("bakerloo")
        expect(page.get_by_text("Bakerloo Kitchens Ltd", exact=True)).to_be_visible()
        page.goto(f"{live_server.url}/{pages['invoices']}")
        page.get_by_placeholder("Number or customer").fill("0231")
        expect(page.get_by_text("INV-0247")).to_have_count(0)
        page.get_by_label("Status").select_option("paid")
        expect(page.get_by_text("No invoice fits")).to_be_visible()

    in_browser(steps, width=1280)


def test_a_replaced_search_leaves_no_skeleton_behind(live_server: Any, pages: dict[str, str]) -> None:
    """The next choice comes while the answer to the first is awaited; what appears when one waits long goes with it."""

    def steps(page: Page) -> None:
        log_in(page, live_server.url)
        page.clock.install()
        page.goto(f"{live_server.url}/{pages['invoices']}")
        slow = Held(page, "**/invoices/?*status=overdue*")
        page.get_by_label("Status").select_option("overdue")
        slow.arrived()
        page.get_by_label("Status").select_option("paid")
        expect(page).to_have_url(re.compile("status=paid"))
        page.clock.run_for(5_000)
        expect(page.get_by_text("INV-0219")).to_be_visible()

    in_browser(steps)
