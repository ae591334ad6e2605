"""The compare page's rows: both sides' values, what differs, and what is written for a choice."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.engine.compare import CompareKind, differing, our_values, same
from integrations.engine.errors import SkipRecord
from integrations.providers.economic import compare
from integrations.providers.economic.records import writable
from tests.providers.economic.samples import payload, record

CUSTOMER = record(payload("customers_page")["collection"][0])
OURS = {
    "name": "Bager Sørensen",
    "emails": "hej@soen.example faktura@soen.example",
    "phone": "0045 12345678",
    "website": "www.soen.example",
    "tax_id": "13585628",
    "address": {"line1": "Vestergade 12", "line2": "2. sal tv.", "city": "Aarhus C", "postcode": "8000", "country": "DK"},
}


def test_their_values() -> None:
    found = compare.compared(CUSTOMER)

    assert set(found) == {row.key for row in compare.ROWS}
    assert (
        found
        | {
            "country": "DK",
            "email": "hej@soen.example faktura@soen.example",
            "payment_terms": "2",
            "customer_group": "1",
            "vat_zone": "1",
            "layout": "",
            "barred": "true",
            "credit_limit": "25000.00",
            "balance": "1250.50",
            "number": "1",
            "tax_id": "13585628",
        }
        == found
    )


def test_same_customer_differs_nowhere() -> None:
    assert differing(compare.ROWS, our_values(compare.ROWS, OURS), compare.compared(CUSTOMER)) == ()


def test_custom_fields_count_where_the_workspace_has_them() -> None:
    ours = our_values(compare.ROWS, OURS, {"ean": "5790000000005", "barred": False, "currency": None})

    assert differing(compare.ROWS, ours, compare.compared(CUSTOMER)) == ("currency", "barred")
    assert "payment_terms" not in ours


@pytest.mark.parametrize(
    ("change", "rows"),
    [
        ({"name": "bager sørensen"}, ("name",)),
        ({"name": "Bager  Sørensen "}, ()),
        ({"phone": "+45 12 34 56 79"}, ("phone",)),
        ({"emails": "faktura@soen.example hej@soen.example"}, ("email",)),
        ({"emails": "HEJ@soen.example faktura@soen.example"}, ()),
        ({"tax_id": "DK-13585628"}, ("tax_id",)),
        ({"mobile": "+45 20 30 40 50"}, ("mobile",)),
        ({"address": {}}, ("address", "address2", "zip", "city", "country")),
        ({"address": None, "website": None}, ("address", "address2", "zip", "city", "country", "website")),
    ],
)
def test_differences(change: dict[str, Any], rows: tuple[str, ...]) -> None:
    assert differing(compare.ROWS, our_values(compare.ROWS, {**OURS, **change}), compare.compared(CUSTOMER)) == rows


@pytest.mark.parametrize(
    ("kind", "one", "other", "equal"),
    [
        (CompareKind.PHONE, "+45 12 34", "004512-34", True),
        (CompareKind.PHONE, "12 34", "+45 12 34", False),
        (CompareKind.NUMBER_CODE, "DK 13.58", "dk1358", True),
        (CompareKind.NUMBER, "1", "1.0", True),
        (CompareKind.NUMBER, "5000", " 5 000.00 ", True),
        (CompareKind.NUMBER, "0", "-0.00", True),
        (CompareKind.NUMBER, "1e3", "1000", True),
        (CompareKind.NUMBER, "0", "", False),
        (CompareKind.NUMBER, "1", "1.01", False),
        (CompareKind.NUMBER, "1.000,00", "1000", False),
        (CompareKind.NUMBER, "NaN", "Infinity", False),
        (CompareKind.LINES, "a\r\n\r\n b ", "a\nb", True),
        (CompareKind.COUNTRY, "Langtbortistan", "langtbortistan", True),
        (CompareKind.BOOLEAN, "true", "", False),
        (CompareKind.TEXT, "", "", True),
    ],
)
def test_same(kind: CompareKind, one: str, other: str, equal: bool) -> None:
    assert same(kind, one, other) is equal


@pytest.mark.parametrize(
    ("values", "change"),
    [
        ({"name": "Ny ApS"}, {"name": "Ny ApS"}),
        ({"country": "DE"}, {"country": "Tyskland"}),
        ({"country": "Langtbortistan"}, {"country": "Langtbortistan"}),
        ({"email": "a@x.dk;b@x.dk"}, {"email": "a@x.dk b@x.dk"}),
        ({"payment_terms": "3"}, {"paymentTerms": {"paymentTermsNumber": 3}}),
        ({"layout": "19"}, {"layout": {"layoutNumber": 19}}),
        ({"credit_limit": "100.5"}, {"creditLimit": 100.5}),
        ({"address2": "3. sal"}, {"address": "Vestergade 12\n3. sal"}),
        ({"address": "Torvet 1", "address2": ""}, {"address": "Torvet 1"}),
        ({"mobile": "+45 1"}, {"mobilePhone": "+45 1"}),
        ({"barred": "true"}, {}),
        ({}, {}),
    ],
)
def test_choice_is_written_and_all_else_sent_again(values: dict[str, str], change: dict[str, Any]) -> None:
    assert compare.body_with(CUSTOMER, values) == writable(CUSTOMER.body) | change


@pytest.mark.parametrize(
    ("values", "gone"),
    [
        ({"ean": ""}, "ean"),
        ({"credit_limit": ""}, "creditLimit"),
        ({"address": "", "address2": ""}, "address"),
        ({"phone": " "}, "telephoneAndFaxNumber"),
    ],
)
def test_chosen_emptiness_clears(values: dict[str, str], gone: str) -> None:
    assert gone not in compare.body_with(CUSTOMER, values)


def test_no_longer_barred() -> None:
    assert not compare.body_with(CUSTOMER, {"barred": ""}).get("barred")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"payment_terms": ""}, "payment_terms"),
        ({"payment_terms": "0"}, "payment_terms"),
        ({"vat_zone": "EU"}, "vat_zone"),
        ({"credit_limit": "meget"}, "credit_limit"),
        ({"number": "7"}, "number"),
        ({"balance": "0"}, "balance"),
        ({"nonsense": "x"}, "nonsense"),
    ],
)
def test_what_will_not_do_is_named(values: dict[str, str], field: str) -> None:
    with pytest.raises(SkipRecord) as caught:
        compare.body_with(CUSTOMER, values)

    assert set(caught.value.fields) == {field}
