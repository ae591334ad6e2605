"""A distributor's ERP in a browser: checklist, a day of pushes, a night, the figures, who stands behind them, history, Excel."""

from __future__ import annotations

import datetime as dt
import logging
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

import openpyxl
import pytest
import requests
from playwright.sync_api import Locator, expect

from erp_history.domain.sample import Row, Sample, batches
from erp_history.domain.tables import TABLES
from tests.e2e.product import Product
from tests.e2e.steps import PASSWORD, look_in, reload_until, rows_of, sign_up
from tests.e2e.visitor import Visitor, visiting

pytestmark = pytest.mark.browser
log = logging.getLogger(__name__)
COMPANIES, MONTHS, ZONE = 120, 9, "America/Sao_Paulo"
TRICKY = {"codigo_erp": "000900", "razao_social": "=1+1 Comércio", "nome_fantasia": "@Loja", "limite_credito": "1234.56"}
NAMELESS = {"codigo_erp": "000901"}
# As the vendor's screens in Brazil call them.
WORDS = (
    "Dados ERP", "Informações gerais", "Histórico", "Conexão", "Agendamento", "Tipo de integração", "Status da implantação",
    "Tempo máximo sem sucesso", "Próxima execução", "Execuções",
)  # fmt: skip
VALUE_WORDS = ("Clientes por valor", "Curva ABC", "Categorias", "Carteiras", "Migrações", "Clientes em risco")
HISTORY_WORDS = ("Dados ERP", "Histórico", "Informações gerais", "Tabelas")


