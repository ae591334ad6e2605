"""The way to a vendor's grant page and back."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest

from integrations.engine.capabilities import GrantToken
from integrations.engine.errors import BadSettings, SkipRecord
from integrations.kit.grant import clean_token, grant_url, granted, must_be_configured

GRANT = GrantToken(
    secret="grant_token",
    url="https://vendor.example/grant?locale=da",
    url_variable="VENDOR_GRANT_URL",
    app="VENDOR_APP",
    app_parameter="app",
    return_parameter="back",
    token_parameter="token",
    shared="VENDOR_SECRET",
)


def query(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def test_address_keeps_its_own_query() -> None:
    url = grant_url(GRANT, {"VENDOR_APP": " ours "}, return_to="https://crm.example/back/abc/?x=1&y=2")

    assert url.startswith("https://vendor.example/grant?")
    assert query(url) == {"locale": "da", "app": "ours", "back": "https://crm.example/back/abc/?x=1&y=2"}


def test_address_from_the_environment() -> None:
    url = grant_url(
        GRANT, {"VENDOR_APP": "ours", "VENDOR_GRANT_URL": "http://127.0.0.1:9000/g?app=other&z="}, return_to="https://crm.example/"
    )

    assert query(url) == {"app": "ours", "back": "https://crm.example/"}
    assert url.startswith("http://127.0.0.1:9000/g?z=&")


@pytest.mark.parametrize(
    ("env", "variable"),
    [
        ({}, "VENDOR_APP"),
        ({"VENDOR_APP": " "}, "VENDOR_APP"),
        ({"VENDOR_APP": "a", "VENDOR_GRANT_URL": "javascript:alert(1)"}, "VENDOR_GRANT_URL"),
        ({"VENDOR_APP": "a", "VENDOR_GRANT_URL": "/grant"}, "VENDOR_GRANT_URL"),
    ],
)
def test_what_the_server_lacks_is_named(env: dict[str, str], variable: str) -> None:
    with pytest.raises(BadSettings) as caught:
        grant_url(GRANT, env, return_to="https://crm.example/")

    assert caught.value.reason.params == {"variable": variable}


def test_secret_of_the_app() -> None:
    must_be_configured(GRANT, {"VENDOR_SECRET": "x"})
    with pytest.raises(BadSettings):
        must_be_configured(GRANT, {"VENDOR_SECRET": ""})


def test_token_comes_back() -> None:
    assert granted(GRANT, {"token": " abc-123_. \n"}) == "abc-123_."


@pytest.mark.parametrize("text", ["", "  ", "abc", "a b c d", "abcd\nX-Evil: 1", "æøå-æøå", "x" * 501])
def test_what_is_no_token(text: str) -> None:
    with pytest.raises(SkipRecord) as caught:
        clean_token(text)

    assert text.strip() == "" or text.strip() not in str(caught.value)
