"""Customers by value: its figures equal the data, each opens the list that it counts, and nobody sees more than their contacts."""

from __future__ import annotations

import csv
import html
import io
import re
import tempfile
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.enums import Role
from accounts.models import Membership, Team
from accounts.scoping import SYSTEM, workspace_tx
from contacts.domain.store import create_contacts
from contacts.models import Contact
from erp_history.domain import dashboard
from erp_history.domain.dashboard_lists import read_change, read_place, read_range
from erp_history.domain.sample import Sample, batches
from erp_history.models import ContactFigures, Portfolio
from tests.erp_history.makers import TODAY, company, note, push, run_night
from tests.erp_history.test_abc import classes, revenue_of
from tests.fixtures import Cast

PAGE = "/w/hartwell/customers/"
CONTACTS = "/w/hartwell/contacts/"
AMOUNTS = {"a": 500, "b": 250, "c": 100, "d": 80, "e": 40, "f": 20, "g": 10}


def lay_out(cast: Cast, erp: Client) -> None:
    """Seven buyers of classes A A A B B C C, one who never bought."""
    push(erp, "vendedor", [{"codigo_erp": "V1", "nome": "Rita"}])
    rows = [company(code, codigo_vendedor="V1" if code in "abc" else None) for code in (*AMOUNTS, "never")]
    push(erp, "empresa", rows)
    push(erp, "nota", [note(code, code, f"{amount}.00") for code, amount in AMOUNTS.items()])
    lines = [
        {"codigo_nota": code, "item": "1", "marca": "Kappa", "codigo_produto": "P", "quantidade": 1, "valor_total": "7.00"} for code in "fg"
    ]
    push(erp, "itens_nota", lines)
    run_night(cast.workspace)


def listed(client: Client, url: str) -> list[str]:
    """Names of the contacts behind a link."""
    response = client.get(url)
    assert response.status_code == 200
    return sorted(contact.name for contact in response.context["page"].contacts)


def section(client: Client, key: str, query: str = "") -> dict[str, Any]:
    response = client.get(f"{PAGE}{query}")
    [found] = [part for part in response.context["sections"] if part["key"] == key]
    return {row.label: row for row in [*found["rows"], *found["more"]]}


def test_before_the_first_night_it_says_what_is_missing(cast: Cast, alice: Client, bob: Client) -> None:
    page = alice.get(PAGE).content.decode()
    assert "No figures yet" in page
    assert "Set up ERP data" in page
    assert "Set up ERP data" not in bob.get(PAGE).content.decode()
    assert alice.get(f"{PAGE}curve/").status_code == 404
    assert alice.get(f"{PAGE}export.csv").status_code == 404


def test_every_class_opens_the_customers_that_it_counts(cast: Cast, erp: Client, alice: Client) -> None:
    lay_out(cast, erp)

    found = section(alice, "classes")
    assert {label: row.group.customers for label, row in found.items()} == {"Class A": 3, "Class B": 2, "Class C": 2, "No class": 1}
    assert found["Class A"].group.revenue == 850
    assert found["Class A"].percent == 85.0
    assert listed(alice, found["Class A"].url) == ["Company a", "Company b", "Company c"]
    assert listed(alice, found["No class"].url) == ["Company never"]
    for part in ("classes", "categories", "portfolios"):
        for row in section(alice, part).values():
            assert len(listed(alice, row.url)) == row.group.customers, row.label


