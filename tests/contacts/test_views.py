"""The screens: what a person does, and what they get to see."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership, Team, Workspace
from accounts.scoping import workspace_tx
from contacts.domain import export
from contacts.models import Contact, ContactChange, CustomField, Duplicate, Merge, Tag
from tests.contacts.makers import organisation, person
from tests.fixtures import Cast

HOME = "/w/hartwell/contacts/"
NASTY = """<script>alert("1")</script>'&"""


def made(workspace: Workspace, *, kind: str = "organisation", name: str = "Bakerloo Kitchens Ltd", **fields: Any) -> Contact:
    with workspace_tx(workspace):
        return organisation(workspace, name, **fields) if kind == "organisation" else person(workspace, name, **fields)


def fresh(contact: Contact) -> Contact:
    with workspace_tx(contact.workspace):
        return Contact.objects.get(pk=contact.pk)


def rows(name: str, *entries: dict[str, str]) -> dict[str, str]:
    """A formset as a browser sends it."""
    data = {f"{name}-TOTAL_FORMS": str(len(entries)), f"{name}-INITIAL_FORMS": "0"}
    return data | {f"{name}-{index}-{part}": value for index, entry in enumerate(entries) for part, value in entry.items()}


def form(**values: str) -> dict[str, str]:
    return rows("emails") | rows("phones") | rows("addresses") | values


def test_the_empty_list_says_what_to_do(alice: Client) -> None:
    page = alice.get(HOME).text
    assert "Nobody here yet" in page
    assert "Nothing found" in alice.get(f"{HOME}?q=zzz").text


def test_a_name_cannot_run_anything(alice: Client, workspace: Workspace) -> None:
    contact = made(workspace, name=NASTY, tags=[NASTY], emails=[{"label": NASTY, "email": "a@x.example"}], notes=NASTY)
    other = made(workspace, name=f"{NASTY} 2")
    with workspace_tx(workspace):
        Duplicate.objects.create(workspace=workspace, first=contact, second=other, score=95, source=NASTY)
    url = f"{HOME}{contact.pk}/"
    for address in (HOME, url, f"{url}edit/", f"{url}delete/", f"{url}merge/", f"{url}merge/?other={other.pk}", f"{HOME}duplicates/"):
        assert "<script>alert" not in alice.get(address).text, address
    alice.post(f"{url}delete/")
    for address in (HOME, f"{HOME}trash/", f"{HOME}?q={NASTY}", f"{HOME}pick/?typed=script"):
        assert "<script>alert" not in alice.get(address).text, address


def test_typing_gets_the_list_alone_and_a_clean_address(alice: Client, workspace: Workspace) -> None:
    made(workspace)
    answer = alice.get(f"{HOME}?q=baker&kind=&owner=", headers={"HX-Request": "true", "HX-Target": "list"})
    assert answer["HX-Push-Url"] == f"{HOME}?q=baker"
    assert "<html" not in answer.text
    assert "Bakerloo Kitchens Ltd" in answer.text


@pytest.mark.parametrize(
    "query", ["kind=robot", "owner=x", "sort=up", "after=zzz", "before=%00", "updated_since=yesterday", "q=%00%ff", "team=%27"]
)
def test_an_odd_address_still_shows_a_list(alice: Client, workspace: Workspace, query: str) -> None:
    made(workspace)
    assert alice.get(f"{HOME}?{query}", follow=True).status_code == 200


def test_a_list_page_costs_the_same_for_one_row_and_for_many(alice: Client, workspace: Workspace, cast: Cast) -> None:
    firm = made(workspace)
    made(workspace, kind="person", name="Anna", organisation_id=firm.pk, owner_id=cast.alice.pk)
    alice.get(HOME)
    with CaptureQueriesContext(connection) as few:
        alice.get(HOME)
    for number in range(6):
        made(workspace, kind="person", name=f"Anna {number}", organisation_id=firm.pk, owner_id=cast.bob.pk)
    with CaptureQueriesContext(connection) as many:
        alice.get(HOME)
    assert len(few) == len(many)


