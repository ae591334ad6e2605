"""One worker per run: a lease in the run's row. Whoever writes progress proves in the same transaction that it still holds it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import connection as database
from django.db.models import F, Q
from django.utils import timezone

from accounts.scoping import Origin, workspace_tx
from integrations.enums import ConnectionStatus, RunStatus
from integrations.models import Connection, Run

LEASE = timedelta(seconds=120)
OPEN = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.WAITING)


class LeaseLost(Exception):
    """Another worker took the run over: what this one was about to write is rolled back."""


class Stopped(Exception):
    """A person stopped the run, or its integration went off."""


def claim(run: Run) -> bool:
    """Take the run if it is due and nobody holds it."""
    now = timezone.now()
    lease = secrets.token_hex(16)
    # A lease that would hold for longer than leases do was taken before the clock was put back.
    free = Q(lease="") | Q(lease_until__lt=now) | Q(lease_until__gt=now + 2 * LEASE)
    due = Q(resume_at=None) | Q(resume_at__lte=now)
    with workspace_tx(run.workspace):
        taken = Run.objects.filter(free & due, pk=run.pk, status__in=OPEN).update(
            lease=lease, lease_until=now + LEASE, status=RunStatus.RUNNING, resume_at=None, attempts=F("attempts") + 1
        )
        if taken:
            reload(run)
    return bool(taken)


def reload(run: Run) -> None:
    """Read the run anew together with its connection: outside a transaction row-level security would hide it."""
    run.refresh_from_db()
    run.connection = Connection.objects.select_related("workspace").get(pk=run.connection_id)
    run.workspace = run.connection.workspace


def release(run: Run) -> None:
    if not run.lease:
        return  # the run has ended, and its lease with it
    with workspace_tx(run.workspace):
        Run.objects.filter(pk=run.pk, lease=run.lease).update(lease="", lease_until=None)


@contextmanager
def page_tx(run: Run, *, origin: Origin, lazy_commit: bool = False) -> Iterator[None]:
    """The transaction of one page. Raises LeaseLost or Stopped before anything is written.

    `lazy_commit`: losing the last moments in a crash of PostgreSQL costs a page that is simply read again.
    """
    with workspace_tx(run.workspace, origin=origin):
        if lazy_commit:
            with database.cursor() as cursor:
                cursor.execute("SET LOCAL synchronous_commit TO off")
        _check(run)
        yield


def save_progress(run: Run, **values: Any) -> None:
    """Store progress and hold the lease on. A committed page also ends a row of failed attempts."""
    for name, value in values.items():
        setattr(run, name, value)
    now = timezone.now()
    held = Run.objects.filter(pk=run.pk, lease=run.lease).update(lease_until=now + LEASE, attempts=0, **values)
    if not held:
        raise LeaseLost


def _check(run: Run) -> None:
    found = Run.objects.filter(pk=run.pk).values_list("lease", "cancel_requested", "connection__status").first()
    if found is None or found[0] != run.lease:
        raise LeaseLost
    if found[1] or found[2] != ConnectionStatus.ACTIVE:
        raise Stopped