@pytest.mark.parametrize("query", ["", "?brand=Kappa", "?months=3", "?portfolio={rita}", "?portfolio={rita}&brand=Kappa"])
def test_every_figure_opens_the_list_that_it_counts(cast: Cast, erp: Client, alice: Client, query: str) -> None:
    """Also beside people, and organisations that the ERP does not know."""
    push(erp, "contato", [{"codigo_erp": "P1", "nome": "Ana Lima", "codigo_empresa": "a"}])
    push(erp, "fatura", [{"codigo_erp": "F1", "codigo_empresa": "a", "data_vencimento": "2026-09-30", "valor": 10, "saldo": "7.00"}])
    lay_out(cast, erp)
    with workspace_tx(cast.workspace):
        create_contacts(cast.workspace, [{"kind": "organisation", "name": "Unknown to the ERP"}], origin=SYSTEM)
        rita = Portfolio.objects.get(code="V1").pk
    page = alice.get(f"{PAGE}{query.format(rita=rita)}")

    links = re.findall(r'<a [^>]*?href="([^"]*/contacts/\?[^"]*)"[^>]*>(.*?)</a>', page.content.decode(), re.DOTALL)
    figures = [(html.unescape(url), re.sub(r"<[^>]+>", " ", text).split()) for url, text in links]
    counted = [(url, int(words[0])) for url, words in figures if words and words[0].isdigit()]
    assert len(counted) >= 6
    for url, number in counted:
        assert len(listed(alice, url)) == number, url
    bought, owing = listed(alice, page.context["bought_url"]), listed(alice, page.context["open_url"])
    assert (len(bought), owing) == (page.context["found"].buyers, ["Company a"])
    tiles = re.findall(r'<(\w+) class="tile[ "]', page.content.decode())
    assert tiles == ["a"] * 5, "each of them is a link"


def test_the_curve_of_a_year_equals_an_independent_one(cast: Cast, erp: Client, alice: Client) -> None:
    sample = Sample(companies=60, months=12, today=TODAY, seed=3)
    for table, rows in batches(sample):
        push(erp, table, rows)
    run_night(cast.workspace)
    expected = {code: total for code, total in revenue_of(sample).items() if total > 0}
    letters = classes(expected)

    bars = alice.get(f"{PAGE}curve/").json()["bars"]

    assert [Decimal(str(bar["revenue"])) for bar in bars] == sorted(expected.values(), reverse=True)
    assert bars[-1]["cumulative"] == 100
    found = section(alice, "classes")
    for letter in "ABC":
        assert found[f"Class {letter}"].group.customers == sum(1 for own in letters.values() if own == letter)
    with workspace_tx(cast.workspace):
        first = Contact.objects.get(pk=int(re.findall(r"/contacts/(\d+)/", bars[0]["url"])[0]))
    assert bars[0]["label"] == first.name


def test_many_customers_share_a_bar_whose_list_holds_them_all(cast: Cast, erp: Client, alice: Client) -> None:
    push(erp, "empresa", [company(f"C{n}") for n in range(450)])
    push(erp, "nota", [note(f"N{n}", f"C{n}", f"{10_000 - n * 20}.00") for n in range(450)])
    run_night(cast.workspace)

    bars = alice.get(f"{PAGE}curve/").json()["bars"]

    assert len(bars) <= dashboard.BARS
    assert sum(bar["customers"] for bar in bars) == 450
    several = next(bar for bar in bars if bar["customers"] > 1)
    assert len(listed(alice, several["url"])) == several["customers"]


def test_a_portfolio_a_brand_and_a_window(cast: Cast, erp: Client, alice: Client) -> None:
    lay_out(cast, erp)
    push(erp, "nota", [note("old", "g", "9000.00", "2026-01-15")])
    run_night(cast.workspace)
    with workspace_tx(cast.workspace):
        rita = Portfolio.objects.get(code="V1").pk

    own = section(alice, "classes", f"?portfolio={rita}")
    assert sum(row.group.customers for row in own.values()) == 3
    brand = section(alice, "classes", "?brand=Kappa")
    assert {label: row.group.customers for label, row in brand.items()} == {"Class A": 2, "No class": 6}
    assert listed(alice, brand["Class A"].url) == ["Company f", "Company g"]
    assert len(listed(alice, brand["No class"].url)) == 6
    assert section(alice, "classes")["Class A"].group.customers == 1
    short = section(alice, "classes", "?months=3")
    assert listed(alice, short["Class A"].url) == ["Company a", "Company b", "Company c"]
    assert "computed now" in alice.get(f"{PAGE}?months=3").content.decode()
    assert listed(alice, section(alice, "classes", f"?brand=Kappa&portfolio={rita}")["No class"].url) == [
        "Company a", "Company b", "Company c",
    ]  # fmt: skip


