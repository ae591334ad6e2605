"""The curve against an independent computation in plain Python, over a made-up year that came in through HTTP."""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.models import Workspace
from accounts.scoping import workspace_tx
from erp_history.domain import dashboard, windows
from erp_history.domain.abc import CLASS
from erp_history.domain.figures import months_before
from erp_history.domain.sample import Sample, batches
from erp_history.domain.sources import source_of
from erp_history.models import AbcResult, ClassChange, CompanyFigures, Empresa, ErpPrepared, ErpRun, Portfolio
from tests.erp_history.makers import TODAY, company, note, push, run_night
from tests.fixtures import Cast

SAMPLE = Sample(companies=150, months=12, today=TODAY, seed=7)


def classes(revenue: dict[str, Decimal]) -> dict[str, str]:
    """By the definition: the share of all revenue that stands ahead of those who bought more."""
    buyers = {code: total for code, total in revenue.items() if total > 0}
    total = sum(buyers.values(), Decimal(0))
    found = {}
    for code, own in buyers.items():
        ahead = sum((other for other in buyers.values() if other > own), Decimal(0)) * 100
        found[code] = "A" if ahead < 80 * total else "B" if ahead < 95 * total else "C"
    return found


def revenue_of(sample: Sample, *, months: int = 12) -> dict[str, Decimal]:
    since, until = months_before(TODAY, months), TODAY
    found: dict[str, Decimal] = defaultdict(Decimal)
    for table, rows in batches(sample):
        for row in rows if table == "nota" else []:
            if row["situacao"] == "autorizada" and since <= dt.date.fromisoformat(row["data_emissao"]) < until:
                sign = 1 if row["tipo"] == "venda" else -1
                found[row["codigo_empresa"]] += sign * Decimal(row["valor_total"])
    return found


@pytest.fixture
def year(cast: Cast, erp: Client) -> Cast:
    for table, rows in batches(SAMPLE):
        answer = push(erp, table, rows)
        assert (answer["inserted"], answer["rejected"], answer["warning_count"]) == (len(rows), 0, 0)
    run_night(cast.workspace)
    return cast


def curve(workspace: Workspace, *, months: int = 12, brand: str = "") -> dict[str, tuple[Decimal, str | None]]:
    """Revenue and class of every company on the curve of a window, as the dashboard computes it or as it is kept for it."""
    with workspace_tx(workspace), connection.cursor() as cursor:
        source, run = source_of(workspace), ErpRun.objects.latest("id")
        ahead, values = windows.curve(source, run, months=months, brand=brand)
        cursor.execute(f"{ahead} SELECT company_id, revenue, {CLASS} FROM unit LEFT JOIN lowest ON true", values)
        keys = {row.pk: row.key for row in Empresa.objects.all()}
        rows = cursor.fetchall()
        assert len({row[0] for row in rows}) == len(rows)
        return {keys[company_id]: (revenue, abc_class) for company_id, revenue, abc_class in rows}


def classes_of(lines: dict[str, tuple[Decimal, str | None]]) -> dict[str, str]:
    return {key: abc_class for key, (_revenue, abc_class) in lines.items() if abc_class}


def prepare(workspace: Workspace) -> None:
    with workspace_tx(workspace):
        assert windows.prepare(workspace, source_of(workspace), ErpRun.objects.latest("id"))


def test_a_year_s_curve_equals_the_independent_one(year: Cast) -> None:
    expected = revenue_of(SAMPLE)
    with workspace_tx(year.workspace):
        codes = dict(Empresa.objects.values_list("id", "codigo_erp"))
        figures = {codes[row.company_id]: row for row in CompanyFigures.objects.all()}
        assert all(row.category and row.portfolio_id for row in figures.values())
        by_portfolio = sum(AbcResult.objects.filter(grouping="portfolio").values_list("revenue", flat=True))
        by_root = sum(AbcResult.objects.filter(grouping="root").values_list("revenue", flat=True))
        total = sum(row.revenue for row in figures.values())
        assert Portfolio.objects.filter(code="").count() == 1

    assert {code: row.revenue for code, row in figures.items() if row.revenue} == {code: value for code, value in expected.items() if value}
    assert {code: row.abc_class for code, row in figures.items() if row.abc_class} == classes(expected)
    assert set(classes(expected).values()) == {"A", "B", "C"}
    assert by_portfolio == by_root == total


