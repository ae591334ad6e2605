"""Pacing within one process."""

import pytest

from integrations.engine.errors import Retry
from integrations.kit.limits import MinInterval, NoPace


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def paced(seconds: float) -> tuple[MinInterval, Clock]:
    clock = Clock()
    return MinInterval(seconds, patience=10, now=lambda: clock.now, sleep=clock.sleep), clock


def test_first_request_goes_at_once() -> None:
    pace, clock = paced(2)

    pace.wait()

    assert clock.slept == []


def test_requests_keep_their_distance() -> None:
    pace, clock = paced(2)

    for _ in range(3):
        pace.wait()

    assert clock.slept == [2, 2]


def test_time_that_passed_anyway_counts() -> None:
    pace, clock = paced(2)
    pace.wait()
    clock.now += 1.5

    pace.wait()

    assert clock.slept == [0.5]


def test_long_wait_is_left_to_the_caller_and_takes_no_turn() -> None:
    pace, clock = paced(1)
    pace.slow_down(30)

    for _ in range(2):
        with pytest.raises(Retry) as caught:
            pace.wait()
        assert caught.value.after == 30
    clock.now += 30
    pace.wait()

    assert clock.slept == []


def test_slow_down_never_hastens() -> None:
    pace, clock = paced(5)
    pace.wait()
    pace.slow_down(1)

    pace.wait()

    assert clock.slept == [5]


def test_no_pace() -> None:
    pace = NoPace()
    pace.slow_down(1000)
    pace.wait()