def test_migrations_since_last_month_open_who_moved(cast: Cast, erp: Client, alice: Client) -> None:
    lay_out(cast, erp)
    assert alice.get(PAGE).context["moves"] == []

    push(erp, "nota", [note("up", "g", "700.00", "2026-09-03"), note("first", "never", "5.00", "2026-09-04")])
    run_night(cast.workspace, today=TODAY.replace(month=9, day=20))

    moves = [(move.old, move.new, move.customers, url) for move, url in alice.get(PAGE).context["moves"]]
    rose = [(old, new, number) for old, new, number, _url in moves]
    assert ("C", "A", 1) in rose
    assert (None, "C", 1) in rose
    for _old, _new, number, url in moves:
        assert len(listed(alice, url)) == number
    [chip] = alice.get(moves[0][3]).context["chips"]
    assert "C → A since" in chip["label"]


def test_customers_at_risk_by_what_they_brought(cast: Cast, erp: Client, alice: Client) -> None:
    push(erp, "empresa", [company(code) for code in ("small", "big", "fine")])
    days = ("2025-10-01", "2025-10-11")
    push(erp, "nota", [note(f"{code}{day}", code, total, day) for code, total in (("small", "10.00"), ("big", "90.00")) for day in days])
    push(erp, "nota", [note("fine", "fine", "50.00", "2026-08-20")])
    run_night(cast.workspace)

    page = alice.get(PAGE)

    assert [row["name"] for row in page.context["risk_rows"]] == ["Company big", "Company small"]
    assert page.context["risk_rows"][0]["interval"] == 10
    assert listed(alice, page.context["risk_url"]) == ["Company big", "Company small"]


def test_members_see_the_figures_of_their_contacts_only(cast: Cast, erp: Client, alice: Client, bob: Client) -> None:
    lay_out(cast, erp)
    with workspace_tx(cast.workspace):
        Contact.objects.filter(name="Company g").update(owner=cast.bob)
    Membership.objects.filter(user=cast.bob).update(role=Role.RESTRICTED)

    found = section(bob, "classes")

    assert {label: row.group.customers for label, row in found.items()} == {"Class C": 1}
    assert [bar["label"] for bar in bob.get(f"{PAGE}curve/").json()["bars"]] == ["Company g"]
    assert listed(bob, found["Class C"].url) == ["Company g"]
    names = [row["Customer"] for row in read_csv(bob.get(f"{PAGE}export.csv"))]
    assert names == ["Company g"]
    assert sum(row.group.customers for row in section(alice, "classes").values()) == 8


def test_members_are_offered_the_portfolios_and_brands_of_their_customers_only(cast: Cast, erp: Client, alice: Client, bob: Client) -> None:
    push(erp, "vendedor", [{"codigo_erp": code, "nome": name} for code, name in (("V1", "Ana"), ("V2", "Hidden"), ("V3", "Theirs"))])
    push(erp, "empresa", [company(f"C{n}", codigo_vendedor=f"V{n}") for n in (1, 2, 3)])
    push(erp, "nota", [note(f"N{n}", f"C{n}", "10.00") for n in (1, 2, 3)])
    lines = [{"codigo_nota": f"N{n}", "item": "1", "marca": f"Brand {n}", "valor_total": "10.00"} for n in (1, 2, 3)]
    push(erp, "itens_nota", [*lines, {**lines[0], "item": "2", "marca": "Shared"}, {**lines[1], "item": "3", "marca": "Shared"}])
    run_night(cast.workspace)
    with workspace_tx(cast.workspace):
        team = Team.objects.create(workspace=cast.workspace, name="Theirs")
        Contact.objects.filter(name="Company C1").update(owner=cast.bob)
        Contact.objects.filter(name="Company C3").update(team=team)
        hidden = Portfolio.objects.get(name="Hidden").pk

    assert offered(alice) == ({"Ana", "Hidden", "Theirs"}, {"Brand 1", "Brand 2", "Brand 3", "Shared"})
    assert offered(bob) == ({"Ana", "Hidden"}, {"Brand 1", "Brand 2", "Shared"})
    Membership.objects.filter(user=cast.bob).update(role=Role.RESTRICTED)
    assert offered(bob) == ({"Ana"}, {"Brand 1", "Shared"})
    assert bob.get(PAGE, {"portfolio": str(hidden)}).context["found"].total.customers == 1, "as if nothing was chosen"
    for page in (PAGE, CONTACTS):
        assert "Hidden" not in bob.get(page).content.decode()


