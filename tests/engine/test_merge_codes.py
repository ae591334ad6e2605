"""Tax ids are compared without their punctuation."""

from __future__ import annotations

import pytest

from integrations.engine.merge import merge, outgoing_only, same
from integrations.engine.provider import FieldMap
from integrations.engine.types import Base

TAX_ID = FieldMap("tax_id", "cpfCnpj", "CPF or CNPJ")
PHONE = FieldMap("phone", "contacts", "Phone")


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("16.727.230/0001-97", "16727230000197", True),
        ("12.abc.345/01de-35", "12ABC34501DE35", True),
        ("390.533.447-05", "39053344706", False),
        ("", None, True),
        ("-", "", False),
    ],
)
def test_same_tax_id(one: str, other: str | None, equal: bool) -> None:
    assert same("tax_id", one, other) is equal


def test_other_fields_keep_their_punctuation() -> None:
    assert not same("phone", "(47) 3333-4444", "4733334444")


def test_spelling_of_a_tax_id_is_no_change() -> None:
    result = merge((TAX_ID,), base=None, ours={"tax_id": "16.727.230/0001-97"}, theirs={"tax_id": "16727230000197"}, policy="ask")

    assert (result.local, result.remote, result.conflicts) == ({}, {}, ())


def test_nothing_comes_in_from_a_record_that_is_only_written() -> None:
    base = Base(ours={"phone": "1"}, theirs={"phone": "1"})
    fields = outgoing_only((PHONE,))

    changed_there = merge(fields, base=base, ours={"phone": "1"}, theirs={"phone": "2"}, policy="crm")
    changed_twice = merge(fields, base=base, ours={"phone": "3"}, theirs={"phone": "2"}, policy="crm")

    assert (changed_there.local, changed_there.remote) == ({}, {})
    assert (changed_twice.local, changed_twice.remote) == ({}, {"phone": "3"})
