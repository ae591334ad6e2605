"""Which requests of the history somebody asks for, in the list and in an export."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils import timezone

from accounts.middleware import WorkspaceRequest
from crmsync.lib.periods import local_day
from erp_history.domain.history import MOST_DAYS, days_of
from erp_history.domain.sources import source_of, zone_of
from erp_history.forms import HistoryForm


@dataclass(frozen=True, slots=True)
class Asked:
    """What is shown: the days that can be, and whether more was asked for."""

    form: HistoryForm
    first: dt.date
    last: dt.date
    oldest: dt.date
    days: int
    is_clipped: bool
    tables: list[str]
    outcome: Any
    key: str


def asked_of(request: WorkspaceRequest, data: QueryDict) -> Asked:
    """The filters of a list or of an export. What is wrong is said beside its field and left out."""
    form = HistoryForm(data)
    form.is_valid()
    given, kept = form.cleaned_data, source_of(request.workspace).retention_days
    today = local_day(timezone.now(), zone_of(request.workspace))
    first, last, is_clipped = days_of(today, given.get("first"), given.get("last"), kept=kept)
    days = min(kept, MOST_DAYS)
    if form.is_valid():
        form = HistoryForm({**given, "first": first, "last": last})  # the fields show what is shown
    return Asked(
        form=form,
        first=first,
        last=last,
        oldest=today - dt.timedelta(days=days - 1),
        days=days,
        is_clipped=is_clipped,
        tables=given.get("tables") or [],
        outcome=given.get("outcome") or "",
        key=given.get("key") or "",
    )
