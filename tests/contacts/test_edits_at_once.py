"""Two write one contact at the same moment, in sessions of their own: the second waits for the first, and nothing of either is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Membership, Workspace
from accounts.scoping import Origin, workspace_tx
from contacts.domain import custom, saved_lists, tags
from contacts.domain.store import update_contacts
from contacts.models import Contact, ContactChange, CustomField, SavedList, Tag
from tests.accounts.api_client import api_client
from tests.at_once import meanwhile
from tests.contacts.makers import BY_ALICE, organisation
from tests.fixtures import Cast

pytestmark = pytest.mark.django_db(transaction=True)
SYNC = Origin(kind="sync", label="Crunch")
HOME = "/w/hartwell/contacts/"


@pytest.fixture
def firm(workspace: Workspace) -> Contact:
    with workspace_tx(workspace):
        for key in ("rate", "terms"):
            CustomField.objects.create(workspace=workspace, key=key, label=key, kind="text")
        return organisation(workspace, tax_id="1", tags=["VIP"])


def beside(workspace: Workspace, contact: Contact, change: dict[str, Any], act: Callable[[], Any]) -> Any:
    """A sync has written `change` and not committed it yet when `act` begins."""
    return meanwhile(workspace, lambda: update_contacts(workspace, {contact.pk: change}, origin=SYNC), act, origin=SYNC)


def now(contact: Contact) -> Contact:
    with workspace_tx(contact.workspace):
        return Contact.objects.get(pk=contact.pk)


def patch(client: Client, contact: Contact, **body: Any) -> Any:
    return client.patch(f"/api/v1/contacts/{contact.pk}/", body, content_type="application/json")


def test_own_fields_of_two_writers_are_both_kept(cast: Cast, firm: Contact) -> None:
    api = api_client(cast.alice, cast.workspace)
    answer = beside(cast.workspace, firm, {"custom": {"terms": "30 days"}}, lambda: patch(api, firm, custom_fields={"rate": "1.5"}))

    assert answer.json()["custom_fields"] == {"rate": "1.5", "terms": "30 days"}


def test_a_version_that_grows_old_at_this_moment_is_refused(cast: Cast, firm: Contact) -> None:
    api = api_client(cast.alice, cast.workspace)
    answer = beside(cast.workspace, firm, {"tax_id": "theirs"}, lambda: patch(api, firm, tax_id="mine", version=1))

    assert (answer.status_code, now(firm).tax_id) == (409, "theirs")


def typed(contact: Contact, **values: str) -> dict[str, str]:
    """The form as it was opened at version 1, with these values in it."""
    rows = {f"{name}-{part}": "0" for name in ("emails", "phones", "addresses") for part in ("TOTAL_FORMS", "INITIAL_FORMS")}
    held = {"kind": "organisation", "name": contact.name, "tax_id": contact.tax_id, "tags": "VIP", "version": "1"}
    return rows | held | values


def test_a_form_is_told_what_was_written_meanwhile(cast: Cast, alice: Client, firm: Contact) -> None:
    form = typed(firm, tax_id="mine")
    answer = beside(cast.workspace, firm, {"tax_id": "theirs"}, lambda: alice.post(f"{HOME}{firm.pk}/edit/", form))

    assert (answer.status_code, now(firm).tax_id) == (409, "theirs")


def test_own_fields_of_a_form_and_another_writer_are_both_kept(cast: Cast, alice: Client, firm: Contact) -> None:
    form = typed(firm, **{"custom-rate": "1.5"})
    answer = beside(cast.workspace, firm, {"custom": {"terms": "30 days"}}, lambda: alice.post(f"{HOME}{firm.pk}/edit/", form))

    assert (answer.status_code, now(firm).custom) == (302, {"rate": "1.5", "terms": "30 days"})


def test_one_own_field_of_a_form_and_another_writer_is_for_a_person_to_settle(cast: Cast, alice: Client, firm: Contact) -> None:
    theirs, page = {"custom": {"rate": "2", "terms": "30 days"}}, f"{HOME}{firm.pk}/edit/"
    form = typed(firm, **{"custom-rate": "1.5"})
    answer = beside(cast.workspace, firm, theirs, lambda: alice.post(page, form))

    assert (answer.status_code, now(firm).custom) == (409, theirs["custom"])
    table = answer.text.partition("clash-table")[2].partition("</table>")[0]
    assert ("rate" in table, "terms" in table) == (True, False)
    assert (alice.post(page, form | {"resolve": "theirs"}).status_code, now(firm).custom) == (302, theirs["custom"])
    assert (alice.post(page, form | {"resolve": "mine"}).status_code, now(firm).custom) == (302, {"rate": "1.5", "terms": "30 days"})


def test_a_tag_given_to_many_leaves_the_others(cast: Cast, alice: Client, firm: Contact) -> None:
    picked = {"action": "tag", "tag": "Net 30", "picked": [firm.pk]}
    beside(cast.workspace, firm, {"tags": ["VIP", "Supplier"]}, lambda: alice.post(f"{HOME}bulk/", picked))

    assert now(firm).tags == ["VIP", "Supplier", "Net 30"]


def test_a_renamed_tag_leaves_the_others(cast: Cast, firm: Contact) -> None:
    def rename() -> int:
        with workspace_tx(cast.workspace):
            return tags.rename(cast.workspace, Tag.objects.get(name="VIP"), "Key account", origin=BY_ALICE)

    assert beside(cast.workspace, firm, {"tags": ["VIP", "Supplier"]}, rename) == 1
    assert now(firm).tags == ["Key account", "Supplier"]


def test_taking_back_a_change_leaves_what_was_written_over_it(cast: Cast, alice: Client, firm: Contact) -> None:
    with workspace_tx(cast.workspace):
        update_contacts(cast.workspace, {firm.pk: {"tax_id": "2"}}, origin=BY_ALICE)
        change = ContactChange.objects.get(contact_id=firm.pk, changes__has_key="tax_id")
    beside(cast.workspace, firm, {"tax_id": "3"}, lambda: alice.post(f"{HOME}{firm.pk}/changes/{change.pk}/undo/"))

    assert now(firm).tax_id == "3"


def test_a_tag_is_added_once(cast: Cast, alice: Client) -> None:
    def add() -> Tag:
        return tags.create(cast.workspace, "Net 30")

    page = meanwhile(cast.workspace, add, lambda: alice.post("/w/hartwell/settings/tags/", {"name": "Net 30"}))
    assert (page.status_code, "There is a tag of this name." in page.text) == (422, True)
    with workspace_tx(cast.workspace):
        Tag.objects.all().delete()
    api = api_client(cast.alice, cast.workspace)
    answer = meanwhile(cast.workspace, add, lambda: api.post("/api/v1/tags/", {"name": "Net 30"}, content_type="application/json"))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "name")


def test_two_own_fields_of_one_name_have_two_keys(cast: Cast, alice: Client) -> None:
    def add() -> CustomField:
        return custom.save_field(cast.workspace, {"label": "Credit limit", "kind": "number"})

    typed = {"label": "Credit limit", "kind": "number"}
    page = meanwhile(cast.workspace, add, lambda: alice.post("/w/hartwell/settings/fields/new/", typed))
    with workspace_tx(cast.workspace):
        assert page.status_code == 302
        assert list(CustomField.objects.order_by("id").values_list("key", flat=True)) == ["credit_limit", "credit_limit_2"]


def test_a_list_saved_twice_is_one_list(cast: Cast, alice: Client) -> None:
    member = Membership.objects.select_related("user", "workspace").get(user=cast.alice)

    def save() -> SavedList:
        return saved_lists.save(member, name="Mine", query="owner=me", is_shared=False)

    answer = meanwhile(cast.workspace, save, lambda: alice.post(f"{HOME}lists/", {"name": "Mine", "query": "owner=none"}))
    with workspace_tx(cast.workspace):
        assert (answer.status_code, [kept.query for kept in SavedList.objects.all()]) == (302, ["owner=none"])