@pytest.mark.parametrize("months", [6, 7, 12])
def test_a_window_s_curve_equals_the_independent_one_computed_and_kept(year: Cast, months: int) -> None:
    expected = revenue_of(SAMPLE, months=months)
    computed = curve(year.workspace, months=months)
    assert {code: revenue for code, (revenue, _class) in computed.items() if revenue} == {
        code: own for code, own in expected.items() if own
    }
    assert classes_of(computed) == classes(expected)
    prepare(year.workspace)
    assert classes_of(curve(year.workspace, months=months)) == classes(expected)


@pytest.mark.parametrize("brand", ["", "Kappa"])
def test_nothing_is_summed_again_for_each_company(year: Cast, brand: str) -> None:
    with workspace_tx(year.workspace):
        ahead, values = windows.curve(source_of(year.workspace), ErpRun.objects.latest("id"), months=7, brand=brand)
        asked = f"{ahead} SELECT {CLASS}, count(*) FROM unit LEFT JOIN lowest ON true GROUP BY 1"
        [(found,)] = dashboard.fetch(f"EXPLAIN (ANALYZE, FORMAT JSON) {asked}", values)
    sums = [node for node in nodes(found[0]["Plan"]) if node["Node Type"] in ("Aggregate", "WindowAgg")]
    assert len(sums) >= 4
    assert {node["Actual Loops"] for node in sums} <= {0, 1}


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes(part)


def test_a_brand_s_curve_is_the_same_computed_and_kept(year: Cast) -> None:
    with workspace_tx(year.workspace):
        brand = AbcResult.objects.filter(grouping="brand").latest("revenue")
    computed = curve(year.workspace, brand=brand.key)
    assert sum(revenue for revenue, _class in computed.values()) == brand.revenue
    assert classes_of(computed) == classes({key: revenue for key, (revenue, _class) in computed.items()})
    prepare(year.workspace)
    with workspace_tx(year.workspace):
        assert ErpPrepared.objects.exists()
    assert classes_of(curve(year.workspace, brand=brand.key)) == classes_of(computed)


@pytest.mark.parametrize("seed", range(3))
def test_ties_are_equal_wherever_they_stand(cast: Cast, erp: Client, seed: int) -> None:
    """Few amounts for many companies: the borders fall into the middle of companies with equal revenue."""
    chance = random.Random(seed)
    amounts = {f"C{number:02}": chance.choice(["-5.00", "0.00", "0.01", "10.00", "20.00", "20.01", "400.00"]) for number in range(60)}
    push(erp, "empresa", [company(code) for code in amounts])
    push(erp, "nota", [note(code, code, amount) for code, amount in amounts.items()])
    run_night(cast.workspace)
    expected = classes({code: Decimal(amount) for code, amount in amounts.items()})
    assert {code: found for code, found in found_classes(cast).items() if found} == expected
    assert classes_of(curve(cast.workspace, months=12)) == expected
    prepare(cast.workspace)
    assert classes_of(curve(cast.workspace, months=12)) == expected


def test_the_worked_example_and_ties(cast: Cast, erp: Client) -> None:
    amounts = {"a": 500, "b": 250, "c": 100, "d": 80, "e": 40, "f": 20, "g": 10}
    push(erp, "empresa", [company(code) for code in amounts])
    push(erp, "nota", [note(code, code, f"{amount}.00") for code, amount in amounts.items()])
    run_night(cast.workspace)
    assert found_classes(cast) == dict(zip("abcdefg", "AAABBCC", strict=True))

    push(erp, "nota", [note("tie", "g", "490.00")])
    run_night(cast.workspace)
    assert found_classes(cast)["g"] == found_classes(cast)["a"] == "A"
    with workspace_tx(cast.workspace):
        moved = ClassChange.objects.filter(old__isnull=False).order_by("id").values_list("old", "new")
        assert ("C", "A") in moved


def found_classes(cast: Cast) -> dict[str, str | None]:
    with workspace_tx(cast.workspace):
        codes = dict(Empresa.objects.values_list("id", "codigo_erp"))
        return {codes[row.company_id]: row.abc_class for row in CompanyFigures.objects.all()}


