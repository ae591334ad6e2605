"""Movidesk's address parts and the two lines of the CRM."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.providers.movidesk.addresses import address_here, address_there, changed_address, first_line, second_line
from tests.kit.test_values import JSON

THEIRS = {
    "addressType": "Comercial", "country": "Brasil", "postalCode": "89830-970", "state": "Santa Catarina", "city": "Abelardo Luz",
    "district": "Centro", "street": "Rua Um", "number": "399", "complement": "Sala 2", "reference": "ponte", "isDefault": True,
}  # fmt: skip
OURS = {
    "line1": "Rua Um, 399",
    "line2": "Sala 2 - Centro",
    "city": "Abelardo Luz",
    "region": "Santa Catarina",
    "postcode": "89830-970",
    "country": "BR",
}


def test_there_and_back() -> None:
    assert address_here(THEIRS) == OURS
    assert {**THEIRS, **address_there(OURS)} == THEIRS


@pytest.mark.parametrize(
    ("line", "street", "number"),
    [
        ("Rua Um, 399", "Rua Um", "399"),
        ("Rua Um , 12A", "Rua Um", "12A"),
        ("Rua Um, s/n", "Rua Um", "s/n"),
        ("Rua Um, S/Nº", "Rua Um", "S/Nº"),
        ("Rua Um, Bloco B, 12-14", "Rua Um, Bloco B", "12-14"),
        ("Rua XV de Novembro", "Rua XV de Novembro", ""),
        ("12 Mill Lane", "12 Mill Lane", ""),
        ("Rua Um, fundos", "Rua Um, fundos", ""),
        (", 5", ", 5", ""),
        ("", "", ""),
    ],
)
def test_first_line(line: str, street: str, number: str) -> None:
    assert first_line(line) == {"street": street, "number": number}


@pytest.mark.parametrize(
    ("line", "complement", "district"),
    [
        ("Sala 201 - Centro", "Sala 201", "Centro"),
        ("Bloco B - Apto 3 - Vila Nova", "Bloco B - Apto 3", "Vila Nova"),
        ("Centro", "", "Centro"),
        ("Sala 201", "Sala 201", ""),
        ("3º andar", "3º andar", ""),
        ("Galpão 5", "Galpão 5", ""),
        ("Salamanca", "", "Salamanca"),
        ("Vila Nova-Sul", "", "Vila Nova-Sul"),
        ("", "", ""),
    ],
)
def test_second_line(line: str, complement: str, district: str) -> None:
    assert second_line(line) == {"complement": complement, "district": district}


@pytest.mark.parametrize(("name", "code"), [("Brasil", "BR"), ("Brazil", "BR"), ("BR", "BR"), ("Espanha", "ES"), ("Nárnia", ""), ("", "")])
def test_countries(name: str, code: str) -> None:
    assert address_here({"country": name}).get("country", "") == code


def test_country_goes_out_in_portuguese() -> None:
    assert address_there({"country": "DE"})["country"] == "Alemanha"
    assert address_there({})["country"] == ""


def test_parts_that_say_the_same_stay_as_they_are() -> None:
    odd = {**THEIRS, "complement": "Centro", "district": "", "country": "Nárnia", "street": "Rua Um, 39", "number": "9"}
    here = address_here(odd)

    assert changed_address(odd, {**here, "city": "Xanxerê"}) == {**odd, "city": "Xanxerê"}
    assert changed_address(odd, {**here, "country": "BR"}) == {**odd, "country": "Brasil"}
    assert changed_address(odd, {**here, "line2": "Sala 9 - Sul"}) == {**odd, "complement": "Sala 9", "district": "Sul"}


@given(st.dictionaries(st.sampled_from(list(THEIRS)), JSON))
def test_whatever_comes_is_read(theirs: dict[str, Any]) -> None:
    found = address_here(theirs)

    assert all(isinstance(value, str) and value for value in found.values())
    assert changed_address(theirs, found) == theirs


PART = st.text(st.characters(categories=["Lu", "Ll", "Nd"]), min_size=1, max_size=12)


@given(PART, st.integers(1, 99999), PART, PART)
def test_plain_parts_come_back_as_they_were(street: str, number: int, complement: str, district: str) -> None:
    theirs = {"street": f"Rua {street}", "number": str(number), "complement": f"Sala {complement}", "district": district}

    there = address_there(address_here(theirs))

    assert {key: there[key] for key in theirs} == theirs
