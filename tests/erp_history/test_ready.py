"""What is made ready after a night: exact, made anew after everything that changes it, and never another member's."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
from django.test import Client

from accounts.enums import Role
from accounts.models import Membership, Team
from accounts.scoping import Origin, workspace_tx
from contacts.domain import merge
from contacts.models import Contact
from erp_history import tasks
from erp_history.domain import night, ready, stored, windows
from erp_history.domain.dashboard import last_night
from erp_history.domain.figures import months_before
from erp_history.domain.sample import Sample, batches
from erp_history.domain.sources import source_of
from erp_history.models import Empresa, ErpPrepared, ErpSource, StoredRows, WindowRevenue
from tests.caches import forget_cached
from tests.erp_history.makers import TODAY, company, note, push, run_night
from tests.erp_history.test_abc import classes
from tests.erp_history.test_dashboard import PAGE, lay_out, listed, queries, section
from tests.fixtures import Cast

SAMPLE = Sample(companies=80, months=26, today=TODAY, seed=5)
GENERAL = "/w/hartwell/settings/erp/"
Revenue = dict[str, Decimal]


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    """Workspaces of another test may have had the same numbers."""
    forget_cached()
    yield
    forget_cached()


def independent(*, months: int) -> dict[str, Revenue]:
    """brand ("" = all) -> code -> net revenue, straight from what was pushed."""
    since = months_before(TODAY, months)
    found: dict[str, Revenue] = defaultdict(lambda: defaultdict(Decimal))
    notes = {row["codigo_erp"]: row for table, rows in batches(SAMPLE) if table == "nota" for row in rows}
    counted = {
        code: (row, 1 if row["tipo"] == "venda" else -1)
        for code, row in notes.items()
        if row["situacao"] == "autorizada" and since <= dt.date.fromisoformat(row["data_emissao"]) < TODAY
    }
    for row, sign in counted.values():
        found[""][row["codigo_empresa"]] += sign * Decimal(row["valor_total"])
    for table, rows in batches(SAMPLE):
        for line in rows if table == "itens_nota" else []:
            if line["codigo_nota"] in counted:
                row, sign = counted[line["codigo_nota"]]
                found[line["marca"]][row["codigo_empresa"]] += sign * Decimal(line["valor_total"])
    return found


def letters(client: Client, query: str) -> dict[str, tuple[int, Decimal]]:
    return {label: (row.group.customers, row.group.revenue) for label, row in section(client, "classes", query).items()}


def expected_letters(revenue: Revenue, *, everybody: int) -> dict[str, tuple[int, Decimal]]:
    found: dict[str, list[Decimal]] = defaultdict(list)
    own = classes(revenue)
    for code, total in revenue.items():
        found[f"Class {own[code]}" if code in own else "No class"].append(total)
    found["No class"] += [Decimal(0)] * (everybody - len(revenue))
    return {label: (len(totals), sum(totals, Decimal(0))) for label, totals in found.items() if totals}


def test_every_window_and_brand_equals_an_independent_computation(cast: Cast, erp: Client, alice: Client) -> None:
    for table, rows in batches(SAMPLE):
        push(erp, table, rows)
    run_night(cast.workspace)
    asked = {
        (months, brand): f"?months={months}&brand={brand}" for months in windows.WINDOWS for brand in sorted(independent(months=24))[:4]
    }
    computed = {place: letters(alice, query) for place, query in asked.items()}
    ready.prepare(cast.workspace)

    for (months, brand), query in asked.items():
        expected = expected_letters(independent(months=months)[brand], everybody=SAMPLE.companies)
        assert computed[months, brand] == expected, (months, brand)
        assert letters(alice, query) == expected, (months, brand)
        for row in section(alice, "classes", query).values():
            assert len(listed(alice, row.url)) == min(row.group.customers, 50)  # a page of the list
    with workspace_tx(cast.workspace):
        codes = dict(Empresa.objects.values_list("id", "codigo_erp"))
        kept = {codes[row.company_id]: row for row in WindowRevenue.objects.filter(brand="")}
    for months in windows.WINDOWS:
        expected_revenue = {code: total for code, total in independent(months=months)[""].items() if total}
        assert {
            code: getattr(row, f"revenue_{months}") for code, row in kept.items() if getattr(row, f"revenue_{months}")
        } == expected_revenue


def test_another_night_writes_only_what_differs(cast: Cast, erp: Client) -> None:
    lay_out(cast, erp)
    push(erp, "nota", [note("more", "a", "1.00")])  # after the night: it counts in the next one
    ready.prepare(cast.workspace)
    with workspace_tx(cast.workspace):
        before = dict(WindowRevenue.objects.values_list("pk", "revenue_12"))
    push(erp, "nota", [note("f", "f", "20.00", excluido=True), note("new", "never", "3.00")])
    run_night(cast.workspace)
    ready.prepare(cast.workspace)
    with workspace_tx(cast.workspace):
        after = dict(WindowRevenue.objects.values_list("pk", "revenue_12"))

    assert len(before) == 9  # seven buyers, two of them of a brand
    assert len(after) == 8  # without the two rows of f, with never's
    assert {(before[pk], now) for pk, now in after.items() if pk in before and before[pk] != now} == {(500, 501)}


def delete(cast: Cast) -> None:
    Contact.objects.filter(name="Company a").update(deleted_at="2026-08-31T12:00Z")


def restore(cast: Cast) -> None:
    Contact.objects.filter(name="Company g").update(deleted_at=None)


def join(cast: Cast) -> None:
    kept, gone = (Contact.objects.get(name=f"Company {code}") for code in "ag")
    merge.merge(cast.workspace, kept_id=kept.pk, gone_id=gone.pk, origin=Origin(kind="web", actor_id=cast.alice.pk))


def other_rules(cast: Cast) -> None:
    ErpSource.objects.update(abc_a=10)


@pytest.mark.parametrize(
    ("change", "query", "expected"),
    [
        (delete, "?months=3", {"Class A": 2, "Class B": 2, "Class C": 1, "No class": 1}),
        (delete, "", {"Class A": 2, "Class B": 2, "Class C": 1, "No class": 1}),
        (restore, "?months=3", {"Class A": 3, "Class B": 2, "Class C": 2, "No class": 1}),
        (join, "?months=3", {"Class A": 3, "Class B": 2, "Class C": 1, "No class": 1}),
        (other_rules, "?months=3", {"Class A": 1, "Class B": 4, "Class C": 1, "No class": 1}),
    ],
)
def test_what_changes_the_figures_shows_at_once(
    cast: Cast, erp: Client, alice: Client, change: Callable[[Cast], None], query: str, expected: dict[str, int]
) -> None:
    lay_out(cast, erp)
    with workspace_tx(cast.workspace):
        if change is not join:
            Contact.objects.filter(name="Company g").update(deleted_at="2026-08-31T11:00Z")
    ready.prepare(cast.workspace)
    shown = ("", "curve/")
    for path in shown:
        alice.get(f"{PAGE}{path}{query}")

    with workspace_tx(cast.workspace):
        change(cast)

    assert {label: row.group.customers for label, row in section(alice, "classes", query).items()} == expected
    assert sum(bar["customers"] for bar in alice.get(f"{PAGE}curve/{query}").json()["bars"]) == sum(expected.values()) - 1


def test_a_pushed_note_counts_in_the_next_night(cast: Cast, erp: Client, alice: Client) -> None:
    lay_out(cast, erp)
    ready.prepare(cast.workspace)
    before = letters(alice, "?months=3")
    push(erp, "nota", [note("late", "never", "900.00")])

    assert letters(alice, "?months=3") == before
    run_night(cast.workspace)
    ready.prepare(cast.workspace)
    assert letters(alice, "?months=3")["Class A"] == (3, Decimal(1650))


def test_a_team_that_a_member_is_not_in_takes_its_customers_out_of_sight(cast: Cast, erp: Client, alice: Client, bob: Client) -> None:
    lay_out(cast, erp)
    ready.prepare(cast.workspace)
    assert section(bob, "classes")["Class A"].group.customers == 3
    with workspace_tx(cast.workspace):
        team = Team.objects.create(workspace=cast.workspace, name="North", slug="north")
        Contact.objects.filter(name__in=["Company a", "Company b"]).update(team=team)
    assert section(bob, "classes")["Class A"].group.customers == 1
    assert section(alice, "classes")["Class A"].group.customers == 3
    with workspace_tx(cast.workspace):
        Contact.objects.filter(name="Company a").update(owner=cast.bob)
    assert section(bob, "classes")["Class A"].group.customers == 2
    Membership.objects.filter(user=cast.bob).update(role=Role.RESTRICTED)
    assert section(bob, "classes", "?months=6")["Class A"].group.customers == 1
    Membership.objects.filter(user=cast.bob).update(team_ids=[team.pk])
    assert section(bob, "classes", "?months=6")["Class A"].group.customers == 2


def test_while_a_night_is_at_work_nothing_is_kept(cast: Cast, erp: Client, alice: Client) -> None:
    lay_out(cast, erp)
    ready.prepare(cast.workspace)
    night.request_run(cast.workspace, today=TODAY)
    with workspace_tx(cast.workspace):
        assert not windows.prepare(cast.workspace, source_of(cast.workspace), last_night(cast.workspace))  # type: ignore[arg-type]  # there is one
    first = queries(alice, PAGE)
    assert queries(alice, PAGE) == first


def test_the_bell_after_the_night_makes_it_ready_once(cast: Cast, erp: Client, alice: Client) -> None:
    lay_out(cast, erp)
    with workspace_tx(cast.workspace):
        assert ready.is_due(cast.workspace)
    tasks.make_ready(workspace_id=cast.workspace.pk)
    with workspace_tx(cast.workspace):
        made = ErpPrepared.objects.get().made_at
        assert not ready.is_due(cast.workspace)
    tasks.make_ready(workspace_id=cast.workspace.pk)
    with workspace_tx(cast.workspace):
        assert ErpPrepared.objects.get().made_at == made
    # Whoever looks first finds everything: no statement over the customers is left to do.
    few = queries(alice, f"{PAGE}?months=24")
    assert queries(alice, f"{PAGE}?months=24") == few


def test_as_many_queries_for_many_customers_when_all_is_ready(cast: Cast, erp: Client, alice: Client) -> None:
    push(erp, "empresa", [company("1")])
    push(erp, "nota", [note("1", "1", "10.00", "2025-10-01"), note("1b", "1", "10.00", "2025-10-05")])
    run_night(cast.workspace)
    ready.prepare(cast.workspace)
    few = [queries(alice, f"{PAGE}{path}?months=24") for path in ("", "curve/")]
    codes = ("2", "3", "4")
    push(erp, "empresa", [company(code) for code in codes])
    push(erp, "nota", [note(f"{code}{day}", code, "10.00", f"2025-10-0{day}") for code in codes for day in (1, 5)])
    run_night(cast.workspace, today=TODAY.replace(month=9, day=1))
    ready.prepare(cast.workspace)

    assert [queries(alice, f"{PAGE}{path}?months=24") for path in ("", "curve/")] == few


def test_few_rows_are_counted_when_somebody_looks(cast: Cast, erp: Client, alice: Client) -> None:
    push(erp, "empresa", [company("1"), company("2", excluido=True)])
    assert alice.get(GENERAL).context["rows_stored"] == 2
    push(erp, "empresa", [company("3")])
    page = alice.get(GENERAL)
    assert page.context["rows_stored"] == 3
    assert page.context["data_bytes"] > 100
    [arrival] = [one for one in page.context["arrivals"] if one.table.name == "empresa"]
    assert arrival.rows == 2


def test_many_rows_are_counted_in_the_background(cast: Cast, erp: Client, alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "COUNTED_AT_ONCE", 1)
    push(erp, "empresa", [company("1"), company("2")])
    assert "It is being counted" in alice.get(GENERAL).content.decode()
    ready.prepare(cast.workspace)
    assert alice.get(GENERAL).context["rows_stored"] == 2
    push(erp, "empresa", [company("3")])
    assert alice.get(GENERAL).context["rows_stored"] == 2  # as of the time that stands beside it
    with workspace_tx(cast.workspace):
        assert not stored.is_due(cast.workspace)
        StoredRows.objects.update(counted_at=StoredRows.objects.all()[0].counted_at - stored.COUNTED_AGAIN)
        assert stored.is_due(cast.workspace)
    ready.prepare(cast.workspace)
    assert alice.get(GENERAL).context["rows_stored"] == 3


def test_nothing_of_another_workspace_is_counted(cast: Cast, erp: Client, charlie: Client) -> None:
    lay_out(cast, erp)
    ready.prepare(cast.workspace)
    assert charlie.get("/w/elsewhere/settings/erp/").context["rows_stored"] == 0
