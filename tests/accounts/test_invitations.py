from __future__ import annotations

import datetime as dt
import re

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.domain.errors import Refused
from accounts.domain.invitations import accept, find_open, invite
from accounts.enums import Role
from accounts.models import Invitation, Membership, User
from accounts.scoping import workspace_tx
from tests.fixtures import Cast, make_user

PASSWORD = "correct horse battery"


def send(alice: Client, email: str = "dora@example.com", **data: str) -> str:
    """Invite on the page; gives the path of the link in the mail."""
    response = alice.post("/w/hartwell/settings/invitations/new/", {"email": email, "role": "MEMBER"} | data)
    assert response.status_code == 302, response.context["form"].errors
    return re.search(r"https?://[^/]+(/invitations/\S+)", mail.outbox[-1].body)[1]


def open_places(cast: Cast) -> list[Invitation]:
    with workspace_tx(cast.workspace):
        return list(Invitation.objects.filter(accepted_at=None))


def test_a_new_person_joins_with_a_password(cast: Cast, alice: Client, client: Client) -> None:
    link = send(alice, role="ADMIN")
    assert "Join Hartwell" in client.get(link).content.decode()
    response = client.post(link, {"name": "Dora", "password": PASSWORD}, follow=True)

    assert response.redirect_chain[-1][0] == "/w/hartwell/"
    member = Membership.objects.get(user__email="dora@example.com")
    assert (member.role, member.workspace) == (Role.ADMIN, cast.workspace)
    assert EmailAddress.objects.get(user=member.user).verified


def test_the_mail_uses_the_public_address_and_names_the_inviter(cast: Cast, alice: Client, settings: object) -> None:
    settings.PUBLIC_URL = "https://crm.example.org"
    send(alice)

    assert mail.outbox[0].to == ["dora@example.com"]
    assert "https://crm.example.org/invitations/hartwell/" in mail.outbox[0].body
    assert "Alice" in mail.outbox[0].body


def test_the_secret_is_not_kept(cast: Cast, alice: Client) -> None:
    secret = send(alice).rstrip("/").rpartition("/")[2]

    assert secret not in str([vars(invitation) for invitation in open_places(cast)])


def test_a_person_with_an_account_logs_in_and_accepts(cast: Cast, alice: Client, client: Client) -> None:
    dora = make_user("Dora")
    link = send(alice)
    assert f"next={link.replace('/', '%2F')}" in client.get(link).content.decode()

    client.force_login(dora)
    assert client.get(link).status_code == 200
    assert client.post(link).url == "/w/hartwell/"
    assert client.get("/w/hartwell/").status_code == 200


def test_an_anonymous_post_cannot_take_over_an_account(cast: Cast, alice: Client, client: Client) -> None:
    dora = make_user("Dora")
    client.post(send(alice), {"name": "Mallory", "password": "another horse battery"})

    dora.refresh_from_db()
    assert dora.check_password(PASSWORD)
    assert not Membership.objects.filter(user=dora).exists()


def test_the_link_of_somebody_else_opens_nothing(cast: Cast, alice: Client, charlie: Client) -> None:
    link = send(alice)

    assert charlie.get(link).status_code == 403
    assert charlie.post(link).status_code == 403
    assert charlie.get("/w/hartwell/").status_code == 404


def test_a_verified_second_address_counts(cast: Cast, alice: Client, charlie: Client) -> None:
    EmailAddress.objects.create(user=cast.charlie, email="dora@example.com", verified=True)

    assert charlie.post(send(alice)).url == "/w/hartwell/"


def test_an_unverified_second_address_does_not_count(cast: Cast, alice: Client, charlie: Client) -> None:
    EmailAddress.objects.create(user=cast.charlie, email="dora@example.com", verified=False)

    assert charlie.post(send(alice)).status_code == 403


def test_a_link_works_once(cast: Cast, alice: Client, client: Client) -> None:
    link = send(alice)
    client.post(link, {"name": "Dora", "password": PASSWORD})

    assert Client().get(link).status_code == 404
    assert client.post(link).status_code == 404


def test_two_presses_at_once_accept_once(cast: Cast, alice: Client) -> None:
    secret = send(alice).rstrip("/").rpartition("/")[2]
    dora, now = make_user("Dora"), timezone.now()
    first, second = find_open("hartwell", secret, now=now), find_open("hartwell", secret, now=now)
    accept(first, user=dora, now=now)

    with pytest.raises(Refused):
        accept(second, user=dora, now=now)


