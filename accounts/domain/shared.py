"""Redis as all processes share it. Whoever asks it must be right without an answer, too."""

from __future__ import annotations

from functools import cache

from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError


def client() -> Redis:
    return _client(settings.REDIS_URL)


def key(name: str) -> str:
    """A name that no other installation uses."""
    return f"{settings.REDIS_PREFIX}{name}"


def first_within(name: str, *, milliseconds: int) -> bool:
    """Whether nobody asked this within that time. Without Redis everybody is the first."""
    try:
        return bool(client().set(key(name), 1, nx=True, px=milliseconds))
    except RedisError:
        return True


def counted(name: str, *, seconds: int) -> int:
    """How often this was asked since the count began; it ends by itself. 0 without Redis."""
    try:
        with client().pipeline(transaction=False) as steps:
            steps.set(key(name), 0, nx=True, ex=seconds)
            steps.incr(key(name))
            return int(steps.execute()[1])
    except RedisError:
        return 0


@cache
def _client(url: str) -> Redis:
    return Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
