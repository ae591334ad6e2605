"""The pace follows the bucket that every answer tells of."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from integrations.engine.errors import ProviderError, Retry
from integrations.kit.http import Http
from integrations.kit.vendor import as_json
from integrations.providers.economic.manifest import MANIFEST
from tests.kit.servers import serving
from tests.providers.economic.samples import opened, sandbox
from tests.sandboxes import Sandbox

__all__ = ["sandbox"]


@pytest.mark.parametrize(("used", "seconds"), [(0, 0), (8000, 0), (8500, 3), (10000, 12)])
def test_pace_by_the_bucket(used: int, seconds: float) -> None:
    assert MANIFEST.rest_after
    assert MANIFEST.rest_after({"X-RateLimiting": f"token-limit-10000-per-60-seconds: {used}/10000"}) == pytest.approx(seconds)


@pytest.mark.parametrize("header", ["", "x", "token-limit-0-per-60-seconds: 5/0", "token-limit-ten-per-60-seconds: 5/10"])
def test_pace_without_a_bucket(header: str) -> None:
    assert MANIFEST.rest_after
    assert MANIFEST.rest_after({"X-RateLimiting": header}) == 0


def test_empty_bucket_is_a_wait(sandbox: Sandbox) -> None:
    provider = opened(sandbox)
    sandbox.control(switches={"limit": 6, "window": 3600})
    assert provider.page("customers", None).records
    assert provider.page("customers", None).records
    with pytest.raises(Retry) as caught:
        provider.page("customers", None)

    assert caught.value.reason.code == "rate_limited"
    assert caught.value.after == 3600


class Noted:
    """A pace that only remembers."""

    def __init__(self) -> None:
        self.rests: list[float] = []

    def wait(self) -> None:
        return

    def slow_down(self, seconds: float) -> None:
        self.rests.append(seconds)


@pytest.mark.parametrize(("status", "after", "rest"), [(200, "", 6.0), (404, "", 6.0), (429, "20", 20.0), (429, "2", 6.0)])
def test_every_answer_is_heeded(status: int, after: str, rest: float) -> None:
    told = {"X_RateLimiting": "token-limit-10000-per-60-seconds: 9000/10000", "Retry_After": after or "0"}
    pace = Noted()
    with serving(as_json({}, status, **told)) as (_, url):
        http = Http(url, pace=pace, rest_after=MANIFEST.rest_after, allow_private=True, attempts=1)
        with nullcontext() if status == 200 else pytest.raises(ProviderError):
            http.get("/x")

    assert pace.rests == [pytest.approx(rest)]
