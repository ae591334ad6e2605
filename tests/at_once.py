"""Two sessions at the same moment: the second begins before the first has committed, and comes to wait for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections

from accounts.models import Workspace
from accounts.scoping import SYSTEM, Origin, workspace_tx

PATIENCE = 60.0


def meanwhile(workspace: Workspace, first: Callable[[], object], second: Callable[[], Any], *, origin: Origin = SYSTEM) -> Any:
    """`first` is done and not committed when `second` begins in a session of its own; once that waits, the first ends.

    Gives what `second` gave. Tests that use it need real transactions: `django_db(transaction=True)`.
    """
    answers: list[Any] = []

    def work() -> None:
        try:
            answers.append(second())
        finally:
            connections.close_all()

    other = threading.Thread(target=work)
    with workspace_tx(workspace, origin=origin):
        first()
        other.start()
        _until_somebody_waits()
    other.join(timeout=PATIENCE)
    [answer] = answers
    return answer


def _until_somebody_waits() -> None:
    """For a lock of this session."""
    end = time.monotonic() + PATIENCE
    with connection.cursor() as cursor:
        while time.monotonic() < end:
            cursor.execute("SELECT count(*) FROM pg_locks l WHERE NOT l.granted AND pg_backend_pid() = ANY(pg_blocking_pids(l.pid))")
            if cursor.fetchone()[0]:
                return
            time.sleep(0.02)
    pytest.fail("nobody came that far")
