"""OAuth 2.0 as a client, against a sandbox vendor's authorisation server."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from integrations.engine.errors import BadAnswer, BadSettings, ProviderError, Reconnect, Retry
from integrations.engine.provider import OAuth2
from integrations.kit import oauth
from integrations.kit.oauth import Client
from integrations.kit.sandbox import Running
from integrations.kit.vendor import Reply, as_html, as_json
from integrations.kit.vendor_oauth import OAuthVendor
from tests.kit.servers import Listener, serving

BACK = "http://localhost:8000/oauth/back"
AUTH = OAuth2(env_prefix="ACME", default_scopes="read:all write:all")


class Acme(OAuthVendor):
    key = "acme"
    label = "Acme"
    companies = {"one": "One Ltd", "two": "Two Ltd"}
    scopes = {"read:all": "Read", "write:all": "Write"}


@pytest.fixture
def acme() -> Iterator[tuple[Acme, Client]]:
    vendor = Acme()
    with Running({"acme": vendor}) as server:
        yield vendor, client_at(f"{server.url}/acme")


def client_at(url: str, **options: str) -> Client:
    env = {
        "ACME_AUTHORIZE_URL": f"{url}/oauth/authorize",
        "ACME_TOKEN_URL": f"{url}/oauth/token",
        "ACME_CLIENT_ID": "us",
        "ACME_CLIENT_SECRET": "client-secret",
    }
    return oauth.client_from_env({**env, **options}, AUTH, redirect_uri=BACK, allow_private=True)


def allow(begun: oauth.Authorisation, answer: str = "allow", company: str = "one") -> dict[str, list[str]]:
    """Do what a person does on the consent page; gives the parameters of the way back."""
    page = requests.get(begun.url, timeout=5)
    assert page.status_code == 200
    asked = {key: values[0] for key, values in parse_qs(urlsplit(begun.url).query).items()}
    form = {**asked, "answer": answer, "company": company}
    back = requests.post(begun.url.partition("?")[0], data=form, allow_redirects=False, timeout=5)
    assert back.status_code == 302
    assert back.headers["Location"].startswith(BACK)
    return parse_qs(urlsplit(back.headers["Location"]).query)


def connect(client: Client) -> oauth.TokenSet:
    begun = oauth.authorize_url(client)
    return oauth.exchange_code(client, code=allow(begun)["code"][0], verifier=begun.verifier)


def test_address_of_the_consent_page_has_all_that_counts(acme: tuple[Acme, Client]) -> None:
    begun = oauth.authorize_url(acme[1])

    query = parse_qs(urlsplit(begun.url).query)
    assert begun.url.startswith(f"{acme[1].authorize_url}?")
    assert query["response_type"] == ["code"]
    assert query["client_id"] == ["us"]
    assert query["redirect_uri"] == [BACK]
    assert query["scope"] == ["read:all write:all"]
    assert query["state"] == [begun.state]
    assert query["code_challenge_method"] == ["S256"]
    assert begun.verifier not in begun.url
    assert len(begun.state) >= 40
    assert 43 <= len(begun.verifier) <= 128


def test_every_beginning_is_another(acme: tuple[Acme, Client]) -> None:
    one, other = oauth.authorize_url(acme[1]), oauth.authorize_url(acme[1])

    assert one.state != other.state
    assert one.verifier != other.verifier


def test_query_of_the_consent_page_is_kept() -> None:
    begun = oauth.authorize_url(Client("https://vendor.example/a?tenant=7", "https://vendor.example/t", "us"))

    assert parse_qs(urlsplit(begun.url).query)["tenant"] == ["7"]


@pytest.mark.parametrize("style", ["basic", "body", "public"])
def test_code_becomes_tokens(acme: tuple[Acme, Client], style: str) -> None:
    tokens = connect(replace(acme[1], auth=style))

    assert tokens.access in acme[0].authority.access
    assert tokens.refresh in acme[0].authority.refresh
    assert tokens.expires_in == 3600
    assert tokens.scope == "read:all write:all"
    assert tokens.told == {"company_id": "one", "company_name": "One Ltd"}


def test_refusal_comes_back_with_the_state(acme: tuple[Acme, Client]) -> None:
    begun = oauth.authorize_url(acme[1])

    back = allow(begun, answer="refuse")

    assert back["error"] == ["access_denied"]
    assert back["state"] == [begun.state]


def test_code_works_once_and_only_with_its_verifier(acme: tuple[Acme, Client]) -> None:
    client = acme[1]
    begun = oauth.authorize_url(client)
    code = allow(begun)["code"][0]
    with pytest.raises(Reconnect):
        oauth.exchange_code(client, code=code, verifier="another" * 8)
    with pytest.raises(Reconnect) as caught:
        oauth.exchange_code(client, code=code, verifier=begun.verifier)

    assert caught.value.reason.code == "unauthorised"


def test_consent_page_insists_on_pkce(acme: tuple[Acme, Client]) -> None:
    url = acme[1].authorize_url
    query = {"response_type": "code", "client_id": "us", "redirect_uri": BACK, "state": "s"}

    assert requests.get(url, params=query, timeout=5).status_code == 400
    assert requests.get(url, params={**query, "code_challenge": "x", "code_challenge_method": "plain"}, timeout=5).status_code == 400


@pytest.mark.parametrize("style", ["basic", "body", "public"])
def test_refresh_with_rotation(acme: tuple[Acme, Client], style: str) -> None:
    client = replace(acme[1], auth=style)
    first = connect(client)

    second = oauth.refresh(client, refresh_token=first.refresh or "")

    assert second.access != first.access
    assert second.refresh not in {None, first.refresh}
    with pytest.raises(Reconnect):
        oauth.refresh(client, refresh_token=first.refresh or "")


def test_refresh_without_rotation_keeps_the_token(acme: tuple[Acme, Client]) -> None:
    acme[0].switches["rotate"] = False
    first = connect(acme[1])

    second = oauth.refresh(acme[1], refresh_token=first.refresh or "")

    assert second.refresh == first.refresh
    assert second.access != first.access


def test_vendor_without_refresh_tokens(acme: tuple[Acme, Client]) -> None:
    acme[0].switches.update(refresh_tokens=False, name_account=False)

    tokens = connect(acme[1])

    assert tokens.refresh is None
    assert tokens.told == {}


def test_secrets_are_in_no_text(acme: tuple[Acme, Client], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    begun = oauth.authorize_url(acme[1])
    code = allow(begun)["code"][0]
    tokens = oauth.exchange_code(acme[1], code=code, verifier=begun.verifier)
    with pytest.raises(Reconnect) as caught:
        oauth.refresh(acme[1], refresh_token="gone-token")

    text = f"{caplog.text} {caught.value} {caught.value.detail} {tokens} {begun!r} {acme[1]}".replace(begun.url, "")
    for secret in ("client-secret", "gone-token", tokens.access, tokens.refresh or "", begun.verifier, code):
        assert secret not in text


TOKEN = {"access_token": "a", "token_type": "Bearer"}


@pytest.mark.parametrize(
    ("reply", "error", "code"),
    [
        (as_json({"error": "invalid_grant"}, 400), Reconnect, "unauthorised"),
        (as_json({"error": "invalid_client"}, 401), BadSettings, "client_refused"),
        (as_json({"error": "unauthorized_client"}, 400), BadSettings, "client_refused"),
        (as_json({"error": "temporarily_unavailable"}, 400), Retry, "vendor_down"),
        (as_json({"error": "something_new"}, 400), BadAnswer, "bad_answer"),
        (as_json({}, 500), Retry, "vendor_down"),
        (as_json(TOKEN, 503), Retry, "vendor_down"),
        (as_json({}, 429), Retry, "rate_limited"),
        (as_html("<h1>Log in</h1>"), BadAnswer, "bad_answer"),
        (Reply(200, b""), BadAnswer, "bad_answer"),
        (Reply(200, b'{"access_token": "a'), BadAnswer, "bad_answer"),
        (as_json({"token_type": "Bearer"}), BadAnswer, "bad_answer"),
        (as_json({**TOKEN, "expires_in": "soon"}), BadAnswer, "bad_answer"),
        (Reply(302, headers={"Location": "http://127.0.0.1:1/"}), BadAnswer, "redirected"),
        (as_json([1, 2]), BadAnswer, "bad_answer"),
    ],
)
def test_answers_of_a_token_endpoint_in_trouble(reply: Reply, error: type[ProviderError], code: str) -> None:
    with serving(reply) as (_, url):
        client = client_at(url)
        with pytest.raises(error) as refreshed:
            oauth.refresh(client, refresh_token="r")
        with pytest.raises(error):
            oauth.exchange_code(client, code="c", verifier="v" * 50)

    assert refreshed.value.reason.code == code


@pytest.mark.parametrize(
    ("extra", "expires_in", "scope"),
    [
        ({}, None, ""),
        ({"expires_in": "3600"}, 3600, ""),
        ({"expires_in": 60.0, "scope": "a b"}, 60, "a b"),
        ({"scope": ["a", "b"]}, None, "a b"),
    ],
)
def test_frugal_token_replies(extra: dict[str, object], expires_in: int | None, scope: str) -> None:
    with serving(as_json({**TOKEN, **extra})) as (_, url):
        tokens = oauth.refresh(client_at(url), refresh_token="kept")

    assert (tokens.access, tokens.refresh, tokens.expires_in, tokens.scope) == ("a", "kept", expires_in, scope)


def test_scopes_that_differ_from_those_asked_for_are_taken() -> None:
    with serving(as_json({**TOKEN, "scope": "read:all"})) as (_, url):
        assert oauth.exchange_code(client_at(url), code="c", verifier="v" * 50).scope == "read:all"


def test_plain_http_only_to_private_addresses_and_only_when_allowed() -> None:
    with Listener() as listener:
        url = f"http://127.0.0.1:{listener.port}"
        forbidden = replace(client_at(url), allow_private=False)
        with pytest.raises(BadSettings) as caught:
            oauth.refresh(forbidden, refresh_token="r")

    assert caught.value.reason.code == "blocked_address"
    assert listener.connections == 0
    with pytest.raises(BadSettings):
        oauth.refresh(client_at("http://8.8.8.8"), refresh_token="r")


def test_silent_token_endpoint() -> None:
    with Listener() as listener:
        url = f"http://127.0.0.1:{listener.port}"
    with pytest.raises(Retry) as caught:
        oauth.refresh(client_at(url), refresh_token="r")

    assert caught.value.reason.code == "unreachable"


@pytest.mark.parametrize("variable", ["AUTHORIZE_URL", "TOKEN_URL", "CLIENT_ID", "CLIENT_SECRET"])
def test_missing_variable_is_named(variable: str) -> None:
    with pytest.raises(BadSettings) as caught:
        client_at("https://vendor.example", **{f"ACME_{variable}": ""})

    assert caught.value.reason.params == {"variable": f"ACME_{variable}"}


def test_public_client_has_no_secret() -> None:
    client = client_at("https://vendor.example", ACME_CLIENT_AUTH="public", ACME_CLIENT_SECRET="", ACME_SCOPES="read:all")

    assert (client.auth, client.client_secret, client.scopes) == ("public", "", "read:all")


def test_unknown_way_to_prove_oneself_is_named() -> None:
    with pytest.raises(BadSettings) as caught:
        client_at("https://vendor.example", ACME_CLIENT_AUTH="handshake")

    assert caught.value.reason.params == {"variable": "ACME_CLIENT_AUTH"}
