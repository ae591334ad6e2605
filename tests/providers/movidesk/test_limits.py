"""Movidesk's limits, met from our side: the budget is kept, blocks are left to the caller, and the day's work fits."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from integrations.engine.budget import allowed
from integrations.engine.errors import ProviderError, Retry
from integrations.engine.types import Base, Kind, Party, Ref
from integrations.kit.budget import BudgetPace
from integrations.providers.movidesk import sandbox, sandbox_desk
from integrations.providers.movidesk.client import MANY
from integrations.providers.movidesk.provider import MANIFEST, Movidesk
from integrations.providers.movidesk.records import COMPANY, PERSON
from tests.providers.movidesk.desks import connected, everything, helpdesk

BUDGET = MANIFEST.budget
KNOWN = Ref(PERSON, "300000001")
NOTHING_NEW = 3  # calls of a cycle that finds no change
assert BUDGET is not None


@dataclass
class Clock:
    """One clock for both sides: sleeping moves it."""

    seconds: float = 1_800_000_000.0
    waits: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def patient(self, call: Any) -> Any:
        """Call until it works, coming back when we are told to."""
        while True:
            try:
                return call()
            except Retry as error:
                self.waits.append(error.after or 0.0)
                self.sleep(error.after or 0.0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    shared = Clock()

    def now() -> Any:
        return sandbox_desk.datetime.fromtimestamp(shared.seconds, sandbox_desk.UTC)

    monkeypatch.setattr(sandbox, "now", now)
    monkeypatch.setattr(sandbox_desk, "now", now)
    return shared


def pace_of(clock: Clock, **settings: Any) -> BudgetPace:
    assert BUDGET is not None
    return BudgetPace(BUDGET, settings, now=clock, sleep=clock.sleep)


def test_our_share_never_meets_their_limit(clock: Clock) -> None:
    with helpdesk(clients=2, per_minute=10) as desk:
        provider = connected(desk, pace=pace_of(clock))
        started = clock()
        for _ in range(80):
            clock.patient(lambda: provider.get(KNOWN))

        assert {entry["status"] for entry in desk.log()} == {200}
        assert 9 * 60 <= clock() - started <= 10 * 60


def test_their_limit_says_when_to_come_back(clock: Clock) -> None:
    with helpdesk(clients=2, per_minute=10) as desk:
        provider = connected(desk)
        for _ in range(10):
            provider.get(KNOWN)
        with pytest.raises(Retry) as caught:
            provider.get(KNOWN)

    assert caught.value.reason.code == "rate_limited"
    assert caught.value.after == 60


def test_their_blocks_grow(clock: Clock) -> None:
    with helpdesk(clients=2, failure_blocks="all") as desk:
        provider = connected(desk)
        for seconds in (60, 120, 300, 300):
            for _ in range(3):
                with pytest.raises(ProviderError):
                    provider.get(Ref(COMPANY, "nobody"))
            with pytest.raises(Retry) as caught:
                provider.get(KNOWN)
            assert caught.value.after == seconds
            clock.sleep(seconds)


def test_door_is_closed_by_ourselves_before_they_close_it(clock: Clock) -> None:
    with helpdesk(clients=2, failure_blocks="all") as desk:
        provider = connected(desk, pace=pace_of(clock))
        for _ in range(3):
            with pytest.raises(ProviderError):
                provider.get(Ref(COMPANY, "nobody"))
        with pytest.raises(Retry) as caught:
            provider.get(KNOWN)

        assert caught.value.after == 60
        assert len(desk.log()) == 3


def test_every_message_of_a_block_names_its_end(clock: Clock) -> None:
    with helpdesk(clients=2, per_minute=10) as desk:
        provider = connected(desk, pace=pace_of(clock))
        for _ in range(30):
            clock.patient(lambda: provider.get(KNOWN))

    assert clock.waits
    assert all(0 < seconds <= 60 for seconds in clock.waits)


def changed_contact(provider: Movidesk, raw: Any) -> None:
    party = Party(Kind.PERSON, {**provider.remote(raw).party.fields, "notes": "new"}, contact_id=1)
    provider.update_agreed(raw, {"notes": "new"}, party, agreed=Base({}, {}))


def test_250_changes_fit_into_half_an_hour_of_their_limit() -> None:
    """One call for every change, one for every 25 to read, and those that look for changes there: within what Movidesk allows.

    Our share of it, four fifths, takes 33 minutes for them.
    """
    with helpdesk(clients=130) as desk:
        provider = connected(desk)
        refs = [raw.ref for raw in everything(provider, "people")][:250]
        desk.control(clear_log=True)
        for start in range(0, len(refs), MANY):
            for raw in provider.get_many(refs[start : start + MANY]).values():
                changed_contact(provider, raw)
        calls = len(desk.log())

    assert len(refs) == 250
    assert calls == 260
    assert BUDGET is not None
    assert calls + NOTHING_NEW <= BUDGET.calls * MANIFEST.cadence / timedelta(seconds=BUDGET.per)
    assert allowed(BUDGET, {}) == 8, "others may share the token"
