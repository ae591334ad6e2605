from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import Workspace
from accounts.scoping import SYSTEM, workspace_tx
from contacts.domain.store import create_contacts
from contacts.models import Contact
from integrations.domain import attention
from integrations.enums import LinkState, OutboxState
from integrations.models import Connection, Link, Outbox, Run
from tests.accounts.api_client import api_client
from tests.fixtures import Cast
from tests.integrations import rows


@pytest.fixture
def connection(cast: Cast) -> Connection:
    with workspace_tx(cast.workspace):
        return rows.connection(cast.workspace, cast.alice)


def url(connection: Connection, path: str = "") -> str:
    return f"/w/hartwell/integrations/{connection.pk}/attention/{path}"


def test_a_record_is_tied_to_the_contact_a_person_chooses(alice: Client, workspace: Workspace, connection: Connection) -> None:
    with workspace_tx(workspace):
        first, second = rows.organisation(workspace, "Smith Joinery"), rows.organisation(workspace, "Smith Joinery", tax_id="2")
        held = rows.held(connection, first, second)
    page = alice.get(url(connection, f"link:{held.pk}/choose/"))
    assert page.text.count("Smith Joinery") >= 2
    assert "Choose the one that is record" in page.text
    after = alice.post(url(connection, f"link:{held.pk}/choose/"), {"contact": second.pk}, follow=True)
    assert "Smith Joinery is linked" in after.text
    with workspace_tx(workspace):
        held.refresh_from_db()
        assert (held.state, held.contact_id, held.candidates) == (LinkState.LINKED, second.pk, [])


@pytest.mark.parametrize("picked", ["new", "contact"])
def test_what_was_decided_is_what_was_shown(alice: Client, workspace: Workspace, connection: Connection, picked: str) -> None:
    """A sync finds that the number belongs to another record by now, while a person looks at the question."""
    with workspace_tx(workspace):
        contact = rows.organisation(workspace)
        held = rows.held(connection, contact)
    address, chosen = url(connection, f"link:{held.pk}/choose/"), {"contact": "new" if picked == "new" else str(contact.pk)}
    shown = alice.get(address).context["row"].shown
    with workspace_tx(workspace):
        Link.objects.update(remote_name="Somebody Else Ltd")
    assert "has changed since you looked at it" in alice.post(address, {**chosen, "shown": shown}, follow=True).text
    with workspace_tx(workspace):
        held.refresh_from_db()
        assert (held.state, held.contact_id, Contact.objects.count()) == (LinkState.HELD, None, 1)
    shown = alice.get(address).context["row"].shown
    alice.post(address, {**chosen, "shown": shown})
    with workspace_tx(workspace):
        held.refresh_from_db()
        assert held.state == LinkState.LINKED


def test_a_record_comes_in_as_a_new_contact(alice: Client, workspace: Workspace, connection: Connection) -> None:
    with workspace_tx(workspace):
        held = rows.held(connection, rows.organisation(workspace))
    assert "comes in as a new contact" in alice.post(url(connection, f"link:{held.pk}/choose/"), {"contact": "new"}, follow=True).text
    with workspace_tx(workspace):
        assert Contact.objects.filter(name="Smith Joinery").count() == 2


def test_any_contact_can_be_searched_for(alice: Client, workspace: Workspace, connection: Connection) -> None:
    with workspace_tx(workspace):
        rows.organisation(workspace, "Quite Another Name")
        held = rows.held(connection, rows.organisation(workspace))
    assert "Quite Another Name" in alice.get(url(connection, f"link:{held.pk}/choose/?q=another")).text
    assert "No contact has this" in alice.get(url(connection, f"link:{held.pk}/choose/?q=zzz")).text


@pytest.mark.parametrize("picked", ["", "x", "99999999999999999999"])
def test_nothing_chosen_is_said(alice: Client, workspace: Workspace, connection: Connection, picked: str) -> None:
    with workspace_tx(workspace):
        held = rows.held(connection, rows.organisation(workspace))
    assert "Choose a contact first" in alice.post(url(connection, f"link:{held.pk}/choose/"), {"contact": picked}, follow=True).text


def test_a_contact_that_is_taken_is_refused(alice: Client, workspace: Workspace, connection: Connection) -> None:
    with workspace_tx(workspace):
        taken = rows.organisation(workspace, "Taken")
        rows.link(connection, taken)
        held = rows.held(connection, taken)
    after = alice.post(url(connection, f"link:{held.pk}/choose/"), {"contact": taken.pk}, follow=True)
    assert "linked to another record already" in after.text


def test_contacts_of_another_workspace_cannot_be_chosen(cast: Cast, alice: Client, connection: Connection) -> None:
    with workspace_tx(cast.elsewhere):
        foreign = rows.organisation(cast.elsewhere)
    with workspace_tx(cast.workspace):
        held = rows.held(connection, rows.organisation(cast.workspace))
    assert alice.post(url(connection, f"link:{held.pk}/choose/"), {"contact": foreign.pk}).status_code == 404


