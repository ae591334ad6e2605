"""The log of a run: codes and values are kept, the words are made for whoever reads them, in their language."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from crmsync.lib.periods import human_duration
from erp_history.enums import Grouping

# A number stands behind its words: "1 rows" reads wrong, and plurals differ by language.
SENTENCES: Mapping[str, str | Promise] = {
    "api": _("Data come in through the API."),
    "view_absent": _("%(view)s is not there"),
    "view_read": _("%(view)s: rows read %(rows)s"),
    "waiting": _("%(field)s: %(waiting)s waiting for their %(parent)s, %(resolved)s found"),
    "figures": _("Companies: %(companies)s, with other figures than before: %(written)s"),
    "curve": _("%(grouping)s: lines %(lines)s, written %(written)s, gone %(gone)s"),
    "classes": _("Companies that changed their class: %(moved)s"),
    "categories": _("Companies that changed their category: %(moved)s of %(companies)s"),
    "portfolios": _("Companies that changed their portfolio: %(moved)s of %(companies)s"),
    "done": _("Rows: %(rows)s, in %(time)s"),
    "done_before": _("done in run %(run)s"),
}
COUNTED = "counted"
COUNTERS: Mapping[str, str | Promise] = {
    "created": pgettext_lazy("counted", "new"),
    "updated": pgettext_lazy("counted", "changed"),
    "linked": pgettext_lazy("counted", "linked"),
    "held": _("waiting for a decision"),
    "changed": pgettext_lazy("counted", "changed"),
    "inserted": _("inserted"),
    "unchanged": pgettext_lazy("counted", "unchanged"),
    "rejected": _("rejected"),
    "closed": pgettext_lazy("counted", "closed"),
    "waiting": _("waiting for the row they belong to"),
    "resolved": _("have found the row they belong to"),
    "moved": pgettext_lazy("counted", "moved"),
    "figures": _("with new figures"),
    "gone": pgettext_lazy("counted", "gone"),
}


def line(code: str, values: Mapping[str, Any], *, at: dt.datetime) -> dict[str, Any]:
    """A line as it is kept."""
    return {"at": at.isoformat(timespec="seconds"), "code": code, "values": dict(values)}


def words_of(kept: Mapping[str, Any]) -> str:
    """What a line says; those of runs before there were codes say it themselves."""
    code, values = kept.get("code", ""), kept.get("values") or {}
    if code == COUNTED:
        counted = (f"{label}: {_shown(values[name])}" for name, label in COUNTERS.items() if values.get(name))
        return ", ".join(counted) or gettext("nothing to do")
    sentence = SENTENCES.get(code)
    if sentence is None:
        return str(kept.get("text", code))
    if "seconds" in values:
        values = {**values, "time": _time(values["seconds"])}
    return str(sentence) % {name: _named(name, value) for name, value in values.items()}


def _named(name: str, value: Any) -> str:
    if name == "grouping" and value in Grouping:
        return str(Grouping(value).label)
    return _shown(value)


def _time(seconds: float) -> str:
    return human_duration(dt.timedelta(seconds=seconds), get_language() or "en")


def _shown(value: Any) -> str:
    return str(number_format(value, force_grouping=True)) if isinstance(value, int | float) else str(value)
