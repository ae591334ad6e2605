"""Suggestions of the matching screen: 10,000 records against 10,000 organisations, from the staged pages to rows on the screen."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from accounts.domain.bulk import insert_rows
from accounts.models import Workspace
from accounts.scoping import SYSTEM, workspace_tx
from contacts.domain.store import insert_contacts
from integrations.domain.access import open_access
from integrations.domain.leases import claim
from integrations.domain.pairing import begin_pairing, pair_next
from integrations.domain.runs import request_run
from integrations.domain.vault import seal_secrets
from integrations.enums import ConnectionStatus, Phase, RunKind
from integrations.models import Connection, Pairing, Run, Staged
from integrations.providers.movidesk.provider import MANIFEST
from integrations.providers.movidesk.sandbox_data import fill
from tests.bench.report import Figure, Report, seconds

ORGANISATIONS = 10_000
BAR = 10.0  # seconds


def measure(report: Report) -> None:
    settings.ENVIRON.setdefault("MOVIDESK_API_URL", "http://127.0.0.1:9/")
    run = prepared(ORGANISATIONS)
    took = seconds(lambda: pair_all(run))
    with workspace_tx(run.workspace):
        found = Pairing.objects.filter(connection=run.connection)
        suggested, all_of_them = found.filter(score__gt=0).count(), found.count()
    note = f"{suggested:,} of {all_of_them:,} records got one; staged rows in, rows of the screen out"
    report.add(Figure("match suggestions, 10,000 x 10,000", took, "s", BAR, note=note))


def prepared(number: int) -> Run:
    """As many records read, and as many organisations here: a third of them equal, the others misspelled, shortened or with their form."""
    rng = random.Random(7)
    persons, _tickets = fill(number, people=0, seed=1, today=datetime(2026, 1, 1, tzinfo=UTC))
    firms = [_flowing(person) for person in persons if person["personType"] == 2]
    workspace = Workspace.objects.create(name="Match", slug=f"match-{time.time_ns()}")
    insert_contacts(workspace, [_contact(firm, rng) for firm in firms], origin=SYSTEM)
    with workspace_tx(workspace):
        connection = Connection.objects.create(workspace=workspace, provider=MANIFEST.key, status=ConnectionStatus.ACTIVE)
        connection.secrets = seal_secrets(connection, {"token": "bench"})
        connection.save(update_fields=["secrets"])
        run, _is_new = request_run(connection, kind=RunKind.MATCH)
        insert_rows(Staged, [_staged(run, firm) for firm in firms])
    claim(run)
    return run


def pair_all(run: Run) -> None:
    provider = open_access(run.connection).provider
    begin_pairing(run)
    while run.phase == Phase.APPLY:
        pair_next(run, provider)


def _contact(firm: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    name, chance = firm["businessName"], rng.random()
    at = rng.randrange(len(name))
    spelled = name if chance < 0.33 else f"{name} Ltda" if chance < 0.66 else name[:at] + name[at + 1 :]
    return {"kind": "organisation", "name": spelled or name, "tax_id": firm["cpfCnpj"] if rng.random() < 0.3 else ""}


def _staged(run: Run, firm: dict[str, Any]) -> dict[str, Any]:
    return {
        "workspace_id": run.workspace_id,
        "run_id": run.pk,
        "round": 1,
        "resource": MANIFEST.match_screen,
        "remote_kind": MANIFEST.export_kind,
        "remote_id": firm["id"],
        "version": "1",
        "match_key": firm["businessName"],
        "body": firm,
    }


def _flowing(firm: dict[str, Any]) -> dict[str, Any]:
    """Every one of them may come in, so that as many are compared as the promise says."""
    return {**firm, "isActive": True, "id": firm["id"].replace("Nectar", "9")}