def offered(client: Client) -> tuple[set[str], set[str]]:
    """The names in the selects of the dashboard; those of the list are the same portfolios."""
    filters = {each["name"]: {label for value, label in each["options"] if value} for each in client.get(PAGE).context["filters"]}
    listed = client.get(CONTACTS).context["form"].fields["erp_portfolio"].choices
    assert {str(label) for value, label in listed if value} == filters["portfolio"]
    return filters["portfolio"] - {"General portfolio"}, filters["brand"]


def test_a_deleted_customer_is_not_counted(cast: Cast, erp: Client, bob: Client) -> None:
    lay_out(cast, erp)
    with workspace_tx(cast.workspace):
        gone = ContactFigures.objects.get(contact__name="Company a").contact_id
        Contact.objects.filter(pk=gone).update(deleted_at="2026-08-31T12:00Z")

    assert section(bob, "classes")["Class A"].group.customers == 2


def test_without_redis_it_is_computed_each_time(cast: Cast, erp: Client, alice: Client, settings: Settings) -> None:
    lay_out(cast, erp)
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}
    assert alice.get(PAGE).status_code == 200
    assert alice.get(f"{PAGE}curve/").json()["bars"]


def test_outsiders_find_nothing(cast: Cast, erp: Client, charlie: Client, client: Client) -> None:
    lay_out(cast, erp)
    for path in ("", "curve/", "export.csv", "export.xlsx"):
        assert charlie.get(f"{PAGE}{path}").status_code == 404
        assert client.get(f"{PAGE}{path}").status_code == 302


def test_nothing_of_another_workspace_is_counted(cast: Cast, erp: Client, charlie: Client) -> None:
    lay_out(cast, erp)
    assert "No figures yet" in charlie.get("/w/elsewhere/customers/").content.decode()


def read_csv(response: Any) -> list[dict[str, str]]:
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_and_excel_hold_what_is_shown_and_no_formulas(cast: Cast, erp: Client, alice: Client) -> None:
    push(erp, "empresa", [company("1", razao_social="=HYPERLINK(1)"), company("2")])
    push(erp, "nota", [note("1", "1", "75.00"), note("2", "2", "25.00")])
    run_night(cast.workspace)

    rows = read_csv(alice.get(f"{PAGE}export.csv"))
    assert [(row["Rank"], row["Customer"], row["ABC class"], row["Revenue"], row["Share"], row["Cumulative share"]) for row in rows] == [
        ("1", "'=HYPERLINK(1)", "A", "75.00", "0.7500", "0.7500"),
        ("2", "Company 2", "A", "25.00", "0.2500", "1.0000"),
    ]

    openpyxl = pytest.importorskip("openpyxl")
    answer = alice.get(f"{PAGE}export.xlsx")
    assert "Content-Length" not in answer, "it is sent while it is made"
    book = openpyxl.load_workbook(io.BytesIO(b"".join(answer.streaming_content)))  # type: ignore[attr-defined]
    assert book.sheetnames == ["Customers", "Classes", "Categories", "Portfolios"]
    cell = book["Customers"]["C2"]
    assert (cell.value.lstrip("'"), cell.data_type) == ("=HYPERLINK(1)", "s")
    assert [row[:3] for row in book["Classes"].iter_rows(min_row=2, values_only=True)] == [("A", 2, 100)]