@pytest.mark.parametrize(
    "spoil", [lambda link: link[:-3] + "xy/", lambda link: link.replace("hartwell", "elsewhere"), lambda _link: "/invitations/no/one/"]
)
def test_a_wrong_link_opens_nothing(cast: Cast, alice: Client, client: Client, spoil: object) -> None:
    assert client.get(spoil(send(alice))).status_code == 404


def test_a_link_expires_after_seven_days(cast: Cast, alice: Client, client: Client, time_machine: object) -> None:
    link = send(alice)
    time_machine.move_to(timezone.now() + dt.timedelta(days=7, seconds=1))

    assert client.get(link).status_code == 404


def test_sending_again_makes_a_new_link_and_the_old_one_dies(cast: Cast, alice: Client, client: Client) -> None:
    old = send(alice)
    pk = open_places(cast)[0].pk
    alice.post(f"/w/hartwell/settings/invitations/{pk}/resend/")
    new = re.search(r"https?://[^/]+(/invitations/\S+)", mail.outbox[-1].body)[1]

    assert (client.get(old).status_code, client.get(new).status_code) == (404, 200)


def test_revoked_is_gone(cast: Cast, alice: Client, client: Client) -> None:
    link = send(alice)
    alice.post(f"/w/hartwell/settings/invitations/{open_places(cast)[0].pk}/revoke/")

    assert client.get(link).status_code == 404
    assert open_places(cast) == []


@pytest.mark.parametrize("act", ["resend", "revoke"])
def test_an_administrator_gets_no_hold_of_an_owner_s_place(cast: Cast, alice: Client, bob: Client, client: Client, act: str) -> None:
    """Sending again shows the link to whoever presses the button, and the link makes an owner of whoever opens it."""
    link = send(alice, role="OWNER")
    Membership.objects.filter(user=cast.bob).update(role=Role.ADMIN)
    [place] = open_places(cast)
    answer = bob.post(f"/w/hartwell/settings/invitations/{place.pk}/{act}/", follow=True)

    assert "Only an owner can change an owner." in answer.content.decode()
    assert f"invitations/{place.pk}/" not in answer.content.decode()
    assert client.get(link).status_code == 200
    assert f"invitations/{place.pk}/" in alice.get("/w/hartwell/settings/members/").content.decode()


def test_inviting_twice_leaves_one_open_place(cast: Cast, alice: Client, client: Client) -> None:
    old, new = send(alice), send(alice, email="Dora@Example.com")

    assert len(open_places(cast)) == 1
    assert (client.get(old).status_code, client.get(new).status_code) == (404, 200)


def test_a_member_is_not_invited_again(cast: Cast, alice: Client) -> None:
    response = alice.post("/w/hartwell/settings/invitations/new/", {"email": "BOB@example.com", "role": "MEMBER"})

    assert response.status_code == 422
    assert "email" in response.context["form"].errors


def test_administrators_invite_no_owners(cast: Cast, bob: Client) -> None:
    Membership.objects.filter(user=cast.bob).update(role=Role.ADMIN)
    response = bob.post("/w/hartwell/settings/invitations/new/", {"email": "dora@example.com", "role": "OWNER"})
    assert response.status_code == 422

    admin = Membership.objects.select_related("user", "workspace").get(user=cast.bob)
    with workspace_tx(cast.workspace), pytest.raises(Refused):
        invite(cast.workspace, email="dora@example.com", role=Role.OWNER, team_ids=[], actor=admin, now=timezone.now())


def test_a_mail_server_that_is_down_leaves_the_link_to_pass_on(cast: Cast, alice: Client, settings: object) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    response = alice.post("/w/hartwell/settings/invitations/new/", {"email": "dora@example.com", "role": "MEMBER"}, follow=True)

    assert len(open_places(cast)) == 1
    assert "could not be sent" in response.content.decode()
    assert "/invitations/hartwell/" in response.content.decode()
    assert "/invitations/hartwell/" not in alice.get("/w/hartwell/settings/members/").content.decode()


def test_a_weak_password_is_refused_beside_the_field(cast: Cast, alice: Client, client: Client) -> None:
    response = client.post(send(alice), {"name": "Dora", "password": "password1"})

    assert response.status_code == 422
    assert list(response.context["form"].errors) == ["password"]
    assert not User.objects.filter(email="dora@example.com").exists()
