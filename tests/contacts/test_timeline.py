from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.test import Client, RequestFactory
from django.utils import timezone

from accounts.models import Membership, Workspace
from accounts.scoping import Origin, workspace_tx
from contacts.domain import edit, merge, timeline, trash
from contacts.domain.store import delete_contacts, update_contacts
from contacts.models import Contact, ContactChange, CustomField, Note
from contacts.tasks import purge_trash
from tests.contacts.makers import BY_ALICE, organisation, person
from tests.fixtures import Cast

CRUNCH = Origin(kind="sync", run_id=412, label="Crunch")


@pytest.fixture
def request_(member: Membership) -> Any:
    request = RequestFactory().get("/")
    request.membership, request.workspace = member, member.workspace  # type: ignore[attr-defined]
    return request


def told(request: Any, contact: Contact, **show: Any) -> list[tuple[str, list[tuple[str, str, str]]]]:
    items = timeline.page(request, contact, **show).items
    return [(item.by, [(line.label, line.old, line.new) for line in item.lines]) for item in items]


def test_changes_are_told_field_by_field_with_who_did_it(inside: Workspace, request_: Any, cast: Cast) -> None:
    address = {
        "label": "",
        "line1": "14 Ropery Street",
        "line2": "Unit 2",
        "city": "London",
        "region": "",
        "postcode": "E3",
        "country": "GB",
    }
    firm = organisation(inside, addresses=[address], tags=["VIP"])
    update_contacts(inside, {firm.pk: {"addresses": [address | {"line2": "Unit 3"}]}}, origin=CRUNCH)
    CustomField.objects.create(workspace=inside, key="until", label="Contract until", kind="date")
    by_alice = Origin(kind="api", actor_id=cast.alice.pk, label="Alice")
    changes = {"owner_id": cast.bob.pk, "tags": ["VIP", "Net 30"], "custom": {"until": "2027-03-31"}, "life_cycle": "client"}
    update_contacts(inside, {firm.pk: changes}, origin=by_alice)
    assert told(request_, firm) == [
        ("Alice through the API", [
            ("Life cycle", "", "Client"), ("Tags", "", "Net 30"), ("Contract until", "", "31 Mar 2027"), ("Owner", "", "Bob"),
        ]),
        ("Crunch sync", [("Address line 2", "Unit 2", "Unit 3")]),
        ("Alice", []),
    ]  # fmt: skip
    assert told(request_, firm, show="sync") == [("Crunch sync", [("Address line 2", "Unit 2", "Unit 3")])]
    assert timeline.page(request_, firm, show="sync").items[0].change.run_id == 412  # type: ignore[union-attr]


def test_older_entries_come_page_by_page(inside: Workspace, request_: Any, member: Membership, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "PAGE", 3)
    firm = organisation(inside)
    for number in range(4):
        update_contacts(inside, {firm.pk: {"tax_id": str(number)}}, origin=BY_ALICE)
        Note.objects.create(workspace=inside, contact=firm, author_id=member.user_id, text=f"Note {number}")
    seen, cursor = [], ""
    while True:
        page = timeline.page(request_, firm, cursor=cursor)
        seen += [item.at for item in page.items]
        if page.older is None:
            break
        cursor = page.older
    assert len(seen) == 9
    assert seen == sorted(seen, reverse=True)
    assert len(timeline.page(request_, firm, show="notes").items) == 3


