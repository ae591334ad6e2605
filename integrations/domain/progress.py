"""How far a run is, and how long it will take."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext as _

from integrations.enums import Phase, RunKind
from integrations.models import Run

FETCH_SHARE = 50  # per cent of the bar that reading takes


@dataclass(frozen=True, slots=True)
class Progress:
    phase_label: str
    done: int
    total: int
    page: int
    pages: int
    rate: int  # records per second
    seconds_left: int | None
    percent: int


def progress(run: Run) -> Progress:
    """Derived from the run's row alone."""
    now = timezone.now()
    seconds = (now - run.started_at).total_seconds() if run.started_at else 0.0
    rate = run.done / seconds if seconds > 0.5 and run.done else 0.0
    left = max(0, run.total - run.done)
    return Progress(
        phase_label=_phase(run),
        done=run.done,
        total=max(run.total, run.done),
        page=run.page,
        pages=run.pages,
        rate=round(rate),
        seconds_left=round(left / rate) if rate and run.total else None,
        percent=_percent(run),
    )


def _phase(run: Run) -> str:
    return _("Comparing names") if run.kind == RunKind.MATCH and run.phase == Phase.APPLY else str(Phase(run.phase).label)


def _percent(run: Run) -> int:
    share = run.done / run.total if run.total else 0.0
    if run.phase == Phase.FETCH:
        return round(FETCH_SHARE * min(share, 1.0))
    if run.phase == Phase.APPLY:
        return round(FETCH_SHARE + (100 - FETCH_SHARE) * min(share, 1.0))
    return 100
