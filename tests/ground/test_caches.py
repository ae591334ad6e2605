from __future__ import annotations

import re
import uuid

from django.conf import settings
from django.core.cache import cache
from redis import Redis

from crmsync.embedded import ROOT
from tests.caches import forget_cached


def test_what_another_run_has_cached_stays() -> None:
    other = f"test-{uuid.uuid4().hex}::1:kept"
    with Redis.from_url(settings.REDIS_URL) as client:
        client.set(other, "x", ex=60)
        cache.set("ours", "x")
        forget_cached()
        assert (cache.get("ours"), client.get(other)) == (None, b"x")
        client.delete(other)


def test_no_test_flushes_what_all_share() -> None:
    flushing = re.compile(r"\bcache\.clear\(\)")
    files = [path for path in (ROOT / "tests").rglob("*.py") if path.name != "test_caches.py"]
    assert [str(path) for path in files if flushing.search(path.read_text(encoding="utf-8"))] == []
