"""REST: the same rules as the forms, the same walls as the pages."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership, Team, Workspace
from accounts.scoping import workspace_tx
from contacts import panels
from contacts.models import Contact, CustomField
from tests.accounts.api_client import api_client
from tests.contacts.makers import organisation, person
from tests.fixtures import Cast

URL = "/api/v1/contacts/"


@pytest.fixture
def api(cast: Cast) -> Client:
    return api_client(cast.alice, cast.workspace)


def send(client: Client, method: str, url: str, body: Any, **headers: str) -> Any:
    return getattr(client, method)(url, body, content_type="application/json", headers=headers)


def errors(answer: Any) -> dict[str, str]:
    assert answer.status_code == 400, answer.text
    assert answer["Content-Type"] == "application/problem+json"
    return {error["field"]: error["code"] for error in answer.json()["errors"]}


def test_a_contact_is_written_and_read_in_full(api: Client, cast: Cast, south: Team) -> None:
    firm = send(api, "post", URL, {"kind": "organisation", "name": "Bakerloo Kitchens Ltd"}).json()
    with workspace_tx(cast.workspace):
        CustomField.objects.create(workspace=cast.workspace, key="rate", label="Rate", kind="number")
    body = {
        "kind": "person", "first_name": "Joanna", "last_name": "Dale", "emails": [{"email": "j@x.example"}],
        "phones": [{"number": "020 7946"}], "addresses": [{"city": "London", "country": "gb"}], "tags": ["VIP"],
        "custom_fields": {"rate": 1.5}, "organisation": firm["id"],
        "owner": cast.bob.pk, "team": south.pk, "life_cycle": "lead", "website": "x.example",
    }  # fmt: skip
    answer = send(api, "post", URL, body)
    assert answer.status_code == 201
    made = answer.json()
    assert answer["Location"] == f"{URL}{made['id']}/"
    assert made == api.get(answer["Location"]).json()
    assert (made["name"], made["organisation"], made["owner"], made["team"]) == (
        "Joanna Dale", {"id": firm["id"], "name": firm["name"]}, {"id": cast.bob.pk, "name": "Bob"}, {"id": south.pk, "name": "South"},
    )  # fmt: skip
    assert made["addresses"] == [{"label": "", "line1": "", "line2": "", "city": "London", "region": "", "postcode": "", "country": "GB"}]
    assert (made["custom_fields"], made["version"], made["links"]) == ({"rate": "1.5"}, 1, [])


def test_patch_changes_what_it_names_and_replaces_lists(api: Client, workspace: Workspace) -> None:
    with workspace_tx(workspace):
        contact = organisation(workspace, emails=[{"label": "", "email": "a@x.example"}], tax_id="1", tags=["VIP"])
    url = f"{URL}{contact.pk}/"
    changed = send(api, "patch", url, {"emails": [{"email": "b@x.example"}], "version": 1}).json()
    assert ([row["email"] for row in changed["emails"]], changed["tax_id"], changed["tags"], changed["version"]) == (
        ["b@x.example"], "1", ["VIP"], 2,
    )  # fmt: skip
    stale = send(api, "patch", url, {"tax_id": "2", "version": 1})
    assert (stale.status_code, stale.json()["type"]) == (409, "/api/v1/docs/#problem-stale")
    assert send(api, "patch", url, {"tax_id": "1"}).json()["version"] == 2


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"kind", "name"}),
        ({"kind": "person", "name": "Ann", "id": 5}, {"id"}),
        ({"kind": "person", "name": "Ann", "workspace": 1, "deleted_at": None, "version": 3}, {"workspace", "deleted_at", "version"}),
        ({"kind": "person", "name": "Ann", "emails": [{"email": "x"}]}, {"emails[0].email"}),
        ({"kind": "person", "name": "Ann", "organisation": 987_654}, {"organisation"}),
        ({"kind": "person", "name": "Ann", "owner": 10**30}, {"owner"}),
        ({"kind": "person", "name": "Ann", "team": True}, {"team"}),
        ({"kind": "person", "name": "Ann", "custom_fields": {"nope": 1}}, {"custom_fields.nope"}),
        ([], {""}),
        ('"x"', {""}),
    ],
)
def test_faults_are_named(api: Client, body: Any, fields: set[str]) -> None:
    assert set(errors(send(api, "post", URL, body))) == fields


def test_owner_and_organisation_of_elsewhere_are_unknown(api: Client, cast: Cast) -> None:
    with workspace_tx(cast.elsewhere):
        foreign = organisation(cast.elsewhere)
    body = {"kind": "person", "name": "Ann", "owner": cast.charlie.pk, "organisation": foreign.pk}
    assert set(errors(send(api, "post", URL, body))) == {"owner", "organisation"}
    for method in ("get", "delete"):
        assert getattr(api, method)(f"{URL}{foreign.pk}/").status_code == 404


def test_the_list_filters_and_pages(api: Client, cast: Cast, workspace: Workspace) -> None:
    with workspace_tx(workspace):
        for number in range(5):
            person(workspace, f"Anna {number}", tags=["VIP"], owner_id=cast.alice.pk)
        organisation(workspace)
    first = api.get(f"{URL}?q=anna&tag=VIP&owner=me&kind=person&limit=3").json()
    assert [row["name"] for row in first["results"]] == ["Anna 0", "Anna 1", "Anna 2"]
    rest = api.get(first["next"]).json()
    assert ([row["name"] for row in rest["results"]], rest["next"]) == (["Anna 3", "Anna 4"], None)
    assert set(errors(api.get(f"{URL}?kind=x&owner=-1&updated_since=never"))) == {"kind", "owner", "updated_since"}
    assert errors(api.get(f"{URL}?cursor=zzz")) == {"cursor": "invalid"}


def test_changes_since_come_oldest_first_so_that_none_is_missed(api: Client, workspace: Workspace) -> None:
    with workspace_tx(workspace):
        one, two = person(workspace, "B"), person(workspace, "A")
    since = api.get(f"{URL}{one.pk}/").json()["updated_at"]
    send(api, "patch", f"{URL}{one.pk}/", {"job_title": "Chef"})
    first = api.get(f"{URL}?updated_since={since}&limit=1").json()
    assert [row["id"] for row in first["results"]] == [two.pk]
    assert [row["id"] for row in api.get(first["next"]).json()["results"]] == [one.pk]


def test_registered_filters_and_fields_cost_a_constant_number_of_queries(
    api: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def links(_workspace: Workspace, contacts: Any) -> dict[int, Any]:
        return {
            pk: [{"provider": "crunch"}]
            for pk in Contact.objects.filter(pk__in=[c.pk for c in contacts], kind="organisation").values_list("pk", flat=True)
        }

    monkeypatch.setattr(panels, "_api_fields", {"links": panels.ApiField(key="links", values=links)})
    linked = panels.Filter(key="linked_to", label="Linked", apply=lambda found, value: found.filter(kind="organisation"))
    monkeypatch.setattr(panels, "_filters", {"linked_to": linked})
    with workspace_tx(workspace):
        organisation(workspace)
    api.get(URL)
    with CaptureQueriesContext(connection) as one:
        answer = api.get(f"{URL}?linked_to=crunch").json()
    assert answer["results"][0]["links"] == [{"provider": "crunch"}]
    with workspace_tx(workspace):
        for number in range(4):
            organisation(workspace, f"Firm {number}")
            person(workspace, f"Ann {number}")
    with CaptureQueriesContext(connection) as many:
        answer = api.get(f"{URL}?linked_to=crunch").json()
    assert len(answer["results"]) == 5
    assert len(one) == len(many)


def test_delete_history_and_merge(api: Client, workspace: Workspace, cast: Cast) -> None:
    with workspace_tx(workspace):
        kept, gone, third = organisation(workspace, tax_id="1"), organisation(workspace, "Bakerloo", tax_id="2"), person(workspace)
    body = {"kept": kept.pk, "gone": gone.pk, "take_from_gone": ["tax_id"]}
    assert send(api, "post", f"{URL}merge/", body).json()["tax_id"] == "2"
    assert errors(send(api, "post", f"{URL}merge/", body)) == {"gone": "unknown"}
    history = api.get(f"{URL}{kept.pk}/history/").json()["results"]
    assert [change["changes"].get("tax_id") for change in history if "tax_id" in change["changes"]] == [["1", "2"]]
    assert {(change["origin"], change["by"]) for change in history if change["origin"] == "api"} == {("api", "Alice through the API")}
    assert api.delete(f"{URL}{third.pk}/").status_code == 204
    assert api.get(f"{URL}{third.pk}/").status_code == 404
    assert api.get(f"{URL}{gone.pk}/").status_code == 404


def test_restricted_members_reach_only_their_own(cast: Cast, restricted: Membership, south: Team) -> None:
    with workspace_tx(cast.workspace):
        hidden = organisation(cast.workspace, "Hidden Ltd")
        seen = person(cast.workspace, "Seen", team_id=south.pk, organisation_id=hidden.pk)
    bob = api_client(cast.bob, cast.workspace)
    assert [row["id"] for row in bob.get(URL).json()["results"]] == [seen.pk]
    assert bob.get(f"{URL}{seen.pk}/").json()["organisation"] is None
    assert "Hidden" not in bob.get(f"{URL}{seen.pk}/history/").text
    for method in ("get", "delete"):
        assert getattr(bob, method)(f"{URL}{hidden.pk}/").status_code == 404
    assert errors(send(bob, "post", f"{URL}merge/", {"kept": seen.pk, "gone": hidden.pk})) == {"gone": "unknown"}
    mine = send(bob, "post", URL, {"kind": "person", "name": "Mine"}).json()
    assert mine["owner"]["id"] == cast.bob.pk
    assert errors(send(bob, "patch", f"{URL}{seen.pk}/", {"team": None})) == {"team": "required"}


def test_tags_and_custom_fields(api: Client, cast: Cast) -> None:
    assert send(api, "post", "/api/v1/tags/", {"name": "VIP"}).status_code == 201
    assert errors(send(api, "post", "/api/v1/tags/", {"name": "vip"})) == {"name": "taken"}
    assert [row["name"] for row in api.get("/api/v1/tags/").json()["results"]] == ["VIP"]
    made = send(api, "post", "/api/v1/custom-fields/", {"label": "Contract until", "kind": "date"})
    assert (made.status_code, made.json()["key"]) == (201, "contract_until")
    assert errors(send(api, "post", "/api/v1/custom-fields/", {"label": "", "kind": "x"})).keys() == {"label", "kind"}
    bob = api_client(cast.bob, cast.workspace)
    assert send(bob, "post", "/api/v1/custom-fields/", {"label": "X", "kind": "text"}).status_code == 403
    assert len(bob.get("/api/v1/custom-fields/").json()["results"]) == 1
