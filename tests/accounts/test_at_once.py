"""Two people press at the same moment: the second gets the answer that it would have got a second later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.domain import invitations, members, teams
from accounts.models import Invitation, Membership, Team, User
from accounts.scoping import SYSTEM, workspace_tx
from contacts.domain import edit
from contacts.models import Contact
from tests.at_once import meanwhile
from tests.fixtures import Cast, make_user

pytestmark = pytest.mark.django_db(transaction=True)
SETTINGS = "/w/hartwell/settings/"


def beside(cast: Cast, first: Callable[[], object], client: Client, path: str, **data: Any) -> Any:
    """The answer to a post of `client` while Alice's `first` is not committed yet."""
    return meanwhile(cast.workspace, first, lambda: client.post(path, data))


@pytest.fixture
def ops(cast: Cast) -> Team:
    with workspace_tx(cast.workspace):
        return teams.add_team(cast.workspace, name="Ops", actor=cast.alice)


def owner(cast: Cast) -> Membership:
    return Membership.objects.select_related("user", "workspace").get(user=cast.alice, workspace=cast.workspace)


def test_a_team_s_name_is_given_once(cast: Cast, alice: Client, ops: Team) -> None:
    def add(name: str) -> Callable[[], object]:
        return lambda: teams.add_team(cast.workspace, name=name, actor=cast.alice)

    added = beside(cast, add("Field"), alice, f"{SETTINGS}teams/new/", name="field")
    assert (added.status_code, "There is a team of this name already." in added.text) == (422, True)
    renamed = beside(cast, add("North"), alice, f"{SETTINGS}teams/{ops.pk}/", name="North")
    assert (renamed.status_code, "There is a team of this name already." in renamed.text) == (422, True)


def test_what_somebody_just_deleted_is_not_there(cast: Cast, alice: Client, ops: Team) -> None:
    renamed = beside(cast, lambda: teams.delete_team(ops, actor=cast.alice), alice, f"{SETTINGS}teams/{ops.pk}/", name="Field")
    assert renamed.status_code == 404
    bob = Membership.objects.select_related("user", "workspace").get(user=cast.bob)
    page = f"{SETTINGS}members/{bob.pk}/"
    assert beside(cast, lambda: members.remove_member(bob, actor=owner(cast)), alice, f"{page}remove/").status_code == 404
    with workspace_tx(cast.workspace):
        place, _secret = invite(cast)
    resend = f"{SETTINGS}invitations/{place.pk}/resend/"
    assert beside(cast, lambda: invitations.revoke(place, actor=owner(cast)), alice, resend).status_code == 404


def test_a_team_on_its_way_out_is_not_given_any_more(cast: Cast, alice: Client, ops: Team) -> None:
    """Nor does deleting it leave a contact behind that was given to it just before."""
    page = "/w/hartwell/contacts/new/"
    rows = {f"{name}-{part}": "0" for name in ("emails", "phones", "addresses") for part in ("TOTAL_FORMS", "INITIAL_FORMS")}
    form = rows | {"kind": "organisation", "name": "Bramley", "team": str(ops.pk)}
    answer = beside(cast, lambda: teams.delete_team(ops, actor=cast.alice), alice, page, **form)
    assert (answer.status_code, "There is no such team." in answer.text) == (422, True)


def test_deleting_a_team_waits_for_whom_is_given_to_it(cast: Cast, alice: Client, ops: Team) -> None:
    def give() -> None:
        given = edit.checked(owner(cast), {"kind": "organisation", "name": "Bramley", "team": ops.pk})
        edit.create(owner(cast), given, origin=SYSTEM)

    answer = beside(cast, give, alice, f"{SETTINGS}teams/{ops.pk}/delete/")
    with workspace_tx(cast.workspace):
        assert (answer.status_code, Contact.objects.get().team_id) == (302, None)


def invite(cast: Cast) -> tuple[Invitation, str]:
    return invitations.invite(cast.workspace, email="dora@example.com", role="MEMBER", team_ids=[], actor=owner(cast), now=timezone.now())


def test_one_person_gets_one_open_place(cast: Cast, alice: Client) -> None:
    answer = beside(cast, lambda: invite(cast), alice, f"{SETTINGS}invitations/new/", email="dora@example.com", role="MEMBER")
    with workspace_tx(cast.workspace):
        assert (answer.status_code, Invitation.objects.count()) == (302, 1)


def test_signing_up_with_an_address_that_is_being_taken_leads_to_the_log_in(cast: Cast, client: Client) -> None:
    typed = {"name": "Dora", "workspace_name": "Orsted", "email": "dora@example.com", "password1": "correct horse battery"}
    answer = meanwhile(cast.workspace, lambda: make_user("Dora"), lambda: client.post("/accounts/signup/", typed, follow=True))
    assert (answer.redirect_chain, answer.status_code) == ([("/accounts/login/", 302)], 200)
    assert "There is an account with this e-mail address already." in answer.text
    assert User.objects.filter(email="dora@example.com").count() == 1
