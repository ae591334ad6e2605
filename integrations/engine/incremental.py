"""Which way a collection is read this time, and from where changes are read next time. No clock in here."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from datetime import datetime

from integrations.engine.capabilities import Incremental
from integrations.engine.types import Page

NIGHT_ENDS = 6  # o'clock, local


class Reading(enum.StrEnum):
    CHANGES = "changes"
    WHOLE = "whole"
    NOTHING = "nothing"  # changes cannot be read by themselves, and the whole is too much by day


@dataclass(frozen=True, slots=True)
class History:
    """What is known of earlier readings. `whole_calls`: how many calls the last whole reading took."""

    watermark: str = ""
    whole_at: datetime | None = None
    whole_calls: int = 0
    refused: bool = False  # the account refused the filter for changes


@dataclass(frozen=True, slots=True)
class Marks:
    """The watermark in the making, noted page by page; JSON-able, for the run's cursor."""

    latest: str = ""
    started: str = ""  # the vendor's clock at the first page

    @property
    def watermark(self) -> str:
        """The latest change seen, but not later than the beginning: what changed while we read on is read again."""
        return min(self.latest, self.started) if self.latest and self.started else self.latest


def reading(facts: Incremental, history: History, *, now: datetime, calls: int) -> Reading:
    """`now` in local time; `calls`: what may be spent in one cadence.

    A whole reading is due every `full_every`, put off to the night for at most once as long again. Where changes cannot be read,
    the whole is read each time while that takes no more than half of the calls.
    """
    age = now - history.whole_at if history.whole_at else None
    if age is None or age >= 2 * facts.full_every:
        return Reading.WHOLE
    if age >= facts.full_every / 2 and now.hour < NIGHT_ENDS:
        return Reading.WHOLE
    if not history.refused:
        return Reading.CHANGES if history.watermark else Reading.WHOLE
    return Reading.WHOLE if 2 * history.whole_calls <= calls else Reading.NOTHING


def noted(marks: Marks, page: Page) -> Marks:
    """Take one page's marks in."""
    return replace(marks, latest=max(marks.latest, page.watermark), started=marks.started or page.clock)
