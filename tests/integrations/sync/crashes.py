"""A worker that dies at a chosen transaction of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from integrations.domain import advance as advancing
from integrations.domain import fetch, leases, preview
from integrations.models import Run


class Crash(BaseException):
    """What kill -9 is to a worker: nothing of ours handles it."""


def crash_at(patch: pytest.MonkeyPatch, moment: int, *, after_commit: bool) -> Callable[[], bool]:
    """Die in the given transaction of a run: just before its commit or just after it. Says whether that moment came."""
    count = [0]
    page_tx = leases.page_tx

    @contextmanager
    def mortal(run: Run, **kwargs: Any) -> Iterator[None]:
        count[0] += 1
        mine = count[0]
        with page_tx(run, **kwargs):
            yield
            if mine == moment and not after_commit:
                raise Crash
        if mine == moment and after_commit:
            raise Crash

    for module in (advancing, fetch, preview):
        patch.setattr(module, "page_tx", mortal)
    patch.setattr(advancing, "release", lambda run: None)
    return lambda: count[0] >= moment
