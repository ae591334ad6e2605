"""Who flows: every combination of what the rules look at, against the rules as they were written down."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.enums import LifeCycle
from integrations.engine.reasons import REASONS, RULES
from integrations.engine.types import Reason
from integrations.providers.movidesk.rules import (
    LIFE_CYCLES,
    Client,
    Standing,
    code_for,
    is_marked,
    is_same_party,
    tax_id_here,
    tax_id_there,
    tenant_of,
    why_contact_stays_here,
    why_organisation_stays_out,
    why_person_stays_out,
)

CODES = {
    "EMP1": False,
    "1001": False,
    "Nectar7": True,
    "nectar7": True,
    "x-NECTAR-7": True,
    "Nectar/EMP1": False,
    "EMP1/Nectar7": True,
    "": False,
}


def code(reason: Reason | None) -> str:
    return reason.code if reason else ""


# Movidesk -> CRM: organisations


@pytest.mark.parametrize(("id", "kind", "active"), list(itertools.product(CODES, ["company", "", "person"], [True, False])))
def test_organisations(id: str, kind: str, active: bool) -> None:
    if kind != "company":
        wanted = "other_kind"
    elif CODES[id]:
        wanted = "marked_ours"
    else:
        wanted = "" if active else "inactive_there"

    assert code(why_organisation_stays_out(Standing(kind, "Acme", id, active))) == wanted


# Movidesk -> CRM: people. Each organisation of a person is one of these.

ORGANISATIONS: dict[str, tuple[str, Reason | None] | None] = {
    "good": ("GOOD", None),
    "inactive": ("OLD", Reason("inactive_there", {"name": "Old"})),
    "marked": ("Nectar9", Reason("marked_ours", {"name": "Ours"})),
    "department": ("DEP", Reason("other_kind", {"name": "Dep"})),
    "unknown": None,
}


def homes() -> Iterator[tuple[str, ...]]:
    """Nobody's, and every set of one, two, three ... kinds of organisations."""
    for count in range(len(ORGANISATIONS) + 1):
        yield from itertools.combinations(ORGANISATIONS, count)


@pytest.mark.parametrize(("kinds", "active", "id"), list(itertools.product(homes(), [True, False], ["P1", "Nectar5"])))
def test_people(kinds: tuple[str, ...], active: bool, id: str) -> None:
    known = {kind: ORGANISATIONS[kind] or ("GONE", None) for kind in kinds}
    verdicts = {known[kind][0]: known[kind][1] for kind in kinds if ORGANISATIONS[kind]}

    found = why_person_stays_out(Standing("person", "Joana", id, active, tuple(known[kind][0] for kind in kinds)), verdicts)

    assert code(found) == wanted_of_person(kinds, active)


def wanted_of_person(kinds: tuple[str, ...], active: bool) -> str:
    """The rules, read aloud; the person's own code does not matter."""
    if not active:
        return "inactive_there"
    if not kinds:
        return "no_organisation"
    if "marked" in kinds:
        return "organisation_marked_ours"
    if "good" in kinds:
        return ""
    return "organisation_inactive" if "inactive" in kinds else "organisation_unknown"


# CRM -> Movidesk


@pytest.mark.parametrize(("own", "organisation"), list(itertools.product([*LifeCycle.values, "of_tomorrow"], [None, *LifeCycle.values])))
def test_contacts(own: str, organisation: str | None) -> None:
    client = Client("Ana", own, organisation="Acme" if organisation is not None else None, organisation_life_cycle=organisation or "")
    if own == "client":
        wanted = ""
    elif own != "related":
        wanted = "not_client"
    elif organisation is None:
        wanted = "no_organisation_here"
    else:
        wanted = "" if organisation == "client" else "organisation_not_client"

    assert code(why_contact_stays_here(client)) == wanted


def test_every_reason_is_a_rule_with_a_sentence() -> None:
    reasons = [
        *(why_organisation_stays_out(Standing(kind, "Acme", id, active=False)) for kind in ("company", "") for id in CODES),
        *(why_person_stays_out(Standing("person", "A", "1", True, ids), {}) for ids in ((), ("Nectar1",), ("X",))),
        *(why_contact_stays_here(Client("Ana", own, "Acme", "lead")) for own in ("prospect", "related")),
    ]

    assert {reason.code for reason in reasons if reason} <= RULES & set(REASONS)


