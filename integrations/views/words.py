"""What the rows of the synchroniser say to people: reasons, counters, durations."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from babel.dates import format_date
from django.utils import timezone, translation
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from crmsync.lib.locales import parse_locale
from crmsync.lib.periods import human_duration
from integrations.domain.transfer import SHOWS_FIRST, transferred
from integrations.engine import reasons
from integrations.engine.provider import Direction, Manifest, Mode
from integrations.engine.types import Reason
from integrations.enums import Outcome, Phase, RunKind, RunStatus
from integrations.models import Run

DIRECTIONS = {
    Direction.IN: ("arrow-left", _("Comes in only")),
    Direction.OUT: ("arrow-right", _("Goes out only")),
    Direction.BOTH: ("arrows-left-right", _("Both ways")),
}
FLOWS = {direction.value: text for direction, (_icon, text) in DIRECTIONS.items()} | {"off": _("Not in sync")}
MODES = {
    Mode.CRM_WINS: _("The value here wins"),
    Mode.REMOTE_WINS: _("Their value wins"),
    Mode.FILL_IF_EMPTY: _("Filled in when empty"),
    Mode.ASK: _("You are asked"),
}
OUTCOME_TONES = {
    Outcome.SUCCESS: "green",
    Outcome.PARTIAL: "amber",
    Outcome.FAILED: "red",
    Outcome.NEEDS_RECONNECT: "red",
    Outcome.NEEDS_DECISION: "amber",
    Outcome.CANCELLED: "gray",
}
PHASES = {Phase.FETCH: _("Reading"), Phase.APPLY: _("Writing"), Phase.SWEEP: _("Checking"), Phase.DONE: _("Finished")}


def reason_of(stored: Mapping[str, Any] | None) -> Reason | None:
    return Reason(stored["code"], stored.get("params") or {}) if stored and stored.get("code") else None


def sentence(stored: Mapping[str, Any] | None, *, vendor: str, **words: str) -> str:
    reason = reason_of(stored)
    return reasons.sentence(reason, gettext, vendor=vendor, **words) if reason else ""


def hint(stored: Mapping[str, Any] | None, *, vendor: str, **words: str) -> str:
    reason = reason_of(stored)
    return reasons.fix_hint(reason, gettext, vendor=vendor, **words) if reason else ""


def tone_of_run(run: Run) -> str:
    if not run.is_over:
        return "amber" if run.status == RunStatus.DECIDING else "blue"
    return OUTCOME_TONES.get(Outcome(run.outcome), "gray") if run.outcome else "gray"


def kind_of(run: Run) -> str:
    """A transfer is a sync that somebody asked for in other words."""
    records = manifest_text(transferred(run.connection)).lower() if run.cursor.get(SHOWS_FIRST) else ""
    return gettext("Transfer all %(records)s") % {"records": records} if records else run.get_kind_display()


def outcome_of(run: Run) -> str:
    return str(run.get_outcome_display() if run.is_over and run.outcome else run.get_status_display())


def duration(seconds: float | timedelta | None) -> str:
    if seconds is None:
        return ""
    length = seconds if isinstance(seconds, timedelta) else timedelta(seconds=seconds)
    return human_duration(length, translation.get_language() or "en")


def took(run: Run) -> str:
    if run.started_at is None:
        return ""
    return duration((run.finished_at or timezone.now()) - run.started_at)


def result_in_words(run: Run) -> str:
    """The figures that matter, trouble first: "12 updated", "1 waits for you, 238 new", "no contact changed"."""
    if run.kind == RunKind.MATCH:
        return ""
    counters = run.counters
    found = [words(counters.get(name, 0)) for name, words in RESULTS if counters.get(name)]
    if found or not run.is_over or run.outcome != Outcome.SUCCESS:
        return ", ".join(found[:2])
    # The counter says how many invoices were looked at, not how many were new: one may have been paid meanwhile.
    return gettext("no contact changed") if counters.get("invoices") else gettext("nothing to do")


RESULTS = (
    ("failed", lambda n: ngettext("%(n)s failed", "%(n)s failed", n) % {"n": n}),
    ("held", lambda n: ngettext("%(n)s waits for you", "%(n)s wait for you", n) % {"n": n}),
    ("created", lambda n: ngettext("%(n)s new", "%(n)s new", n) % {"n": n}),
    ("linked", lambda n: ngettext("%(n)s linked", "%(n)s linked", n) % {"n": n}),
    ("updated", lambda n: ngettext("%(n)s updated", "%(n)s updated", n) % {"n": n}),
    ("pushed", lambda n: ngettext("%(n)s sent", "%(n)s sent", n) % {"n": n}),
)
COUNTERS = (
    ("seen", pgettext_lazy("records", "Read")),
    ("created", _("New here")),
    ("linked", pgettext_lazy("records", "Linked")),
    ("updated", pgettext_lazy("records", "Updated")),
    ("unchanged", _("Unchanged")),
    ("held", _("Wait for you")),
    ("skipped", _("Left out")),
    ("failed", _("Failed")),
    ("pushed", _("Written there")),
    ("invoices", _("Invoices read")),
)
TONES = {"held": "amber", "failed": "red"}
ACTIONS = {
    "create": _("New contact"),
    "link": _("Linked"),
    "update": _("Updated"),
    "restore": _("Brought back"),
    "unchanged": _("Unchanged"),
    "hold": _("Waits for you"),
    "skip": _("Left out"),
    "fail": _("Failed"),
    "gone": _("Deleted there"),
    "push": _("Sent"),
    "start": _("Started"),
    "reading": _("Reads everything"),
    "end": _("Finished"),
    "wait": _("Waited"),
    "decide": _("Asks you"),
    "denied": _("Not allowed"),
    "careful": _("One by one"),
    "undo": _("Undone"),
    "remove": _("Moved to the trash"),
    "left": _("Left as it is"),
}


TITLES = {
    "two_here": _("More than one contact here fits"),
    "two_there": _("More than one record there fits"),
    "taken": _("The contact is linked to another record"),
    "perhaps_made_anew": _("Perhaps made anew there"),
    "still_held": _("Waits to be looked at again"),
    "conflict_ask": _("Changed on both sides"),
    "required_empty": _("Emptied here, needed there"),
    "in_doubt_many": _("Sent, and now more than one could be it"),
    "missing_fields": _("Something that %(vendor)s needs is missing"),
    "refused": _("Refused by %(vendor)s"),
    "too_long": _("Longer than fits here"),
    "no_name": _("No name there"),
    "bad_record": _("Cannot be read"),
    "undone": _("A sync was undone"),
}


def reason_title(code: str, *, vendor: str) -> str:
    """A reason without its record, for the card over all of its kind; "" when there is none."""
    return str(TITLES[code]) % {"vendor": vendor} if code in TITLES else ""


def action_label(action: str) -> str:
    return str(ACTIONS.get(action, action))


def counter_tiles(run: Run) -> list[tuple[int, Any, str]]:
    return [(run.counters.get(name, 0), label, TONES.get(name, "") if run.counters.get(name) else "") for name, label in COUNTERS]


def manifest_text(text: str) -> str:
    """A text of a manifest in the reader's language."""
    return gettext(text) if text else ""


def cadence(manifest: Manifest) -> str:
    return gettext("every %(time)s") % {"time": duration(manifest.cadence)}


def local_clock(moment: datetime) -> str:
    """16:04 today, otherwise with its day."""
    local = timezone.localtime(moment)
    clock = local.strftime("%H:%M")
    if local.date() == timezone.localdate():
        return clock
    day = format_date(local.date(), "d MMM", locale=parse_locale(translation.get_language() or "en"))
    return gettext("%(time)s on %(day)s") % {"time": clock, "day": day}
