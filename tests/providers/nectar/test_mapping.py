"""NectarCRM's contacts as ours, and the decisions about them."""

from __future__ import annotations

import base64
import itertools
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.enums import CustomFieldKind, LifeCycle
from integrations.engine.errors import SkipRecord
from integrations.engine.types import CustomField, Kind, Ref
from integrations.providers.nectar import mapping, rules
from integrations.providers.nectar.records import COMPANY, PERSON
from tests.kit.test_values import JSON
from tests.providers.nectar.samples import payload, record


def test_organisation() -> None:
    remote = mapping.remote(record(payload("organisation")))
    party = remote.party

    assert party.kind is Kind.ORGANISATION
    assert party.fields == {
        "name": "Empresa 1",
        "legal_name": "Empresa 1 LTDA",
        "tax_id": "16727230000197",
        "email": "novo@trial.example",
        "phone": "4733334444",
        "address": {
            "line1": "Rua 111, 10",
            "line2": "N 100 - Jardim São Paulo",
            "city": "São Paulo",
            "region": "São Paulo",
            "postcode": "08465-000",
            "country": "BR",
        },
        "website": "https://trial.example",
        "notes": "Observação qualquer",
        "life_cycle": "suspect",
    }
    assert party.initial == {"emails": ["financeiro@trial.example"], "phones": ["11999999999"], "job_title": ""}
    assert party.tags == ("Lista 1", "Lista 2")
    assert party.custom == {"data-de-fundacao": "2016-03-11T00:00:00-03:00", "porte": "Médio"}
    assert remote.parent is None


def test_person() -> None:
    remote = mapping.remote(record(payload("person"), PERSON))

    assert remote.party.kind is Kind.PERSON
    assert (remote.party.fields["tax_id"], remote.party.fields["life_cycle"]) == ("39053344705", "related")
    assert (remote.party.fields["email"], remote.party.fields["phone"]) == ("outra@trial.example", "+5511999999999")
    assert remote.party.initial["job_title"] == "Compras"
    assert remote.party.tags == ("Newsletter",)
    assert remote.parent == Ref(COMPANY, "801")


def test_mask_that_was_never_filled_in_is_no_number() -> None:
    assert mapping.remote(record(payload("organisation_2019"))).party.fields["tax_id"] == ""


def test_contact_without_any_name() -> None:
    assert mapping.remote(record({"razaoSocial": "Só Ltda"})).party.fields["name"] == "Só Ltda"
    with pytest.raises(SkipRecord) as caught:
        mapping.remote(record({"nome": "  "}))
    assert caught.value.reason.code == "no_name"


@pytest.mark.parametrize(("home", "parent"), [({"id": 5}, "5"), (5, "5"), ({"nome": "x"}, ""), (None, ""), ({"id": 1}, "")])
def test_parent(home: Any, parent: str) -> None:
    found = mapping.parent(record({"empresaAtual": home}, PERSON))
    assert (found.id if found else "") == parent


@pytest.mark.parametrize(
    ("value", "life_cycle"),
    [(0, "client"), (1, "prospect"), (2, "suspect"), (3, "lead"), (4, "related"), (5, ""), ("0", "client"), (6, ""), (None, ""), ("x", "")],
)
def test_life_cycles(value: Any, life_cycle: str) -> None:
    assert rules.life_cycle({"constante": value}) == life_cycle
    assert life_cycle in LifeCycle.values


# What is left out: every combination of the three facts and the three settings

CHOICES = ("import", "leave_out")


@pytest.mark.parametrize(
    ("confidential", "cycle", "active", "settings"),
    list(itertools.product([True, False, None], [0, 5], [True, False, None], itertools.product(CHOICES, repeat=3))),
)
def test_left_out(confidential: bool | None, cycle: int, active: bool | None, settings: tuple[str, str, str]) -> None:
    given = dict(zip(("confidential", "discarded", "inactive"), settings, strict=True))
    body = {"sigiloso": confidential, "constante": cycle, "ativo": active}
    wanted = [
        code
        for code, holds in (
            ("confidential_there", confidential is True and given["confidential"] == "leave_out"),
            ("discarded_there", cycle == 5 and given["discarded"] == "leave_out"),
            ("inactive_there", active is False and given["inactive"] == "leave_out"),
        )
        if holds
    ]

    found = rules.why_left_out(body, name="Acme", settings=given)

    assert (found.code if found else "") == (wanted[0] if wanted else "")
    tags = {"Sigiloso": confidential is True, "Descartado": cycle == 5, "Inativo": active is False}
    assert set(rules.marks(body)) == {tag for tag, holds in tags.items() if holds}


