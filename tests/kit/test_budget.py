"""A budget kept within one process, and secrets that go where the manifest says."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from integrations.engine.capabilities import Budget, Place, SecretIn
from integrations.engine.errors import Retry
from integrations.kit.budget import BudgetPace
from integrations.kit.credentials import authorise_with
from integrations.kit.http import Exchange, Outgoing

BUDGET = Budget(10, failures=3, blocks=(60.0, 120.0, 300.0))


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def paced(clock: Clock, **settings: object) -> BudgetPace:
    return BudgetPace(BUDGET, settings, now=clock, sleep=clock.sleep)


def exchange(status: int | None) -> Exchange:
    return Exchange(datetime.now(UTC), "GET", "https://vendor.example/", status, 0.1)


def test_turns_beyond_the_share_are_left_to_the_caller() -> None:
    clock = Clock()
    pace = paced(clock)
    for _ in range(8):
        pace.wait()

    with pytest.raises(Retry) as caught:
        pace.wait()
    assert caught.value.after == 60
    clock.now += 55
    pace.wait()
    assert clock.now == 1060


def test_three_failures_close_the_door_for_ever_longer() -> None:
    clock = Clock()
    pace = paced(clock)
    for seconds in (60, 120, 300, 300):
        for status in (400, 500, 404):
            pace.wait()
            pace.note(exchange(status))
        with pytest.raises(Retry) as caught:
            pace.wait()
        assert caught.value.after == seconds
        clock.now += seconds


def test_success_forgets_failures_and_silence_counts_as_neither() -> None:
    pace = paced(Clock())
    for status in (500, 500, 200, 500, None, 429, 500):
        pace.note(exchange(status))

    pace.wait()


def test_secrets_go_where_the_manifest_says() -> None:
    request = Outgoing("GET", "/x", {}, {})
    places = (SecretIn(Place.QUERY, "token", secret="token"), SecretIn(Place.HEADER, "X-App", variable="APP_SECRET"))

    authorise_with(places, {"token": "t1"}.__getitem__, {"APP_SECRET": "a1"})(request)

    assert (request.params, request.headers) == ({"token": "t1"}, {"X-App": "a1"})
