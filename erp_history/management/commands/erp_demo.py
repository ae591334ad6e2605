"""Fill the demo workspace with a year of ERP data, through the endpoints that an ERP uses, and let its nights run."""

from __future__ import annotations

import contextlib
import datetime as dt
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.utils import timezone

from accounts.enums import Role
from accounts.models import Membership, Workspace
from accounts.scoping import workspace_tx
from crmsync.commands import JsonCommand
from crmsync.lib.periods import local_day, local_midnight
from erp_history.domain import night
from erp_history.domain.sample import Row, Sample, batches
from erp_history.domain.sources import source_of, zone_of
from erp_history.enums import Deployment, Outcome
from erp_history.management.commands.erp_sample import Server, erp_token, push
from erp_history.models import ErpRun, ErpSource
from integrations.domain import demo

COMPANIES, MONTHS = 150, 12
NIGHTS = (120, 28, 0)  # days before today: so that classes and categories have a history


class Command(JsonCommand):
    help = "Fill the demo workspace with a year of ERP data and run its nights. Doing it again changes nothing."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--url", default="", help="address of the server (default: PUBLIC_URL)")
        parser.add_argument(
            "--companies", metavar="N", type=int, default=COMPANIES, help=f"customers of the distributor (default {COMPANIES})"
        )

    def run(self, *, url: str, companies: int, **_options: Any) -> dict[str, Any]:
        if settings.PRODUCTION:
            raise CommandError("The demo is made up: not in production.")
        workspace = demo.lay_out().workspace
        with workspace_tx(workspace):
            if ErpSource.objects.filter(workspace=workspace).exclude(deployment=Deployment.NOT_STARTED).exists():
                return {"workspace": workspace.slug, "made": False}
        today = local_day(timezone.now(), zone_of(workspace))
        sample = Sample(companies=companies, months=MONTHS, today=today)
        owner = Membership.objects.select_related("workspace", "user").get(workspace=workspace, role=Role.OWNER)
        with contextlib.closing(Server(url or settings.PUBLIC_URL, token=erp_token(owner))) as server:
            told = push(server, _own_sellers(workspace, batches(sample)))
        _settle(workspace)
        for days in NIGHTS:
            _night(workspace, today - dt.timedelta(days=days))
        return {"workspace": workspace.slug, "made": True, "rows": told["received"]}

    def say(self, result: dict[str, Any]) -> str:
        return f"The demo's ERP has sent {result['rows']} rows: see Customers by value." if result["made"] else ""


def _own_sellers(workspace: Workspace, sent: Iterator[tuple[str, list[Row]]]) -> Iterator[tuple[str, list[Row]]]:
    """The sellers are the demo's colleagues, so that portfolios belong to somebody."""
    colleagues = [one.user for one in Membership.objects.filter(workspace=workspace).select_related("user").order_by("pk")]
    for table, rows in sent:
        named = zip(rows, colleagues, strict=False)
        yield table, [row | {"nome": user.name, "email": user.email} for row, user in named] if table == "vendedor" else rows


def _settle(workspace: Workspace) -> None:
    with workspace_tx(workspace):
        source = source_of(workspace)
        source.erp_name, source.erp_version, source.deployment = "Protheus", "12.1.2410", Deployment.COMPLETED
        source.save(update_fields=["erp_name", "erp_version", "deployment"])


def _night(workspace: Workspace, today: dt.date) -> None:
    """The night of that day, at its time."""
    run, _is_new = night.request_run(workspace, today=today)
    night.advance(workspace, until=float("inf"))
    with workspace_tx(workspace):
        run.refresh_from_db()
        if run.outcome != Outcome.SUCCESS:
            raise CommandError(f"The night of {today} did not end well: {run.error}")
        if run.started_at and run.finished_at and today != local_day(run.finished_at, zone_of(workspace)):
            began = local_midnight(today, zone_of(workspace))
            ended = began + (run.finished_at - run.started_at)
            ErpRun.objects.filter(pk=run.pk).update(created_at=began, started_at=began, finished_at=ended)
