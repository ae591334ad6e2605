"""Search and list: any word's beginning, all words, in order, page by page, and never past the walls."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.enums import Role
from accounts.models import Membership, Team, Workspace
from accounts.scoping import workspace_tx
from contacts.domain import queries, search
from contacts.domain.queries import ListQuery
from contacts.domain.store import delete_contacts
from tests.contacts.makers import BY_ALICE, organisation, person
from tests.fixtures import Cast


@pytest.fixture
def member(cast: Cast, inside: Workspace) -> Membership:
    return Membership.objects.select_related("workspace", "user").get(workspace=inside, user=cast.alice)


def names(member: Membership, q: str = "", **query: object) -> list[str]:
    page = queries.list_page(member, ListQuery(q=q, **query))  # type: ignore[arg-type]
    return [contact.name for contact in page.contacts]


def test_finds_the_beginning_of_any_word_in_name_email_phone_and_tax_id(member: Membership, inside: Workspace) -> None:
    organisation(inside, emails=[{"label": "", "email": "accounts@bakerloo.example"}], tax_id="GB 980 7806 84")
    person(inside, phones=[{"label": "", "number": "+44 20 7946 0812"}])
    person(inside, "José Ångström")
    assert (
        names(member, "kitch") == names(member, "BAKER") == names(member, "accou") == names(member, "9807806") == ["Bakerloo Kitchens Ltd"]
    )
    assert names(member, "kit bak") == ["Bakerloo Kitchens Ltd"]
    assert names(member, "0812") == names(member, "+44 20 7946") == names(member, "020 7946 0812") == ["Joanna Dale"]
    assert names(member, "angst jos") == ["José Ångström"]
    assert names(member, "itchens") == names(member, "kit zzz") == []
    assert names(member, "!!!") == []
    assert len(names(member, "  ")) == 3


def test_a_contact_with_two_fitting_words_is_found_once(member: Membership, inside: Workspace) -> None:
    person(inside, "Anna Annabel Anna-Lisa")
    assert names(member, "ann") == ["Anna Annabel Anna-Lisa"]
    assert queries.count(member, ListQuery(q="ann")) == "1"


def test_deleted_contacts_are_not_found(member: Membership, inside: Workspace) -> None:
    gone = person(inside)
    delete_contacts(inside, [gone.pk], origin=BY_ALICE)
    assert names(member) == names(member, "joanna") == []


def test_facets_narrow_a_search(member: Membership, inside: Workspace, cast: Cast) -> None:
    person(inside, "Anna Marsh", life_cycle="client", owner_id=cast.alice.pk, tags=["VIP"])
    organisation(inside, "Anna & Sons", tags=["VIP", "Net 30"])
    assert names(member, "anna") == ["Anna & Sons", "Anna Marsh"]
    assert names(member, "anna", kind="person") == names(member, "anna", owner="me") == names(member, life_cycle="client") == ["Anna Marsh"]
    assert names(member, tags=("VIP",)) == ["Anna & Sons", "Anna Marsh"]
    assert (
        names(member, "sons", tags=("VIP", "Net 30")) == names(member, owner="none") == names(member, life_cycle="none") == ["Anna & Sons"]
    )
    assert names(member, tags=("vi",)) == []


@pytest.mark.parametrize("rare", [0, 3, 3000])
@pytest.mark.parametrize("walk", [2, 3000])
@pytest.mark.parametrize("sort", ["name", "changed"])
def test_pages_forwards_and_backwards_agree_whichever_way_is_taken(
    member: Membership, inside: Workspace, monkeypatch: pytest.MonkeyPatch, rare: int, walk: int, sort: search.Sort
) -> None:
    for number in range(11):
        person(inside, f"Anna {number % 4} Marsh", emails=[{"label": "", "email": f"a{number}@x.example"}])
        organisation(inside, f"Other {number}")
    monkeypatch.setattr(search, "RARE", rare)
    monkeypatch.setattr(search, "WALK", walk)
    query = ListQuery(q="ann mar", sort=sort)
    pages, after = [], ""
    while True:
        page = queries.list_page(member, query, after=after, limit=4)
        pages.append([contact.pk for contact in page.contacts])
        if not page.after:
            break
        after = page.after
    everything = [contact.pk for contact in queries.list_page(member, query, limit=50).contacts]
    assert [len(rows) for rows in pages] == [4, 4, 3]
    assert [pk for rows in pages for pk in rows] == everything
    back = queries.list_page(member, query, before=page.before or "", limit=4)
    assert [contact.pk for contact in back.contacts] == pages[1]
    assert back.after
    first = queries.list_page(member, query, before=back.before or "", limit=4)
    assert [contact.pk for contact in first.contacts] == pages[0]
    assert first.before is None


def test_counts_are_capped(member: Membership, inside: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        person(inside, f"Anna {number}")
    assert queries.count(member, ListQuery()) == queries.count(member, ListQuery(q="anna")) == "5"
    monkeypatch.setattr(queries, "COUNT_CAP", 3)
    assert queries.count(member, ListQuery()) == "3+"
    monkeypatch.setattr(search, "RARE", 2)
    assert queries.count(member, ListQuery(q="anna")) == ""


@pytest.mark.parametrize("typed", ["anna", "nobody", "anna 3"])
def test_a_first_page_counts_on_the_way(member: Membership, inside: Workspace, typed: str) -> None:
    for number in range(5):
        person(inside, f"Anna {number}")
    query = ListQuery(q=typed)
    alone = queries.count(member, query)
    asked = queries.find(member, query)
    with CaptureQueriesContext(connection) as first:
        page = queries.list_page(member, query, asked=asked, limit=2)
    with CaptureQueriesContext(connection) as more:
        assert queries.count(member, query, asked=asked) == alone
    assert first
    assert not more
    later = queries.find(member, query)
    queries.list_page(member, query, asked=later, after=page.after or "", limit=2)
    assert queries.count(member, query, asked=later) == alone


def test_a_list_costs_the_same_queries_for_one_row_and_for_many(member: Membership, inside: Workspace, cast: Cast) -> None:
    firm = organisation(inside)
    person(inside, "Anna A", organisation_id=firm.pk, owner_id=cast.alice.pk)
    with CaptureQueriesContext(
        connection,
    ) as one:
        queries.list_page(member, ListQuery(q="anna"))
    for number in range(5):
        person(inside, f"Anna {number}", organisation_id=firm.pk, owner_id=cast.bob.pk)
    with CaptureQueriesContext(connection) as many:
        queries.list_page(member, ListQuery(q="anna"))
    assert len(one) == len(many) <= 5


def test_nothing_of_another_workspace_is_found(cast: Cast) -> None:
    with workspace_tx(cast.elsewhere):
        person(cast.elsewhere, "Charlie's Secret")
    with workspace_tx(cast.workspace):
        member = Membership.objects.select_related("workspace").get(workspace=cast.workspace, user=cast.alice)
        assert names(member) == names(member, "secret") == []


@pytest.mark.parametrize(
    ("role", "teams", "seen"),
    [
        (Role.OWNER, False, {"no team", "south", "north", "own"}),
        (Role.ADMIN, False, {"no team", "south", "north", "own"}),
        (Role.MEMBER, False, {"no team", "own"}),
        (Role.MEMBER, True, {"no team", "own", "south"}),
        (Role.RESTRICTED, False, {"own"}),
        (Role.RESTRICTED, True, {"own", "south"}),
    ],
)
def test_roles_and_teams_decide_who_sees_what(cast: Cast, inside: Workspace, role: Role, teams: bool, seen: set[str]) -> None:
    south = Team.objects.create(workspace=inside, name="South", slug="south")
    north = Team.objects.create(workspace=inside, name="North", slug="north")
    person(inside, "no team")
    person(inside, "south", team_id=south.pk)
    person(inside, "north", team_id=north.pk)
    person(inside, "own", team_id=north.pk, owner_id=cast.bob.pk)
    Membership.objects.filter(workspace=inside, user=cast.bob).update(role=role, team_ids=[south.pk] if teams else [])
    bob = Membership.objects.select_related("workspace", "user").get(workspace=inside, user=cast.bob)
    assert set(names(bob)) == seen
    assert {name for name in ("no team", "south", "north", "own") if names(bob, name)} == seen


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(typed=st.text(max_size=40), sort=st.sampled_from(["name", "changed"]))
def test_no_typed_text_breaks_the_search(member: Membership, inside: Workspace, typed: str, sort: search.Sort) -> None:
    query = queries.read_query({"q": typed.encode("utf-8", "ignore").decode(), "sort": sort})
    assert queries.list_page(member, query).contacts == []
    assert queries.count(member, query) == "0"
