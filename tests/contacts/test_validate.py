"""What a contact may hold: clean values come out clean, faulty ones are named, and nothing whatever raises anything else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.domain.custom import clean_value
from contacts.domain.faults import Invalid
from contacts.domain.validate import FIELDS, clean_contact
from contacts.models import Contact, CustomField

SIZE = CustomField(key="size", label="Size", kind="choice", choices=["1-9", "10-49"], applies_to="organisation")
FIELDS_IN_USE = [
    SIZE,
    CustomField(key="until", label="Until", kind="date"),
    CustomField(key="rate", label="Rate", kind="number"),
    CustomField(key="vip", label="VIP", kind="boolean"),
    CustomField(key="page", label="Page", kind="url"),
    CustomField(key="code", label="Code", kind="text"),
]


def clean(current: Contact | None = None, **data: Any) -> dict[str, Any]:
    return clean_contact(data, custom_fields=FIELDS_IN_USE, partial=current is not None, current=current)


def faults(current: Contact | None = None, **data: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        clean(current, **data)
    return {error.field: error.code for error in caught.value.errors}


def firm(**data: Any) -> dict[str, Any]:
    return clean(kind="organisation", name="Bakerloo", **data)


def test_text_is_trimmed_and_normalised() -> None:
    assert clean(kind="organisation", name="  Cafe\u0301 \u00a0 Lumie\u0300re\t ")["name"] == "Café Lumière"
    assert firm(notes=" one\r\ntwo\x00 ")["notes"] == "one\ntwo"


def test_required_and_unknown_fields_are_named() -> None:
    assert faults() == {"kind": "required", "name": "required"}
    assert faults(kind="robot", name="") == {"kind": "invalid", "name": "required"}
    assert faults(kind="person", name="Ann", workspace=7, deleted_at="x") == {"workspace": "unknown", "deleted_at": "unknown"}


def test_lengths_and_types_are_checked() -> None:
    assert faults(kind="person", name="x" * 301, tax_id="1" * 41, job_title=7) == {
        "name": "invalid",
        "tax_id": "invalid",
        "job_title": "invalid",
    }
    assert faults(kind="person", name="Ann", emails="a@b.example", tags={}, phones=[1]) == {
        "emails": "invalid", "tags": "invalid", "phones[0]": "invalid",
    }  # fmt: skip
    assert faults(kind="person", name="Ann", emails=[{"email": "a@b.example"}] * 51) == {"emails": "too_many"}


def test_rows_are_cleaned_in_order_and_faults_name_their_place() -> None:
    made = firm(emails=[{"email": " b@x.example "}, {}, {"email": "a@x.example", "label": "Work"}, {"email": "B@X.example"}])
    assert made["emails"] == [{"label": "", "email": "b@x.example"}, {"label": "Work", "email": "a@x.example"}]
    found = faults(
        kind="person", name="Ann", emails=[{"email": "a@x.example"}, {"email": "nope"}], phones=[{"number": "12"}], addresses=[{"zip": "1"}]
    )
    assert found == {"emails[1].email": "invalid", "phones[0].number": "invalid", "addresses[0].zip": "unknown"}


def test_countries_are_two_letters() -> None:
    assert firm(addresses=[{"city": "London", "country": "uk"}])["addresses"][0]["country"] == "GB"
    assert faults(kind="organisation", name="B", addresses=[{"country": "England"}]) == {"addresses[0].country": "invalid"}


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("example.com", "https://example.com"), ("http://a.example/x?y=1", "http://a.example/x?y=1"), ("", ""), (None, "")],
)
def test_web_addresses(typed: Any, kept: str) -> None:
    assert firm(website=typed)["website"] == kept


@pytest.mark.parametrize(
    "typed",
    [
        "javascript:alert(1)",
        "data://x.example",
        "https://",
        "ftp://a.example",
        "http://[",
        "http://a b.example",
        "http://u@a.example",
        "localhost",
    ],
)
def test_bad_web_addresses(typed: str) -> None:
    assert faults(kind="organisation", name="B", website=typed) == {"website": "invalid"}


def test_a_persons_name_follows_first_and_last_name() -> None:
    assert clean(kind="person", first_name="Joanna", last_name="Dale")["name"] == "Joanna Dale"
    joanna = Contact(kind="person", name="Joanna Dale", first_name="Joanna", last_name="Dale")
    assert clean(joanna, last_name="Marsh")["name"] == "Joanna Marsh"
    assert clean(joanna, last_name="Marsh", name="Joanna Dale")["name"] == "Joanna Marsh"
    assert clean(joanna, last_name="Marsh", name="Dr J. Marsh")["name"] == "Dr J. Marsh"
    doctor = Contact(kind="person", name="Dr J. Dale", first_name="Joanna", last_name="Dale")
    assert "name" not in clean(doctor, last_name="Marsh")
    assert faults(joanna, name="") == {"name": "required"}


def test_only_people_belong_to_organisations() -> None:
    assert faults(kind="organisation", name="B", organisation=4) == {"organisation": "invalid"}
    employee = Contact(pk=3, kind="person", name="Ann", organisation_id=4)
    assert clean(employee, kind="organisation") == {"kind": "organisation", "organisation_id": None}
    assert faults(employee, organisation=3) == {"organisation": "invalid"}


def test_tags_are_one_each() -> None:
    assert firm(tags=[" VIP ", "vip", "", "Net 30"])["tags"] == ["VIP", "Net 30"]


@pytest.mark.parametrize(
    ("key", "typed", "kept"),
    [
        ("until", "2027-03-31", "2027-03-31"), ("rate", "12.50", "12.5"), ("rate", -3, "-3"), ("rate", 0, "0"), ("rate", 1e-7, "0.0000001"),
        ("vip", True, True), ("vip", "no", False), ("page", "a.example", "https://a.example"), ("size", "1-9", "1-9"), ("code", " x ", "x"),
    ],
)  # fmt: skip
def test_custom_values_are_normalised(key: str, typed: Any, kept: Any) -> None:
    assert firm(custom_fields={key: typed})["custom"] == {key: kept}


@pytest.mark.parametrize(
    ("key", "typed"),
    [
        ("until", "31.3.2027"),
        ("until", "2027-02-30"),
        ("rate", "1,5"),
        ("rate", float("inf")),
        ("rate", True),
        ("vip", "perhaps"),
        ("size", "50+"),
        ("page", "x"),
        ("code", ["x"]),
    ],
)
def test_bad_custom_values(key: str, typed: Any) -> None:
    assert faults(kind="organisation", name="B", custom_fields={key: typed}) == {f"custom_fields.{key}": "invalid"}


def test_custom_fields_are_patched_key_by_key() -> None:
    held = Contact(kind="organisation", name="B", custom={"rate": "1", "code": "x"})
    assert clean(held, custom_fields={"rate": None, "vip": True})["custom"] == {"code": "x", "vip": True}
    assert faults(kind="person", name="Ann", custom_fields={"size": "1-9", "nope": 1}) == {
        "custom_fields.size": "unknown", "custom_fields.nope": "unknown",
    }  # fmt: skip


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
rows = st.lists(
    st.dictionaries(st.sampled_from(["label", "email", "number", "city", "country", "line1"]), anything, max_size=4), max_size=4
)


@settings(max_examples=400, deadline=None)
@given(data=st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), anything | rows, max_size=8), partial=st.booleans())
def test_whatever_comes_is_cleaned_or_named(data: dict[str, Any], partial: bool) -> None:
    current = Contact(pk=1, kind="person", name="Ann", custom={}) if partial else None
    try:
        values = clean_contact(data, custom_fields=FIELDS_IN_USE, partial=partial, current=current)
    except Invalid:
        return
    Contact(**values)


@settings(max_examples=300, deadline=None)
@given(value=anything, field=st.sampled_from(FIELDS_IN_USE))
def test_a_clean_custom_value_stays_as_it_is(value: Any, field: CustomField) -> None:
    try:
        once = clean_value(field, value)
    except ValueError:
        return
    assert clean_value(field, once) == once
