"""Roles, members and teams: the rules and their pages."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.domain.audit import details_of, origin_of
from accounts.domain.errors import Refused
from accounts.domain.members import change_member, remove_member
from accounts.domain.teams import add_team, delete_effect, delete_team
from accounts.domain.tokens import create_token, find_token
from accounts.enums import Role
from accounts.models import AuditEvent, Membership, Team, User
from accounts.scoping import workspace_tx
from contacts.domain.store import create_contacts
from contacts.enums import Kind
from contacts.models import Contact
from tests.fixtures import Cast, make_user


def membership(cast: Cast, user: User) -> Membership:
    return Membership.objects.select_related("user", "workspace").get(user=user, workspace=cast.workspace)


def set_role(cast: Cast, user: User, role: Role) -> Membership:
    Membership.objects.filter(user=user, workspace=cast.workspace).update(role=role)
    return membership(cast, user)


def test_the_last_owner_can_neither_be_demoted_nor_leave(cast: Cast) -> None:
    alice = membership(cast, cast.alice)

    with workspace_tx(cast.workspace):
        with pytest.raises(Refused, match="needs an owner"):
            change_member(alice, role=Role.ADMIN, team_ids=[], actor=alice)
        with pytest.raises(Refused, match="last owner"):
            remove_member(alice, actor=alice)
    assert membership(cast, cast.alice).role == Role.OWNER


def test_an_owner_who_is_disabled_does_not_count_as_the_other_owner(cast: Cast) -> None:
    set_role(cast, cast.bob, Role.OWNER)
    User.objects.filter(pk=cast.bob.pk).update(is_active=False)
    alice = membership(cast, cast.alice)

    with workspace_tx(cast.workspace), pytest.raises(Refused):
        remove_member(alice, actor=alice)


def test_with_a_second_owner_the_first_may_leave(cast: Cast) -> None:
    set_role(cast, cast.bob, Role.OWNER)
    alice = membership(cast, cast.alice)

    with workspace_tx(cast.workspace):
        remove_member(alice, actor=alice)
    assert not Membership.objects.filter(user=cast.alice).exists()


@pytest.mark.parametrize("role", [Role.OWNER])
def test_administrators_make_no_owners(cast: Cast, role: Role) -> None:
    admin = set_role(cast, cast.bob, Role.ADMIN)

    with workspace_tx(cast.workspace), pytest.raises(Refused, match="Only an owner"):
        change_member(admin, role=role, team_ids=[], actor=admin)


def test_administrators_leave_owners_alone(cast: Cast) -> None:
    admin, alice = set_role(cast, cast.bob, Role.ADMIN), membership(cast, cast.alice)

    with workspace_tx(cast.workspace):
        for act in (lambda: change_member(alice, role=Role.MEMBER, team_ids=[], actor=admin), lambda: remove_member(alice, actor=admin)):
            with pytest.raises(Refused, match="Only an owner"):
                act()


def test_a_removed_member_is_out_and_so_are_the_tokens(cast: Cast, bob: Client) -> None:
    _token, text = create_token(membership(cast, cast.bob), name="Script", scopes=["read"])
    assert bob.get("/w/hartwell/").status_code == 200

    with workspace_tx(cast.workspace):
        remove_member(membership(cast, cast.bob), actor=membership(cast, cast.alice))

    assert bob.get("/w/hartwell/").status_code == 404
    assert find_token(text, now=timezone.now()) is None


def test_role_and_teams_are_changed_on_the_page(cast: Cast, alice: Client) -> None:
    with workspace_tx(cast.workspace):
        sales = add_team(cast.workspace, name="Sales", actor=cast.alice)
    bob = membership(cast, cast.bob)
    response = alice.post(f"/w/hartwell/settings/members/{bob.pk}/", {"role": "RESTRICTED", "teams": [sales.pk]})

    assert response.url == "/w/hartwell/settings/members/"
    bob.refresh_from_db()
    assert (bob.role, bob.team_ids) == (Role.RESTRICTED, [sales.pk])
    assert "Sales" in alice.get("/w/hartwell/settings/members/").content.decode()
    assert "teams: – → Sales" in alice.get("/w/hartwell/settings/audit/").content.decode()


def test_teams_of_another_workspace_are_not_given(cast: Cast, alice: Client) -> None:
    with workspace_tx(cast.elsewhere):
        foreign = Team.objects.create(workspace=cast.elsewhere, name="Spies", slug="spies")
    bob = membership(cast, cast.bob)
    response = alice.post(f"/w/hartwell/settings/members/{bob.pk}/", {"role": "MEMBER", "teams": [foreign.pk]})

    bob.refresh_from_db()
    assert bob.team_ids == []
    assert "Spies" not in response.content.decode()


def test_the_page_of_the_last_owner_says_why_not(cast: Cast, alice: Client) -> None:
    pk = membership(cast, cast.alice).pk
    response = alice.post(f"/w/hartwell/settings/members/{pk}/", {"role": "MEMBER"})
    assert response.status_code == 422
    assert "needs an owner" in response.content.decode()

    response = alice.post(f"/w/hartwell/settings/members/{pk}/remove/", follow=True)
    assert "last owner cannot leave" in response.content.decode()


def test_members_of_other_workspaces_are_out_of_reach(cast: Cast, alice: Client) -> None:
    charlie = Membership.objects.get(user=cast.charlie)

    assert alice.get(f"/w/hartwell/settings/members/{charlie.pk}/").status_code == 404
    assert alice.post(f"/w/hartwell/settings/members/{charlie.pk}/remove/").status_code == 404


@pytest.mark.parametrize("role", [Role.MEMBER, Role.RESTRICTED])
@pytest.mark.parametrize("page", ["", "members/", "invitations/new/", "teams/", "teams/new/", "tokens/", "tokens/new/", "audit/"])
def test_settings_are_closed_to_members(cast: Cast, bob: Client, role: Role, page: str) -> None:
    set_role(cast, cast.bob, role)

    assert bob.get(f"/w/hartwell/settings/{page}").status_code == 403
    assert bob.post(f"/w/hartwell/settings/{page}").status_code in {403, 405}


def test_teams_are_added_renamed_and_deleted_with_a_word_about_the_effect(cast: Cast, alice: Client) -> None:
    alice.post("/w/hartwell/settings/teams/new/", {"name": "Sales"})
    with workspace_tx(cast.workspace):
        team = Team.objects.get()
        create_contacts(cast.workspace, [{"kind": Kind.ORGANISATION, "name": "Smith", "team_id": team.pk}], origin=origin_of(cast.alice))
    Membership.objects.filter(user=cast.bob).update(team_ids=[team.pk])
    alice.post(f"/w/hartwell/settings/teams/{team.pk}/", {"name": "Sales UK"})
    page = alice.get(f"/w/hartwell/settings/teams/{team.pk}/delete/").content.decode()

    assert "1 member loses the team" in page
    assert "Contacts that have no team afterwards: 1" in page
    alice.post(f"/w/hartwell/settings/teams/{team.pk}/delete/")
    with workspace_tx(cast.workspace):
        assert not Team.objects.exists()
        assert Contact.objects.get().team is None
    assert membership(cast, cast.bob).team_ids == []


def test_one_name_one_team(cast: Cast, alice: Client) -> None:
    alice.post("/w/hartwell/settings/teams/new/", {"name": "Sales"})
    response = alice.post("/w/hartwell/settings/teams/new/", {"name": "sales"})

    assert response.status_code == 422
    assert "of this name already" in response.content.decode()


def test_names_that_fold_alike_have_slugs_of_their_own(inside: object, cast: Cast) -> None:
    slugs = [add_team(cast.workspace, name=name, actor=cast.alice).slug for name in ("São Paulo", "Sao-Paulo", "sao paulo!")]

    assert slugs == ["sao-paulo", "sao-paulo-2", "sao-paulo-3"]


def test_deleting_a_team_takes_it_from_members_only_of_this_workspace(cast: Cast) -> None:
    with workspace_tx(cast.workspace):
        team = add_team(cast.workspace, name="Sales", actor=cast.alice)
        Membership.objects.filter(user=cast.charlie).update(team_ids=[team.pk])
        assert delete_effect(team).members == 0
        pk = team.pk
        delete_team(team, actor=cast.alice)

    assert Membership.objects.get(user=cast.charlie).team_ids == [pk]


def test_the_audit_log_tells_who_did_what(cast: Cast, alice: Client) -> None:
    bob = membership(cast, cast.bob)
    alice.post(f"/w/hartwell/settings/members/{bob.pk}/", {"role": "ADMIN"})
    page = alice.get("/w/hartwell/settings/audit/").content.decode()

    assert "Member changed" in page
    assert "MEMBER → ADMIN" in page


def test_the_audit_log_writes_settings_as_people_do() -> None:
    told = details_of({"provider": "crunch", "settings": {"team": "", "deleted_here": "bring_back", "preview_first": False}})
    assert told == ["provider: crunch", "settings: deleted here = bring back, preview first = No"]


def test_the_audit_log_is_paged_by_keyset(cast: Cast, alice: Client) -> None:
    with workspace_tx(cast.workspace):
        for number in range(60):
            AuditEvent.objects.create(workspace=cast.workspace, actor=cast.alice, action="team.created", target=f"Team {number}")
    first = alice.get("/w/hartwell/settings/audit/")
    older = alice.get("/w/hartwell/settings/audit/", {"cursor": first.context["next_cursor"]})

    shown = [row["event"].target for page in (first, older) for row in page.context["rows"]]
    assert shown == [f"Team {number}" for number in reversed(range(60))]
    assert alice.get("/w/hartwell/settings/audit/?cursor=nonsense").status_code == 302


def test_general_settings_are_saved_and_noted(cast: Cast, alice: Client) -> None:
    values = {"name": "Hartwell Ltd", "country": "DK", "currency": "DKK", "time_zone": "Europe/Copenhagen", "language": "da"}
    assert alice.post("/w/hartwell/settings/", values).status_code == 302

    cast.workspace.refresh_from_db()
    assert {name: getattr(cast.workspace, name) for name in values} == values


@pytest.mark.parametrize("wrong", [{"name": ""}, {"country": "XX"}, {"currency": "ABC"}, {"time_zone": "Mars/Olympus"}, {"name": "a\nb"}])
def test_wrong_settings_say_so_beside_the_field(cast: Cast, alice: Client, wrong: dict[str, str]) -> None:
    values = {"name": "Hartwell", "country": "GB", "currency": "GBP", "time_zone": "Europe/London", "language": "en"} | wrong
    response = alice.post("/w/hartwell/settings/", values)

    assert response.status_code == 422
    assert list(response.context["form"].errors) == list(wrong)


@pytest.mark.parametrize("page", ["members/", "teams/", "tokens/", "audit/"])
def test_lists_ask_as_often_for_three_rows_as_for_one(cast: Cast, alice: Client, page: str, django_assert_num_queries: object) -> None:
    owner = membership(cast, cast.alice)

    def fill(number: int) -> None:
        user = make_user(f"Extra{number}")
        Membership.objects.create(workspace=cast.workspace, user=user)
        create_token(owner, name=f"Token {number}", scopes=["read"])
        with workspace_tx(cast.workspace):
            add_team(cast.workspace, name=f"Team {number}", actor=user)

    fill(1)
    count = _queries(alice, page)
    fill(2)
    fill(3)
    with django_assert_num_queries(count):
        alice.get(f"/w/hartwell/settings/{page}")


def _queries(client: Client, page: str) -> int:
    with CaptureQueriesContext(connection) as seen:
        client.get(f"/w/hartwell/settings/{page}")
    return len(seen)
