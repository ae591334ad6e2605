"""A permission that comes back as a token in our own address: bound, stripped, shown, confirmed."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.enums import Role
from accounts.models import Membership
from accounts.scoping import workspace_tx
from integrations.domain.vault import seal_verifier
from tests.fixtures import Cast
from tests.integrations import rows
from tests.integrations.setup.place import Place

COMPANY = "Nordlys Handel ApS"


def untouched(place: Place) -> None:
    found = place.connection()
    assert (found.status, found.secrets, place.runs()) == ("SETUP", "", [])


def test_connected_after_seeing_whose_agreement_it_is(alice: Client, books: Place) -> None:
    address = books.begin(alice)
    assert address.startswith(f"{books.sandbox.url}/economic/secure/api1/requestaccess.aspx?appPublicToken=sandbox&redirectUrl=")
    back = books.decided(address)
    answer = alice.get(back)
    assert answer.status_code == 302
    assert answer["Referrer-Policy"] == "no-referrer"
    token = back.rpartition("token=")[2]
    assert token
    assert token not in answer["Location"]
    page = alice.get(answer["Location"])
    assert COMPANY in page.text
    assert "1234567" in page.text
    assert token not in page.text
    untouched(books)
    assert token not in books.attempts()[0].verifier
    after = alice.post(answer["Location"], {"answer": "yes"})
    assert after["Location"] == books.page("settings/"), "what has to be chosen there is asked at once"
    found = books.connection()
    assert (found.status, found.account_id, found.account_name) == ("ACTIVE", "1234567", COMPANY)
    assert list(books.secrets()) == ["grant_token"]
    assert [run.kind for run in books.runs()] == ["initial"]
    assert books.attempts()[0].verifier == "", "it is kept in one place only"


def test_set_up_begins_on_the_page_of_any_customer(alice: Client, bob: Client, books: Place) -> None:
    with workspace_tx(books.workspace):
        firm = rows.organisation(books.workspace)
    page, entry = f"/w/hartwell/contacts/{firm.pk}/", 'href="/w/hartwell/settings/integrations/economic/">Set up e-conomic<'
    assert entry in alice.get(page).text
    assert entry not in bob.get(page).text
    books.begin(alice)
    assert entry in alice.get(page).text, "one step is left"
    books.connect(alice)
    assert entry not in alice.get(page).text


def test_no_means_no(alice: Client, books: Place) -> None:
    confirm = alice.get(books.decided(books.begin(alice)))["Location"]
    after = alice.post(confirm, {"answer": "no"}, follow=True)
    assert "Nothing was stored" in after.text
    untouched(books)
    assert alice.post(confirm, {"answer": "yes"}, follow=True).text.count("is not waiting any more") == 1
    untouched(books)


def refused(client: Client, address: str, words: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 302
    assert "token=" not in answer["Location"]
    page = client.get(answer["Location"])
    assert page.status_code == 400
    assert words in page.text
    assert "Nothing was stored" in page.text


def test_refused_on_the_vendors_page(alice: Client, books: Place) -> None:
    refused(alice, books.decided(books.begin(alice), answer="no"), "You did not give the permission")
    untouched(books)


def test_a_way_back_works_once(alice: Client, books: Place) -> None:
    back = books.decided(books.begin(alice))
    assert alice.get(back).status_code == 302
    refused(alice, back, "This answer was used before")
    untouched(books)


def test_a_way_back_of_somebody_else(alice: Client, bob: Client, cast: Cast, books: Place) -> None:
    Membership.objects.filter(user=cast.bob).update(role=Role.ADMIN)
    refused(bob, books.decided(books.begin(alice)), "Somebody else began to connect")
    untouched(books)


def test_a_way_back_of_a_stranger_and_a_made_up_one(alice: Client, charlie: Client, books: Place) -> None:
    back = books.decided(books.begin(alice))
    refused(charlie, back, "belongs to no connection that you are making")
    refused(alice, "/connect/economic/callback/made-up/?token=abcdefghijkl", "belongs to no connection that you are making")
    untouched(books)


def test_a_way_back_in_another_browser(alice: Client, cast: Cast, books: Place) -> None:
    back = books.decided(books.begin(alice))
    elsewhere = Client()
    elsewhere.force_login(cast.alice)
    refused(elsewhere, back, "another browser")
    untouched(books)


def test_nobody_is_logged_in_any_more(alice: Client, client: Client, books: Place) -> None:
    refused(client, books.decided(books.begin(alice)), "before you logged in")
    untouched(books)


def test_another_person_cannot_say_yes_for_her(alice: Client, bob: Client, charlie: Client, cast: Cast, books: Place) -> None:
    Membership.objects.filter(user=cast.bob).update(role=Role.ADMIN)
    confirm = alice.get(books.decided(books.begin(alice)))["Location"]
    assert "is not waiting any more" in bob.post(confirm, {"answer": "yes"}, follow=True).text
    assert charlie.post(confirm, {"answer": "yes"}).status_code == 404
    untouched(books)


@pytest.mark.parametrize(
    "address", ["/connect/crunch/callback/x/?token=abcd", "/connect/nobody/callback/x/", "/connect/economic/failed/other_account/"]
)
def test_addresses_that_are_none(alice: Client, books: Place, address: str) -> None:
    assert alice.get(address).status_code == 404


def test_a_pasted_token_is_shown_before_it_is_kept(alice: Client, books: Place) -> None:
    books.send(alice)
    token = books.sandbox.token()["grant_token"]
    assert "no token" in alice.post(books.page("keys/"), {"grant_token": "a b c d e f"}).text
    confirm = alice.post(books.page("keys/"), {"grant_token": f" {token} "})["Location"]
    untouched(books)
    assert COMPANY in alice.get(confirm).text
    alice.post(confirm, {"answer": "yes"})
    assert books.secrets() == {"grant_token": token}


def test_a_token_that_opens_nothing(alice: Client, books: Place) -> None:
    books.send(alice)
    confirm = alice.post(books.page("keys/"), {"grant_token": "made-up-token-of-nobody"})["Location"]
    for answer in (alice.get(confirm), alice.post(confirm, {"answer": "yes"})):
        assert answer.status_code == 422
        assert "does not accept this key" in answer.text
    untouched(books)


def test_a_server_without_the_app_says_so(alice: Client, books: Place, settings: Settings) -> None:
    books.send(alice)
    settings.ENVIRON = {**settings.ENVIRON, "ECONOMIC_APP_PUBLIC_TOKEN": ""}
    assert "ECONOMIC_APP_PUBLIC_TOKEN is missing" in alice.post(books.page("connect/"), follow=True).text
    untouched(books)


def test_a_live_connection_keeps_its_agreement(alice: Client, books: Place) -> None:
    books.connect(alice)
    other = books.sandbox.token(agreement=7654321)["grant_token"]
    confirm = alice.post(books.page("keys/"), {"grant_token": other})["Location"]
    page = alice.get(confirm).text
    assert "Havnens Værft A/S" in page
    assert f"Until now this connection belonged to {COMPANY}" in page
    answer = alice.post(confirm, {"answer": "yes"})
    assert answer.status_code == 422
    assert "disable the integration first" in answer.text
    assert books.connection().account_name == COMPANY
    assert books.secrets()["grant_token"] != other


def test_yes_is_said_to_the_account_that_was_shown(alice: Client, books: Place) -> None:
    confirm = alice.get(books.decided(books.begin(alice)))["Location"]
    assert 'name="account" value="1234567"' in alice.get(confirm).text
    [attempt] = books.attempts()
    attempt.verifier = seal_verifier(attempt, books.sandbox.token(agreement=7654321)["grant_token"])
    with workspace_tx(books.workspace):
        attempt.save(update_fields=["verifier"])
    answer = alice.post(confirm, {"answer": "yes", "account": "1234567"})
    assert answer.status_code == 422
    assert "opens Havnens Værft A/S" in answer.text
    untouched(books)
    assert alice.post(confirm, {"answer": "yes", "account": "7654321"}).status_code == 302
    assert books.connection().account_id == "7654321"


def test_who_is_no_administrator_any_more_brings_no_permission_back(cast: Cast, alice: Client, books: Place) -> None:
    back = books.decided(books.begin(alice))
    Membership.objects.filter(user=cast.alice).update(role=Role.MEMBER)
    assert "consent_state_unknown" in alice.get(back)["Location"]
    assert [attempt.verifier for attempt in books.attempts()] == [""]


def test_a_permission_that_waits_is_forgotten_with_the_integration(alice: Client, books: Place) -> None:
    alice.get(books.decided(books.begin(alice)))
    assert books.attempts()[0].verifier
    alice.post(books.page("disable/"))
    assert books.attempts()[0].verifier == ""