def test_a_person_is_added_with_everything(alice: Client, workspace: Workspace, cast: Cast) -> None:
    firm = made(workspace)
    with workspace_tx(workspace):
        CustomField.objects.create(workspace=workspace, key="until", label="Until", kind="date")
        Tag.objects.create(workspace=workspace, name="VIP")
    data = form(kind="person", first_name="Joanna", last_name="Dale", organisation=str(firm.pk), typed=firm.name, owner=str(cast.bob.pk))
    data |= rows(
        "emails", {"email": "second@x.example", "ORDER": "2"}, {"email": "first@x.example", "ORDER": "1"}, {"email": "no", "DELETE": "on"}
    )
    data |= rows("addresses", {"line1": "14 Ropery Street", "country": "GB"}) | {"tags": "vip, Net 30", "custom-until": "2027-03-31"}
    answer = alice.post(f"{HOME}new/", data, follow=True)
    assert "Joanna Dale is added." in answer.text
    with workspace_tx(workspace):
        contact = Contact.objects.get(name="Joanna Dale")
        assert [row["email"] for row in contact.emails] == ["first@x.example", "second@x.example"]
        assert (contact.organisation_id, contact.owner_id, contact.tags) == (firm.pk, cast.bob.pk, ["VIP", "Net 30"])
        assert contact.custom == {"until": "2027-03-31"}
        assert set(Tag.objects.values_list("name", flat=True)) == {"VIP", "Net 30"}
        created = ContactChange.objects.get(contact_id=contact.pk)
        assert (created.origin, created.actor_id) == ("web", cast.alice.pk)


def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(alice: Client) -> None:
    data = form(kind="organisation", name="", website="nope") | rows(
        "emails", {"email": "good@x.example"}, {"email": "bad", "label": "Kept"}
    )
    answer = alice.post(f"{HOME}new/", data)
    assert answer.status_code == 422
    for text in ("Give a name.", "This is not a web address.", "This is not an e-mail address.", "good@x.example", "Kept"):
        assert text in answer.text
    editor = answer.context["editor"]
    assert set(editor.form.errors) == {"name", "website"}
    assert [form.errors for form in editor.emails.forms] == [{}, {"email": ["This is not an e-mail address."]}]


def test_an_organisation_written_out_is_found_or_asked_for(alice: Client, workspace: Workspace) -> None:
    firm = made(workspace)
    person_ = form(kind="person", name="Joanna Dale", organisation="")
    assert alice.post(f"{HOME}new/", person_ | {"typed": "Nobody Ltd"}).status_code == 422
    alice.post(f"{HOME}new/", person_ | {"typed": " Bakerloo  Kitchens Ltd"})
    with workspace_tx(workspace):
        assert Contact.objects.get(kind="person").organisation_id == firm.pk
    shown = alice.get(f"{HOME}pick/?kind=organisation&typed=baker").text
    assert f'data-pick="{firm.pk}"' in shown


def test_two_people_edit_one_contact(alice: Client, bob: Client, workspace: Workspace) -> None:
    contact = made(workspace, tax_id="1")
    url = f"{HOME}{contact.pk}/edit/"
    mine = form(kind="organisation", name=contact.name, version="1", tax_id="mine", website="a.example")
    bob.post(url, form(kind="organisation", name=contact.name, version="1", tax_id="theirs"))
    answer = alice.post(url, mine)
    assert answer.status_code == 409
    assert "theirs" in answer.text
    assert 'value="mine"' in answer.text
    alice.post(url, mine | {"resolve": "theirs"})
    assert (fresh(contact).tax_id, fresh(contact).website) == ("theirs", "https://a.example")
    alice.post(url, mine | {"resolve": "mine"})
    assert fresh(contact).tax_id == "mine"


def test_saving_without_a_change_writes_no_history(alice: Client, workspace: Workspace) -> None:
    contact = made(workspace, emails=[{"label": "", "email": "a@x.example"}], tags=["VIP"], notes="x\ny")
    page = alice.get(f"{HOME}{contact.pk}/edit/")
    editor = page.context["editor"]
    data = {name: str(editor.form[name].value() or "") for name in editor.form.fields}
    data |= rows("emails", {"email": "a@x.example"}) | rows("phones", {"number": ""}) | rows("addresses", {"city": ""})
    assert "Nothing was changed." in alice.post(f"{HOME}{contact.pk}/edit/", data, follow=True).text
    assert fresh(contact).version == 1


