"""What half an hour of a helpdesk's budget allows: a cycle without changes, and 250 changes, in requests that the sandbox counts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from accounts.models import Workspace
from accounts.scoping import Origin, workspace_tx
from contacts.domain.store import update_contacts
from contacts.models import Contact
from integrations.domain.attend import attend
from integrations.domain.connect import connect_with_secrets, enable
from integrations.domain.runs import request_run
from integrations.engine.budget import allowed
from integrations.enums import RunKind
from integrations.kit.sandbox import Running
from integrations.models import Connection, Link, Outbox
from integrations.providers.movidesk.provider import MANIFEST
from integrations.providers.movidesk.sandbox import FIRST_TOKEN, Movidesk
from tests.bench.report import Figure, Report

COMPANIES = 2000  # and twice as many people: few enough changes for nobody to be asked whether they are meant
CHANGES = 250
NO_CHANGE = 3
SLICES = 1000


def measure(report: Report) -> None:
    """Our share of the default budget is the bar; the measuring itself does not wait for it."""
    if MANIFEST.budget is None:
        raise AssertionError("the helpdesk has no budget")
    bar = allowed(MANIFEST.budget, {}) * MANIFEST.cadence / timedelta(seconds=MANIFEST.budget.per)
    vendor = Movidesk(clients=COMPANIES)
    vendor.switches |= {"per_minute": 0, "failure_blocks": "off"}
    with Running({"movidesk": vendor}) as server:
        connection = connected(f"{server.url}/movidesk")
        first = counted(vendor, lambda: cycle(connection))
        idle = counted(vendor, lambda: cycle(connection))
        report.add(Figure("helpdesk, a cycle without changes", idle, "requests", NO_CHANGE, note=f"the first sync took {first}"))
        ours = counted(vendor, lambda: changed(connection, vendor, here=CHANGES))
        report.add(Figure(f"helpdesk, {CHANGES} changes here", ours, "requests", bar, note="our share of a cadence; the vendor allows 300"))
        both = counted(vendor, lambda: changed(connection, vendor, here=CHANGES // 2, there=CHANGES // 2))
        report.add(
            Figure(f"helpdesk, {CHANGES} changes, half of them there", both, "requests", bar, note="what comes in comes by the page")
        )


def connected(url: str) -> Connection:
    settings.ENVIRON.update({"MOVIDESK_API_URL": f"{url}/public/v1", "MOVIDESK_PAGE_SIZE": "100"})
    workspace = Workspace.objects.create(name="Desk", slug=f"desk-{timezone.now().timestamp():.0f}", country="BR")
    connection = enable(workspace, "movidesk", settings={"requests_per_minute": 600}, user=None)
    connect_with_secrets(connection, secrets={"token": FIRST_TOKEN}, user=None)
    return connection


def counted(vendor: Movidesk, work: Callable[[], None]) -> int:
    before = len(vendor.log)
    work()
    return len(vendor.log) - before


def cycle(connection: Connection) -> None:
    """What a cadence does: look for changes, then send what waits."""
    with workspace_tx(connection.workspace):
        request_run(connection, kind=RunKind.SCHEDULED)
    for _ in range(SLICES):
        if not attend(connection.workspace, connection.pk):
            return
    raise AssertionError("the cycle does not end")


def changed(connection: Connection, vendor: Movidesk, *, here: int, there: int = 0) -> None:
    workspace = connection.workspace
    with workspace_tx(workspace):
        # Lists may lag behind what was written just now; half an hour later they do not.
        Link.objects.filter(connection=connection).update(synced_at=timezone.now() - timedelta(minutes=30))
        firms = list(Contact.objects.filter(kind="organisation", links__connection=connection).order_by("pk").values_list("pk", flat=True))
        ids = list(Link.objects.filter(connection=connection, contact__in=firms[here : here + there]).values_list("remote_id", flat=True))
        moment = timezone.now().isoformat()
        rows = {pk: {"life_cycle": "client", "notes": f"Novo contrato {moment}"} for pk in firms[:here]}
        update_contacts(workspace, rows, origin=Origin(kind="web"))
    vendor.steer({"put_persons": [{"id": id_, "observations": f"Pago {moment}"} for id_ in ids]})
    cycle(connection)
    with workspace_tx(workspace):
        came = Contact.objects.filter(pk__in=firms[here : here + there], notes=f"Pago {moment}").count()
        if Outbox.objects.filter(connection=connection).exists() or came != there:
            raise AssertionError(f"not everything has flowed: {came} of {there} came in")
    told = sum(one["observations"] == f"Novo contrato {moment}" for one in vendor.desk.persons.values())
    if told != here:
        raise AssertionError(f"{told} of {here} were told")
