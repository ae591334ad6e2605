from __future__ import annotations

import contextlib
import datetime as dt
import gzip
import http.client
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import orjson
from django.conf import settings
from django.core.management.base import CommandError
from django.utils import timezone

from accounts.domain.tokens import create_token
from accounts.enums import Role, TokenScope
from accounts.models import Membership
from crmsync.commands import JsonCommand
from crmsync.lib.periods import local_day
from erp_history.domain.sample import Row, Sample, batches
from erp_history.domain.sources import zone_of

SNAPSHOT_OF = "fatura"


class Command(JsonCommand):
    help = "Push the data of a made-up distributor to the ERP endpoints of a running server."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--companies", metavar="N", type=int, default=200, help="customers of the distributor (default 200)")
        parser.add_argument("--months", metavar="N", type=int, default=12, help="months of orders and invoices (default 12)")
        parser.add_argument(
            "--seed", metavar="N", type=int, default=1, help="another number makes other data, the same one the same (default 1)"
        )
        parser.add_argument("--workspace", metavar="SLUG", required=True, help="the workspace that gets the data")
        parser.add_argument("--url", default="", help="address of the server (default: PUBLIC_URL)")
        parser.add_argument("--today", metavar="YYYY-MM-DD", help="last day of the data (default: today)")
        parser.add_argument("--batch", metavar="N", type=int, default=5000, help="rows of a request (default 5000)")

    def run(
        self, *, companies: int, months: int, seed: int, workspace: str, url: str, today: str | None, batch: int, **_options: Any
    ) -> dict[str, Any]:
        owner = Membership.objects.select_related("workspace", "user").filter(workspace__slug=workspace, role=Role.OWNER).first()
        if owner is None:
            raise CommandError(f"there is no workspace {workspace}")
        day = dt.date.fromisoformat(today) if today else local_day(timezone.now(), zone_of(owner.workspace))
        sample = Sample(companies=companies, months=months, today=day, seed=seed)
        with contextlib.closing(Server(url or settings.PUBLIC_URL, token=erp_token(owner))) as server:
            return push(server, batches(sample, size=batch))


def erp_token(owner: Membership) -> str:
    """A token for a day, with which the sample pushes."""
    expires = timezone.now() + dt.timedelta(days=1)
    _token, text = create_token(owner, name="ERP sample", scopes=[TokenScope.ERP], expires_at=expires)
    return text


class Server:
    """The endpoints, over one connection."""

    def __init__(self, url: str, *, token: str) -> None:
        parts = urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname or "localhost", parts.port, timeout=300)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def close(self) -> None:
        self._connection.close()

    def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> dict[str, Any]:
        raw = gzip.compress(orjson.dumps(body), compresslevel=1)
        try:
            self._connection.request("POST", f"/api/v1/erp/{path}", raw, {**self._headers, "Content-Encoding": "gzip", **(headers or {})})
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise CommandError(f"the server does not answer: {error}") from error
        if answer.status >= 300:
            raise CommandError(f"{path}: {answer.status} {text[:300].decode(errors='replace')}")
        found: dict[str, Any] = orjson.loads(text)
        return found


def push(server: Server, sent: Iterable[tuple[str, list[Row]]]) -> dict[str, Any]:
    """Send the tables in their order; receivables as a complete snapshot."""
    snapshot = server.post("snapshots/", {"table": SNAPSHOT_OF})["id"]
    totals: Counter[str] = Counter()
    rows_of: Counter[str] = Counter()
    for table, rows in sent:
        answer = _send(server, table, rows, snapshot=snapshot if table == SNAPSHOT_OF else None)
        rows_of[table] += len(rows)
        totals.update({name: answer[name] for name in ("received", "inserted", "updated", "unchanged", "superseded", "rejected")})
    ended = server.post(f"snapshots/{snapshot}/end/", {"rows": rows_of[SNAPSHOT_OF], "confirm": True})
    return {**totals, "closed": ended["closed"], "tables": dict(rows_of)}


def _send(server: Server, table: str, rows: list[Row], *, snapshot: int | None) -> dict[str, Any]:
    return server.post(f"{table}/", rows, {"X-Snapshot": str(snapshot)} if snapshot else None)
