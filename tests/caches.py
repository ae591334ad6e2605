"""The cache of this run. Runs beside one another share a Redis, so nothing is flushed."""

from __future__ import annotations

from django.conf import settings
from django.core.cache import cache
from redis import Redis


def forget_cached() -> None:
    """Take away what this run has cached: its keys begin with its prefix (see conftest)."""
    with Redis.from_url(settings.REDIS_URL) as client:
        keys = list(client.scan_iter(match=f"{cache.make_key('')}*", count=1000))
        if keys:
            client.delete(*keys)
