"""Secrets at rest: an AES-256-GCM key ring, and tokens of which only the digest is kept."""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION = "v1"
KEY_BYTES = 32
NONCE_BYTES = 12
KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")


class SecretError(ValueError):
    """A secret cannot be read: wrong key, wrong place, or damaged. The text never holds key or secret."""


class ApiToken(NamedTuple):
    """`prefix` is shown, `digest(secret)` is kept, `text` is given out once."""

    prefix: str
    secret: str
    text: str


class KeyRing:
    """Encrypts with the first key, decrypts with any of them."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        if not keys:
            raise SecretError("No encryption key is set.")
        for key_id, key in keys.items():
            _check_key(key_id, key)
        self._current = next(iter(keys))
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self._ciphers)})"

    @classmethod
    def from_env(cls, text: str) -> "KeyRing":
        """Read "id:base64key,id2:base64key"; the first key is the current one."""
        keys: dict[str, bytes] = {}
        for entry in filter(None, (part.strip() for part in text.split(","))):
            key_id, _, encoded = entry.partition(":")
            if key_id in keys:
                raise SecretError(f"The encryption key {key_id!r} is set twice.")
            keys[key_id] = _decode(encoded, "An encryption key is not base64.")
        return cls(keys)

    @property
    def current(self) -> str:
        """The id of the key that encrypts."""
        return self._current

    def encrypt(self, plain: str, aad: str) -> str:
        """Encrypt so that only the place named by `aad` (workspace, table, row, field) can read it back."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = self._ciphers[self._current].encrypt(nonce, plain.encode(), _bound(self._current, aad))
        return f"{VERSION}.{self._current}.{_encode(nonce + sealed)}"

    def decrypt(self, token: str, aad: str) -> str:
        """Read a secret back, or raise SecretError."""
        key_id, body = _parts(token)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise SecretError(f"The encryption key {key_id!r} of this secret is not set.")
        blob = _decode(body, "The secret is damaged.")
        try:
            return cipher.decrypt(blob[:NONCE_BYTES], blob[NONCE_BYTES:], _bound(key_id, aad)).decode()
        except (InvalidTag, ValueError) as error:
            raise SecretError("The secret was encrypted with another key, for another place, or is damaged.") from error

    def needs_rotation(self, token: str) -> bool:
        """Tell whether the secret was encrypted with another than the current key."""
        return _parts(token)[0] != self._current


def is_sealed(text: str) -> bool:
    """Tell whether a key ring has written this; for places that held the plain text before (which must have no dots)."""
    return text.startswith(f"{VERSION}.")


def new_key() -> str:
    """Make a base64 key for FIELD_KEYS."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def last4(secret: str) -> str:
    """Give the last four characters of a secret that is long enough to show them, else nothing."""
    return secret[-4:] if len(secret) >= 12 else ""


def new_token(nbytes: int = 32) -> str:
    """Make an unguessable token, safe in a URL."""
    return secrets.token_urlsafe(nbytes)


def digest(token: str) -> str:
    """Hash a random token for keeping: SHA-256 in hex. Not for passwords."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def same(left: str, right: str) -> bool:
    """Compare two secrets or digests in constant time."""
    return hmac.compare_digest(left.encode(errors="surrogatepass"), right.encode(errors="surrogatepass"))


def api_token() -> ApiToken:
    """Make an API token `crm_<prefix>_<secret>`."""
    prefix, secret = secrets.token_hex(4), new_token()
    return ApiToken(prefix=prefix, secret=secret, text=f"crm_{prefix}_{secret}")


def split_api_token(text: str) -> tuple[str, str] | None:
    """Take (prefix, secret) from an API token; None when it is not one."""
    found = re.fullmatch(r"crm_([0-9a-f]{8})_([A-Za-z0-9_-]{43})", text, re.ASCII)
    return (found[1], found[2]) if found else None


def _check_key(key_id: str, key: bytes) -> None:
    if not KEY_ID.fullmatch(key_id):
        raise SecretError("An encryption key needs an id of letters, digits, - and _: id:base64key.")
    if len(key) != KEY_BYTES:
        raise SecretError(f"The encryption key {key_id!r} has {len(key)} bytes, it needs {KEY_BYTES}.")


def _parts(token: str) -> tuple[str, str]:
    version, _, rest = token.partition(".")
    key_id, dot, body = rest.partition(".")
    if version != VERSION or not dot or not KEY_ID.fullmatch(key_id):
        raise SecretError("This is no encrypted secret.")
    return key_id, body


def _bound(key_id: str, aad: str) -> bytes:
    # Version and key id are authenticated too, so a token cannot be relabelled.
    return f"{VERSION}.{key_id}.{aad}".encode()


def _encode(blob: bytes) -> str:
    return base64.urlsafe_b64encode(blob).rstrip(b"=").decode()


def _decode(text: str, complaint: str) -> bytes:
    """Read standard or URL-safe base64, with or without padding."""
    plain = text.strip().rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SecretError(complaint) from error
