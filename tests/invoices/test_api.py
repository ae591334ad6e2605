from __future__ import annotations

from decimal import Decimal

import pytest

from accounts.models import Workspace
from accounts.scoping import workspace_tx
from contacts.models import Contact
from tests.accounts.api_client import api_client
from tests.fixtures import Cast
from tests.invoices.builders import TODAY, organisation, row, store


@pytest.fixture(autouse=True)
def on_that_day(time_machine: object) -> None:
    time_machine.move_to("2026-11-21T12:00:00Z")  # type: ignore[attr-defined]


@pytest.fixture
def contact(workspace: Workspace) -> Contact:
    with workspace_tx(workspace):
        contact = organisation(workspace)
        late = row(number="A-1", outstanding=Decimal("10.50"), due_on=TODAY.replace(day=19))
        store(workspace, late, row(number="A-2", currency="EUR"), row(number="Q-1", kind="quote"), contact=contact)
        store(workspace, row(number="ORPHAN", customer_id="9"))
    return contact


def test_list(cast: Cast, contact: Contact) -> None:
    answer = api_client(cast.alice, cast.workspace).get("/api/v1/invoices/?status=overdue").json()
    (invoice,) = answer["results"]
    assert answer["next"] is None
    assert (invoice["number"], invoice["status"], invoice["days_overdue"]) == ("A-1", "overdue", 2)
    assert (invoice["outstanding"], invoice["currency"], invoice["contact"]) == ("10.5000", "GBP", contact.pk)


def test_list_pages_and_kinds(cast: Cast, contact: Contact) -> None:
    client = api_client(cast.alice, cast.workspace)
    first = client.get("/api/v1/invoices/?limit=2").json()
    second = client.get(first["next"]).json()
    assert len(first["results"]) == 2
    assert {each["number"] for each in first["results"] + second["results"]} == {"A-1", "A-2", "ORPHAN"}
    quotes = client.get("/api/v1/invoices/?kind=quote").json()["results"]
    assert [(each["number"], each["status"]) for each in quotes] == [("Q-1", None)]


def test_of_one_contact_with_totals(cast: Cast, contact: Contact) -> None:
    answer = api_client(cast.bob, cast.workspace).get(f"/api/v1/contacts/{contact.pk}/invoices/").json()
    assert {each["number"] for each in answer["results"]} == {"A-1", "A-2"}
    assert [(line["currency"], line["overdue"], line["quotes_count"]) for line in answer["totals"]] == [
        ("EUR", "0.0000", 0),
        ("GBP", "10.5000", 1),
    ]
    assert answer["today"] == "2026-11-21"


def test_members_get_no_orphans_strangers_nothing(cast: Cast, contact: Contact) -> None:
    numbers = {each["number"] for each in api_client(cast.bob, cast.workspace).get("/api/v1/invoices/").json()["results"]}
    assert numbers == {"A-1", "A-2"}
    stranger = api_client(cast.charlie, cast.elsewhere)
    assert stranger.get("/api/v1/invoices/").json()["results"] == []
    assert stranger.get(f"/api/v1/contacts/{contact.pk}/invoices/").status_code == 404


@pytest.mark.parametrize("query", ["status=late", "currency=gbp", "contact=x", "cursor=x", "kind=bill"])
def test_bad_filters_are_named(cast: Cast, query: str) -> None:
    answer = api_client(cast.alice, cast.workspace).get(f"/api/v1/invoices/?{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == query.partition("=")[0]
