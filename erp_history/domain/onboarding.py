"""Which of the twelve tables have arrived, and the business rule in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Max, Sum
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Workspace
from erp_history.domain.tables import TABLES, Table
from erp_history.models import ErpPending, ErpRequest, ErpSource, StoredRows


@dataclass(frozen=True, slots=True)
class Arrival:
    """What has come of one table. `rejected`: rows of the requests that are still kept; `waiting`: as of the last night."""

    table: Table
    rows: int
    last_at: dt.datetime | None
    rejected: int
    waiting: int

    @property
    def has_arrived(self) -> bool:
        return self.rows > 0


def checklist(workspace: Workspace, counted: Sequence[StoredRows]) -> list[Arrival]:
    """Every table in load order; two queries."""
    rows = {one.table: one for one in counted}
    requests = ErpRequest.objects.filter(workspace=workspace, status=200).values("table").order_by()
    told = {row["table"]: row for row in requests.annotate(bad=Sum("rejected"), last=Max("at"))}
    pending = ErpPending.objects.filter(workspace=workspace).values("table").order_by().annotate(number=Count("row_id", distinct=True))
    waiting = {row["table"]: row["number"] for row in pending}
    return [
        Arrival(
            table=table,
            rows=rows[table.name].live if table.name in rows else 0,
            last_at=told[table.name]["last"] if table.name in told else rows[table.name].last_at if table.name in rows else None,
            rejected=told[table.name]["bad"] if table.name in told else 0,
            waiting=waiting.get(table.name, 0),
        )
        for table in TABLES.values()
    ]


def rule_in_words(source: ErpSource) -> list[str]:
    """The business rule, made from the real settings: one sentence per step."""
    curve = {"months": source.abc_months, "a": _percent(source.abc_a), "b": _percent(source.abc_b)}
    days = {"new": source.new_days, "active": source.active_days, "risk": source.risk_days, "prospect": source.prospect_days}
    return [
        _("Companies and contacts are known by their ERP code, then by their tax id; what is ambiguous waits for a decision."),
        ngettext(
            "Revenue is the total of authorised sale invoices of the last month up to yesterday, less returns.",
            "Revenue is the total of authorised sale invoices of the last %(months)s months up to yesterday, less returns.",
            source.abc_months,
        )
        % curve,
        _("Companies are ordered by revenue. Class A: less than %(a)s %% of all revenue stands ahead of the company.") % curve,
        _("Class B: less than %(b)s %% stands ahead of it. Class C: the others. Without revenue there is no class.") % curve,
        _("Blocked: the ERP says blocked or inactive. New: first purchase within %(new)s days.") % days,
        _("Active: last purchase within %(active)s days, or within twice the usual interval, at most %(risk)s days.") % days,
        _("At risk: last purchase within %(risk)s days. Inactive: bought longer ago.") % days,
        _("Prospect: never bought, but an open quote or an activity within %(prospect)s days. Suspect: the others.") % days,
        _("The portfolio is that of the company's seller; companies without a seller are in the general portfolio."),
    ]


def _percent(value: Decimal) -> str:
    text = f"{value}"
    return str(number_format(Decimal(text.rstrip("0").rstrip(".") if "." in text else text)))