def test_quick_add_leads_to_the_new_contact(alice: Client, workspace: Workspace) -> None:
    assert "quick-add" in alice.get(f"{HOME}quick/", headers={"HX-Request": "true"}).text
    assert alice.get(f"{HOME}quick/").url == f"{HOME}new/"
    wrong = alice.post(f"{HOME}quick/", {"kind": "person", "name": "", "email": "x"})
    assert wrong.status_code == 422
    assert "Give a name." in wrong.text
    answer = alice.post(f"{HOME}quick/", {"kind": "person", "name": "Ann", "email": "a@x.example"}, headers={"HX-Request": "true"})
    assert answer["HX-Redirect"].startswith(HOME)


def test_a_note_is_written_and_taken_away_by_its_author(alice: Client, bob: Client, workspace: Workspace) -> None:
    contact = made(workspace)
    url = f"{HOME}{contact.pk}/notes/"
    assert alice.post(url, {"text": "  "}, headers={"HX-Request": "true"}).status_code == 422
    page = bob.post(url, {"text": "Call https://x.example <b>"}, headers={"HX-Request": "true"})
    assert "&lt;b&gt;" in page.text
    assert 'href="https://x.example"' in page.text
    note = page.context["timeline"].items[0].note
    bob.post(f"{url}{note.pk}/delete/")
    assert "Call" not in bob.get(f"{HOME}{contact.pk}/").text


def test_undo_of_a_change_from_the_page(alice: Client, workspace: Workspace) -> None:
    contact = made(workspace, tax_id="1")
    alice.post(f"{HOME}{contact.pk}/edit/", form(kind="organisation", name=contact.name, version="1", tax_id="2"))
    with workspace_tx(workspace):
        change = ContactChange.objects.filter(contact_id=contact.pk).latest("id")
    assert "Taken back." in alice.post(f"{HOME}{contact.pk}/changes/{change.pk}/undo/", follow=True).text
    assert fresh(contact).tax_id == "1"


def test_deleting_says_what_happens_and_can_be_undone(alice: Client, workspace: Workspace) -> None:
    contact = made(workspace)
    made(workspace, kind="person", name="Anna", organisation_id=contact.pk)
    assert "1 person of this organisation stays" in alice.get(f"{HOME}{contact.pk}/delete/").text
    page = alice.post(f"{HOME}{contact.pk}/delete/", follow=True)
    assert "is in the trash." in page.text
    assert f'name="picked" value="{contact.pk}"' in page.text
    assert alice.get(f"{HOME}{contact.pk}/").status_code == 404
    assert contact.name in alice.get(f"{HOME}trash/").text
    assert alice.post(f"{HOME}restore/", {"picked": contact.pk}, follow=True).status_code == 200
    assert fresh(contact).deleted_at is None


def test_picked_rows_are_changed_together(alice: Client, workspace: Workspace, cast: Cast, south: Team) -> None:
    one, two = made(workspace), made(workspace, name="Harbour & Wells", tags=["VIP"])
    picked = {"picked": [one.pk, two.pk], "next": f"{HOME}?q=x"}
    assert alice.post(f"{HOME}bulk/", picked | {"action": "tag", "tag": "vip"}).url == f"{HOME}?q=x"
    alice.post(f"{HOME}bulk/", picked | {"action": "owner", "owner": cast.bob.pk})
    alice.post(f"{HOME}bulk/", picked | {"action": "team", "team": south.pk})
    for contact in (one, two):
        assert (fresh(contact).owner_id, fresh(contact).team_id, len(fresh(contact).tags)) == (cast.bob.pk, south.pk, 1)
    alice.post(f"{HOME}bulk/", picked | {"action": "owner", "owner": cast.charlie.pk})
    assert fresh(one).owner_id == cast.bob.pk
    assert alice.post(f"{HOME}bulk/", picked | {"action": "delete", "next": "https://evil.example/"}).url == HOME
    assert fresh(one).deleted_at


