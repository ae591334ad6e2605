"""Which way a collection is read, and from where on next time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from integrations.engine.capabilities import Incremental
from integrations.engine.incremental import History, Marks, Reading, noted, reading
from integrations.engine.types import Page

FACTS = Incremental(overlap=timedelta(minutes=15))
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
NIGHT = datetime(2026, 11, 21, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("watermark", "age", "now", "wanted"),
    [
        ("", None, NOON, "whole"),
        ("w", None, NOON, "whole"),
        ("w", 1 * HOUR, NOON, "changes"),
        ("w", 1 * HOUR, NIGHT, "changes"),
        ("w", 11 * HOUR, NIGHT, "changes"),
        ("w", 13 * HOUR, NIGHT, "whole"),
        ("w", 13 * HOUR, NOON, "changes"),
        ("w", 30 * HOUR, NOON, "changes"),
        ("w", 48 * HOUR, NOON, "whole"),
        ("", 1 * HOUR, NOON, "whole"),
    ],
)
def test_reading_where_changes_can_be_read(watermark: str, age: timedelta | None, now: datetime, wanted: str) -> None:
    history = History(watermark, now - age if age else None, whole_calls=500)

    assert reading(FACTS, history, now=now, calls=240) == Reading(wanted)


@pytest.mark.parametrize(
    ("whole_calls", "age", "now", "wanted"),
    [
        (3, 1 * HOUR, NOON, "whole"),
        (120, 1 * HOUR, NOON, "whole"),
        (121, 1 * HOUR, NOON, "nothing"),
        (121, 1 * HOUR, NIGHT, "nothing"),
        (121, 13 * HOUR, NIGHT, "whole"),
        (121, 47 * HOUR, NOON, "nothing"),
        (121, 48 * HOUR, NOON, "whole"),
    ],
)
def test_reading_where_the_filter_was_refused(whole_calls: int, age: timedelta, now: datetime, wanted: str) -> None:
    history = History("w", now - age, whole_calls=whole_calls, refused=True)

    assert reading(FACTS, history, now=now, calls=240) == Reading(wanted)


def page(watermark: str, clock: str) -> Page:
    return Page((), None, 0, watermark=watermark, clock=clock)


def test_watermark_is_the_latest_change_seen() -> None:
    marks = noted(noted(Marks(), page("05", "09")), page("03", "10"))

    assert marks == Marks("05", "09")
    assert marks.watermark == "05"


def test_change_made_while_reading_is_read_again() -> None:
    assert noted(noted(Marks(), page("05", "09")), page("11", "12")).watermark == "09"


def test_vendor_without_a_clock_is_taken_at_its_word() -> None:
    assert noted(Marks(), page("05", "")).watermark == "05"
    assert noted(Marks(), page("", "09")).watermark == ""
