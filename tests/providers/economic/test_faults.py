"""Refusals: the code decides, the vendor's words are kept, and each fault stands at its field."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.engine.errors import BadSettings, Conflict, Denied, Gone, ProviderError, SkipRecord
from integrations.engine.types import Reason
from integrations.providers.economic import faults
from tests.providers.economic.samples import payload

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["errors", "items", "errorCode", "errorMessage", "message", "property", "name", "lines"]), inner)
    ),
    max_leaves=12,
)


def refusal(body: Any) -> SkipRecord:
    error = SkipRecord(Reason("refused", {"message": "Nej."}), detail="POST /customers: 400")
    error.told = body
    return error


def explained(body: Any, *, ours: bool = False) -> ProviderError:
    return faults.explained(refusal(body), name="Bager Sørensen", settings_are_ours=ours)


def test_every_fault_of_a_refusal() -> None:
    assert [(one.code, one.property) for one in faults.faults_of(payload("refused"))] == [("E07080", "paymentTerms"), ("E04300", "email")]
    assert [(one.code, one.property) for one in faults.faults_of(payload("problem"))] == [("CustomerContactNameAlreadyExists", "Name")]


def test_faults_of_lines_and_lists() -> None:
    nested = {
        "errors": {"lines": {"items": [{"arrayIndex": 0, "product": {"errors": [{"errorCode": "E06600", "errorMessage": "Spærret."}]}}]}}
    }
    listed = {"errors": [{"arrayIndex": 1, "name": {"errors": [{"errorCode": "E04042", "errorMessage": "Mangler."}]}}]}

    assert faults.faults_of(nested)[-1] == faults.Fault("E06600", "product", "Spærret.")
    assert faults.faults_of(listed)[-1] == faults.Fault("E04042", "name", "Mangler.")
    assert faults.faults_of({"errors": ["Filtering is not allowed on property 'x'."]})[0].words.startswith("Filtering")
    assert faults.faults_of({"message": "Perioden er spærret.", "errorCode": "E04041"}) == (
        faults.Fault("E04041", "", "Perioden er spærret."),
    )


def test_values_of_the_contact_are_named_with_the_vendors_words() -> None:
    error = explained(payload("refused"))

    assert isinstance(error, SkipRecord)
    assert error.reason.code == "refused_fields"
    assert error.reason.params == {"name": "Bager Sørensen", "fields": "Payment terms, E-mail"}
    assert error.fields == {"payment_terms": "PaymentTerms '4711' findes ikke.", "email": "E-mailadressen er ikke gyldig."}
    assert "E07080" in error.detail
    assert "findes ikke" in error.detail


def test_settings_of_ours_are_no_fault_of_the_contact() -> None:
    error = explained(payload("refused"), ours=True)

    assert isinstance(error, BadSettings)
    assert (error.reason.code, error.field) == ("setting_refused", "payment_terms")
    assert error.reason.params == {"setting": "Payment terms"}


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("UpdateConflict", Conflict),
        ("CustomerNumberMismatch", Conflict),
        ("ResourceNotFound", Gone),
        ("E06000", Gone),
        ("CustomerDoesNotExist", Gone),
        ("AccessDeniedAgreementMissingModules", Denied),
        ("CustomerInvalidEAN", SkipRecord),
        ("SomethingNew", SkipRecord),
        ("", SkipRecord),
    ],
)
def test_codes_decide(code: str, kind: type[ProviderError]) -> None:
    assert type(explained({"errorCode": code, "message": "Perioden er spærret."})) is kind


def test_missing_reference_is_not_a_missing_customer() -> None:
    body = {"errorCode": "E04300", "errors": {"salesPerson": {"errors": [{"errorCode": "E06000", "errorMessage": "Findes ikke."}]}}}

    assert isinstance(explained(body), SkipRecord)


@pytest.mark.parametrize(
    ("code", "field"),
    [("CustomerInvalidEmail", "email"), ("CustomerContactNameAlreadyExists", "name"), ("CustomerInvalidGroupId", "customer_group")],
)
def test_codes_name_the_field_where_nothing_else_does(code: str, field: str) -> None:
    error = explained({"errors": [{"message": "Nej.", "errorCode": code, "property": None}]})

    assert isinstance(error, SkipRecord)
    assert error.fields == {field: "Nej."}


@pytest.mark.parametrize("body", [None, [], 5, "x", {}, {"errors": None}, {"errors": {}}, {"errors": {"somethingElse": {"errors": [{}]}}}])
def test_refusal_that_says_little(body: Any) -> None:
    error = explained(body)

    assert isinstance(error, SkipRecord)
    assert (error.reason.code, error.reason.params["message"]) == ("refused", "Nej.")


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({"message": "Could not parse query string filter.", "allowedFilteringFields": ["name"], "errors": ["x"]}, True),
        ({"errorCode": "BadFilterRequest", "detail": "x"}, True),
        ({"errors": [{"errorCode": "BadFilterRequest", "message": "x"}]}, True),
        ({"errorCode": "E04810"}, False),
        (None, False),
    ],
)
def test_filter_that_is_refused(body: Any, refused: bool) -> None:
    assert faults.refuses_filter(refusal(body)) is refused


@given(JSON, st.booleans())
def test_no_refusal_makes_it_stumble(body: Any, ours: bool) -> None:
    error = explained(body, ours=ours)

    assert error.reason.code
