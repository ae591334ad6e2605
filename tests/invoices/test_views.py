from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from accounts.enums import Role
from accounts.models import Membership, Team, Workspace
from accounts.scoping import workspace_tx
from invoices.domain.store import hide
from invoices.panels import column_values, invoice_panel
from tests.fixtures import Cast
from tests.invoices.builders import CONNECTION, TODAY, organisation, row, store

URL = "/w/hartwell/invoices/"


@pytest.fixture(autouse=True)
def on_that_day(time_machine: object) -> None:
    time_machine.move_to("2026-11-21T12:00:00Z")  # type: ignore[attr-defined]


@pytest.fixture
def books(workspace: Workspace) -> None:
    """Two customers, one late invoice, one paid, one in euro, one draft, one quote, one of nobody."""
    with workspace_tx(workspace):
        bakerloo, smith = organisation(workspace), organisation(workspace, "Smith Joinery")
        late = row(
            number="INV-0231",
            gross=Decimal(2400),
            outstanding=Decimal(2400),
            issued_on=TODAY.replace(month=8),
            due_on=TODAY.replace(day=11, month=9),
        )
        paid = row(number="INV-0219", outstanding=Decimal(0), paid_on=TODAY.replace(month=7, day=29))
        store(workspace, late, paid, row(number="Q-1", kind="quote", gross=Decimal(4100)), contact=bakerloo)
        store(
            workspace,
            row(number="EUR-1", currency="EUR", customer_id="2"),
            row(number="D-1", state="draft", issued_on=None, customer_id="2"),
            contact=smith,
        )
        store(workspace, row(number="ORPHAN", customer_id="9"))


def test_empty_list_says_where_invoices_come_from(alice: Client) -> None:
    page = alice.get(URL)
    assert page.status_code == 200
    assert "No invoices yet" in page.text
    assert "Export" not in page.text


@pytest.mark.usefixtures("books")
def test_list_shows_late_ones_in_words_and_totals_per_currency(alice: Client) -> None:
    text = alice.get(URL).text
    assert "71 days overdue" in text
    assert "is-overdue" in text
    assert "£2,400.00" in text
    assert "€120.00" in text
    assert text.index("D-1") < text.index("EUR-1") < text.index("INV-0231")
    assert "Q-1" not in text


@pytest.mark.usefixtures("books")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=overdue", {"INV-0231"}),
        ("status=paid", {"INV-0219"}),
        ("status=draft", {"D-1"}),
        ("status=due", {"EUR-1", "ORPHAN"}),
        ("status=quotes", {"Q-1"}),
        ("currency=EUR", {"EUR-1"}),
        ("q=0231", {"INV-0231"}),
        ("q=smith", {"EUR-1", "D-1"}),
        ("q=nothing", set()),
    ],
)
def test_filters(alice: Client, query: str, found: set[str]) -> None:
    text = alice.get(f"{URL}?{query}").text
    assert {number for number in ("INV-0231", "INV-0219", "EUR-1", "D-1", "Q-1", "ORPHAN") if number in text} == found
    assert ("No invoice fits" in text) is not bool(found)


@pytest.mark.usefixtures("books")
def test_swap_gives_the_list_alone(alice: Client) -> None:
    response = alice.get(f"{URL}?status=overdue", headers={"HX-Request": "true"})
    assert "<html" not in response.text
    assert "HX-Request" in response["Vary"]


@pytest.mark.usefixtures("books")
@pytest.mark.parametrize("query", ["status=bogus", "currency=XXX", "contact=x", "contact=99999999999999999999", "q=%00"])
def test_senseless_filter_is_named(alice: Client, query: str) -> None:
    response = alice.get(f"{URL}?{query}")
    assert response.status_code == 200
    assert "notice-red" in response.text


@pytest.mark.parametrize("cursor", ["x", "2026-99-99_1", "_", "-_99999999999999999999", "2026-01-01_-1"])
@pytest.mark.usefixtures("books")
def test_bad_cursor_shows_the_first_page(alice: Client, cursor: str) -> None:
    assert "INV-0231" in alice.get(URL, {"cursor": cursor}).text