@pytest.mark.parametrize("winner", ["crm", "remote"])
def test_a_conflict_is_settled_side_by_side(alice: Client, workspace: Workspace, connection: Connection, winner: str) -> None:
    with workspace_tx(workspace):
        contact = rows.organisation(workspace, "Café Lumière", emails=[{"label": "", "email": "a@here.example"}])
        link = rows.conflict(connection, contact)
    page = alice.get(url(connection, f"link:{link.pk}/settle/")).text
    assert page.index("a@here.example") < page.index("b@there.example")
    after = alice.post(url(connection, f"link:{link.pk}/settle/"), {"winner.email": winner}, follow=True)
    assert "Both sides get the values you chose" in after.text
    with workspace_tx(workspace):
        link.refresh_from_db()
        assert (link.state, link.conflicts) == (LinkState.LINKED, [])
        assert Outbox.objects.filter(contact=contact).count() == 1


def test_a_conflict_that_was_left_alone_in_another_tab_is_not_settled(alice: Client, workspace: Workspace, connection: Connection) -> None:
    with workspace_tx(workspace):
        link = rows.conflict(connection, rows.organisation(workspace))
    alice.post(url(connection, f"link:{link.pk}/ignore/"))
    after = alice.post(url(connection, f"link:{link.pk}/settle/"), {"winner.email": "crm"}, follow=True)
    assert "not open any more" in after.text


@pytest.mark.parametrize("state", [OutboxState.WAITING, OutboxState.SENDING])
def test_what_is_on_its_way_cannot_be_left_alone(alice: Client, workspace: Workspace, connection: Connection, state: str) -> None:
    """A create that a worker is sending would leave no trace: the next export would make the record once more."""
    with workspace_tx(workspace):
        row = rows.stuck(connection, rows.organisation(workspace), state=state, operation="create", in_doubt=True)
    assert "not open any more" in alice.post(url(connection, f"outbox:{row.pk}/ignore/"), follow=True).text
    with workspace_tx(workspace):
        assert Outbox.objects.filter(pk=row.pk, in_doubt=True).exists()


def test_a_refused_send_is_dropped_until_the_next_edit(alice: Client, workspace: Workspace, connection: Connection) -> None:
    with workspace_tx(workspace):
        row = rows.stuck(connection, rows.organisation(workspace))
    assert "until somebody edits or exports" in alice.post(url(connection, f"outbox:{row.pk}/ignore/"), follow=True).text
    with workspace_tx(workspace):
        assert not Outbox.objects.exists()


def test_settling_nothing_is_said(alice: Client, workspace: Workspace, connection: Connection) -> None:
    with workspace_tx(workspace):
        link = rows.conflict(connection, rows.organisation(workspace))
    after = alice.post(url(connection, f"link:{link.pk}/settle/"), {"winner.email": "nobody"}, follow=True)
    assert "Choose a value first" in after.text


def test_left_alone_and_taken_back(alice: Client, workspace: Workspace, connection: Connection) -> None:
    with workspace_tx(workspace):
        held = rows.held(connection, rows.organisation(workspace))
    assert "Left alone from now on" in alice.post(url(connection, f"link:{held.pk}/ignore/"), follow=True).text
    listed = alice.get(url(connection, "?state=IGNORED")).text
    assert "Take back" in listed
    assert "looked at again now" in alice.post(url(connection, f"link:{held.pk}/take-back/"), follow=True).text
    with workspace_tx(workspace):
        held.refresh_from_db()
        assert held.state == LinkState.HELD
        assert Run.objects.count() == 1
    assert "not open any more" in alice.post(url(connection, f"link:{held.pk}/take-back/"), follow=True).text


def test_retry_one_a_reason_or_all(alice: Client, workspace: Workspace, connection: Connection) -> None:
    with workspace_tx(workspace):
        stuck = [rows.stuck(connection, rows.organisation(workspace, name)) for name in ("A", "B", "C")]
        Outbox.objects.filter(pk=stuck[2].pk).update(reason={"code": "too_long", "params": {}})
    alice.post(url(connection, "retry/"), {"row": f"outbox:{stuck[0].pk}"})
    assert _waiting(workspace) == 1
    alice.post(url(connection, "retry/"), {"reason": "too_long"})
    assert _waiting(workspace) == 2
    alice.post(url(connection, "retry/"))
    assert _waiting(workspace) == 3
    assert "nothing to try again" in alice.post(url(connection, "retry/"), follow=True).text


def _waiting(workspace: Workspace) -> int:
    with workspace_tx(workspace):
        return Outbox.objects.filter(state=OutboxState.WAITING).count()


