from __future__ import annotations

import datetime as dt
import zoneinfo
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmsync.lib.taxids import check_tax_id
from erp_history.domain.formats import Formats, is_cnpj_valid, is_cpf_valid, read_column
from erp_history.domain.sample import cnpj
from erp_history.domain.tables import TABLES

COLUMNS = {column.name: column for column in TABLES["empresa"].columns}
MONEY, DAY, FLAG, MOMENT = (COLUMNS[name] for name in ("limite_credito", "data_cadastro", "excluido", "data_alteracao"))


def read(column: object, value: object, formats: Formats | None = None) -> str | None:
    found = read_column(column, [value], formats or Formats())  # type: ignore[arg-type]  # a Column
    assert not found.warnings
    return found.errors[0].code if found.errors else found.values[0]


@given(st.decimals(min_value=-(10**13), max_value=10**13, places=2))
def test_amounts_come_back_exactly_in_either_notation(value: Decimal) -> None:
    local = f"{value:,.2f}".replace(",", "x").replace(".", ",").replace("x", ".")

    assert Decimal(read(MONEY, f"{value:.2f}") or "") == value
    assert Decimal(read(MONEY, local, Formats(decimal=",")) or "") == value


@given(st.dates(min_value=dt.date(1900, 1, 1), max_value=dt.date(2200, 1, 1)))
def test_days_come_back_exactly_in_every_declared_order(day: dt.date) -> None:
    written = {"iso": "%Y-%m-%d", "dd/mm/yyyy": "%d/%m/%Y", "mm/dd/yyyy": "%m/%d/%Y", "yyyymmdd": "%Y%m%d"}
    for name, pattern in written.items():
        assert read(DAY, day.strftime(pattern), Formats(date=name)) == day.isoformat()


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1.234,56", "bad_number"), ("1e5", "bad_number"), ("NaN", "bad_number"), (True, "bad_type"), (10**15, "too_large"), (1.5, "1.5"),
     (7, "7"), ("", None), ("  12.50 ", "12.50"), ([], "bad_type")],
)  # fmt: skip
def test_amounts_are_read_strictly(value: object, expected: str | None) -> None:
    assert read(MONEY, value) == expected


@pytest.mark.parametrize("value", ["31/12/2026", "2026-13-01", "2026-02-30", "today", "20260101", 20260101, "2026-1-1"])
def test_days_that_are_not_of_the_contract_are_errors(value: object) -> None:
    assert read(DAY, value) in {"bad_date", "bad_type"}


def test_flags_and_moments_are_read_as_the_source_writes_them() -> None:
    assert [read(FLAG, value) for value in (True, "S", "n", "*", "1", 2, "não")] == ["t", "t", "f", "t", "t", "f", "f"]
    assert read(FLAG, "1", Formats(one_is_true=False)) == "f"
    assert read(FLAG, "maybe") == "bad_flag"
    zone = Formats(zone=zoneinfo.ZoneInfo("America/Sao_Paulo"))
    assert read(MOMENT, "2026-08-01 10:00:00", zone) == "2026-08-01T13:00:00+00:00"
    assert read(MOMENT, "2026-08-01T10:00:00Z", zone) == "2026-08-01T10:00:00+00:00"


@given(st.integers(min_value=0, max_value=10**6))
def test_made_up_tax_ids_are_valid_by_the_official_rules(number: int) -> None:
    assert check_tax_id(cnpj(number), "BR").valid
    assert is_cnpj_valid(cnpj(number))


@pytest.mark.parametrize("text", ["12ABC34501DE35", "0A1B2C3D000193", "16727230000197"])
def test_letters_are_part_of_a_cnpj(text: str) -> None:
    assert is_cnpj_valid(text)
    assert not is_cnpj_valid(text[:-1] + str((int(text[-1]) + 1) % 10))


def test_repeated_digits_are_nobody_s() -> None:
    assert is_cpf_valid("39053344705")
    assert not any(map(is_cpf_valid, ["11111111111", "39053344704", "3905334470"]))
    assert not is_cnpj_valid("11111111111111")


ODD_TEXTS = st.text(st.sampled_from("a1é .,-/\t\n\x00\ud800"), max_size=6)
ODD_NUMBERS = st.text(st.sampled_from("0123456789.+-\n"), max_size=18)
ODD_FLOATS = st.sampled_from([0.0, 12.5, -0.1, 1e-7, 1e15, 1e17, float("nan"), float("inf")])
NEAR_THE_LIMIT = st.integers(-(10**15), 10**15)
ODD_ONES = st.sampled_from(
    ["", " ", "2026-08-31", "20260831", "31/08/2026", "S", "n", "1", "12345678901234567.5", "1.", ".5", "1e5", "NaN"]
)
ODD_VALUES = st.one_of(st.none(), st.booleans(), NEAR_THE_LIMIT, ODD_FLOATS, ODD_TEXTS, ODD_NUMBERS, ODD_ONES)
KINDS = ["razao_social", "uf", "limite_credito", "data_cadastro", "data_alteracao", "excluido", "situacao", "cep", "cnpj"]


@pytest.mark.parametrize("name", KINDS)
@given(values=st.one_of(st.lists(kind, min_size=1) for kind in (ODD_VALUES, ODD_TEXTS, ODD_NUMBERS, NEAR_THE_LIMIT)))
def test_a_column_is_read_as_its_values_are_one_by_one(name: str, values: list[object]) -> None:
    slow = read_column(COLUMNS[name], [*values, {}], Formats())  # an object is no value of any column: nothing is taken as a whole then
    quick = read_column(COLUMNS[name], values, Formats())
    for one, other in zip(quick.values, slow.values, strict=False):
        assert one == other or (name == "limite_credito" and Decimal(one or "") == Decimal(other or ""))
    codes = {index: error.code for index, error in slow.errors.items() if index < len(values)}
    assert {index: error.code for index, error in quick.errors.items()} == codes
    assert quick.warnings.keys() == slow.warnings.keys()


@pytest.mark.parametrize("values", [["1\n2", "3"], ["1\n2", None], ["1\n2"]])
def test_two_numbers_in_one_value_are_none(values: list[object]) -> None:
    assert read_column(COLUMNS["limite_credito"], values, Formats()).errors[0].code == "bad_number"
