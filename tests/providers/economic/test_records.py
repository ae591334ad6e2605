"""What e-conomic sends is read with tolerance, and its versions change when something that can be written does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.engine.types import Ref
from integrations.providers.economic import records
from integrations.providers.economic.records import CONTACT, CUSTOMER
from tests.providers.economic.samples import contact, payload, record

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def test_page() -> None:
    found = records.listing(CUSTOMER, payload("customers_page"))

    assert found
    assert [raw.ref for raw in found.records] == [Ref(CUSTOMER, "1"), Ref(CUSTOMER, "2")]
    assert [(bad.position, bad.reason.params["problem"]) for bad in found.bad] == [(2, "it has no id"), (3, "it is no object")]
    assert (found.more, found.total) == (True, 9)


@pytest.mark.parametrize("body", [None, [], 5, "x", {}, {"collection": None}, {"collection": {}}, {"items": []}])
def test_no_collection(body: Any) -> None:
    assert records.listing(CUSTOMER, body) is None


@pytest.mark.parametrize("pagination", [None, {}, {"nextPage": None}, {"nextPage": ""}, {"nextPage": 5.5}, 7])
def test_last_page(pagination: Any) -> None:
    found = records.listing(CUSTOMER, {"collection": [], "pagination": pagination})

    assert found
    assert found.more == (pagination == {"nextPage": 5.5})


def test_writable_is_everything_but_what_is_read_only() -> None:
    body = payload("customers_page")["collection"][0]
    kept = records.writable(body)

    assert set(body) - set(kept) == {
        "balance",
        "dueAmount",
        "lastUpdated",
        "contacts",
        "deliveryLocations",
        "templates",
        "totals",
        "invoices",
        "self",
        "eInvoicingDisabledByDefault",
    }
    assert kept["paymentTerms"] == {"paymentTermsNumber": 2}
    assert kept["priceGroup"] == {"self": "https://restapi.e-conomic.com/price-groups/3"}
    assert kept["attention"] == {"customerContactNumber": 104}
    assert kept["barred"] is True


@pytest.mark.parametrize("empty", [None, "", {}, [], False, {"layoutNumber": 0}, {"layoutNumber": None}])
def test_empty_values_stand_for_absent_ones(empty: Any) -> None:
    assert records.writable({"customerNumber": 1, "layout": empty}) == {"customerNumber": 1}


def test_fields_of_tomorrow_are_sent_again() -> None:
    assert records.writable({"peppolId": "0184:1", "dunning": {"dunningNumber": 3, "self": "x"}}) == {
        "peppolId": "0184:1",
        "dunning": {"dunningNumber": 3},
    }


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"balance": 9.0}, True),
        ({"dueAmount": 9.0}, True),
        ({"lastUpdated": "2026-11-21T00:00:00Z"}, True),
        ({"metaData": {"delete": {}}}, True),
        ({"mobilePhone": None}, True),
        ({"mobilePhone": ""}, True),
        ({"mobilePhone": "+45 1"}, False),
        ({"barred": False}, False),
        ({"name": "Bager Sørensen ApS"}, False),
        ({"vatZone": {"vatZoneNumber": 2}}, False),
        ({"vatZone": {"vatZoneNumber": 1}}, True),
    ],
)
def test_version_of_a_customer(change: dict[str, Any], same: bool) -> None:
    body = payload("customers_page")["collection"][0]

    assert (record(body).version == record(body | change).version) is same


def test_contact_is_the_same_on_both_surfaces() -> None:
    open_api = record(payload("contact"), CONTACT)
    rest = record(records.contact_from_rest(payload("rest_contact"), "1"), CONTACT)

    assert (rest.ref, rest.version) == (open_api.ref, open_api.version)
    assert record(payload("contact") | {"receiveInvoices": False}, CONTACT).version != open_api.version
    assert record(payload("contact") | {"objectVersion": "v104-9"}, CONTACT).version == open_api.version


@pytest.mark.parametrize(("number", "parent"), [(3, Ref(CUSTOMER, "3")), (0, None), (None, None), ("7", Ref(CUSTOMER, "7"))])
def test_parent(number: Any, parent: Ref | None) -> None:
    assert records.parent_of(contact(customerNumber=number)) == parent


@pytest.mark.parametrize(
    ("stamp", "read"),
    [("2026-11-20T09:30:00Z", "2026-11-20T09:30:00Z"), ("2026-11-20", ""), (None, ""), (5, ""), ("Zzzzzzzzzzzzzzzzzzzzz", "")],
)
def test_last_updated(stamp: Any, read: str) -> None:
    assert records.last_updated(record({"lastUpdated": stamp})) == read


@given(st.dictionaries(st.sampled_from(["customerNumber", "name", "email", "barred", "vatZone", "address", "number"]), ANYTHING))
def test_nothing_makes_reading_stumble(body: dict[str, Any]) -> None:
    for kind in (CUSTOMER, CONTACT):
        found = records.raw_record(kind, body)
        assert found is None or found.version
