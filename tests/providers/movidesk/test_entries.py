"""One entry of a list is ours; all others are sent back as they came."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.providers.movidesk.entries import (
    ADDRESSES,
    EMAILS,
    PHONES,
    further_values,
    new_list,
    replaced,
    value_of,
    with_organisation,
)
from tests.kit.test_values import JSON
from tests.providers.movidesk.samples import payload

ONE = {"emailType": "Profissional", "email": "one@a.example", "isDefault": True}
TWO = {"emailType": "Pessoal", "email": "two@a.example", "isDefault": False}
THREE = {"emailType": "Pessoal", "email": "three@a.example", "isDefault": False}


def body(*emails: Any) -> dict[str, Any]:
    return {"emails": list(emails)}


def off(entry: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**entry, "isDefault": False, **changes}


def on(entry: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**entry, "isDefault": True, **changes}


@pytest.mark.parametrize(
    ("emails", "value"),
    [
        ((ONE, TWO), "one@a.example"),
        ((TWO, ONE), "one@a.example"),
        ((off(ONE), TWO), "one@a.example"),
        ((on(ONE, email="nothing"), TWO), "two@a.example"),
        ((None, 5, {}, TWO), "two@a.example"),
        ((), ""),
    ],
)
def test_entry_that_counts(emails: tuple[Any, ...], value: str) -> None:
    assert value_of(EMAILS, body(*emails)) == value


def test_phone_is_no_skype_name() -> None:
    company = payload("company")

    assert value_of(PHONES, company) == "(47) 99999-1111"
    assert further_values(PHONES, company) == ["(47) 3333-4444"]


@pytest.mark.parametrize(
    ("kind", "contact", "is_phone"),
    [
        ("Telefone", "(47) 3333-4444", True),
        ("Telefone", "+55 47 3333-4444 ramal 12", True),
        ("WhatsApp", "47 99999-1111", True),
        ("", "33334444", True),
        ("Telefone", "12345", False),
        ("Telefone", "a combinar", False),
        ("Skype", "47999991111", False),
        ("Telefone", None, False),
    ],
)
def test_phones(kind: str, contact: Any, is_phone: bool) -> None:
    assert bool(value_of(PHONES, {"contacts": [{"contactType": kind, "contact": contact}]})) is is_phone


def test_default_address_counts() -> None:
    assert value_of(ADDRESSES, payload("company"))["city"] == "Joinville"
    assert value_of(ADDRESSES, {}) == {}


@pytest.mark.parametrize(
    ("emails", "agreed", "value", "wanted"),
    [
        # the default one is ours
        ((ONE, TWO), "one@a.example", "new@a.example", [on(ONE, email="new@a.example"), TWO]),
        ((TWO, ONE), None, "new@a.example", [TWO, on(ONE, email="new@a.example")]),
        ((TWO, ONE), "gone@a.example", "new@a.example", [TWO, on(ONE, email="new@a.example")]),
        # somebody made another one the default: ours is still the one that was agreed, nothing is lost, and ours counts again
        ((off(ONE), on(TWO)), "one@a.example", "new@a.example", [on(ONE, email="new@a.example"), off(TWO)]),
        # the new value is there already
        ((ONE, TWO), "one@a.example", "two@a.example", [on(TWO)]),
        ((ONE, TWO, THREE), "one@a.example", "three@a.example", [off(TWO), on(THREE)]),
        ((ONE, TWO), None, "one@a.example", [ONE, TWO]),
        # none yet
        ((), None, "new@a.example", [{"emailType": "Profissional", "email": "new@a.example", "isDefault": True}]),
        # emptied here
        ((ONE, TWO), "one@a.example", "", [TWO]),
        ((ONE,), None, "", []),
        ((), None, "", []),
    ],
)
def test_replacing(emails: tuple[Any, ...], agreed: str | None, value: str, wanted: list[Any]) -> None:
    found = replaced(EMAILS, body(*emails), value, agreed=agreed)

    assert found == wanted
    if value:
        assert value_of(EMAILS, body(*found)) == value


def test_other_entries_lose_nothing_but_their_read_only_parts() -> None:
    company = payload("company")
    found = replaced(ADDRESSES, company, {"line1": "Rua Nova, 5", "city": "Itajaí", "country": "BR"}, agreed=value_of(ADDRESSES, company))

    first, second = company["addresses"]
    assert found[0] == {key: value for key, value in first.items() if key != "countryId"}
    assert found[1]["street"] == "Rua Nova"
    assert found[1]["addressType"] == second["addressType"]
    assert "countryId" not in found[1]


def test_skype_entry_stays() -> None:
    found = replaced(PHONES, payload("company"), "(47) 3000-0000", agreed="(47) 99999-1111")

    assert [(entry["contactType"], entry["contact"]) for entry in found] == [
        ("Skype", "empresa.exemplo"),
        ("Celular", "(47) 3000-0000"),
        ("Telefone", "(47) 3333-4444"),
    ]


def test_new_list() -> None:
    assert new_list(PHONES, "(47) 3333-4444") == [{"contactType": "Telefone", "contact": "(47) 3333-4444", "isDefault": True}]
    assert new_list(EMAILS, "") == []
    assert new_list(ADDRESSES, {}) == []
    assert new_list(ADDRESSES, {"city": "Itajaí"})[0]["addressType"] == "Comercial"


def test_relationships_are_kept_and_one_is_added() -> None:
    person = payload("person")
    kept = [
        {
            "id": "HOLDING/EMP0042",
            "slaAgreement": "Ouro",
            "forceChildrenToHaveSomeAgreement": False,
            "allowAllServices": False,
            "services": [{"id": 12, "copyToChildren": True}],
        },
        {"slaAgreement": "Prata", "allowAllServices": True},
    ]

    assert with_organisation(person, "emp0042") == kept
    assert with_organisation(person, "EMP7") == [*kept, {"id": "EMP7"}]
    assert with_organisation({}, "EMP7") == [{"id": "EMP7"}]


ENTRIES = st.lists(
    st.fixed_dictionaries({"emailType": st.just("x"), "email": st.sampled_from(["a@a", "b@a", "c@a", "none"]), "isDefault": st.booleans()}),
    max_size=5,
)


@given(ENTRIES, st.sampled_from(["a@a", "b@a", "z@a"]), st.sampled_from([None, "a@a", "b@a", "y@a"]))
def test_value_that_was_put_in_is_the_one_that_is_read(entries: list[Any], value: str, agreed: str | None) -> None:
    found = replaced(EMAILS, body(*entries), value, agreed=agreed)

    assert value_of(EMAILS, body(*found)) == value
    assert len(found) >= len(entries) - 1
    assert sum(entry.get("isDefault") is True for entry in found) <= max(1, sum(entry["isDefault"] for entry in entries))


@given(st.dictionaries(st.sampled_from(["emails", "contacts", "addresses", "relationships"]), JSON | st.lists(JSON)))
def test_whatever_comes_is_read(found: dict[str, Any]) -> None:
    for kind, value in ((EMAILS, "x@x.example"), (PHONES, "47 3333-4444"), (ADDRESSES, {"city": "Itajaí"})):
        assert value_of(kind, {kind.key: replaced(kind, found, value)}) == value
        further_values(kind, found)
    with_organisation(found, "EMP7")
