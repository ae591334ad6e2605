"""A record's version where the vendor has none."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

import orjson


def fingerprint(body: Any) -> str:
    """Digest of a JSON value: equal for equal content, whatever the order of its keys."""
    return blake2b(orjson.dumps(body, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()


def digest_of(raw: bytes) -> str:
    """Digest of an answer as it came."""
    return blake2b(raw, digest_size=16).hexdigest()


def digest(words: Iterable[str]) -> str:
    """Short digest of a sequence of words, for loop detection."""
    return blake2b("\x1f".join(words).encode(errors="surrogatepass"), digest_size=8).hexdigest()