def test_by_default_nobody_sees_more_than_in_nectar() -> None:
    assert rules.why_left_out({"sigiloso": True}, name="Acme", settings={}) is not None
    assert rules.why_left_out({"constante": 5}, name="Acme", settings={}) is None


# Custom fields


@pytest.mark.parametrize(
    ("entry", "wanted"),
    [
        ({"nome": "Data de fundação", "tipo": 2, "relacionado": "Contato"}, CustomField("data-de-fundacao", "Data de fundação", "date")),
        ({"nome": "Chamados", "tipo": "8"}, CustomField("chamados", "Chamados", "url")),
        ({"nome": "Porte", "tipo": 5, "opcoes": ["A", "B", "A"]}, CustomField("porte", "Porte", "choice", ("A", "B"))),
        ({"nome": "Porte", "tipo": 7, "opcoes": [{"nome": "A"}, {"valor": "B"}]}, CustomField("porte", "Porte", "choice", ("A", "B"))),
        ({"nome": "Porte", "tipo": 5, "opcoes": []}, CustomField("porte", "Porte", "text")),
        ({"nome": "CNAE", "tipo": 10}, CustomField("cnae", "CNAE", "text")),
        ({"nome": "X", "tipo": None}, CustomField("x", "X", "text")),
        ({"nome": "Motivo", "tipo": 1, "relacionado": "Oportunidade"}, None),
        ({"nome": "???", "tipo": 1}, None),
        ({}, None),
    ],
)
def test_custom_field(entry: dict[str, Any], wanted: CustomField | None) -> None:
    assert rules.custom_field(entry) == wanted


def field(kind: str, *choices: str) -> CustomField:
    return CustomField("k", "K", kind, choices)


@pytest.mark.parametrize(
    ("kind", "value", "wanted"),
    [
        ("text", "abc", "abc"),
        ("text", ["a", "b"], "a, b"),
        ("text", True, "Sim"),
        ("text", {}, None),
        ("number", 1530.75, "1530.75"),
        ("number", "1.530,75", "1530.75"),
        ("number", "R$ 1.000,00", "1000"),
        ("number", 0, "0"),
        ("number", True, None),
        ("number", "muito", None),
        ("date", "2016-03-11T00:00:00-03:00", "2016-03-11"),
        ("date", "31/12/2026", "2026-12-31"),
        ("date", "31/13/2026", None),
        ("boolean", True, True),
        ("boolean", "Sim", True),
        ("boolean", "Não", False),
        ("boolean", "talvez", None),
        ("choice", "A", "A"),
        ("choice", "C", None),
        ("url", "https://a.example/x", "https://a.example/x"),
        ("url", "www.a.example", "https://www.a.example"),
        ("url", "javascript:alert(1)", None),
        ("url", "a b", None),
    ],
)
def test_custom_values(kind: str, value: Any, wanted: Any) -> None:
    assert rules.custom_value(field(kind, "A", "B"), value) == wanted


@given(st.sampled_from([*CustomFieldKind.values, "other"]), JSON)
def test_whatever_a_custom_field_holds_is_read(kind: str, value: Any) -> None:
    found = rules.custom_value(field(kind, "A"), value)
    assert found is None or isinstance(found, str | bool)


@given(JSON | st.dictionaries(st.sampled_from(["nome", "tipo", "relacionado", "opcoes"]), JSON))
def test_whatever_comes_as_a_custom_field_is_read(entry: Any) -> None:
    found = rules.custom_field(entry if isinstance(entry, dict) else {})
    assert found is None or (found.key and found.kind in CustomFieldKind.values)


# The token


def token(payload: Any) -> str:
    return f"h.{base64.urlsafe_b64encode(orjson.dumps(payload)).decode().rstrip('=')}.s"


def test_token_says_when_it_ends() -> None:
    assert rules.expires_at({"token": token({"exp": 1_795_219_200})}) == datetime.fromtimestamp(1_795_219_200, UTC)


@pytest.mark.parametrize(
    "text", ["", "abc", "a.b.c", "a.%%.c", token([]), token({}), token({"exp": "x"}), token({"exp": 2**62}), token({"exp": None})]
)
def test_token_that_does_not_say(text: str) -> None:
    assert rules.expires_at({"token": text}) is None
    assert rules.expires_at({}) is None
