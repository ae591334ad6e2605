"""What Movidesk sends is read with tolerance, and what cannot be used is named."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.engine.errors import SkipRecord
from integrations.engine.types import RawRecord, Ref, TicketState
from integrations.providers.movidesk import mapping, records
from integrations.providers.movidesk.records import (
    COMPANY,
    PERSON,
    changed_at,
    clock_of,
    listing,
    moment,
    raw_record,
    stamp,
    ticket,
    version,
)
from tests.kit.test_values import JSON
from tests.providers.movidesk.samples import payload, record

NAMES = [
    "id",
    "isActive",
    "personType",
    "businessName",
    "corporateName",
    "cpfCnpj",
    "observations",
    "changedDate",
    "createdDate",
    *records.ARRAYS,
]


def test_list_of_both_kinds() -> None:
    found = listing([payload("company"), payload("person"), {"id": "D1", "personType": 4}], kinds=(PERSON, COMPANY))

    assert [raw.ref for raw in found.records] == [Ref(COMPANY, "EMP0042"), Ref(PERSON, "e1b0c7a2-7d1e-4f5e-9c55-0a8f3b1c2d3e")]
    assert (found.count, found.latest) == (3, "2026-11-20T09:30:00.500Z")


def test_list_of_one_kind_leaves_others_out() -> None:
    found = listing([payload("company"), payload("person"), {"id": "X"}], kinds=(COMPANY,))

    assert [raw.ref.id for raw in found.records] == ["EMP0042", "X"]
    assert found.count == 3


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (None, "it is no object"),
        ("x", "it is no object"),
        ({}, "it has no id"),
        ({"id": ""}, "it has no id"),
        ({"id": True}, "it has no id"),
    ],
)
def test_entry_that_is_no_record_is_named_by_its_place(entry: Any, problem: str) -> None:
    found = listing([payload("company"), entry], kinds=(COMPANY,))

    assert [(bad.position, bad.reason.params["problem"]) for bad in found.bad] == [(1, problem)]
    assert len(found.records) == 1


@pytest.mark.parametrize(("body", "count"), [([], 0), ([1], 1), ({"value": [1, 2]}, 2)])
def test_lists(body: Any, count: int) -> None:
    entries = records.entries_of(body)
    assert entries is not None
    assert len(entries) == count


@pytest.mark.parametrize("body", [None, {}, "x", 5, {"message": "fine"}, {"value": None}])
def test_no_list(body: Any) -> None:
    assert records.entries_of(body) is None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-11-20T09:30:00", "2026-11-20T09:30:00.000Z"),
        ("2026-11-20T09:30:00Z", "2026-11-20T09:30:00.000Z"),
        ("2026-11-20T09:30:00.5", "2026-11-20T09:30:00.500Z"),
        ("2026-11-20T09:30:00.1234567", "2026-11-20T09:30:00.123Z"),
        ("2016-09-01T00:00:00.00z", "2016-09-01T00:00:00.000Z"),
        ("2026-11-20T09:30:00-03:00", "2026-11-20T12:30:00.000Z"),
        ("2026-11-20 09:30:00", "2026-11-20T09:30:00.000Z"),
    ],
)
def test_moments(text: str, wanted: str) -> None:
    assert stamp(moment(text)) == wanted


@pytest.mark.parametrize(
    "value", [None, "", "2026-11-20", "20/11/2026 10:00", "soon", 1795219200, True, [], "2026-13-01T00:00:00", "0001-01-01T00:00:00"]
)
def test_no_moment(value: Any) -> None:
    assert stamp(moment(value)) == ""


def test_new_record_that_was_never_changed_has_its_birth_as_mark() -> None:
    assert changed_at(payload("person")) == "2025-01-10T08:00:00.000Z"
    assert changed_at({}) == ""


def test_mark_of_the_future_does_not_move_the_watermark() -> None:
    clock = clock_of({"Date": "Sat, 21 Nov 2026 19:00:00 GMT"})

    assert clock == "2026-11-21T19:00:00.000Z"
    assert changed_at({"changedDate": "2026-11-21T19:03:00"}, clock=clock) == "2026-11-21T19:03:00.000Z"
    assert changed_at({"changedDate": "2099-01-01T00:00:00"}, clock=clock) == ""


@pytest.mark.parametrize("headers", [{}, {"Date": ""}, {"Date": "yesterday"}])
def test_no_clock(headers: dict[str, str]) -> None:
    assert clock_of(headers) == ""


def test_version_is_about_what_we_understand() -> None:
    company = payload("company")
    same = {**company, "changedDate": "2026-12-01T00:00:00", "customFieldValues": [], "role": "x"}
    same["addresses"] = [{key: value for key, value in entry.items() if key != "countryId"} for entry in company["addresses"]]

    assert version(same) == version(company)
    for change in (
        {"businessName": "Other"},
        {"isActive": False},
        {"emails": []},
        {"cpfCnpj": None},
        {"observations": "x"},
        {"contacts": None},
    ):
        assert version({**company, **change}) != version(company)


def test_active_is_only_who_says_so() -> None:
    assert [records.is_active({"isActive": value}) for value in (True, False, None, "true", 1)] == [True, False, False, False, False]


@pytest.mark.parametrize(
    ("relationships", "ids"),
    [
        (payload("person")["relationships"], ["EMP0042"]),
        ([{"id": "A/B/C"}, {"id": "C"}, {"id": 7}], ["C", "7"]),
        ([{"id": "A/"}, {"id": None}, {}, None, "x"], []),
        (None, []),
        ("x", []),
    ],
)
def test_organisations(relationships: Any, ids: list[str]) -> None:
    assert records.organisations_of({"relationships": relationships}) == ids


def test_ticket() -> None:
    body = {
        "id": 4711,
        "subject": "Sistema lento",
        "status": "Em atendimento",
        "baseStatus": "InAttendance",
        "createdDate": "2026-11-20T09:30:00.1234567",
        "lastUpdate": "2026-11-21T10:00:00",
        "owner": {"id": "1", "businessName": "Beatriz"},
    }
    found = ticket(body, url="https://acme.movidesk.com/Ticket/Edit/{id}")

    assert found is not None
    assert (found.id, found.subject, found.status, found.state, found.owner) == (
        "4711", "Sistema lento", "Em atendimento", TicketState.IN_PROGRESS, "Beatriz",
    )  # fmt: skip
    assert found.created_at == datetime(2026, 11, 20, 9, 30, 0, 123456, tzinfo=UTC)
    assert found.updated_at == datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
    assert found.url == "https://acme.movidesk.com/Ticket/Edit/4711"


@pytest.mark.parametrize(
    ("base", "state"),
    [
        ("New", "new"), ("InAttendance", "in_progress"), ("InAttention", "in_progress"), ("Stopped", "waiting"), ("Canceled", "cancelled"),
        ("Resolved", "resolved"), ("Closed", "closed"), ("Em atendimento", "unknown"), (None, "unknown"), (5, "unknown"),
    ],
)  # fmt: skip
def test_states(base: Any, state: str) -> None:
    found = ticket({"id": 1, "baseStatus": base}, url="")
    assert found is not None
    assert found.state == state


@given(JSON | st.dictionaries(st.sampled_from(["id", "subject", "status", "baseStatus", "owner", "createdDate", "lastUpdate"]), JSON))
def test_whatever_comes_as_a_ticket_is_read(body: Any) -> None:
    found = ticket(body, url="https://acme.movidesk.com/Ticket/Edit/{id}")
    assert found is None or found.id


@given(st.lists(JSON | st.dictionaries(st.sampled_from(NAMES), JSON), max_size=4))
def test_whatever_comes_as_a_list_is_read(entries: list[Any]) -> None:
    found = listing(entries, kinds=(PERSON, COMPANY), clock="2026-11-21T19:00:00.000Z")

    assert found.count == len(entries)
    assert all(raw.ref.id for raw in found.records)


@given(st.dictionaries(st.sampled_from(NAMES), JSON), st.sampled_from([PERSON, COMPANY]))
def test_reading_a_record_raises_nothing_but_skip(body: dict[str, Any], kind: str) -> None:
    raw = raw_record({**body, "id": "X1"}, kind=kind)
    assert raw is not None
    mapping.standing(raw)
    try:
        fields = mapping.remote(raw).party.fields
    except SkipRecord as error:
        fields = {"name": error.reason.code}
    assert fields["name"]
    assert all(isinstance(value, str | dict) for value in fields.values())


def test_record_helper_keeps_the_kind() -> None:
    assert isinstance(record({}, PERSON), RawRecord)
    assert record({}, PERSON).ref == Ref(PERSON, "EMP1")
