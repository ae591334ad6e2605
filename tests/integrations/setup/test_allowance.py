"""A budget that all workers share: turns, rests, growing blocks, quiet hours, and the time without Redis."""

from __future__ import annotations

import secrets
import threading
from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import Settings

from integrations.domain.allowance import SharedBudget
from integrations.domain.pace import SharedPace
from integrations.engine.capabilities import Budget
from integrations.engine.errors import Retry
from integrations.kit.http import Exchange

TEN = Budget(10, share=0.8, setting="requests_per_minute", quiet_setting="quiet_hours", failures=3, blocks=(60.0, 120.0, 300.0))


@pytest.fixture
def owner() -> str:
    return secrets.token_hex(6)


def pace(owner: str, *, budget: Budget = TEN, patience: float = 0.5, zone: str = "UTC", **settings: object) -> SharedBudget:
    return SharedBudget(owner, budget, settings, zone=zone, patience=patience)


def answered(status: int | None) -> Exchange:
    return Exchange(datetime.now(UTC), "GET", "https://vendor.example/", status, 0.1)


def refused(shared: SharedBudget) -> Retry:
    with pytest.raises(Retry) as caught:
        shared.wait()
    return caught.value


def test_workers_share_the_turns_and_the_next_one_says_when_it_comes(owner: str) -> None:
    one, other = pace(owner), pace(owner)
    for _ in range(4):
        one.wait()
        other.wait()
    late = refused(one)
    assert late.reason.code == "rate_limited"
    assert late.after is not None
    assert 50 < late.after <= 60
    assert refused(other).after == pytest.approx(late.after, abs=2), "a turn that was refused is not taken"


def test_the_setting_of_the_connection_decides_how_many(owner: str) -> None:
    generous = pace(owner, requests_per_minute=50)
    for _ in range(40):
        generous.wait()
    refused(generous)


def test_many_threads_at_once_never_take_more_than_there_are(owner: str) -> None:
    """The heart of it: taking a turn is one step in Redis."""
    taken: list[bool] = []

    def take() -> None:
        shared = pace(owner)
        for _ in range(5):
            try:
                shared.wait()
            except Retry:
                continue
            taken.append(True)

    threads = [threading.Thread(target=take) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 8


def test_a_turn_that_is_near_is_waited_for(owner: str) -> None:
    quick = Budget(2, per=0.4, share=1.0)
    shared = pace(owner, budget=quick)
    before = datetime.now(UTC)
    for _ in range(5):
        shared.wait()
    assert datetime.now(UTC) - before > timedelta(seconds=0.7)


def test_a_rest_closes_the_door_for_everybody_and_a_shorter_one_does_not_open_it(owner: str) -> None:
    one, other = pace(owner), pace(owner)
    one.slow_down(90)
    one.slow_down(2)
    after = refused(other).after
    assert after is not None
    assert 85 < after <= 90


def test_failures_in_a_row_of_all_workers_close_it_for_longer_each_time(owner: str) -> None:
    one, other = pace(owner), pace(owner)
    for status in (500, 404, None, 429):
        one.note(answered(status))
    one.wait()
    other.note(answered(500))
    assert 55 < (refused(one).after or 0) <= 60
    for _ in range(3):
        other.note(answered(503))
    assert 115 < (refused(one).after or 0) <= 120


def test_an_answer_that_is_one_starts_the_count_anew(owner: str) -> None:
    shared = pace(owner)
    for status in (500, 500, 200, 500, 500):
        shared.note(answered(status))
    shared.wait()


def test_quiet_hours_are_those_of_the_workspace(owner: str) -> None:
    now = datetime.now(UTC)
    hours = f"{now - timedelta(hours=1):%H:%M}-{now + timedelta(hours=1):%H:%M}"
    quiet = refused(pace(owner, quiet_hours=hours))
    assert quiet.reason.code == "quiet_hours"
    assert 3500 < (quiet.after or 0) <= 3600
    pace(owner, quiet_hours=hours, zone="Asia/Tokyo").wait()


def test_without_redis_each_process_keeps_the_budget_for_itself(owner: str, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    one, other = pace(owner), pace(owner)
    for _ in range(4):
        one.wait()
        other.wait()
    assert 50 < (refused(one).after or 0) <= 60
    other.note(answered(500))
    other.slow_down(100)
    assert 90 < (refused(one).after or 0) <= 100


def test_a_vendor_without_a_budget_rests_as_long_as_any_worker_was_asked_to(owner: str) -> None:
    one, other = SharedPace(owner), SharedPace(owner)
    one.slow_down(90)
    other.slow_down(2)
    with pytest.raises(Retry) as caught:
        SharedPace(owner).wait()
    assert 85 < (caught.value.after or 0) <= 90
