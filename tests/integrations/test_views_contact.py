from __future__ import annotations

import os

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.enums import Role
from accounts.models import Membership, Team, Workspace
from accounts.scoping import workspace_tx
from contacts.models import Contact
from integrations.enums import ConnectionStatus, LinkState, OutboxState
from integrations.models import Connection, Outbox
from tests.accounts.api_client import api_client
from tests.fixtures import Cast
from tests.integrations import rows
from tests.invoices.builders import row, store

COMPLETE = {"line1": "1 High Street", "line2": "Unit 3", "city": "Leeds", "postcode": "LS1", "country": "GB"}


@pytest.fixture
def connection(cast: Cast, settings: Settings) -> Connection:
    settings.ENVIRON = {**os.environ, "CRUNCH_API_URL": "http://127.0.0.1:9/v1"}  # nothing on these pages may call it
    with workspace_tx(cast.workspace):
        return rows.connection(cast.workspace, cast.alice)


@pytest.fixture
def contact(workspace: Workspace) -> Contact:
    with workspace_tx(workspace):
        return rows.organisation(workspace, "Bakerloo Kitchens Ltd")


def page(contact: Contact) -> str:
    return f"/w/hartwell/contacts/{contact.pk}/"


def test_linked_contact_shows_state_time_and_invoices(
    alice: Client, workspace: Workspace, connection: Connection, contact: Contact
) -> None:
    with workspace_tx(workspace):
        rows.link(connection, contact, remote_url="https://books.example/clients/7")
        store(workspace, row(number="INV-0231"), contact=contact, connection_id=connection.pk)
        store(workspace, row(number="OTHER"), contact=contact, connection_id=999)
    text = alice.get(page(contact)).text
    for words in ("In sync", "Open in Crunch", "https://books.example/clients/7", "Sync this record", "Unlink", "INV-0231", "As of"):
        assert words in text, words
    assert "OTHER" not in text
    assert "Export to Crunch" not in text


def test_states_say_what_is_wrong_and_what_helps(alice: Client, bob: Client, workspace: Workspace, connection: Connection) -> None:
    with workspace_tx(workspace):
        failing, differs, gone, waits = (rows.organisation(workspace, name) for name in ("Failing", "Differs", "Gone", "Waits"))
        rows.link(connection, failing)
        rows.stuck(connection, failing)
        rows.conflict(connection, differs)
        rows.link(connection, gone, state=LinkState.GONE, reason={"code": "gone_there", "params": {"id": "7", "name": "Gone"}})
        rows.link(connection, waits)
        rows.stuck(connection, waits, state=OutboxState.WAITING, reason={}, detail="")
    assert "Correct it here" in alice.get(page(failing)).text
    assert "line1: must not be blank" in alice.get(page(failing)).text
    assert "Compare and choose" in alice.get(page(differs)).text
    assert "An administrator has to decide" in bob.get(page(differs)).text
    assert "was deleted in Crunch" in alice.get(page(gone)).text
    assert "Export to Crunch" in alice.get(page(gone)).text
    assert "Will be sent within a minute" in alice.get(page(waits)).text


def test_stale_figures_are_marked(alice: Client, workspace: Workspace, connection: Connection, contact: Contact) -> None:
    with workspace_tx(workspace):
        rows.link(connection, contact)
        Connection.objects.update(status=ConnectionStatus.RECONNECT)
    text = alice.get(page(contact)).text
    assert "May be out of date" in text
    assert "Has to be connected again" in text


def test_export_shows_what_is_sent_and_what_is_missing(
    alice: Client, workspace: Workspace, connection: Connection, contact: Contact
) -> None:
    assert "Export to Crunch" in alice.get(page(contact)).text
    address = f"{page(contact)}integrations/{connection.pk}/export/"
    text = alice.get(address).text
    assert "Bakerloo Kitchens Ltd" in text
    assert "Crunch needs more" in text
    assert f"{page(contact)}edit/" in text
    assert alice.post(address).status_code == 409
    with workspace_tx(workspace):
        assert Outbox.objects.count() == 0


