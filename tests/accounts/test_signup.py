"""Sign-up, log-in and the mails of both."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.test import Client

from accounts.domain.workspaces import create_workspace
from accounts.enums import Role
from accounts.models import Membership, User, Workspace
from tests.caches import forget_cached
from tests.fixtures import Cast, make_user

SIGN_UP = {"name": "Dora Ek", "workspace_name": "Ørsted Foods", "email": "dora@example.com", "password1": "correct horse battery"}


def sign_up(client: Client, **changes: str) -> object:
    return client.post("/accounts/signup/", SIGN_UP | changes, follow=True)


def test_sign_up_makes_person_workspace_and_owner_and_opens_it(db: None, client: Client) -> None:
    response = sign_up(client)

    member = Membership.objects.select_related("user", "workspace").get()
    assert (member.role, member.user.name, member.user.email) == (Role.OWNER, "Dora Ek", "dora@example.com")
    assert (member.workspace.name, member.workspace.slug) == ("Ørsted Foods", "orsted-foods")
    assert response.redirect_chain[-1][0] == "/w/orsted-foods/"
    assert "Ørsted Foods" in response.content.decode()


def test_sign_up_takes_language_and_customs_from_the_request(db: None) -> None:
    sign_up(Client(headers={"Accept-Language": "da"}))

    user, workspace = User.objects.get(), Workspace.objects.get()
    assert (user.language, workspace.language) == ("da", "da")
    assert (workspace.country, workspace.currency, workspace.time_zone) == ("DK", "DKK", "Europe/Copenhagen")


def test_sign_up_that_fails_leaves_nothing(db: None, client: Client) -> None:
    sign_up(client, workspace_name="")
    sign_up(client, password1="password")
    sign_up(client, name="Dora\r\nBcc: all@example.com")

    assert (User.objects.count(), Workspace.objects.count()) == (0, 0)


def test_two_workspaces_of_one_name_have_two_addresses(cast: Cast) -> None:
    slugs = [create_workspace("Hartwell & Co", owner=cast.alice).slug for _ in range(3)]

    assert slugs == ["hartwell-co", "hartwell-co-2", "hartwell-co-3"]


@pytest.mark.parametrize("name", ["日本", "---", "''", "💥"])
def test_a_name_without_letters_still_has_an_address(cast: Cast, name: str) -> None:
    assert re.fullmatch(r"[a-z0-9-]+", create_workspace(name, owner=cast.alice).slug)


def test_signing_up_again_makes_no_second_account(cast: Cast, client: Client) -> None:
    response = sign_up(client, email="Alice@Example.com")

    assert "email" in response.context["form"].errors
    assert User.objects.filter(email__iexact="alice@example.com").count() == 1
    assert not Workspace.objects.filter(name="Ørsted Foods").exists()


def test_log_in_opens_the_last_workspace_and_log_out_ends_it(cast: Cast, client: Client) -> None:
    create_workspace("Second", owner=cast.alice)
    response = client.post("/accounts/login/", {"login": "alice@example.com", "password": "correct horse battery"}, follow=True)
    assert response.redirect_chain[-1][0] == "/w/second/"

    client.post("/accounts/logout/")
    assert client.get("/w/second/").url == "/accounts/login/?next=/w/second/"


def test_log_in_makes_a_new_session_id(cast: Cast, client: Client) -> None:
    client.get("/accounts/login/")
    session = client.session
    session["before"] = 1
    session.save()
    client.cookies["session"] = before = session.session_key
    client.post("/accounts/login/", {"login": "alice@example.com", "password": "correct horse battery"})

    assert client.cookies["session"].value not in {"", before}


def test_links_in_mail_use_the_public_address_never_the_host_header(cast: Cast, settings: object) -> None:
    settings.PUBLIC_URL = "https://crm.example.org"
    client = Client(headers={"Host": "evil.example.net", "X-Forwarded-Host": "evil.example.net"})
    client.post("/accounts/password/reset/", {"email": "alice@example.com"})
    client.post("/accounts/password/reset/", {"email": "nobody@example.com"})
    sign_up(client)

    assert len(mail.outbox) == 3
    for message in mail.outbox:
        assert "evil" not in message.subject + message.body
        assert "https://crm.example.org/" in message.body


def test_password_reset_by_mail(cast: Cast, client: Client) -> None:
    client.post("/accounts/password/reset/", {"email": "alice@example.com"})
    path = re.search(r"http://[^/]+(/accounts/password/reset/key/\S+)", mail.outbox[0].body)[1]
    form = client.get(path, follow=True)
    client.post(form.redirect_chain[-1][0], {"password1": "another horse battery", "password2": "another horse battery"})

    cast.alice.refresh_from_db()
    assert cast.alice.check_password("another horse battery")


def test_a_mail_server_that_is_down_stops_no_sign_up(db: None, client: Client, settings: object) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1

    assert sign_up(client).redirect_chain[-1][0] == "/w/orsted-foods/"


PUBLIC = [
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/accounts/password/reset/done/",
    "/accounts/confirm-email/",
]
OWN = [
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/2fa/",
    "/accounts/sessions/",
    "/accounts/reauthenticate/",
    "/accounts/logout/",
]


@pytest.mark.parametrize("path", PUBLIC)
def test_entrance_pages_open(db: None, client: Client, path: str) -> None:
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("path", [*OWN, "/profile/", "/workspaces/", "/workspaces/new/"])
def test_account_pages_open(alice: Client, path: str) -> None:
    assert alice.get(path).status_code == 200


def test_two_step_log_in_asks_for_the_password_again_first(cast: Cast, alice: Client) -> None:
    page = alice.get("/accounts/2fa/totp/activate/").url
    assert page.startswith("/accounts/reauthenticate/")

    again = alice.post(page, {"password": "correct horse battery", "next": "/accounts/2fa/totp/activate/"}, follow=True)
    assert again.redirect_chain[-1][0] == "/accounts/2fa/totp/activate/"
    assert again.status_code == 200


def test_a_disabled_person_is_out_at_once(cast: Cast, alice: Client) -> None:
    user = make_user("Erik")
    assert user.is_active
    User.objects.filter(pk=cast.alice.pk).update(is_active=False)

    assert alice.get("/w/hartwell/").url.startswith("/accounts/login/")


def test_guessing_passwords_is_slowed_down_whatever_address_is_claimed(cast: Cast, settings: object) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "3/m/key"}
    forget_cached()
    for number in range(3):
        guess = {"login": "alice@example.com", "password": f"wrong {number}"}
        Client(headers={"X-Forwarded-For": f"10.0.0.{number}"}).post("/accounts/login/", guess)
    right = {"login": "alice@example.com", "password": "correct horse battery"}
    response = Client(headers={"X-Forwarded-For": "10.0.0.99"}).post("/accounts/login/", right)

    assert response.status_code == 200
    assert "Too many" in response.content.decode()


def test_an_unknown_address_and_a_wrong_password_read_the_same(cast: Cast, client: Client) -> None:
    texts = []
    for login in ("alice@example.com", "nobody@example.com"):
        form = client.post("/accounts/login/", {"login": login, "password": "wrong"}).context["form"]
        texts.append(str(form.errors))

    assert texts[0] == texts[1]
    assert "The e-mail address or the password is not right." in texts[0]