def test_a_merge_does_not_cut_the_history_short(inside: Workspace, request_: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It writes down on the contact that goes into which one it went, and that alone is no line of the timeline."""
    monkeypatch.setattr(timeline, "PAGE", 3)
    kept, gone = organisation(inside), organisation(inside, "Bakerloo")
    for number in range(4):
        update_contacts(inside, {kept.pk: {"tax_id": str(number)}}, origin=BY_ALICE)
    merge.merge(inside, kept_id=kept.pk, gone_id=gone.pk, origin=BY_ALICE)
    seen, cursor = [], ""
    while True:
        page = timeline.page(request_, kept, cursor=cursor)
        seen += [line.new for item in page.items for line in item.lines if line.label == "Tax id"]
        if page.older is None:
            break
        cursor = page.older
    assert seen == ["3", "2", "1", "0"]


def test_a_change_is_taken_back_where_nobody_changed_it_since(inside: Workspace, member: Membership) -> None:
    firm = organisation(inside, tax_id="1", website="https://a.example")
    update_contacts(inside, {firm.pk: {"tax_id": "2", "website": "https://b.example"}}, origin=CRUNCH)
    change = ContactChange.objects.filter(contact_id=firm.pk).latest("id")
    update_contacts(inside, {firm.pk: {"website": "https://c.example"}}, origin=BY_ALICE)
    firm.refresh_from_db()
    assert timeline.undo_change(member, firm, change, origin=BY_ALICE) == ["Website"]
    firm.refresh_from_db()
    assert (firm.tax_id, firm.website) == ("1", "https://c.example")


def test_undo_of_one_own_field_leaves_the_others(inside: Workspace, member: Membership) -> None:
    for key in ("rate", "terms"):
        CustomField.objects.create(workspace=inside, key=key, label=key.title(), kind="text")
    firm = organisation(inside, custom={"rate": "1"})
    for custom in ({"rate": "2", "terms": "30 days"}, {"rate": "2", "terms": "60 days"}):
        update_contacts(inside, {firm.pk: {"custom": custom}}, origin=BY_ALICE)
    firm.refresh_from_db()
    [first] = ContactChange.objects.filter(contact_id=firm.pk, version=2)
    assert timeline.undo_change(member, firm, first, origin=BY_ALICE) == ["Terms"]
    firm.refresh_from_db()
    assert firm.custom == {"rate": "1", "terms": "60 days"}


def test_undo_does_not_bring_back_a_team_that_is_gone(inside: Workspace, member: Membership) -> None:
    firm = organisation(inside)
    change = ContactChange(contact_id=firm.pk, action="updated", changes={"team_id": [987_654, None]})
    assert timeline.undo_change(member, firm, change, origin=BY_ALICE) == ["Team"]


def test_the_past_of_a_merged_contact_is_the_kept_ones_also_after_the_trash_is_emptied(
    inside: Workspace, request_: Any, member: Membership
) -> None:
    kept, gone = organisation(inside), organisation(inside, "Bakerloo")
    timeline.add_note(gone, "Call Marek first", author_id=member.user_id)
    merge.merge(inside, kept_id=kept.pk, gone_id=gone.pk, origin=BY_ALICE)
    before = timeline.page(request_, kept)
    assert [item.note.text for item in before.items if item.note] == ["Call Marek first"]
    assert trash.purge(inside, now=timezone.now() + dt.timedelta(days=31)) == 1
    after = timeline.page(request_, kept)
    assert [item.note.text for item in after.items if item.note] == ["Call Marek first"]
    assert len(after.items) == len(before.items)


def test_the_trash_is_emptied_after_thirty_days_with_all_that_was_kept(inside: Workspace) -> None:
    old, young, live = person(inside, "Old"), person(inside, "Young"), person(inside, "Live")
    with time_machine.travel(timezone.now() - dt.timedelta(days=31), tick=True):
        delete_contacts(inside, [old.pk], origin=BY_ALICE)
    delete_contacts(inside, [young.pk], origin=BY_ALICE)
    assert trash.purge(inside, now=timezone.now()) == 1
    assert set(Contact.objects.values_list("pk", flat=True)) == {young.pk, live.pk}
    assert not ContactChange.objects.filter(contact_id=old.pk).exists()


def test_two_edits_of_different_fields_are_both_kept(inside: Workspace) -> None:
    firm = organisation(inside, tax_id="1", website="https://a.example")
    mine = {"name": firm.name, "tax_id": "1", "website": "https://mine.example"}
    update_contacts(inside, {firm.pk: {"tax_id": "2"}}, origin=CRUNCH)
    firm.refresh_from_db()
    assert edit.save(firm, mine, version=1, origin=BY_ALICE).written
    firm.refresh_from_db()
    assert (firm.tax_id, firm.website) == ("2", "https://mine.example")


def test_two_edits_of_one_field_are_for_a_person_to_settle(inside: Workspace) -> None:
    firm = organisation(inside, tax_id="1", website="https://a.example")
    mine = {"tax_id": "mine", "website": "https://mine.example"}
    update_contacts(inside, {firm.pk: {"tax_id": "theirs"}}, origin=CRUNCH)
    firm.refresh_from_db()
    saved = edit.save(firm, mine, version=1, origin=BY_ALICE)
    assert [(clash.column, clash.theirs, clash.mine) for clash in saved.clashes] == [("tax_id", "theirs", "mine")]
    firm.refresh_from_db()
    assert (firm.tax_id, firm.website) == ("theirs", "https://a.example")
    edit.save(firm, mine, version=1, origin=BY_ALICE, resolve="theirs")
    firm.refresh_from_db()
    assert (firm.tax_id, firm.website) == ("theirs", "https://mine.example")
    edit.save(firm, mine, version=1, origin=BY_ALICE, resolve="mine")
    firm.refresh_from_db()
    assert firm.tax_id == "mine"


def test_history_of_another_workspace_stays_there(cast: Cast, alice: Client) -> None:
    with workspace_tx(cast.elsewhere):
        foreign = person(cast.elsewhere)
    assert alice.get(f"/w/hartwell/contacts/{foreign.pk}/timeline/").status_code == 404


def test_the_nightly_tasks_empty_every_workspaces_trash(cast: Cast) -> None:
    for workspace in (cast.workspace, cast.elsewhere):
        with workspace_tx(workspace):
            old = person(workspace)
            with time_machine.travel(timezone.now() - dt.timedelta(days=31), tick=True):
                delete_contacts(workspace, [old.pk], origin=BY_ALICE)
    for workspace in (cast.workspace, cast.elsewhere):
        purge_trash.run(workspace_id=workspace.pk)
        with workspace_tx(workspace):
            assert not Contact.objects.exists()