def test_reasons_are_cards_and_narrow_the_list(alice: Client, workspace: Workspace, connection: Connection) -> None:
    with workspace_tx(workspace):
        rows.held(connection, rows.organisation(workspace))
        rows.stuck(connection, rows.organisation(workspace, "Ørsted Foods"))
    page = alice.get(url(connection))
    assert {group["code"] for group in page.context["groups"]} == {"two_here", "refused"}
    assert [row.name for row in alice.get(url(connection, "?reason=refused")).context["rows"]] == ["Ørsted Foods"]
    assert [row.name for row in alice.get(url(connection, "?q=smith")).context["rows"]] == ["Smith Joinery"]
    assert "What Crunch said" in page.text


def test_every_row_stands_on_exactly_one_page(
    alice: Client, cast: Cast, connection: Connection, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    """Also more refused sends than fit on a page, and however many there are."""
    with workspace_tx(cast.workspace):
        people = create_contacts(cast.workspace, [{"kind": "person", "name": f"P {n}"} for n in range(130)], origin=SYSTEM)
        sends = {f"outbox:{rows.stuck(connection, each).pk}" for each in people[:120]}
        links = {f"link:{rows.held(connection, each).pk}" for each in people[70:]}
    api, pages, seen = api_client(cast.alice, cast.workspace), [], []
    address: str | None = url(connection)
    while address:
        answer = alice.get(address)
        pages.append(len(answer.context["rows"]))
        seen += [row.id for row in answer.context["rows"]]
        address = answer.context["next_url"]
    assert (pages, len(seen), set(seen)) == ([50, 50, 50, 30], 180, sends | links)
    assert ">180<" in answer.text, "how many there are in all"
    following, told = f"/api/v1/connections/{connection.pk}/failures/?limit=70", []
    while following:
        page = api.get(following).json()
        told += [row["id"] for row in page["results"]]
        following = page["next"]
    assert told == seen
    assert {row.id for row in alice.get(url(connection, "?state=HELD")).context["rows"]} < links
    with workspace_tx(cast.workspace), django_assert_max_num_queries(3):
        assert len(attention.failing(connection, limit=150).rows) == 150
    with workspace_tx(cast.workspace), django_assert_max_num_queries(20):
        assert attention.retry(connection, "all", user=cast.alice) == 180
    with workspace_tx(cast.workspace):
        assert Outbox.objects.filter(state=OutboxState.WAITING).count() == 120


def test_a_page_after_nothing_begins_anew(alice: Client, cast: Cast, connection: Connection) -> None:
    with workspace_tx(cast.workspace):
        rows.held(connection, rows.organisation(cast.workspace))
    for after in ("x", "link:", "outbox:²", "link:99999999999999999999", "7", "pairing:1"):
        assert len(alice.get(url(connection), {"after": after}).context["rows"]) == 1
        assert len(alice.get(url(connection), {"after": after, "state": "WAITING"}).context["rows"]) == 0
        for path in ("failures", "matches"):
            told = api_client(cast.alice, cast.workspace).get(f"/api/v1/connections/{connection.pk}/{path}/", {"cursor": after})
            assert (path, told.status_code, told.json()["errors"][0]["field"]) == (path, 400, "cursor")


@pytest.mark.parametrize("row_id", ["link:999999", "link:x", "outbox:1", "nothing", "link:99999999999999999999", "link:²", "outbox:²"])
def test_rows_that_are_not_there(alice: Client, connection: Connection, row_id: str) -> None:
    assert alice.get(url(connection, f"{row_id}/choose/")).status_code == 404
    assert alice.get(url(connection, f"{row_id}/settle/")).status_code == 404
    assert alice.post(url(connection, f"{row_id}/take-back/")).status_code == 302
    assert "not open any more" in alice.post(url(connection, f"{row_id}/ignore/"), follow=True).text
    assert "nothing to try again" in alice.post(url(connection, "retry/"), {"row": row_id}, follow=True).text


def test_buttons_lead_back_to_own_pages_alone(alice: Client, workspace: Workspace, connection: Connection) -> None:
    with workspace_tx(workspace):
        ids = [rows.held(connection, rows.organisation(workspace, name)).pk for name in ("A", "B")]
    own = alice.post(url(connection, f"link:{ids[0]}/ignore/"), {"next": "/w/hartwell/integrations/"})
    assert own["Location"] == "/w/hartwell/integrations/"
    foreign = alice.post(url(connection, f"link:{ids[1]}/ignore/"), {"next": "https://evil.example/"})
    assert foreign["Location"] == url(connection)


def test_empty_states(alice: Client, workspace: Workspace, connection: Connection) -> None:
    assert "Nothing needs you" in alice.get(url(connection)).text
    assert "No record fits" in alice.get(url(connection, "?q=x")).text
    assert "Nothing here" in alice.get(url(connection, "?state=GONE")).text
    with workspace_tx(workspace):
        assert Link.objects.count() == 0