class Day:
    """What the ERP has sent, and what it was told."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self.headers = f"{url}/api/v1/erp/", {"Authorization": f"Bearer {token}"}
        self.rows: dict[str, dict[tuple[str, ...], Row]] = defaultdict(dict)
        self.calls = 0
        self.told: Counter[str] = Counter()

    def push(self, table: str, rows: list[Row], *, snapshot: int | None = None) -> dict[str, Any]:
        for row in rows:
            if row is not NAMELESS:
                self.rows[table][key_of(table, row)] = row
        answer = self.post(f"{table}/", rows, {"X-Snapshot": str(snapshot)} if snapshot else {})
        self.told.update({name: answer[name] for name in ("received", "inserted", "updated", "unchanged", "rejected")})
        return answer

    def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> dict[str, Any]:
        answer = requests.post(self.url + path, json=body, headers={**self.headers, **(headers or {})}, timeout=90)
        assert answer.ok, answer.text
        self.calls += 1
        return dict(answer.json())


def key_of(table: str, row: Row) -> tuple[str, ...]:
    return tuple(str(row.get(name) or "") for name in TABLES[table].key)


def today() -> dt.date:
    return dt.datetime.now(ZoneInfo(ZONE)).date()


class Story:
    """The stations share the day of pushes."""

    def __init__(self, files: Path) -> None:
        self.files = files
        self.day = Day("", "")

    def stations(self) -> Iterator[Callable[[Visitor], None]]:
        yield self.arrive
        yield self.make_a_token
        yield self.push_for_a_day
        yield self.see_what_has_arrived
        yield self.run_the_night
        yield self.see_the_figures
        yield self.open_what_stands_behind
        yield self.look_into_the_history
        yield self.take_it_away
        yield self.in_other_languages

    def arrive(self, visitor: Visitor) -> None:
        """Nothing has come yet, nothing is scheduled, and the page says what to do."""
        page = visitor.page
        sign_up(visitor, name="Caio Prado", workspace="Distribuidora Hartwell", email="caio@hartwell.example")
        visitor.go(f"{visitor.home}/settings/")
        page.locator("#id_time_zone").select_option(ZONE)
        page.locator("#id_currency").select_option("BRL")
        visitor.press("Save")
        visitor.toast("Saved")
        visitor.go(f"{visitor.home}/customers/")
        expect(page.get_by_text("No figures yet")).to_be_visible()
        visitor.look("e01-no-figures")
        visitor.follow("Set up ERP data")
        visitor.heading("ERP data")
        expect(page.locator("#onboarding")).to_contain_text("0 of 12")
        expect(page.locator("#erp-live")).to_contain_text("Not scheduled")
        page.get_by_label("Maximum time without success (hours)").fill("36")
        visitor.press("Save")
        visitor.toast("Saved.")
        expect(page.locator("#erp-live")).to_contain_text("36 hours")
        visitor.look("e02-onboarding")

    def make_a_token(self, visitor: Visitor) -> None:
        page = visitor.page
        visitor.follow("How to connect the ERP")
        visitor.look("e03-connection")
        visitor.follow("Make a token")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        visitor.press("Go on")
        visitor.heading("Make an ERP token")
        page.locator("#id_name").fill("Protheus server")
        visitor.press("Make the token")
        visitor.heading("Your new ERP token")
        token = page.locator("[data-copy]").first.get_attribute("data-copy") or ""
        assert token.startswith("crm_")
        visitor.look("e04-token")
        self.day = Day(visitor.product.url, token)

    def push_for_a_day(self, visitor: Visitor) -> None:
        """All twelve tables over HTTP, then the corrections of the afternoon; one row cannot be taken, and is named."""
        day = self.day
        refused = requests.post(f"{day.url}empresa/", json=[TRICKY], headers={"Authorization": "Bearer crm_x_y"}, timeout=90)
        assert refused.status_code == 401
        snapshot = day.post("snapshots/", {"table": "fatura"})["id"]
        for table, rows in batches(Sample(companies=COMPANIES, months=MONTHS, today=today())):
            day.push(table, rows, snapshot=snapshot if table == "fatura" else None)
        day.post(f"snapshots/{snapshot}/end/", {"rows": len(day.rows["fatura"]), "confirm": True})
        first = next(iter(day.rows["empresa"].values()))
        answer = day.push("empresa", [{**first, "nome_fantasia": "Nome Novo"}, TRICKY, NAMELESS])
        assert [answer[name] for name in ("received", "inserted", "updated", "rejected")] == [3, 1, 1, 1]
        assert answer["errors"][0]["field"] == "razao_social"

    def see_what_has_arrived(self, visitor: Visitor) -> None:
        page = visitor.page
        visitor.go(f"{visitor.home}/settings/erp/")
        checklist = page.locator("#onboarding")
        expect(checklist).to_contain_text("12 of 12")
        for table, rows in self.day.rows.items():
            row = checklist.locator("tr").filter(has=page.get_by_text(table, exact=True))
            expect(row.locator("td").nth(2)).to_have_text(number(len(rows)))
            expect(row.locator("td").nth(3)).to_have_text("1" if table == "empresa" else "0")
        expect(page.locator("#erp-live")).to_contain_text("Every day at 00:00 (America/Sao_Paulo)")
        expect(page.locator("#erp-live")).to_contain_text("never")
        visitor.look("e05-arrived")

    def run_the_night(self, visitor: Visitor) -> None:
        page = visitor.page
        visitor.press("Run now")
        visitor.toast("The run has started.")
        done = page.locator("#erp-runs tbody tr").first.get_by_text("Successful")
        reload_until(visitor, done)
        expect(page.get_by_role("region", name="The run under way")).to_have_count(0)
        visitor.look("e06-after-the-night")
        page.locator("#erp-runs tbody a").first.click()
        expect(page.get_by_role("heading", name=re.compile("^Run "))).to_be_visible()
        expect(page.locator("main")).not_to_contain_text("Failed")
        visitor.look("e07-run")

    def see_the_figures(self, visitor: Visitor) -> None:
        """The curve is the one that a few lines here compute from what was pushed."""
        page = visitor.page
        visitor.go(f"{visitor.home}/customers/")
        visitor.heading("Customers by value")
        expect(page.get_by_text("Drawing the curve")).to_be_hidden()
        curve = self.curve()
        expect(tile(visitor, "Customers")).to_contain_text(number(COMPANIES + 1))
        expect(tile(visitor, "Bought in the window")).to_contain_text(number(len(curve)))
        drawn = page.request.get(f"{visitor.product.url}{page.locator('#pareto').get_attribute('data-pareto')}").json()["bars"]
        assert [(bar["class"], round(bar["revenue"], 2)) for bar in drawn] == [(letter, float(total)) for _code, total, letter in curve]
        names = {code: str(row["razao_social"]) for (*_filial, code), row in self.day.rows["empresa"].items()}
        assert drawn[0]["label"] in (names[curve[0][0]], str(self.company(curve[0][0])["nome_fantasia"]))
        page.get_by_text("The curve as a table").click()
        expect(page.locator("[data-pareto-rows] tr")).to_have_count(len(curve))
        visitor.look("e08-dashboard")
        self.follow_every_figure(visitor, drawn)

    def follow_every_figure(self, visitor: Visitor, bars: list[dict[str, Any]]) -> None:
        """Each number, amount and bar leads to a list; a number to a list that is as long."""
        links = visitor.page.locator("main a[href*='/contacts/']").evaluate_all("links => links.map(link => [link.href, link.innerText])")
        links += [(bar["url"], "") for bar in (bars[0], bars[len(bars) // 2], bars[-1])]
        tiles = visitor.page.locator(".value-tiles .tile")
        assert tiles.evaluate_all("tiles => tiles.map(tile => tile.localName)") == ["a"] * 5
        counted = 0
        for url, text in links:
            answer = visitor.page.request.get(urljoin(visitor.product.url, url))
            assert answer.ok, url
            figure = re.match(r"[\d,]+(?=\s|$)", text.strip())
            if figure and "?" in url:
                shown = re.findall(r'id="list-count">([\d,]+)<', answer.text())
                assert shown == [figure[0]], (url, text)
                counted += 1
        assert counted >= 10

    def curve(self) -> list[tuple[str, Decimal, str]]:
        """Company, net revenue, class by the share ahead of it; the highest first."""
        totals: dict[str, Decimal] = defaultdict(Decimal)
        for note in self.day.rows["nota"].values():
            if note["situacao"] == "autorizada":
                sign = -1 if note["tipo"] == "devolucao" else 1
                totals[str(note["codigo_empresa"])] += sign * Decimal(note["valor_total"])
        rows = sorted(((code, total) for code, total in totals.items() if total > 0), key=lambda row: (-row[1], row[0]))
        whole, ahead, found = sum((total for _code, total in rows), Decimal(0)), Decimal(0), []
        for code, total in rows:
            found.append((code, total, "A" if ahead < whole * 80 / 100 else "B" if ahead < whole * 95 / 100 else "C"))
            ahead += total
        return found

    def company(self, code: str) -> Row:
        return next(row for row in self.day.rows["empresa"].values() if row["codigo_erp"] == code)

    def open_what_stands_behind(self, visitor: Visitor) -> None:
        """A figure opens its customers, and a customer shows what made it one."""
        page = visitor.page
        curve = self.curve()
        best = [code for code, _total, letter in curve if letter == "A"]
        line = page.locator(".group-table tr").filter(has=page.get_by_role("link", name="Class A", exact=True))
        expect(line.locator("td").first).to_have_text(number(len(best)))
        line.locator("td a").first.click()
        visitor.heading(re.compile("People & organisations"))
        expect(page.locator(".page-count")).to_have_text(number(len(best)))
        visitor.look("e09-class-a")
        top = self.company(best[0])
        rows_of(visitor, str(top["razao_social"]).replace(" ", "+"))
        page.locator("#main tbody tr a").first.click()
        card = page.locator("#erp-card")
        expect(card).to_contain_text("Revenue, 12 months")
        expect(card.locator("svg.spark")).to_be_visible()
        expect(page.get_by_role("heading", level=1)).to_contain_text("A")
        notes = [note for note in self.day.rows["nota"].values() if note["codigo_empresa"] == best[0]]
        expect(card).to_contain_text(str(max(notes, key=lambda note: str(note["data_emissao"]))["numero"]))
        visitor.look("e10-customer")

    def look_into_the_history(self, visitor: Visitor) -> None:
        page = visitor.page
        visitor.go(f"{visitor.home}/settings/erp/history/")
        expect(page.locator("#erp-history tbody tr").first).to_be_visible()
        visitor.look("e11-history")
        page.get_by_label("Status").select_option("rejected")
        visitor.press("Show")
        rows = page.locator("#erp-history tbody tr")
        expect(rows).to_have_count(1)
        rows.locator("a").first.click()
        remark = page.locator("section").filter(has=page.get_by_role("heading", name="Rejected rows")).locator("tbody tr")
        expect(remark).to_contain_text("000901")
        expect(remark).to_contain_text("razao_social")
        expect(page.locator("main")).not_to_contain_text(self.day.headers["Authorization"].removeprefix("Bearer "))
        visitor.look("e12-request")

    def take_it_away(self, visitor: Visitor) -> None:
        """One file, made in the background; every cell is what was pushed, and no cell is a formula."""
        page = visitor.page
        visitor.go(f"{visitor.home}/settings/erp/history/")
        visitor.press("Make an Excel file")
        link = page.locator("#exports").get_by_role("link", name="Download")
        expect(link).to_be_visible()
        visitor.look("e13-excel")
        with page.expect_download() as waiting:
            link.click()
        path = self.files / "history.xlsx"
        waiting.value.save_as(path)
        sheets = opened(path)
        for table, pushed in self.day.rows.items():
            found = {key_of(table, row): row for row in sheets[table]}
            assert found.keys() == pushed.keys(), table
            wrong = [
                (table, key, name, found[key][name], value)
                for key, row in pushed.items()
                for name, value in row.items()
                if not same(TABLES[table], name, found[key][name], value)
            ]
            assert wrong == []
        asked = sheets["Requests"]
        assert sum(row["Rows received"] for row in asked) == self.day.told["received"]
        assert sum(row["Rejected"] for row in asked) == 1
        assert len(asked) == self.day.calls, "those that begin and end a complete load as well"

    def in_other_languages(self, visitor: Visitor) -> None:
        settings = f"{visitor.home}/settings/erp/"
        dashboard, history = f"{visitor.home}/customers/", f"{settings}history/"
        stations = {settings: "e14-settings", dashboard: "e15-dashboard", history: "e16-history"}
        look_in(visitor, "pt-br", stations, says={settings: WORDS, dashboard: VALUE_WORDS, history: HISTORY_WORDS})
        look_in(visitor, "da", {dashboard: "e15-dashboard"})


def number(value: int) -> str:
    return f"{value:,}"


def tile(visitor: Visitor, label: str) -> Locator:
    return visitor.page.locator(".value-tiles .tile").filter(has=visitor.page.get_by_text(label, exact=True))


def opened(path: Path) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for sheet in openpyxl.load_workbook(path).worksheets:
        assert not [cell.coordinate for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
        head, *rows = sheet.iter_rows(values_only=True)
        found[sheet.title] = [dict(zip(map(str, head), row, strict=True)) for row in rows]
    return found


def same(table: Any, name: str, cell: Any, pushed: Any) -> bool:
    """Numbers as numbers, days as days, everything else to the letter."""
    kind = next(column.kind for column in table.columns if column.name == name)
    if pushed is None or pushed == "":
        return cell is None
    if kind in ("decimal", "integer"):
        return isinstance(cell, int | float) and Decimal(str(cell)) == Decimal(str(pushed))
    if kind == "date":
        return isinstance(cell, dt.datetime) and cell.date().isoformat() == pushed
    return bool(cell == pushed)


def test_an_erp(product: Product, tmp_path: Path) -> None:
    """One story: every station stands on the ones before it."""
    with visiting(product) as visitor:
        for station in Story(tmp_path).stations():
            began = time.monotonic()
            station(visitor)
            log.info("%s took %.1f s", station.__name__, time.monotonic() - began)
    assert "Traceback" not in product.said()
