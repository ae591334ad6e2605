"""Find requests in the history: by day, table, outcome, and by the key of a row that they brought or that they lacked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Literal

from django.db.models import Q, QuerySet

from accounts.models import Workspace
from crmsync.lib.periods import local_midnight
from crmsync.lib.text import strip_nul
from erp_history.domain.rows import rows_of
from erp_history.domain.sources import zone_of
from erp_history.domain.tables import TABLES, Table, split_key
from erp_history.models import ErpRequest

Outcome = Literal["", "taken", "rejected", "refused"]
MOST_DAYS = 7


def days_of(today: dt.date, first: dt.date | None, last: dt.date | None, *, kept: int = MOST_DAYS) -> tuple[dt.date, dt.date, bool]:
    """The range that can be shown: within the last days that are kept. Tells whether more was asked for."""
    oldest = today - dt.timedelta(days=min(kept, MOST_DAYS) - 1)
    begin, end = first or oldest, last or today
    shown = max(begin, oldest), min(end, today)
    return *shown, (begin, end) != shown


def search(
    workspace: Workspace, *, first: dt.date, last: dt.date, tables: Collection[str] = (), outcome: Outcome = "", key: str = ""
) -> QuerySet[ErpRequest]:
    """Requests of these local days, newest first. rejected: some rows were; refused: the whole request was."""
    zone = zone_of(workspace)
    since, until = local_midnight(first, zone), local_midnight(last + dt.timedelta(days=1), zone)
    found: QuerySet[ErpRequest] = ErpRequest.objects.filter(workspace=workspace, at__gte=since, at__lt=until)
    if tables:
        found = found.filter(table__in=list(tables))
    if outcome == "refused":
        found = found.filter(status__gte=400)
    elif outcome == "rejected":
        found = found.filter(rejected__gt=0)
    elif outcome == "taken":
        found = found.filter(status__lt=400, rejected=0)
    if key:
        found = found.filter(_with_key(workspace, strip_nul(key)[:200], tables or TABLES))
    return found.order_by("-id")


def _with_key(workspace: Workspace, key: str, tables: Collection[str]) -> Q:
    """The last request that changed a row of this key, and every one that named it in an error."""
    ids = [pk for name in tables if name in TABLES for pk in _changed_by(workspace, TABLES[name], key)]
    return Q(pk__in=ids) | Q(answer__errors__contains=[{"key": key}])


def _changed_by(workspace: Workspace, table: Table, key: str) -> list[int]:
    parts = split_key(table, key)
    return list(rows_of(workspace, table).filter(**parts).values_list("request_id", flat=True)) if parts else []
