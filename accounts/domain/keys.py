from __future__ import annotations

from functools import cache

from django.conf import settings

from crmsync.lib.crypto import KeyRing


@cache
def key_ring() -> KeyRing:
    """What all secrets in the database are encrypted with."""
    return KeyRing.from_env(settings.FIELD_KEYS)
