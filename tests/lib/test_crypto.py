import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmsync.lib import crypto
from crmsync.lib.crypto import KeyRing, SecretError

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
RING = KeyRing({"old": OLD})
ENCODABLE = st.text(st.characters(exclude_categories=["Cs"]))


def entry(key_id: str, key: bytes) -> str:
    return f"{key_id}:{base64.b64encode(key).decode()}"


@given(ENCODABLE, ENCODABLE)
def test_round_trip(plain: str, aad: str) -> None:
    assert RING.decrypt(RING.encrypt(plain, aad), aad) == plain


@given(ENCODABLE, ENCODABLE, ENCODABLE)
def test_a_secret_moved_to_another_place_cannot_be_read(plain: str, aad: str, other: str) -> None:
    if aad != other:
        with pytest.raises(SecretError):
            RING.decrypt(RING.encrypt(plain, aad), other)


def test_format_and_fresh_nonce() -> None:
    first, second = RING.encrypt("token", "w1"), RING.encrypt("token", "w1")
    assert first.startswith("v1.old.")
    assert first != second
    assert "token" not in first


def test_rotation_reads_old_and_writes_new() -> None:
    both = KeyRing.from_env(f"{entry('new', NEW)}, {entry('old', OLD)}")
    old_secret = RING.encrypt("s", "a")
    assert both.decrypt(old_secret, "a") == "s"
    assert both.needs_rotation(old_secret)
    new_secret = both.encrypt(both.decrypt(old_secret, "a"), "a")
    assert not both.needs_rotation(new_secret)
    assert KeyRing({"new": NEW}).decrypt(new_secret, "a") == "s"
    assert both.current == "new"


def test_another_key_under_the_same_id_is_refused() -> None:
    with pytest.raises(SecretError, match="another key"):
        KeyRing({"old": NEW}).decrypt(RING.encrypt("s", "a"), "a")


def test_an_unknown_key_is_named() -> None:
    with pytest.raises(SecretError, match="'old'"):
        KeyRing({"new": NEW}).decrypt(RING.encrypt("s", "a"), "a")


def test_a_relabelled_token_is_refused() -> None:
    same_key = KeyRing({"old": OLD, "copy": OLD})
    with pytest.raises(SecretError):
        same_key.decrypt(RING.encrypt("s", "a").replace("v1.old.", "v1.copy."), "a")


@given(st.data())
def test_no_changed_character_goes_unnoticed(data: st.DataObject) -> None:
    token = RING.encrypt("secret", "a")
    position = data.draw(st.integers(min_value=len("v1.old."), max_value=len(token) - 2))
    changed = token[:position] + ("A" if token[position] != "A" else "B") + token[position + 1 :]
    with pytest.raises(SecretError):
        RING.decrypt(changed, "a")


@pytest.mark.parametrize(
    "token", ["", "x", "v1", "v1.old", "v1..abc", "v2.old.abcd", "v1.old.", "v1.old.AAAA", "v1.old.!!!", "v1.o ld.AAAA"]
)
def test_damaged_tokens(token: str) -> None:
    with pytest.raises(SecretError):
        RING.decrypt(token, "a")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "No encryption key"),
        (" , ", "No encryption key"),
        ("old", "0 bytes"),
        ("old:c2hvcnQ=", "5 bytes"),
        ("old:***", "not base64"),
        (f"{entry('a', OLD)},{entry('a', NEW)}", "twice"),
        (entry("", OLD), "needs an id"),
        (entry("a.b", OLD), "needs an id"),
    ],
)
def test_bad_key_settings(text: str, complaint: str) -> None:
    with pytest.raises(SecretError, match=complaint):
        KeyRing.from_env(text)


def test_nothing_shows_a_key() -> None:
    assert repr(KeyRing.from_env(entry("old", OLD))) == "KeyRing(old)"
    with pytest.raises(SecretError) as caught:
        KeyRing.from_env("old:c2hvcnQ=")
    assert "c2hvcnQ" not in str(caught.value)


def test_url_safe_keys_are_read_too() -> None:
    key = b"\xff" * 32
    ring = KeyRing.from_env(f"a:{base64.urlsafe_b64encode(key).decode().rstrip('=')}")
    assert ring.decrypt(KeyRing({"a": key}).encrypt("s", "x"), "x") == "s"


def test_new_key_fits() -> None:
    assert KeyRing.from_env(f"a:{crypto.new_key()}").current == "a"


@pytest.mark.parametrize(("secret", "shown"), [("abcdefghijkl", "ijkl"), ("short", ""), ("", "")])
def test_last4_never_shows_a_third_of_a_secret(secret: str, shown: str) -> None:
    assert crypto.last4(secret) == shown


def test_tokens() -> None:
    assert crypto.new_token() != crypto.new_token()
    assert len(crypto.new_token(16)) == 22
    assert crypto.digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert crypto.same("\u00e9", "\u00e9")
    assert not crypto.same("a", "b")


def test_api_token_splits_back() -> None:
    token = crypto.api_token()
    assert token.text == f"crm_{token.prefix}_{token.secret}"
    assert crypto.split_api_token(token.text) == (token.prefix, token.secret)


@pytest.mark.parametrize("text", ["", "crm_", "crm_abc_def", "abc_12345678_" + "a" * 43, "crm_12345678_" + "a" * 43 + "\n"])
def test_not_an_api_token(text: str) -> None:
    assert crypto.split_api_token(text) is None
