"""Saved lists: one's own, shared ones, removing them; never more contacts than one may see."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.enums import Role
from accounts.models import Membership
from accounts.scoping import SYSTEM, workspace_tx
from contacts.domain.store import create_contacts
from contacts.models import SavedList
from tests.accounts.api_client import api_client
from tests.fixtures import Cast

LIST = "/w/hartwell/contacts/"
SAVE = f"{LIST}lists/"


def keep(client: Client, name: str, query: str, *, shared: bool = False) -> str:
    response = client.post(SAVE, {"name": name, "query": query, **({"is_shared": "on"} if shared else {})})
    assert response.status_code == 302
    return str(response["Location"])


def names(client: Client) -> list[str]:
    return [saved.name for saved in client.get(LIST).context["saved"]]


@pytest.fixture(autouse=True)
def people(cast: Cast) -> None:
    with workspace_tx(cast.workspace):
        rows = [{"kind": "person", "name": "Ann"}, {"kind": "organisation", "name": "Bolt Ltd", "life_cycle": "client"}]
        create_contacts(cast.workspace, rows, origin=SYSTEM)


def test_a_list_is_kept_with_what_filters_it(alice: Client) -> None:
    where = keep(alice, " Our  clients ", "after=xyz&life_cycle=client&kind=organisation&nonsense=1")

    assert where == f"{LIST}?kind=organisation&life_cycle=client"
    page = alice.get(where)
    assert [contact.name for contact in page.context["page"].contacts] == ["Bolt Ltd"]
    assert names(alice) == ["Our clients"]
    assert "The list “Our clients” is saved." in page.content.decode()


def test_the_same_name_again_changes_the_list(alice: Client, cast: Cast) -> None:
    keep(alice, "Mine", "kind=person")
    keep(alice, "Mine", "kind=organisation", shared=True)
    with workspace_tx(cast.workspace):
        [kept] = SavedList.objects.all()
    assert (kept.query, kept.is_shared) == ("kind=organisation", True)


def test_own_lists_are_private_and_shared_ones_are_for_all(alice: Client, bob: Client, cast: Cast) -> None:
    keep(alice, "Secret", "kind=person")
    keep(alice, "For all", "kind=person", shared=True)
    keep(bob, "Bob's", "owner=me")
    assert names(alice) == ["For all", "Secret"]
    assert names(bob) == ["Bob's", "For all"]

    with workspace_tx(cast.workspace):
        secret, shared = (SavedList.objects.get(name=name).pk for name in ("Secret", "For all"))
    assert bob.post(f"{SAVE}{secret}/delete/").status_code == 404
    assert bob.post(f"{SAVE}{shared}/delete/").status_code == 404
    assert alice.post(f"{SAVE}{shared}/delete/").status_code == 302
    assert names(bob) == ["Bob's"]


def test_administrators_remove_what_others_share(alice: Client, bob: Client, cast: Cast) -> None:
    keep(bob, "Shared", "", shared=True)
    keep(bob, "Own", "")
    with workspace_tx(cast.workspace):
        shared, own = (SavedList.objects.get(name=name).pk for name in ("Shared", "Own"))
    assert alice.post(f"{SAVE}{own}/delete/").status_code == 404
    assert alice.post(f"{SAVE}{shared}/delete/").status_code == 302


def test_a_shared_list_shows_nobody_more(alice: Client, bob: Client, cast: Cast) -> None:
    keep(alice, "Everybody", "kind=person", shared=True)
    Membership.objects.filter(user=cast.bob).update(role=Role.RESTRICTED)
    [saved] = bob.get(LIST).context["saved"]
    assert bob.get(f"{LIST}?{saved.query}").context["page"].contacts == []


@pytest.mark.parametrize(("name", "query"), [("", "kind=person"), ("x" * 200, ""), ("odd", "kind=robot"), ("long", "q=" + "%20a" * 1500)])
def test_what_cannot_be_kept_is_said(alice: Client, name: str, query: str) -> None:
    response = alice.post(SAVE, {"name": name, "query": query}, follow=True)
    assert names(alice) == []
    assert response.context["messages"]


def test_outsiders_and_strangers(alice: Client, charlie: Client, client: Client, cast: Cast) -> None:
    keep(alice, "Mine", "", shared=True)
    with workspace_tx(cast.workspace):
        pk = SavedList.objects.get().pk
    assert charlie.post(SAVE, {"name": "x"}).status_code == 404
    assert charlie.post(f"{SAVE}{pk}/delete/").status_code == 404
    assert charlie.post(f"/w/elsewhere/contacts/lists/{pk}/delete/").status_code == 404
    assert client.post(SAVE, {"name": "x"}).status_code == 302


def test_the_api_keeps_lists_and_removes_them(cast: Cast, charlie: Client) -> None:
    api = api_client(cast.alice, cast.workspace)
    made = api.post("/api/v1/saved-lists/", {"name": "Clients", "query": "life_cycle=client"}, content_type="application/json")
    assert made.status_code == 201
    assert made.json() == {
        "id": made.json()["id"], "name": "Clients", "query": "life_cycle=client", "is_shared": False, "owner": cast.alice.pk,
    }  # fmt: skip
    assert [row["name"] for row in api.get("/api/v1/saved-lists/").json()["results"]] == ["Clients"]
    assert api_client(cast.bob, cast.workspace).get("/api/v1/saved-lists/").json()["results"] == []
    bad = api.post("/api/v1/saved-lists/", {"name": "Odd", "query": "kind=robot"}, content_type="application/json")
    assert bad.status_code == 400
    assert api_client(cast.charlie, cast.elsewhere).delete(f"/api/v1/saved-lists/{made.json()['id']}/").status_code == 404
    assert api.delete(f"/api/v1/saved-lists/{made.json()['id']}/").status_code == 204


def test_as_many_queries_for_one_list_as_for_three(alice: Client) -> None:
    keep(alice, "1", "")
    one = queries(alice)
    keep(alice, "2", "", shared=True)
    keep(alice, "3", "")
    assert queries(alice) == one


def queries(client: Client) -> int:
    client.get(LIST)
    with CaptureQueriesContext(connection) as found:
        client.get(LIST)
    return len(found)
