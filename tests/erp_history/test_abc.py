"""The curve against an independent computation in plain Python, over a made-up year that came in through HTTP."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal

import pytest
from django.test import Client

from accounts.scoping import workspace_tx
from erp_history.domain.abc import curve
from erp_history.domain.figures import months_before
from erp_history.domain.sample import Sample, batches
from erp_history.domain.sources import source_of
from erp_history.models import AbcResult, ClassChange, CompanyFigures, Empresa, Portfolio
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


def test_a_year_s_curve_equals_the_independent_one(year: Cast) -> None:
    expected = revenue_of(SAMPLE)
    with workspace_tx(year.workspace):
        codes = dict(Empresa.objects.values_list("id", "codigo_erp"))
        figures = {codes[row.company_id]: row for row in CompanyFigures.objects.all()}
        lines = list(AbcResult.objects.filter(grouping="company").order_by("rank"))
        on_demand = {line.key: line.abc_class for line in curve(year.workspace, source_of(year.workspace), TODAY)}
        half = {line.key: line.abc_class for line in curve(year.workspace, source_of(year.workspace), TODAY, months=6)}
        assert all(row.category and row.portfolio_id for row in figures.values())
        by_portfolio = sum(AbcResult.objects.filter(grouping="portfolio").values_list("revenue", flat=True))
        total = sum(row.revenue for row in figures.values())
        assert Portfolio.objects.filter(code="").count() == 1

    assert {code: row.revenue for code, row in figures.items() if row.revenue} == {code: value for code, value in expected.items() if value}
    assert {line.key: line.abc_class for line in lines} == classes(expected) == on_demand
    assert half == classes(revenue_of(SAMPLE, months=6))
    assert set(classes(expected).values()) == {"A", "B", "C"}
    assert lines[-1].cumulative == 1
    assert by_portfolio == total


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
        assert sum(AbcResult.objects.filter(grouping="company").values_list("revenue", flat=True)) == 150
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