def test_one_big_customer_is_a_and_none_without_revenue_has_a_class(cast: Cast, erp: Client) -> None:
    push(erp, "empresa", [company(code) for code in ("big", "small", "returned", "never", "old", "today")])
    rows = [
        note("1", "big", "900.00"), note("2", "small", "100.00"), note("3", "returned", "50.00"),
        note("4", "returned", "80.00", tipo="devolucao"), note("5", "old", "999.00", "2025-08-30"),
        note("6", "today", "999.00", TODAY.isoformat()), note("7", "never", "9.00", situacao="denegada"),
        note("8", "never", "9.00", tipo="complemento"), {**note("9", "x", "9.00"), "codigo_empresa": None, "codigo_contato": "P1"},
    ]  # fmt: skip
    push(erp, "nota", rows)
    run_night(cast.workspace)

    assert found_classes(cast) == {"big": "A", "small": "B", "returned": None, "never": None, "old": None, "today": None}


def test_a_recoded_company_leaves_the_sum_as_it_was(cast: Cast, erp: Client) -> None:
    push(erp, "empresa", [company("C1", cnpj="16727230000197")])
    push(erp, "nota", [note("1", "C1", "100.00")])
    run_night(cast.workspace)
    push(erp, "empresa", [{"codigo_erp": "C1", "excluido": True}, company("C9", cnpj="16727230000197")])
    push(erp, "nota", [note("2", "C9", "50.00")])
    run_night(cast.workspace)

    with workspace_tx(cast.workspace):
        assert sum(CompanyFigures.objects.values_list("revenue", flat=True)) == 150
        [root] = AbcResult.objects.filter(grouping="root")
        assert (root.key, root.revenue) == ("16727230", 150)


def test_branches_refer_to_their_own_rows_first(cast: Cast, erp: Client) -> None:
    push(erp, "empresa", [company("C1", filial="01"), company("C1", filial="02"), company("C2", filial="01")])
    push(erp, "nota", [note("1", "C1", "10.00", filial="02"), note("2", "C2", "5.00", filial="02"), note("3", "C1", "99.00", filial="03")])
    run_night(cast.workspace)

    with workspace_tx(cast.workspace):
        keys = {row.pk: row.key for row in Empresa.objects.all()}
        revenue = {keys[row.company_id]: row.revenue for row in CompanyFigures.objects.all()}
    assert revenue == {"01|C1": 0, "02|C1": 10, "01|C2": 5}
    computed = {key: revenue for key, (revenue, _class) in curve(cast.workspace).items()}
    assert computed == {"02|C1": 10, "01|C2": 5}


def test_what_a_branch_sold_to_another_one_s_company_is_added_to_its_own(cast: Cast, erp: Client) -> None:
    push(erp, "empresa", [company("C1", filial="01"), company("C2", filial="01")])
    push(erp, "nota", [note("1", "C1", "10.00", filial="01"), note("2", "C1", "5.00", filial="02"), note("3", "C1", "2.00", filial="03")])
    push(erp, "nota", [note("4", "C2", "1.00", filial="02"), note("5", "C9", "99.00", filial="01")])
    run_night(cast.workspace)
    assert curve(cast.workspace) == {"01|C1": (17, "A"), "01|C2": (1, "B")}


def test_a_night_writes_what_differs_and_nothing_else(cast: Cast, erp: Client) -> None:
    push(erp, "empresa", [company(code) for code in "abc"])
    push(erp, "nota", [note(code, code, "10.00") for code in "abc"])
    push(erp, "itens_nota", [{"codigo_nota": code, "item": "1", "marca": code.upper(), "valor_total": "10.00"} for code in "abc"])
    run_night(cast.workspace)
    tomorrow = TODAY + dt.timedelta(days=1)
    push(erp, "nota", [note("c", "c", "1.00")])
    run_night(cast.workspace, today=tomorrow)

    assert found_classes(cast) == {"a": "A", "b": "A", "c": "C"}
    with workspace_tx(cast.workspace):
        assert set(AbcResult.objects.filter(as_of=tomorrow).values_list("grouping", "key")) == {("root", "c"), ("portfolio", general_key())}
        assert list(ClassChange.objects.filter(on=tomorrow).values_list("old", "new")) == [("A", "C")]


def general_key() -> str:
    return str(Portfolio.objects.get(code="").pk)