def test_the_export_is_the_list_and_runs_no_formula(alice: Client, workspace: Workspace) -> None:
    made(workspace, name="=HYPERLINK(1)", phones=[{"label": "", "number": "+44 20 7946 0812"}], notes="@sum")
    made(workspace, name="Other")
    answer = alice.get(f"{HOME}export/?q=hyper")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[arg-type]  # a sync iterator
    lines = text.splitlines()
    assert len(lines) == 2
    assert "'=HYPERLINK(1)" in lines[1]
    assert ",+44 20 7946 0812," in lines[1]
    assert lines[1].endswith("'@sum")


@pytest.mark.django_db(transaction=True)
def test_a_slow_reader_of_the_export_holds_no_transaction_open(
    alice: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "CHUNK", 1)
    for name in ("Ann", "Bea", "Cyd"):
        made(workspace, name=name)
    lines = [(chunk, connection.in_atomic_block) for chunk in alice.get(f"{HOME}export/").streaming_content]
    assert [name for name in ("Ann", "Bea", "Cyd") if name in b"".join(chunk for chunk, _open in lines).decode()] == ["Ann", "Bea", "Cyd"]
    assert {is_open for _chunk, is_open in lines} == {False}


def test_two_contacts_are_merged_and_parted_again(alice: Client, workspace: Workspace) -> None:
    kept, gone = made(workspace, website="https://a.example"), made(workspace, name="Bakerloo", website="https://b.example", tax_id="980")
    url = f"{HOME}{kept.pk}/merge/"
    assert "Bakerloo" in alice.get(f"{HOME}pick/?link=merge&without={kept.pk}&typed=baker").text
    page = alice.get(f"{url}?other={gone.pk}")
    assert [row.name for row in page.context["rows"] if row.is_choice] == ["name", "website"]
    done = alice.post(url, {"other": gone.pk, "take.website": "gone"}, follow=True)
    assert "is merged into" in done.text
    assert (fresh(kept).website, fresh(kept).tax_id) == ("https://b.example", "980")
    with workspace_tx(workspace):
        merge = Merge.objects.get()
    assert "apart again" in alice.post(f"{HOME}merges/{merge.pk}/undo/", follow=True).text
    assert (fresh(kept).website, fresh(kept).tax_id, fresh(gone).deleted_at) == ("https://a.example", "", None)


def test_two_people_of_one_name_are_told_apart_by_their_organisation(alice: Client, workspace: Workspace) -> None:
    firms = [made(workspace, name=name) for name in ("Bakerloo Kitchens", "Quayside Catering")]
    first, second = (made(workspace, kind="person", name="Joanna Dale", organisation_id=firm.pk) for firm in firms)
    with workspace_tx(workspace):
        Duplicate.objects.create(workspace=workspace, first=first, second=second, score=100)
    page = alice.get(f"{HOME}duplicates/").text
    assert "Person · Bakerloo Kitchens" in page
    assert "Person · Quayside Catering" in page


def test_duplicates_are_merged_or_dismissed_with_one_click(alice: Client, workspace: Workspace) -> None:
    first, second, third = made(workspace), made(workspace, name="Bakerloo Kitchens"), made(workspace, name="Kitchens Bakerloo")
    with workspace_tx(workspace):
        one = Duplicate.objects.create(workspace=workspace, first=first, second=second, score=100)
        two = Duplicate.objects.create(workspace=workspace, first=first, second=third, score=95)
    page = alice.get(f"{HOME}duplicates/").text
    assert "95 % alike" in page
    assert "All words of one name are in the other" in page
    alice.post(f"{HOME}duplicates/{one.pk}/merge/")
    assert fresh(second).merged_into_id == first.pk
    alice.post(f"{HOME}duplicates/{two.pk}/dismiss/")
    assert "No duplicates in sight" in alice.get(f"{HOME}duplicates/").text


