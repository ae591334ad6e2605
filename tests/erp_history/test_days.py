"""What companies bought day by day, over several nights, against an independent computation from what was pushed."""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.scoping import workspace_tx
from erp_history.domain.figures import months_before
from erp_history.models import AbcResult, BrandDay, CompanyDay, CompanyFigures, Empresa
from tests.erp_history.makers import TODAY, company, note, push, run_night
from tests.erp_history.test_abc import classes, classes_of, curve
from tests.fixtures import Cast

Rows = dict[str, dict[str, Any]]
DAY = dt.timedelta(days=1)
KINDS = [{}, {"tipo": "venda"}, {"tipo": "devolucao"}, {"tipo": "complemento"}, {"situacao": "cancelada"}, {"situacao": "autorizada"}]


class Distributor:
    """What the ERP has, and what follows from it in plain Python."""

    def __init__(self, erp: Client) -> None:
        self.erp = erp
        self.companies: Rows = {}
        self.notes: Rows = {}
        self.lines: Rows = {}

    def add_companies(self, *keys: str) -> None:
        """Keys as "01|C1"."""
        rows = {key: company(key.split("|")[1], filial=key.split("|")[0]) for key in keys}
        push(self.erp, "empresa", list(rows.values()))
        self.companies |= rows

    def put(self, *rows: dict[str, Any]) -> None:
        assert push(self.erp, "nota", rows)["rejected"] == 0
        self.notes |= {f"{row['filial']}|{row['codigo_erp']}": row for row in rows}

    def put_lines(self, chance: random.Random, *keys: str) -> None:
        """Of these notes, each with one line; whoever had one has another now."""
        rows = {
            key: {
                "filial": key.split("|")[0],
                "codigo_nota": key.split("|")[1],
                "item": "1",
                "marca": chance.choice(["Kappa", "Brava", None]),
                "valor_total": chance.choice(["1.00", "2.50"]),
            }
            for key in keys
        }
        assert push(self.erp, "itens_nota", list(rows.values()))["rejected"] == 0
        self.lines |= rows

    def company_of(self, row: dict[str, Any]) -> str | None:
        own = f"{row['filial']}|{row['codigo_empresa']}"
        same = [key for key in self.companies if key.split("|")[1] == row["codigo_empresa"]]
        return own if own in self.companies else same[0] if len(same) == 1 else None

    def counts(self, row: dict[str, Any]) -> bool:
        is_sale_or_return = row.get("tipo", "venda") in ("venda", "devolucao")
        is_there = row.get("situacao", "autorizada") == "autorizada" and not row.get("excluido")
        return is_sale_or_return and is_there and self.company_of(row) is not None

    def days_of_brands(self) -> dict[tuple[str, dt.date], Decimal]:
        found: dict[tuple[str, dt.date], Decimal] = defaultdict(Decimal)
        for key, line in self.lines.items():
            row = self.notes[key]
            if self.counts(row) and line["marca"]:
                sign = -1 if row.get("tipo") == "devolucao" else 1
                found[line["marca"], dt.date.fromisoformat(row["data_emissao"])] += sign * Decimal(line["valor_total"])
        return found

    def days(self) -> dict[tuple[str, dt.date], tuple[bool, Decimal]]:
        found: dict[tuple[str, dt.date], list[tuple[bool, Decimal]]] = defaultdict(list)
        for row in self.notes.values():
            key, is_sale = self.company_of(row), row.get("tipo", "venda") == "venda"
            if key and self.counts(row):
                amount = Decimal(row["valor_total"])
                found[key, dt.date.fromisoformat(row["data_emissao"])].append((is_sale, amount if is_sale else -abs(amount)))
        return {
            day: (any(is_sale for is_sale, _net in each), sum((net for _is_sale, net in each), Decimal(0))) for day, each in found.items()
        }

    def revenue(self, *, months: int, today: dt.date) -> dict[str, Decimal]:
        found: dict[str, Decimal] = defaultdict(Decimal)
        for (key, on), (_sold, net) in self.days().items():
            if months_before(today, months) <= on < today:
                found[key] += net
        return {key: total for key, total in found.items() if total}


def hold(cast: Cast, distributor: Distributor, *, today: dt.date) -> None:
    """Days, figures and the curves of windows are those of the distributor."""
    with workspace_tx(cast.workspace):
        keys = {row.pk: row.key for row in Empresa.objects.all()}
        days = {(keys[row.company_id], row.on): (row.sold, row.net) for row in CompanyDay.objects.all()}
        figures = {keys[row.company_id]: row for row in CompanyFigures.objects.all()}
        brands = {(row.brand, row.on): row.net for row in BrandDay.objects.all()}
        of_brands = dict(AbcResult.objects.filter(grouping="brand").values_list("key", "revenue"))
    assert brands == distributor.days_of_brands()
    in_year: dict[str, Decimal] = defaultdict(Decimal)
    for (brand, on), net in brands.items():
        in_year[brand] += net if months_before(today, 12) <= on < today else 0
    assert of_brands == {brand: total for brand, total in in_year.items() if total > 0}
    expected = distributor.days()
    assert days == expected
    for key, row in figures.items():
        sales = [on for (bought_by, on), (sold, _net) in expected.items() if bought_by == key and sold and on <= today]
        assert (row.purchases, row.last_purchase_on) == (len(sales), max(sales, default=None)), key
    of_year = distributor.revenue(months=12, today=today)
    assert {key: row.revenue for key, row in figures.items() if row.revenue} == of_year
    assert {key: row.abc_class for key, row in figures.items() if row.abc_class} == classes(of_year)
    for months in (3, 12):
        own = distributor.revenue(months=months, today=today)
        computed = curve(cast.workspace, months=months)
        assert {key: total for key, (total, _class) in computed.items() if total} == own
        assert classes_of(computed) == classes(own)


