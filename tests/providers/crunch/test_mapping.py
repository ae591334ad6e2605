"""Crunch's records as contacts and invoices, and back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.engine.types import InvoiceKind, InvoiceState, Kind, Party, Ref
from integrations.providers.crunch import mapping
from integrations.providers.crunch.records import ADDRESS, INVOICE, SUPPLIER
from tests.providers.crunch.samples import payload, record


def test_client_is_an_organisation() -> None:
    remote = mapping.remote_client(record(payload("client")))

    assert remote.ref == Ref("client", "41")
    assert remote.party == Party(
        Kind.ORGANISATION,
        {
            "name": "Harrington & Cole Ltd",
            "email": "accounts@harrington.example",
            "address": {
                "line1": "Unit 4",
                "line2": "12 Mill Lane",
                "city": "York",
                "region": "North Yorkshire",
                "postcode": "YO1 7AA",
                "country": "GB",
            },
        },
    )


def test_client_without_anything_but_a_name() -> None:
    assert mapping.remote_client(record({"name": "Bare"})).party.fields == {"name": "Bare", "email": "", "address": {}}


def test_supplier_has_a_tag_and_only_a_name() -> None:
    remote = mapping.remote_supplier(record(payload("suppliers_page")["content"][0], SUPPLIER))

    assert remote.party == Party(Kind.ORGANISATION, {"name": "Albion Paper Supplies"}, tags=("Supplier",))
    assert remote.ref == Ref("supplier", "7")


def test_invoice() -> None:
    first, second = (mapping.invoice(record(body, INVOICE)) for body in payload("invoices_page")["content"])

    assert (first.customer, first.number, first.kind, first.state) == (
        Ref("client", "41"),
        "INV-0900",
        InvoiceKind.INVOICE,
        InvoiceState.OPEN,
    )
    assert (first.gross, first.outstanding, first.paid_on) == (Decimal("1200.10"), Decimal("200.10"), None)
    assert (second.state, second.currency, second.number) == (InvoiceState.CREDITED, "EUR", "#901")


def test_paid_invoice_tells_the_day() -> None:
    body = {**payload("invoices_page")["content"][0], "outstandingBalance": 0}

    assert str(mapping.invoice(record(body, INVOICE)).paid_on) == "2026-10-20"


def test_invoice_of_nobody() -> None:
    assert mapping.invoice(record({"currency": "GBP", "grossAmount": 1, "outstandingBalance": 1}, INVOICE)).customer is None


# Address: line1..line4 there, line1 line2 city region here
ADDRESSES = [
    (("1 Road", "", "Leeds", ""), ("1 Road", "Leeds", "", "")),
    (("1 Road", "", "Leeds", "West Yorkshire"), ("1 Road", "Leeds", "West Yorkshire", "")),
    (("Unit 2", "1 Road", "Leeds", ""), ("Unit 2", "1 Road", "Leeds", "")),
    (("Unit 2", "1 Road", "Leeds", "West Yorkshire"), ("Unit 2", "1 Road", "Leeds", "West Yorkshire")),
    (("1 Road", "", "", ""), ("1 Road", "", "", "")),
    (("", "", "", ""), ("", "", "", "")),
    (("Unit 2", "1 Road", "", "Kent"), ("Unit 2", "1 Road", "", "Kent")),
    (("1 Road", "", "", "Kent"), ("1 Road", "", "", "Kent")),
]


@pytest.mark.parametrize(("ours", "theirs"), ADDRESSES)
def test_address_there_and_back(ours: tuple[str, ...], theirs: tuple[str, ...]) -> None:
    here = dict(zip(("line1", "line2", "city", "region"), ours, strict=True))
    there = mapping.address_there(here)

    assert tuple(there[line] for line in ("line1", "line2", "line3", "line4")) == theirs
    assert mapping.address_here(there) == {key: value for key, value in here.items() if value}


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (("1 Road", "Leeds", "WEST YORKSHIRE", ""), {"line1": "1 Road", "city": "Leeds", "region": "WEST YORKSHIRE"}),
        (("The Mill", "1 Road", "Durham", ""), {"line1": "The Mill", "line2": "1 Road", "city": "Durham"}),
        (("1 Road", "Durham", "County Durham", ""), {"line1": "1 Road", "city": "Durham", "region": "County Durham"}),
        (("1 Road", "", "Leeds", ""), {"line1": "1 Road", "city": "Leeds"}),
        (("", "Leeds", "", ""), {"city": "Leeds"}),
    ],
)
def test_lines_are_told_apart(theirs: tuple[str, ...], ours: dict[str, str]) -> None:
    assert mapping.address_here(dict(zip(ADDRESS, theirs, strict=False))) == ours


@pytest.mark.parametrize(
    ("theirs", "ours"), [("GB", "GB"), ("gb", "GB"), ("United Kingdom", "GB"), ("UK", "GB"), ("England", "GB"), ("Atlantis", ""), ("", "")]
)
def test_country_is_understood_in_both_forms(theirs: str, ours: str) -> None:
    assert mapping.address_here({"country": theirs}).get("country", "") == ours


@pytest.mark.parametrize(("setting", "wanted"), [("code", "IE"), ("name", "Ireland")])
def test_country_is_sent_as_the_setting_says(setting: str, wanted: str) -> None:
    assert mapping.address_there({"country": "IE"}, country=setting)["country"] == wanted
    assert mapping.address_there({"country": ""}, country=setting)["country"] == ""


def test_payload_has_only_what_is_filled() -> None:
    party = Party(Kind.PERSON, {"name": " Ann Cole ", "email": "", "address": {"line1": "1 Road", "city": "Leeds", "country": "GB"}})

    assert mapping.payload(party) == {"name": "Ann Cole", "billingAddress": {"line1": "1 Road", "line2": "Leeds", "country": "GB"}}
    assert mapping.payload(Party(Kind.PERSON, {})) == {}


# Changes to a record as read


def changed(changes: dict[str, Any], **body: Any) -> dict[str, Any]:
    return mapping.changed_body(record({**payload("client"), **body}), changes)


def test_only_what_changed_is_changed() -> None:
    before = payload("client")

    assert changed({"email": "new@harrington.example"}) == {**before, "email": "new@harrington.example"}
    assert changed({"name": "Cole Ltd"}) == {**before, "name": "Cole Ltd"}
    assert changed({}) == before


def test_unknown_fields_and_the_note_stay() -> None:
    found = changed({"name": "Cole Ltd", "notes": "ours"}, vatNumber="GB123")

    assert found["vatNumber"] == "GB123"
    assert found["note"] == {"id": 1, "text": "Pays by BACS."}
    assert found["paymentTermsDays"] == 30


def test_emptied_email_is_cleared() -> None:
    assert changed({"email": ""})["email"] == ""
    assert changed({"email": None})["email"] == ""


def test_name_that_is_the_same_stays_as_crunch_writes_it() -> None:
    assert changed({"name": "Harrington & Cole Ltd"}, name=" Harrington  & Cole Ltd")["name"] == " Harrington  & Cole Ltd"


HERE = {"line1": "Unit 4", "line2": "12 Mill Lane", "city": "York", "region": "North Yorkshire", "postcode": "YO1 7AA", "country": "GB"}


def test_new_address_replaces_the_lines() -> None:
    found = changed({"address": {"line1": "9 Road", "city": "Cardiff", "postcode": "CF1 1AA", "country": "IE"}})["billingAddress"]

    assert found == {"line1": "9 Road", "line2": "Cardiff", "line3": "", "line4": "", "postCode": "CF1 1AA", "country": "IE"}


def test_lines_that_say_the_same_stay_as_they_are() -> None:
    lines = {
        "line1": "1 Road",
        "line2": None,
        "line3": "Leeds",
        "line4": None,
        "postCode": "LS1 1AA",
        "country": "United Kingdom",
        "extra": 1,
    }
    found = changed({"address": {"line1": "1 Road", "city": "Leeds", "postcode": "LS2 2BB", "country": "GB"}}, billingAddress=lines)

    assert found["billingAddress"] == {**lines, "postCode": "LS2 2BB"}


def test_country_that_nobody_knows_survives() -> None:
    lines = {"line1": "1 Road", "line2": "Leeds", "country": "Atlantis"}
    found = changed({"address": {"line1": "2 Road", "city": "Leeds"}}, billingAddress=lines)["billingAddress"]

    assert (found["line1"], found["country"]) == ("2 Road", "Atlantis")


def test_address_where_there_was_none() -> None:
    assert changed({"address": HERE}, billingAddress=None)["billingAddress"] == payload("client")["billingAddress"]


WORD = st.sampled_from(["", "1 Road", "Unit 2", "Leeds", "Kent", "West Yorkshire", "Bavaria", "München"])


@given(st.tuples(WORD, WORD, WORD, WORD))
def test_lines_settle_after_one_writing(ours: tuple[str, ...]) -> None:
    written = mapping.address_there(dict(zip(("line1", "line2", "city", "region"), ours, strict=True)))

    assert mapping.address_there(mapping.address_here(written)) == written


@given(st.tuples(WORD, WORD, WORD, WORD), WORD)
def test_sending_the_address_as_read_is_no_change(lines: tuple[str, ...], postcode: str) -> None:
    theirs = {**dict(zip(ADDRESS, lines, strict=False)), "postCode": postcode, "country": "GB"}

    assert changed({"address": mapping.address_here(theirs)}, billingAddress=theirs)["billingAddress"] == theirs
