from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from accounts.models import Workspace
from contacts.domain import merge as merging
from contacts.domain.faults import Invalid
from contacts.domain.store import live, update_contacts
from contacts.models import Contact, Duplicate, Merge
from contacts.signals import contacts_deleted, contacts_merged, contacts_unmerged
from tests.contacts.makers import BY_ALICE, organisation, person


def _hear(told: list[tuple[str, dict[str, Any]]], name: str, **values: Any) -> None:
    told.append((name, values))


@pytest.fixture
def heard() -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Signals in the order they were sent."""
    told: list[tuple[str, dict[str, Any]]] = []
    named = {"merged": contacts_merged, "deleted": contacts_deleted, "unmerged": contacts_unmerged}
    receivers = {name: partial(_hear, told, name) for name in named}
    for name, signal in named.items():
        signal.connect(receivers[name], weak=False)
    yield told
    for name, signal in named.items():
        signal.disconnect(receivers[name])


def two(inside: Workspace) -> tuple[Contact, Contact]:
    kept = organisation(
        inside, "Bakerloo Kitchens Ltd", emails=[{"label": "", "email": "a@x.example"}],
        phones=[{"label": "", "number": "+44 20 7946 0812"}],
        tags=["VIP"], custom={"a": "1"}, notes="First", life_cycle="client",
    )  # fmt: skip
    gone = organisation(
        inside, "Bakerloo Kitchen", emails=[{"label": "", "email": "A@X.example"}, {"label": "", "email": "b@x.example"}],
        phones=[{"label": "", "number": "020 7946 0812"}], tags=["Net 30"], custom={"a": "2", "b": "3"}, notes="Second", tax_id="980",
        life_cycle="lead",
    )  # fmt: skip
    return kept, gone


def test_fields_are_filled_and_lists_joined(inside: Workspace) -> None:
    kept, gone = two(inside)
    merging.merge(inside, kept_id=kept.pk, gone_id=gone.pk, origin=BY_ALICE)
    kept.refresh_from_db()
    gone.refresh_from_db()
    assert (kept.name, kept.tax_id, kept.life_cycle, kept.notes) == ("Bakerloo Kitchens Ltd", "980", "client", "First\n\nSecond")
    assert [row["email"] for row in kept.emails] == ["a@x.example", "b@x.example"]
    assert [row["number"] for row in kept.phones] == ["+44 20 7946 0812"]
    assert set(kept.tags) == {"VIP", "Net 30"}
    assert kept.custom == {"a": "1", "b": "3"}
    assert gone.merged_into_id == kept.pk
    assert gone.deleted_at is not None


def test_a_person_chooses_what_comes_from_the_other_one(inside: Workspace) -> None:
    kept, gone = two(inside)
    assert merging.differences(kept, gone) == ["name", "life_cycle"]
    assert merging.custom_differences(kept, gone) == ["a"]
    merging.merge(inside, kept_id=kept.pk, gone_id=gone.pk, origin=BY_ALICE, take_from_gone={"name", "emails", "custom.a"})
    kept.refresh_from_db()
    assert (kept.name, kept.life_cycle, kept.custom["a"]) == ("Bakerloo Kitchen", "client", "2")
    assert kept.emails[0]["email"] == "A@X.example"


def test_people_come_along_and_links_are_told_before_the_other_one_goes(inside: Workspace, heard: list[tuple[str, dict[str, Any]]]) -> None:
    kept, gone = two(inside)
    employee = person(inside, organisation_id=gone.pk)
    merging.merge(inside, kept_id=kept.pk, gone_id=gone.pk, origin=BY_ALICE, choices={"link": "7"})
    employee.refresh_from_db()
    assert employee.organisation_id == kept.pk
    assert [name for name, _values in heard] == ["merged", "deleted"]
    assert (heard[0][1]["kept_id"], heard[0][1]["gone_id"], heard[0][1]["choices"]) == (kept.pk, gone.pk, {"link": "7"})


def test_undo_parts_them_and_leaves_later_changes_alone(inside: Workspace, heard: list[tuple[str, dict[str, Any]]]) -> None:
    kept, gone = two(inside)
    employee = person(inside, organisation_id=gone.pk)
    done = merging.merge(inside, kept_id=kept.pk, gone_id=gone.pk, origin=BY_ALICE)
    update_contacts(inside, {kept.pk: {"notes": "Newer"}}, origin=BY_ALICE)
    undone = merging.undo(inside, done, origin=BY_ALICE)
    kept.refresh_from_db()
    employee.refresh_from_db()
    assert undone.left == ["notes"]
    assert (kept.tax_id, kept.tags, kept.custom, kept.notes) == ("", ["VIP"], {"a": "1"}, "Newer")
    assert [row["email"] for row in kept.emails] == ["a@x.example"]
    assert employee.organisation_id == gone.pk
    assert live(inside).get(pk=gone.pk).merged_into_id is None
    assert heard[-1][0] == "unmerged"
    assert merging.undo(inside, Merge.objects.get(pk=done.pk), origin=BY_ALICE).left == []


def test_what_cannot_be_merged_is_said(inside: Workspace) -> None:
    firm, employee = organisation(inside), person(inside)
    update_contacts(inside, {employee.pk: {"organisation_id": firm.pk}}, origin=BY_ALICE)
    for kept, gone in ((firm.pk, firm.pk), (firm.pk, 987_654), (employee.pk, firm.pk)):
        with pytest.raises(Invalid):
            merging.merge(inside, kept_id=kept, gone_id=gone, origin=BY_ALICE)
    assert live(inside).count() == 2


def test_an_employee_merged_into_the_organisation_does_not_belong_to_itself(inside: Workspace) -> None:
    firm = organisation(inside, "Dale")
    employee = person(inside, "Dale", organisation_id=firm.pk)
    merging.merge(inside, kept_id=firm.pk, gone_id=employee.pk, origin=BY_ALICE)
    firm.refresh_from_db()
    assert (firm.organisation_id, firm.kind) == (None, "organisation")


def test_the_suggestion_goes_with_the_merge(inside: Workspace) -> None:
    kept, gone = two(inside)
    Duplicate.objects.create(workspace=inside, first=kept, second=gone, score=95)
    merging.merge(inside, kept_id=kept.pk, gone_id=gone.pk, origin=BY_ALICE)
    assert not Duplicate.objects.exists()
