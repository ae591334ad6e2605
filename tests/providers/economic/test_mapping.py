"""Customers and contacts here and there."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.engine.errors import SkipRecord
from integrations.engine.types import Kind, Party, Ref
from integrations.providers.economic import mapping
from integrations.providers.economic.records import CONTACT, CUSTOMER, writable
from tests.providers.economic.samples import contact, payload, record

PARTS = st.sampled_from(["", "Vestergade 12", "2. sal tv.", "Aarhus C", "8000", "DK", "DE", "Ørsted"])
WORDS = st.text(alphabet="abcæøåÆØÅ 0123", min_size=1, max_size=12).map(str.strip).filter(bool)


def test_customer_here() -> None:
    remote = mapping.remote_customer(record(payload("customers_page")["collection"][0]))

    assert remote.party.kind is Kind.ORGANISATION
    assert remote.party.fields == {
        "name": "Bager Sørensen",
        "email": "hej@soen.example",
        "phone": "+45 12 34 56 78",
        "website": "www.soen.example",
        "tax_id": "13585628",
        "address": {"line1": "Vestergade 12", "line2": "2. sal tv.", "city": "Aarhus C", "postcode": "8000", "country": "DK"},
    }


def test_contact_here() -> None:
    remote = mapping.remote_contact(record(payload("contact"), CONTACT))

    assert (remote.party.kind, remote.parent, remote.party.parent) == (Kind.PERSON, Ref(CUSTOMER, "1"), Ref(CUSTOMER, "1"))
    assert remote.party.fields == {"name": "Mette Holm", "email": "mette@soen.example", "phone": "+45 20 30 40 50", "notes": "Køkkenet"}


@pytest.mark.parametrize("name", [None, "", "   ", {}, False])
def test_nameless(name: Any) -> None:
    for read, raw in ((mapping.remote_customer, record({"name": name})), (mapping.remote_contact, contact(name=name))):
        with pytest.raises(SkipRecord) as caught:
            read(raw)
        assert caught.value.reason.code == "no_name"


@pytest.mark.parametrize(
    ("theirs", "first"),
    [("a@x.dk b@x.dk", "a@x.dk"), ("a@x.dk;b@x.dk", "a@x.dk"), (" a@x.dk, b@x.dk", "a@x.dk"), ("", ""), (" ; ", "")],
)
def test_first_email(theirs: str, first: str) -> None:
    assert mapping.first_email(theirs) == first


@pytest.mark.parametrize(
    ("ours", "theirs", "after"),
    [
        ("c@x.dk", "a@x.dk b@x.dk", "c@x.dk b@x.dk"),
        ("", "a@x.dk b@x.dk", "b@x.dk"),
        ("", "a@x.dk", ""),
        ("c@x.dk", "", "c@x.dk"),
        ("B@x.dk", "a@x.dk b@x.dk", "B@x.dk"),
        ("c@x.dk", "a@x.dk;b@x.dk", "c@x.dk b@x.dk"),
    ],
)
def test_other_emails_stay(ours: str, theirs: str, after: str) -> None:
    assert mapping.emails_there(ours, theirs) == after


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("DK 13 58 56 28", "13585628"),
        ("13585628", "13585628"),
        ("DK13585628", "13585628"),
        ("10150818", "10150818"),
        ("DE 123 456 789", "DE 123 456 789"),
        ("udland", "udland"),
        ("", ""),
    ],
)
def test_tax_id(theirs: str, ours: str) -> None:
    assert mapping.tax_id_here(theirs) == ours


@pytest.mark.parametrize(
    ("country", "code"),
    [("Danmark", "DK"), ("danmark", "DK"), ("DK", "DK"), ("Denmark", "DK"), ("Tyskland", "DE"), ("Langtbortistan", ""), ("", "")],
)
def test_country(country: str, code: str) -> None:
    assert mapping.address_here({"country": country}).get("country", "") == code


@pytest.mark.parametrize(
    ("address", "lines"),
    [
        ("Vestergade 12", ("Vestergade 12", "")),
        ("c/o Holm\r\nVestergade 12\r\n\r\nBaghuset", ("c/o Holm", "Vestergade 12, Baghuset")),
        ("\n\n", ("", "")),
    ],
)
def test_lines(address: str, lines: tuple[str, str]) -> None:
    found = mapping.address_here({"address": address})

    assert (found.get("line1", ""), found.get("line2", "")) == lines


def test_new_customer() -> None:
    party = Party(
        Kind.ORGANISATION,
        {"name": " Bager Holm ", "email": "", "address": {"line1": "Torvet 1", "line2": "2. sal", "region": "Fyn", "country": "SE"}},
    )

    assert mapping.new_customer(party, {"currency": "DKK"}) == {
        "name": "Bager Holm",
        "address": "Torvet 1\n2. sal",
        "country": "Sverige",
        "currency": "DKK",
    }


def test_change_sends_everything_again() -> None:
    current = record(payload("customers_page")["collection"][0])
    body = mapping.changed_customer(current, {"phone": "+45 99 99 99 99"})

    assert body == writable(current.body) | {"telephoneAndFaxNumber": "+45 99 99 99 99"}
    for name in ("barred", "attention", "salesPerson", "priceGroup", "ean", "creditLimit", "email"):
        assert name in body


@pytest.mark.parametrize(
    ("changes", "gone"),
    [({"phone": ""}, "telephoneAndFaxNumber"), ({"website": None}, "website"), ({"tax_id": ""}, "corporateIdentificationNumber")],
)
def test_emptied_is_left_out(changes: dict[str, Any], gone: str) -> None:
    current = record(payload("customers_page")["collection"][0])

    assert gone not in mapping.changed_customer(current, changes)


def test_same_value_in_another_spelling_stays_as_it_is() -> None:
    current = record({"name": "Bager  Sørensen", "corporateIdentificationNumber": "DK 13 58 56 28"})

    assert mapping.changed_customer(current, {"name": "Bager Sørensen", "tax_id": "13585628"}) == writable(current.body)


def test_part_of_an_address_leaves_the_others_as_they_are() -> None:
    current = record({"name": "A", "address": "c/o Holm\nVestergade 12\nBaghuset", "zip": "8000", "country": "Langtbortistan"})
    here = mapping.address_here(current.body)
    body = mapping.changed_customer(current, {"address": {**here, "postcode": "8100"}})

    assert (body["address"], body["zip"], body["country"]) == ("c/o Holm\nVestergade 12\nBaghuset", "8100", "Langtbortistan")


def test_emptied_address() -> None:
    current = record({"name": "A", "address": "Vestergade 12", "zip": "8000", "city": "Aarhus", "country": "Danmark"})

    assert mapping.changed_customer(current, {"address": {}}) == {"customerNumber": 1, "name": "A"}


def test_changed_contact_brings_every_field_and_its_version() -> None:
    current = record(payload("contact"), CONTACT)
    body = mapping.changed_contact(current, {"notes": "", "email": "ny@soen.example"})

    assert body["objectVersion"] == "v104-3"
    assert body["receiveInvoices"] is True
    assert body["receiveOrders"] is False
    assert body["email"] == "ny@soen.example"
    assert "notes" not in body
    assert not {"userInterfaceNumber", "lastUpdated", "isDeleted", "active"} & set(body)


def test_new_contact() -> None:
    party = Party(Kind.PERSON, {"name": "Åse Holm", "email": "", "website": "x"}, parent=Ref(CUSTOMER, "3"))

    assert mapping.new_contact(party, Ref(CUSTOMER, "3")) == {"customerNumber": 3, "name": "Åse Holm"}


@given(WORDS, WORDS, WORDS, st.sampled_from(["DK", "DE", "SE", "NO", "GB", "US", "BR"]))
def test_addresses_come_back_as_they_went(line1: str, line2: str, city: str, country: str) -> None:
    ours = {"line1": line1, "line2": line2, "city": city, "postcode": "8000", "country": country}
    there = mapping.address_there(ours)

    assert mapping.address_here(there) == {name: value for name, value in ours.items() if value}


@given(st.dictionaries(st.sampled_from(["line1", "line2", "city", "postcode", "country"]), PARTS), st.sampled_from(["8000", ""]))
def test_changed_address_says_what_was_meant(ours: dict[str, str], before: str) -> None:
    current = record({"name": "A", "address": "Torvet 1", "zip": before, "country": "Danmark"})
    body = mapping.changed_customer(current, {"address": ours})
    found = mapping.address_here(body)
    wanted = {name: value for name, value in ours.items() if value}
    if "line1" not in wanted and "line2" in wanted:  # a second line alone moves up
        wanted["line1"] = wanted.pop("line2")
    if wanted.get("country") == "Ørsted" or wanted.get("country") not in {None, "DK", "DE"}:
        wanted.pop("country")  # no country

    assert found == wanted