def test_reason_names_the_life_cycle_in_the_words_of_the_crm() -> None:
    assert {value: str(label) for value, label in LifeCycle.choices if value} == LIFE_CYCLES
    found = why_contact_stays_here(Client("Ana", "prospect"))
    assert found is not None
    assert found.params == {"name": "Ana", "life_cycle": "Prospect"}


# Codes


@pytest.mark.parametrize(("id", "marked"), CODES.items())
def test_mark(id: str, marked: bool) -> None:
    assert is_marked(id) is marked


@given(st.text() | st.integers())
def test_our_codes_are_marked_and_alphanumeric(key: Any) -> None:
    found = code_for(key)

    assert is_marked(found)
    assert found.isascii()
    assert found.isalnum()
    assert len(found) <= 64


def test_codes_of_two_contacts_differ() -> None:
    assert code_for(123) == "Nectar123"
    assert len({code_for(number) for number in range(500)}) == 500


# Tax ids


@pytest.mark.parametrize(
    ("given", "country", "wanted"),
    [
        ("16.727.230/0001-97", "BR", "16727230000197"),
        ("16.727.230/0001-97", "", "16727230000197"),
        ("12.abc.345/01de-35", "", "12ABC34501DE35"),
        ("390.533.447-05", "BR", "39053344705"),
        ("", "BR", ""),
        ("  ", "", ""),
        ("13585628", "DK", ""),
        ("GB980780684", "GB", ""),
    ],
)
def test_tax_id_that_is_sent(given: str, country: str, wanted: str) -> None:
    assert tax_id_there({"tax_id": given, "address": {"country": country}}) == wanted


@pytest.mark.parametrize("given", ["16.727.230/0001-96", "12.ABC.345/01DE-36", "111.111.111-11", "00000000000000", "123", "n/a"])
def test_tax_id_that_is_none(given: str) -> None:
    with pytest.raises(ValueError, match=re.escape(given)):
        tax_id_there({"tax_id": given, "address": {"country": "BR"}})
    with pytest.raises(ValueError, match=re.escape(given)):
        tax_id_there({"tax_id": given})


@pytest.mark.parametrize(("given", "wanted"), [("16.727.230/0001-97", "16727230000197"), ("b3x9.k7m2/0001-30", "B3X9K7M2000130"), ("", "")])
def test_tax_id_that_comes(given: str, wanted: str) -> None:
    assert tax_id_here(given) == wanted


# Is a record with our code the contact?


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        ({"name": "Acme", "tax_id": "1"}, {"name": "Other", "tax_id": "1"}, True),
        ({"name": "Acme", "tax_id": "16.727.230/0001-97"}, {"name": "Other", "tax_id": "16727230000197"}, True),
        ({"name": "Acme", "tax_id": "1"}, {"name": "Acme", "tax_id": "2"}, True),
        ({"name": "Acme"}, {"name": " Acme "}, True),
        ({"name": "Acme", "trade_name": "Loja"}, {"name": "Loja"}, True),
        ({"name": "Acme"}, {"name": "acme"}, False),
        ({"name": "Acme", "tax_id": ""}, {"name": "Other", "tax_id": ""}, False),
        ({}, {}, False),
    ],
)
def test_same_party(ours: dict[str, str], theirs: dict[str, str], same: bool) -> None:
    assert is_same_party(ours=ours, theirs=theirs) is same


@pytest.mark.parametrize(
    ("given", "tenant"),
    [
        ("acme", "acme"),
        (" Acme ", "acme"),
        ("acme.movidesk.com", "acme"),
        ("https://acme.movidesk.com/Ticket/Edit/5", "acme"),
        ("http://acme-2.movidesk.com", "acme-2"),
        ("", ""),
        ("evil.example", ""),
        ("a b", ""),
        ("https://evil.example/acme.movidesk.com", ""),
        ("-acme", ""),
    ],
)
def test_tenant(given: str, tenant: str) -> None:
    assert tenant_of(given) == tenant
