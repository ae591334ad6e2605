"""What NectarCRM sends is read with tolerance."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.engine.errors import SkipRecord
from integrations.engine.types import Ref
from integrations.providers.nectar import mapping, records, rules
from integrations.providers.nectar.records import COMPANY, PERSON, listing, people_inside, raw_record
from tests.kit.test_values import JSON
from tests.providers.nectar.samples import payload, record

NAMES = [*records._PARTS, "contatos"]


def test_one_list_for_both_kinds() -> None:
    entries = [payload("organisation"), payload("person"), payload("organisation_2019")]

    assert [raw.ref for raw in listing(entries, kind=COMPANY).records] == [Ref(COMPANY, "801"), Ref(COMPANY, "901")]
    people = listing(entries, kind=PERSON)
    assert [raw.ref.id.partition(":")[0] for raw in people.records] == ["801", "802"]
    assert people.ids == ["801", "802", "901"]


def test_person_inside_an_organisation_keeps_its_id() -> None:
    company = record(payload("organisation"))
    moved = record({**payload("organisation"), "contatos": payload("organisation")["contatos"][::-1], "nome": "Novo nome"})

    (one,) = people_inside(company)
    assert people_inside(moved)[0].ref == one.ref
    assert one.body["empresaAtual"]["id"] == "801"
    assert one.body["constante"] == 4


@pytest.mark.parametrize("inside", [None, "x", [None, {}, {"nome": ""}, {"id": 5, "nome": "A"}]])
def test_nobody_inside(inside: Any) -> None:
    assert people_inside(record({"contatos": inside})) == []


def test_two_of_one_name_and_address_inside_are_one() -> None:
    assert len(people_inside(record({"contatos": [{"nome": "Ana"}, {"nome": "ANA"}, {"nome": "Ana", "emails": ["a@a.example"]}]}))) == 2


@pytest.mark.parametrize(
    ("body", "company"),
    [
        ({"empresa": True}, True),
        ({"empresa": False, "cnpj": "1"}, False),
        ({"isEmpresa": True}, True),
        ({"isJuridico": False}, False),
        ({"empresa": None, "isEmpresa": True}, True),
        ({"cnpj": "16.727.230/0001-97"}, True),
        ({}, False),
    ],
)
def test_kinds(body: dict[str, Any], company: bool) -> None:
    assert records.is_company(body) is company


@pytest.mark.parametrize(
    ("entry", "problem"), [(None, "it is no object"), ([], "it is no object"), ({}, "it has no id"), ({"id": True}, "it has no id")]
)
def test_entry_that_is_no_record_is_named_by_its_place(entry: Any, problem: str) -> None:
    found = listing([payload("person"), entry], kind=PERSON)

    assert [(bad.position, bad.reason.params["problem"]) for bad in found.bad] == [(1, problem)]


def test_spellings_of_2019() -> None:
    body = payload("organisation_2019")

    assert (records.emails(body), records.phones(body), records.tags(body)) == (["velha@guarda.example"], ["(47) 3333-0000"], ["Antigos"])
    assert records.cycle(body) == 0
    assert records.address(body) == {
        "line1": "Rua Antiga, 7",
        "city": "Joinville",
        "region": "Santa Catarina",
        "postcode": "89201-000",
        "country": "Brasil",
    }


def test_version_is_about_what_we_understand() -> None:
    body = payload("organisation")

    assert record({**body, "dataAtualizacao": "x", "contatos": []}).version == record(body).version
    assert record({**body, "nome": "Outra"}).version != record(body).version


@given(st.lists(JSON | st.dictionaries(st.sampled_from(NAMES), JSON), max_size=4), st.sampled_from([COMPANY, PERSON]))
def test_whatever_comes_as_a_list_is_read(entries: list[Any], kind: str) -> None:
    for raw in listing(entries, kind=kind).records:
        assert raw.ref.id
        assert raw.ref.kind == kind


@given(st.dictionaries(st.sampled_from(NAMES), JSON), st.sampled_from([COMPANY, PERSON]))
def test_reading_a_record_raises_nothing_but_skip(body: dict[str, Any], kind: str) -> None:
    raw = raw_record({**body, "id": 1}, kind=kind)
    assert raw is not None
    rules.why_left_out(raw.body, name="x", settings={})
    people_inside(raw)
    try:
        fields = mapping.remote(raw).party.fields
    except SkipRecord as error:
        fields = {"name": error.reason.code}
    assert fields["name"]
    assert all(isinstance(value, str | dict) for value in fields.values())
