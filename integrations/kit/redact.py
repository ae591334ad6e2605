"""Secrets do not leave the HTTP door: not into logs, not into recorded exchanges, not into error texts."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping

MASK = "•••"

# At DEBUG these write whole addresses and tokens.
for _name in ("requests_oauthlib", "oauthlib", "urllib3.connectionpool"):
    logging.getLogger(_name).setLevel(logging.INFO)

_SECRET_NAME = re.compile(
    r"authori[sz]ation|cookie|token|secret|password|passwd|api[-_]?key|credential|code_verifier|assertion|signature", re.IGNORECASE
)
# {"access_token": "..."}, also cut off in the middle of the value
_JSON = re.compile(
    r'("[^"\\]{0,60}(?:token|secret|password|passwd|api[-_]?key|authori[sz]ation|code_verifier)[^"\\]{0,60}"\s*:\s*")(?:[^"\\]|\\.)*',
    re.IGNORECASE,
)
# token=...&client_secret=..., `code` being the authorisation code
_FORM = re.compile(
    r"((?:^|[?&\s;,(])[\w.\-]{0,40}(?:token|secret|password|api[-_]?key|code_verifier|assertion)=)[^&\s\"'<>]+", re.IGNORECASE
)
_CODE = re.compile(r"((?:^|[?&])code=)[^&\s\"'<>]+", re.IGNORECASE)
_SCHEME = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=\-]{4,}", re.IGNORECASE)


# What all of the above need to be there; most texts have none of it.
_SUSPECT = re.compile(r"token|secret|passw|api[-_]?key|authori[sz]ation|code|assertion|bearer|basic", re.IGNORECASE)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Mask known secret values, and whatever looks like one."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    if not _SUSPECT.search(text):
        return text
    text = _JSON.sub(rf"\1{MASK}", text)
    text = _FORM.sub(rf"\1{MASK}", text)
    text = _CODE.sub(rf"\1{MASK}", text)
    return _SCHEME.sub(rf"\1 {MASK}", text)


def redact_headers(headers: Mapping[str, str], secrets: Iterable[str] = ()) -> dict[str, str]:
    """Mask headers that carry secrets by name; known secret values in all others."""
    known = list(secrets)
    return {name: MASK if _SECRET_NAME.search(name) else redact(value, known) for name, value in headers.items()}