def test_complete_contact_is_exported_by_any_member(bob: Client, workspace: Workspace, connection: Connection) -> None:
    with workspace_tx(workspace):
        contact = rows.organisation(workspace, "Complete", addresses=[COMPLETE], emails=[{"label": "", "email": "a@b.example"}])
    address = f"{page(contact)}integrations/{connection.pk}/export/"
    assert "a@b.example" in bob.get(address).text
    assert "on its way to Crunch" in bob.post(address, follow=True).text
    with workspace_tx(workspace):
        assert Outbox.objects.get().contact_id == contact.pk
    assert "Will be sent within a minute" in bob.get(page(contact)).text


def test_person_is_exported_as_the_organisation(alice: Client, workspace: Workspace, connection: Connection, contact: Contact) -> None:
    with workspace_tx(workspace):
        person = rows.organisation(workspace, "Joanna Dale", organisation_id=contact.pk)
        Contact.objects.filter(pk=person.pk).update(kind="person")
    text = alice.get(f"{page(person)}integrations/{connection.pk}/export/").text
    assert "Joanna Dale belongs to Bakerloo Kitchens Ltd" in text


def test_linked_contact_is_not_exported_again(alice: Client, workspace: Workspace, connection: Connection, contact: Contact) -> None:
    with workspace_tx(workspace):
        rows.link(connection, contact)
    assert alice.post(f"{page(contact)}integrations/{connection.pk}/export/").status_code == 409


def test_resync_and_unlink(alice: Client, bob: Client, workspace: Workspace, connection: Connection, contact: Contact) -> None:
    with workspace_tx(workspace):
        link = rows.link(connection, contact)
    assert "compared and sent" in bob.post(f"{page(contact)}integrations/{connection.pk}/resync/", follow=True).text
    unlink = f"{page(contact)}links/{link.pk}/unlink/"
    assert bob.post(unlink).status_code == 403
    assert "left alone from now on" in alice.post(unlink, follow=True).text
    assert alice.post(unlink).status_code == 404
    with workspace_tx(workspace):
        link.refresh_from_db()
        assert (link.contact_id, link.state) == (None, LinkState.IGNORED)


def test_contacts_that_one_may_not_see_are_not_touched(
    cast: Cast, bob: Client, charlie: Client, workspace: Workspace, connection: Connection
) -> None:
    with workspace_tx(workspace):
        team = Team.objects.create(workspace=workspace, name="South", slug="south")
        hidden = rows.organisation(workspace, "Hidden", team_id=team.pk)
    for path in ("export/", "resync/"):
        assert bob.post(f"{page(hidden)}integrations/{connection.pk}/{path}").status_code == 404
        assert charlie.post(f"{page(hidden)}integrations/{connection.pk}/{path}").status_code == 404


def test_nobody_reads_or_exports_an_organisation_that_they_may_not_see(
    cast: Cast, bob: Client, workspace: Workspace, connection: Connection
) -> None:
    with workspace_tx(workspace):
        hidden = rows.organisation(workspace, "Hidden", addresses=[COMPLETE], emails=[{"label": "", "email": "secret@b.example"}])
        person = rows.organisation(workspace, "Joanna Dale", organisation_id=hidden.pk, owner_id=cast.bob.pk)
        Contact.objects.filter(pk=person.pk).update(kind="person")
    Membership.objects.filter(user=cast.bob).update(role=Role.RESTRICTED)
    address = f"{page(person)}integrations/{connection.pk}/export/"
    assert [bob.get(address).status_code, bob.post(address).status_code] == [404, 404]
    api = api_client(cast.bob, workspace)
    body = {"connection": connection.pk}
    assert api.post(f"/api/v1/contacts/{person.pk}/export/", body, content_type="application/json").status_code == 404
    with workspace_tx(workspace):
        assert Outbox.objects.count() == 0


