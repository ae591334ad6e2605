"""Persons of Movidesk as contacts, and contacts as what Movidesk is sent."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.engine.errors import Retry, SkipRecord
from integrations.engine.types import Base, Kind, Party, Reason, Ref
from integrations.providers.movidesk import mapping
from integrations.providers.movidesk.records import COMPANY, PERSON
from tests.providers.movidesk.samples import payload, record

ADDRESS = {
    "line1": "Rua Joinville, 100",
    "line2": "Sala 201 - Centro",
    "city": "Joinville",
    "region": "Santa Catarina",
    "postcode": "89201-000",
    "country": "BR",
}
FIELDS: dict[str, Any] = {
    "name": "Empresa Exemplo",
    "trade_name": "Empresa Exemplo",
    "legal_name": "Empresa Exemplo Ltda",
    "address": ADDRESS,
    "phone": "(47) 99999-1111",
    "email": "contato@exemplo.example",
    "tax_id": "16727230000197",
    "notes": "Cliente antigo",
}
COMPANY_RECORD = record(payload("company"))
PERSON_RECORD = record(payload("person"), PERSON)


def party(kind: Kind = Kind.ORGANISATION, parent: Ref | None = None, **fields: Any) -> Party:
    return Party(kind, {**FIELDS, **fields}, parent=parent)


def test_company_comes_in() -> None:
    remote = mapping.remote(COMPANY_RECORD)

    assert remote.party.kind is Kind.ORGANISATION
    assert remote.party.fields == FIELDS
    assert remote.party.initial == {"life_cycle": "suspect", "emails": ["dono@exemplo.example"], "phones": ["(47) 3333-4444"]}
    assert remote.parent is None


def test_person_comes_in() -> None:
    remote = mapping.remote(PERSON_RECORD)

    assert remote.party.kind is Kind.PERSON
    assert remote.parent == Ref(COMPANY, "EMP0042")
    assert "trade_name" not in remote.party.fields
    assert {key: value for key, value in remote.party.fields.items() if value} == {
        "name": "Joana Lima",
        "phone": "(47) 3333-4444",
        "email": "joana@exemplo.example",
        "tax_id": "39053344705",
    }


def test_parent_is_an_organisation_that_is_not_ours() -> None:
    both = record({"relationships": [{"id": "Nectar1"}, {"id": "EMP2"}]}, PERSON)
    ours = record({"relationships": [{"id": "Nectar1"}]}, PERSON)

    assert mapping.parent(both) == Ref(COMPANY, "EMP2")
    assert mapping.parent(ours) == Ref(COMPANY, "Nectar1")
    assert mapping.parent(record({"relationships": []}, PERSON)) is None


def test_company_with_its_legal_name_only() -> None:
    fields = mapping.remote(record({"businessName": None, "corporateName": "Só Razão Ltda"})).party.fields

    assert (fields["name"], fields["trade_name"], fields["legal_name"]) == ("Só Razão Ltda", "", "Só Razão Ltda")


def test_record_without_any_name_is_named_by_its_code() -> None:
    with pytest.raises(SkipRecord) as caught:
        mapping.remote(record({"businessName": " "}))
    assert caught.value.reason == Reason("no_name", {"id": "EMP1"})


def test_new_company() -> None:
    assert mapping.payload(party(), code="Nectar5") == {
        "id": "Nectar5",
        "isActive": True,
        "personType": 2,
        "profileType": 2,
        "businessName": "Empresa Exemplo",
        "corporateName": "Empresa Exemplo Ltda",
        "cpfCnpj": "16727230000197",
        "observations": "Cliente antigo",
        "emails": [{"emailType": "Profissional", "email": "contato@exemplo.example", "isDefault": True}],
        "contacts": [{"contactType": "Telefone", "contact": "(47) 99999-1111", "isDefault": True}],
        "addresses": [
            {
                "addressType": "Comercial",
                "country": "Brasil",
                "postalCode": "89201-000",
                "state": "Santa Catarina",
                "city": "Joinville",
                "district": "Centro",
                "street": "Rua Joinville",
                "number": "100",
                "complement": "Sala 201",
                "isDefault": True,
            }
        ],
    }


def test_new_person_of_an_organisation() -> None:
    ana = Party(Kind.PERSON, {"name": "Ana", "trade_name": "ignored"}, parent=Ref(COMPANY, "EMP7"))

    assert mapping.payload(ana) == {
        "isActive": True,
        "personType": 1,
        "profileType": 2,
        "businessName": "Ana",
        "relationships": [{"id": "EMP7"}],
    }


@pytest.mark.parametrize(
    ("name", "trade", "business"),
    [("Acme", "", "Acme"), ("Acme", "Loja Acme", "Loja Acme"), ("Acme", "Acme", "Acme"), (" Acme ", None, "Acme")],
)
def test_name_of_a_new_company(name: str, trade: str | None, business: str) -> None:
    assert mapping.payload(party(name=name, trade_name=trade))["businessName"] == business


def test_tax_id_that_is_none_is_not_sent() -> None:
    with pytest.raises(SkipRecord) as caught:
        mapping.payload(party(tax_id="16.727.230/0001-96"))
    assert caught.value.reason.code == "bad_tax_id"
    assert caught.value.fields == {"tax_id": "16.727.230/0001-96"}


def test_foreign_tax_id_has_no_place_there() -> None:
    assert "cpfCnpj" not in mapping.payload(party(tax_id="13585628", address={"country": "DK"}))


# Changes


def changed(changes: dict[str, Any], *, agreed: dict[str, Any] | None = None, **now: Any) -> dict[str, Any]:
    base = Base(ours=FIELDS | (agreed or {}), theirs=FIELDS)
    return mapping.changed_body(COMPANY_RECORD, changes, party(**{**(agreed or {}), **changes, **now}), agreed=base)


def test_only_what_changes_is_sent() -> None:
    assert changed({"notes": "Novo"}) == {"observations": "Novo"}
    assert changed({"legal_name": ""}) == {"corporateName": ""}
    assert changed({"tax_id": "390.533.447-05"}) == {"cpfCnpj": "39053344705"}
    assert changed({"tax_id": ""}) == {"cpfCnpj": ""}
    assert changed({}) == {}


def test_lists_are_sent_whole_without_read_only_parts() -> None:
    sent = changed({"email": "novo@exemplo.example", "address": {**ADDRESS, "city": "Itajaí"}})

    assert set(sent) == {"emails", "addresses"}
    assert [entry["email"] for entry in sent["emails"]] == ["dono@exemplo.example", "novo@exemplo.example"]
    assert [entry["city"] for entry in sent["addresses"]] == ["Abelardo Luz", "Itajaí"]
    assert not any("countryId" in entry for entry in sent["addresses"])


@pytest.mark.parametrize(
    ("changes", "agreed", "sent"),
    [
        ({"name": "Nova"}, {}, "Nova"),  # both names were one
        ({"name": "Nova"}, {"trade_name": ""}, "Nova"),
        ({"name": "Nova"}, {"trade_name": "Loja"}, None),  # a trade name of its own is what Movidesk shows
        ({"trade_name": "Loja"}, {}, "Loja"),
        ({"name": "Nova", "trade_name": "Loja"}, {}, "Loja"),
        ({"trade_name": ""}, {}, None),  # back to the name, which is there already
        ({"name": "Empresa  Exemplo"}, {}, None),  # only blanks differ
    ],
)
def test_names_of_a_company(changes: dict[str, Any], agreed: dict[str, Any], sent: str | None) -> None:
    assert changed(changes, agreed=agreed) == ({"businessName": sent} if sent else {})


def test_name_of_a_person_knows_no_trade_name() -> None:
    found = mapping.changed_body(PERSON_RECORD, {"name": "Joana Souza", "trade_name": "x"}, party(Kind.PERSON, trade_name="x"))

    assert found == {"businessName": "Joana Souza"}


def test_person_gets_an_organisation_and_keeps_the_others() -> None:
    there = mapping.changed_body(PERSON_RECORD, {"notes": "x"}, party(Kind.PERSON, parent=Ref(COMPANY, "EMP0042")))
    new = mapping.changed_body(PERSON_RECORD, {"notes": "x"}, party(Kind.PERSON, parent=Ref(COMPANY, "EMP7")))

    assert "relationships" not in there
    assert [one.get("id") for one in new["relationships"]] == ["HOLDING/EMP0042", None, "EMP7"]


# Refusals


def refusal(told: Any, **params: Any) -> SkipRecord:
    error = SkipRecord(Reason("refused", params), detail="POST /persons: 400")
    error.told = told
    return error


@pytest.mark.parametrize(
    ("place", "field"),
    [
        ("BusinessName", "name"),
        ("CorporateName", "legal_name"),
        ("CpfCnpj", "tax_id"),
        ("Observations", "notes"),
        ("Email", "email"),
        ("Emails[0].Email", "email"),
        ("Contacts[1].ContactType", "phone"),
        ("Addresses[0].PostalCode", "address"),
        ("City", "address"),
    ],
)
def test_complaint_stands_at_its_field(place: str, field: str) -> None:
    found = mapping.refused(refusal([{"errorMessage": "No good", "propertyName": place}]), name="Acme")

    assert isinstance(found, SkipRecord)
    assert found.fields == {field: "No good"}
    assert found.reason == Reason("refused", {"name": "Acme", "message": "No good"})


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ([{"errorMessage": "One", "propertyName": "Role"}, {"errorMessage": "Two", "propertyName": None}], "One; Two"),
        ({"message": "An error has occurred."}, "An error has occurred."),
        (None, "as said"),
        ("x", "as said"),
        ([1, None, []], "as said"),
    ],
)
def test_complaint_about_nothing_of_ours(told: Any, message: str) -> None:
    found = mapping.refused(refusal(told, message="as said"), name="Acme")

    assert isinstance(found, SkipRecord)
    assert (found.fields, found.reason.params["message"]) == ({}, message)


def test_missing_organisation_is_waited_for() -> None:
    told = [{"errorMessage": "There is no match for the Organization value entered", "propertyName": "Id"}]

    found = mapping.refused(refusal(told), name="Ana")

    assert isinstance(found, Retry)
    assert (found.reason.code, found.after, found.in_doubt) == ("parent_not_there", 120, False)


@pytest.mark.parametrize(
    ("told", "exists"),
    [
        ([{"errorMessage": "The ID entered already exists", "propertyName": "Id"}], True),
        ({"errorMessage": "The ID entered already exists", "propertyName": "Id"}, True),
        ([{"errorMessage": "The additional reference code entered already exists", "propertyName": "CodeReferenceAdditional"}], False),
        ([{"errorMessage": "There is no match for the Organization value entered", "propertyName": "Id"}], False),
        (None, False),
        ([None, "x"], False),
    ],
)
def test_code_in_use(told: Any, exists: bool) -> None:
    assert mapping.exists_already(refusal(told)) is exists
