"""Rows of the twelve tables as the API and exports show them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from accounts.models import Workspace
from erp_history.domain.tables import Table
from erp_history.models import ErpRow


def rows_of(workspace: Workspace, table: Table) -> QuerySet[ErpRow]:
    return table.model.objects.filter(workspace=workspace)


def row_json(table: Table, row: ErpRow) -> dict[str, Any]:
    """A row with the columns of the contract, as they were sent, and what became of it here."""
    shown = {name: plain(getattr(row, name)) for name in table.names}
    return {"key": row.key, **shown, "received_at": row.received_at, "gone_at": row.gone_at}


def rows_json(table: Table, rows: Iterable[ErpRow]) -> list[dict[str, Any]]:
    return [row_json(table, row) for row in rows]


def plain(value: Any) -> Any:
    """Amounts as text with at least two decimals, days as text."""
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value.isoformat()
    return value


def decimal_text(value: Decimal) -> str:
    whole, _dot, places = f"{value:f}".partition(".")
    return f"{whole}.{places.rstrip('0').ljust(2, '0')}"