def test_a_file_that_cannot_be_written_is_said(cast: Cast, erp: Client, alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_out(cast, erp)
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere/at/all")
    for ending in ("csv", "xlsx"):
        page = alice.get(f"{PAGE}export.{ending}?months=3", follow=True)
        assert page.redirect_chain == [(f"{PAGE}?months=3", 302)]
        assert "The file cannot be written: No such file or directory" in page.content.decode()


def test_odd_filters_are_left_out(cast: Cast, erp: Client, alice: Client) -> None:
    lay_out(cast, erp)
    for query in ("?months=99999", "?portfolio=x", "?portfolio=99999999999", "?months=-1", "?brand=%00", "?brand=none.such"):
        assert alice.get(f"{PAGE}{query}").status_code == 200
        assert alice.get(f"{PAGE}curve/{query}").status_code == 200
    for query in ("erp_curve=A", "erp_curve=Z.12.", "erp_curve=A.0.", "erp_moved=A-B", "erp_moved=A-B.2026-13-01", "erp_revenue=1"):
        assert listed(alice, f"{CONTACTS}?{query}") == []


def test_what_filters_say() -> None:
    place = read_place("A.12.Marca 1.5")
    assert place is not None
    assert (place.brand, place.text) == ("Marca 1.5", "A.12.Marca 1.5")
    assert read_place("A.².") is None
    change = read_change("none-A.2026-08-01")
    assert change is not None
    assert (change.old, change.new, change.text) == (None, "A", "none-A.2026-08-01")
    assert read_range("1.50-20") == (Decimal("1.50"), Decimal(20))
    assert read_range("1e5-2") is None


def test_the_list_can_be_filtered_by_last_purchase(cast: Cast, erp: Client, alice: Client) -> None:
    push(erp, "empresa", [company(code) for code in ("early", "late", "never")])
    push(erp, "nota", [note("1", "early", "1.00", "2026-01-10"), note("2", "late", "1.00", "2026-08-10")])
    run_night(cast.workspace)

    page = alice.get(f"{CONTACTS}?erp_bought_since=2026-08-01")
    assert [contact.name for contact in page.context["page"].contacts] == ["Company late"]
    assert 'name="erp_bought_since"' in page.content.decode()
    assert listed(alice, f"{CONTACTS}?erp_bought_before=2026-08-01") == ["Company early"]
    kept = {"erp_class": "A", "erp_category": "active", "erp_bought_since": "2026-08-01"}
    saved = alice.post(f"{CONTACTS}lists/", {"name": "Good ones", "query": urlencode(kept)})["Location"]
    assert dict(parse_qsl(saved.partition("?")[2])) == kept
    assert listed(alice, f"{CONTACTS}?kind=organisation&erp_bought_since=nonsense") == ["Company early", "Company late", "Company never"]


def test_without_an_erp_its_filters_do_not_show(cast: Cast, alice: Client) -> None:
    assert "erp_bought" not in alice.get(CONTACTS).content.decode()


def test_as_many_queries_for_one_customer_as_for_many(cast: Cast, erp: Client, alice: Client) -> None:
    push(erp, "empresa", [company("1")])
    push(erp, "nota", [note("1", "1", "10.00", "2025-10-01"), note("1b", "1", "10.00", "2025-10-05")])
    run_night(cast.workspace)
    few = [queries(alice, f"{PAGE}{path}") for path in ("", "curve/")]
    codes = ("2", "3", "4")
    push(erp, "empresa", [company(code) for code in codes])
    push(erp, "nota", [note(f"{code}{day}", code, "10.00", f"2025-10-0{day}") for code in codes for day in (1, 5)])
    run_night(cast.workspace, today=TODAY.replace(month=9, day=1))

    assert [queries(alice, f"{PAGE}{path}") for path in ("", "curve/")] == few


def queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as found:
        assert client.get(url).status_code == 200
    return len(found)