def some_notes(chance: random.Random, *, first: int, number: int) -> list[dict[str, Any]]:
    codes, amounts = ["C1", "C2", "C3", "C4", "late"], ["10.00", "20.50", "-3.25", "0.01", "900.00"]
    return [
        note(
            f"N{code}",
            chance.choice(codes),
            chance.choice(amounts),
            (TODAY - DAY * chance.randrange(-3, 500, 7)).isoformat(),
            filial=chance.choice(["01", "02", "03"]),
            **chance.choice(KINDS),
        )
        for code in range(first, first + number)
    ]


@pytest.mark.parametrize("seed", range(2))
def test_days_follow_the_notes_night_after_night(cast: Cast, erp: Client, seed: int) -> None:
    chance = random.Random(seed)
    distributor = Distributor(erp)
    distributor.add_companies("01|C1", "02|C1", "01|C2", "02|C3", "03|C4")  # C1 twice: which one depends on the note's filial
    distributor.put(*some_notes(chance, first=0, number=60))
    distributor.put_lines(chance, *sorted(distributor.notes)[:50])
    run_night(cast.workspace)
    hold(cast, distributor, today=TODAY)

    some = chance.sample(sorted(distributor.notes), 12)
    moved = [distributor.notes[key] | {"codigo_empresa": chance.choice(["C1", "C2", "C3", "unknown"])} for key in some[:4]]
    changed = [distributor.notes[key] | {"valor_total": "77.77", "data_emissao": "2026-08-02"} for key in some[4:8]]
    gone = [distributor.notes[key] | {"excluido": True} for key in some[8:]]
    distributor.put(*moved, *changed, *gone, *some_notes(chance, first=60, number=10))
    distributor.put_lines(chance, *sorted(distributor.notes)[45:])
    run_night(cast.workspace)
    hold(cast, distributor, today=TODAY)

    distributor.add_companies("01|late", "03|C2")  # one that was waited for, and a second one of a code
    run_night(cast.workspace, today=TODAY + DAY)
    hold(cast, distributor, today=TODAY + DAY)

    for today in (TODAY + 4 * DAY, TODAY - 40 * DAY):  # nothing new: a later day, and an earlier one once more
        run_night(cast.workspace, today=today)
        hold(cast, distributor, today=today)


def test_days_that_are_not_the_notes_any_more_are_only_touched_where_they_differ(cast: Cast, erp: Client) -> None:
    distributor = Distributor(erp)
    distributor.add_companies("01|C1", "01|C2")
    distributor.put(*(note(code, code, "10.00", filial="01") for code in ("C1", "C2")))
    run_night(cast.workspace)
    with workspace_tx(cast.workspace):
        written = dict(CompanyDay.objects.extra(select={"by": "xmin::text"}).values_list("company_id", "by"))
    distributor.put(note("C2", "C2", "11.00", filial="01"))
    run_night(cast.workspace)
    hold(cast, distributor, today=TODAY)
    with workspace_tx(cast.workspace):
        now = dict(CompanyDay.objects.extra(select={"by": "xmin::text"}).values_list("company_id", "by"))
        assert [pk for pk in now if now[pk] != written[pk]] == [Empresa.objects.get(codigo_erp="C2").pk]


def test_what_is_pushed_while_a_night_has_passed_waits_for_the_next_one(cast: Cast, erp: Client) -> None:
    distributor = Distributor(erp)
    distributor.add_companies("01|C1")
    distributor.put(note("1", "C1", "10.00", filial="01"))
    run_night(cast.workspace)
    push(erp, "nota", [note("2", "C1", "5.00", filial="01")])
    assert curve(cast.workspace, months=6) == {"01|C1": (10, "A")}
    run_night(cast.workspace)
    assert curve(cast.workspace, months=6) == {"01|C1": (15, "A")}


def test_without_news_of_notes_and_companies_the_days_are_read_as_they_are(cast: Cast, erp: Client) -> None:
    distributor = Distributor(erp)
    distributor.add_companies("01|C1")
    distributor.put(note("1", "C1", "10.00", filial="01"))
    run_night(cast.workspace)
    with workspace_tx(cast.workspace):
        CompanyDay.objects.update(net=12)
    push(erp, "pedido", [{"codigo_erp": "P1", "codigo_empresa": "C1", "data_emissao": "2026-08-01", "filial": "01"}])
    run_night(cast.workspace, today=TODAY + DAY)
    with workspace_tx(cast.workspace):
        assert CompanyFigures.objects.get().revenue == 12
    distributor.add_companies("01|C2")
    run_night(cast.workspace)
    hold(cast, distributor, today=TODAY)