def test_delete_dialog_warns_that_it_will_come_back(alice: Client, workspace: Workspace, connection: Connection, contact: Contact) -> None:
    with workspace_tx(workspace):
        rows.link(connection, contact)
    assert "will come back at the next sync" in alice.get(page(contact)).text
    with workspace_tx(workspace):
        Connection.objects.update(settings={"deleted_here": "keep_away"})
    text = alice.get(page(contact)).text
    assert "will come back" not in text
    assert "kept away here" in text


def test_merge_asks_which_link_stays(alice: Client, workspace: Workspace, connection: Connection, contact: Contact) -> None:
    with workspace_tx(workspace):
        other = rows.organisation(workspace, "Bakerloo")
        stays, goes = rows.link(connection, other), rows.link(connection, contact)
    text = alice.get(f"{page(contact)}merge/?other={other.pk}").text
    name = f"choice.link:{connection.pk}:client"
    assert "Which link stays?" in text
    assert f'name="{name}"' in text
    assert alice.post(f"{page(contact)}merge/", {"other": other.pk, name: stays.pk}).status_code == 302
    with workspace_tx(workspace):
        stays.refresh_from_db()
        goes.refresh_from_db()
        assert (stays.contact_id, goes.contact_id, goes.state) == (contact.pk, None, LinkState.IGNORED)


def test_list_has_a_column_and_a_filter(alice: Client, workspace: Workspace, connection: Connection, contact: Contact) -> None:
    with workspace_tx(workspace):
        rows.link(connection, contact)
        rows.organisation(workspace, "Nowhere Ltd")
    assert "Nowhere Ltd" in alice.get("/w/hartwell/contacts/").text
    linked = alice.get("/w/hartwell/contacts/?linked_to=crunch").text
    assert "Bakerloo Kitchens Ltd" in linked
    assert "Nowhere Ltd" not in linked
    assert "Bakerloo Kitchens Ltd" not in alice.get("/w/hartwell/contacts/?linked_to=!crunch").text


def test_list_costs_the_same_for_one_linked_contact_as_for_three(
    alice: Client, workspace: Workspace, connection: Connection, contact: Contact
) -> None:
    counts = []
    for names in (["A"], ["B", "C"]):
        with workspace_tx(workspace):
            for name in names:
                one = rows.organisation(workspace, name)
                rows.link(connection, one)
                store(workspace, row(), contact=one, connection_id=connection.pk)
        alice.get("/w/hartwell/contacts/")
        with CaptureQueriesContext(database) as seen:
            alice.get("/w/hartwell/contacts/")
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_api_tells_the_links(cast: Cast, workspace: Workspace, connection: Connection, contact: Contact) -> None:
    with workspace_tx(workspace):
        link = rows.link(connection, contact, synced_at=timezone.now())
    client = api_client(cast.bob, workspace)
    (told,) = client.get(f"/api/v1/contacts/{contact.pk}/").json()["links"]
    assert (told["provider"], told["kind"], told["id"], told["state"]) == ("crunch", "client", link.remote_id, "linked")
    listed = client.get("/api/v1/contacts/?linked_to=crunch").json()["results"]
    assert [each["id"] for each in listed] == [contact.pk]


def test_nothing_is_left_of_an_integration_that_is_off(
    alice: Client, workspace: Workspace, connection: Connection, contact: Contact
) -> None:
    with workspace_tx(workspace):
        rows.link(connection, contact)
    alice.post(f"/w/hartwell/integrations/{connection.pk}/disable/", follow=True)
    assert "Crunch" not in alice.get(page(contact)).text
    assert "Crunch" not in alice.get("/w/hartwell/contacts/").text


def test_rail_and_home_show_the_health(alice: Client, bob: Client, cast: Cast, workspace: Workspace, connection: Connection) -> None:
    with workspace_tx(workspace):
        rows.held(connection, rows.organisation(workspace))
    text = alice.get("/w/hartwell/").text
    assert "1 needs you" in text
    Membership.objects.filter(user=cast.bob).update(role=Role.RESTRICTED)
    assert "1 needs you" not in bob.get("/w/hartwell/").text