def test_a_restricted_member_sees_and_reaches_only_their_own(bob: Client, cast: Cast, restricted: Membership, south: Team) -> None:
    hidden = made(cast.workspace, name="Hidden Ltd")
    seen = made(cast.workspace, name="Seen Ltd", team_id=south.pk)
    employee = made(cast.workspace, kind="person", name="Seen Person", team_id=south.pk, organisation_id=hidden.pk)
    for address in (
        HOME,
        f"{HOME}?q=ltd",
        f"{HOME}pick/?typed=ltd",
        f"{HOME}{employee.pk}/",
        f"{HOME}{employee.pk}/timeline/",
        "/w/hartwell/",
    ):
        assert "Hidden" not in bob.get(address).text, address
    export = b"".join(bob.get(f"{HOME}export/").streaming_content).decode()  # type: ignore[arg-type]  # a sync iterator
    assert "Seen Ltd" in export
    assert "Hidden" not in export
    for part in ("", "edit/", "delete/", "merge/", "timeline/"):
        assert bob.get(f"{HOME}{hidden.pk}/{part}").status_code == 404
    assert bob.get(f"{HOME}{seen.pk}/merge/?other={hidden.pk}").context["contact"].pk == seen.pk
    bob.post(f"{HOME}bulk/", {"action": "delete", "picked": [hidden.pk, seen.pk]})
    assert fresh(hidden).deleted_at is None
    assert fresh(seen).deleted_at is not None


def test_editing_keeps_an_organisation_one_cannot_see(bob: Client, cast: Cast, restricted: Membership, south: Team) -> None:
    hidden = made(cast.workspace, name="Hidden Ltd")
    employee = made(cast.workspace, kind="person", name="Seen Person", team_id=south.pk, organisation_id=hidden.pk)
    url = f"{HOME}{employee.pk}/edit/"
    page = bob.get(url)
    assert "Hidden" not in page.text
    data = form(kind="person", name="Seen Person", version="1", team=str(south.pk), job_title="Chef", organisation=str(hidden.pk), typed="")
    assert bob.post(url, data).status_code == 302
    assert (fresh(employee).organisation_id, fresh(employee).job_title) == (hidden.pk, "Chef")


def test_a_restricted_member_cannot_lose_sight_of_a_contact(bob: Client, cast: Cast, restricted: Membership, south: Team) -> None:
    seen = made(cast.workspace, name="Seen Ltd", team_id=south.pk)
    answer = bob.post(f"{HOME}{seen.pk}/edit/", form(kind="organisation", name="Seen Ltd", version="1", team=""))
    assert answer.status_code == 422
    assert "otherwise you would not see it" in answer.text


def test_tags_are_renamed_joined_and_removed(alice: Client, bob: Client, workspace: Workspace) -> None:
    one, two = made(workspace, tags=["Wholesale", "VIP"]), made(workspace, name="Other", tags=["Trade"])
    with workspace_tx(workspace):
        ids = dict(Tag.objects.values_list("name", "pk"))
    assert set(ids) == {"Wholesale", "VIP", "Trade"}
    url = "/w/hartwell/settings/tags/"
    assert bob.get(url).status_code == 403
    assert alice.post(url, {"name": "vip"}).status_code == 422
    alice.post(f"{url}{ids['Wholesale']}/", {"name": "Trade"})
    assert (fresh(one).tags, fresh(two).tags) == (["Trade", "VIP"], ["Trade"])
    alice.post(f"{url}{ids['VIP']}/delete/")
    assert fresh(one).tags == ["Trade"]


def test_custom_fields_are_added_ordered_and_switched_off(alice: Client, workspace: Workspace) -> None:
    url = "/w/hartwell/settings/fields/"
    assert alice.post(f"{url}new/", {"label": "Size", "kind": "choice", "choices": ""}).status_code == 422
    alice.post(f"{url}new/", {"label": "Size", "kind": "choice", "choices": "1-9\n10-49"})
    alice.post(f"{url}new/", {"label": "Größe", "kind": "number"})
    with workspace_tx(workspace):
        size, gross = CustomField.objects.order_by("position")
    assert (size.key, size.choices, gross.key) == ("size", ["1-9", "10-49"], "grosse")
    alice.post(f"{url}{gross.pk}/move/", {"way": "up"})
    alice.post(f"{url}{size.pk}/switch/")
    alice.post(f"{url}{size.pk}/", {"label": "Headcount", "choices": "1-9"})
    with workspace_tx(workspace):
        size.refresh_from_db()
        gross.refresh_from_db()
    assert (size.enabled, size.label, size.choices, gross.position) == (False, "Headcount", ["1-9"], 1)
    assert "Headcount" not in alice.get(f"{HOME}new/").text
