"""Fields are called what people call them."""

from __future__ import annotations

import pytest

from integrations.providers.crunch.provider import MANIFEST
from integrations.views.labels import field_labels, sent_label


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("name", "Name"),
        ("email", "E-mail"),
        ("billingAddress.line1", "Billing address line 1"),
        ("billingAddress.postCode", "Billing address post code"),
        ("corporateVATNumber", "Corporate VAT number"),
        ("_", "_"),
    ],
)
def test_what_is_sent_is_named_in_words(path: str, words: str) -> None:
    assert sent_label(path) == words


def test_fields_of_a_sync_and_of_a_contact_have_one_name() -> None:
    assert field_labels(MANIFEST, ["address", "email", "emails", "tax_id", "unheard_of"]) == ["Address", "E-mail", "Tax id", "unheard_of"]
