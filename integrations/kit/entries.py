"""The entries of a vendor's list: records, and what stands among them and is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from integrations.engine.provider import gettext_noop
from integrations.engine.types import BadRecord, RawRecord, Reason


def split(entries: Sequence[Any], read: Callable[[Mapping[str, Any]], RawRecord | None]) -> tuple[list[RawRecord], list[BadRecord]]:
    """The records that `read` makes of a list's entries, and those entries that are none, each named by its place."""
    records: list[RawRecord] = []
    bad: list[BadRecord] = []
    for position, entry in enumerate(entries):
        record = read(entry) if isinstance(entry, dict) else None
        if record is not None:
            records.append(record)
        else:
            bad.append(bad_record(position, entry))
    return records, bad


def bad_record(position: int, entry: Any) -> BadRecord:
    """An entry without an id, or no object at all; places are counted from 0, people read them from 1."""
    problem = gettext_noop("it has no id") if isinstance(entry, dict) else gettext_noop("it is no object")
    return BadRecord(position, Reason("bad_record", {"problem": problem, "position": str(position + 1)}))