def test_pages_show_each_invoice_once_and_undated_first(inside: Workspace, alice: Client) -> None:
    store(inside, *[row(issued_on=None if each % 3 == 0 else TODAY.replace(day=1 + each % 7)) for each in range(120)])
    seen, url = [], URL
    while url:
        page = alice.get(url)
        seen += [each.invoice.pk for each in page.context["rows"]]
        url = page.context["next_url"]
    assert len(seen) == len(set(seen)) == 120


def test_as_many_queries_for_one_as_for_three(alice: Client, workspace: Workspace) -> None:
    counts = []
    for size in (1, 2):
        with workspace_tx(workspace):
            for number in range(size):
                store(workspace, row(), contact=organisation(workspace, f"Customer {size}{number}"))
        with CaptureQueriesContext(connection) as seen:
            assert alice.get(URL).status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1]


@pytest.mark.usefixtures("books")
def test_member_sees_no_orphans_and_a_restricted_one_only_the_own_team(cast: Cast, bob: Client, workspace: Workspace) -> None:
    assert "ORPHAN" not in bob.get(URL).text
    with workspace_tx(workspace):
        team = Team.objects.create(workspace=workspace, name="South", slug="south")
        store(workspace, row(number="SOUTH-1", customer_id="7"), contact=organisation(workspace, "South Ltd", team_id=team.pk))
        store(workspace, row(number="KR-1", currency="SEK", customer_id="8"), contact=organisation(workspace, "North AB"))
    assert "SOUTH-1" not in bob.get(URL).text
    Membership.objects.filter(user=cast.bob).update(role=Role.RESTRICTED, team_ids=[team.pk])
    text = bob.get(URL).text
    assert "SOUTH-1" in text
    assert "INV-0231" not in text
    assert "SEK" not in text, "not even the currency of what is not theirs"


@pytest.mark.usefixtures("books")
def test_stranger_and_hidden_books(alice: Client, charlie: Client, workspace: Workspace) -> None:
    assert charlie.get(URL).status_code == 404
    assert charlie.get(f"{URL}export.csv").status_code == 404
    with workspace_tx(workspace):
        hide(workspace, CONNECTION)
    assert "INV-0231" not in alice.get(URL).text


def test_export_follows_the_filters_and_disarms_formulas(alice: Client, workspace: Workspace) -> None:
    with workspace_tx(workspace):
        store(workspace, row(number="=1+1", outstanding=Decimal("-5.50"), kind="credit_note"), row(number="EUR", currency="EUR"))
    text = b"".join(alice.get(f"{URL}export.csv?currency=GBP").streaming_content).decode("utf-8-sig")  # type: ignore[union-attr]
    (line,) = csv.DictReader(io.StringIO(text))
    assert (line["number"], line["outstanding"], line["status"], line["currency"]) == ("'=1+1", "-5.50", "credited", "GBP")


def test_panel(cast: Cast, inside: Workspace) -> None:
    request = RequestFactory().get("/")
    request.workspace, request.user = inside, cast.alice  # type: ignore[attr-defined]
    contact = organisation(inside)
    assert "No invoices for this contact yet" in invoice_panel(request, contact)
    store(inside, *[row(due_on=TODAY.replace(day=20)) for _ in range(7)], row(kind="quote", number="Q-7"), contact=contact)
    html = invoice_panel(request, contact, connection_id=CONNECTION, has_quotes=True, is_stale=True)
    assert html.count("1 day overdue") == 5
    assert "All 7 invoices" in html
    assert "Q-7" in html
    assert "May be out of date" in html
    assert "Q-7" not in invoice_panel(request, contact)
    assert "No invoices" in invoice_panel(request, contact, connection_id=99)
    assert render_to_string("invoices/_panel.html", {"summary": None}, request=request)


def test_column_names_the_worst(inside: Workspace) -> None:
    late, none = organisation(inside), organisation(inside, "None")
    store(inside, row(due_on=TODAY.replace(day=1)), row(outstanding=Decimal(0)), contact=late)
    values = column_values(inside, [late, none])
    assert "Overdue" in values[late.pk]
    assert none.pk not in values
