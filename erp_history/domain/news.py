"""Which tables have changed since the last good night: what a step has computed need not be computed again when nothing has.

Whoever changes rows of a table leaves a line in the same transaction. A night marks the lines that it finds when it begins, and they go
when it succeeds. So a line that is there, marked or not, says that somebody may not have seen the change yet; none says that everybody has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.domain.bulk import insert_rows
from accounts.models import Workspace
from erp_history.domain.run_log import COUNTED
from erp_history.domain.steps import Step
from erp_history.enums import PhaseStatus
from erp_history.models import ErpNews, ErpPhase

# To be raised with a change of the rules by which steps compute: the night after an upgrade computes everything anew.
RULES = 2


def note(workspace: Workspace, table: str) -> None:
    """Rows of this table have changed; inside the transaction that changes them."""
    insert_rows(ErpNews, [line(workspace, table)])


def line(workspace: Workspace, table: str) -> dict[str, Any]:
    return {"workspace_id": workspace.pk, "table": table, "taken": False}


def take(workspace: Workspace) -> None:
    """What has changed up to now will have been seen by all steps of the night that begins."""
    ErpNews.objects.filter(workspace=workspace, taken=False).update(taken=True)


def forget(workspace: Workspace) -> None:
    """The night is over and has seen what it took."""
    ErpNews.objects.filter(workspace=workspace, taken=True).delete()


def changed_tables(workspace: Workspace) -> frozenset[str]:
    return frozenset(ErpNews.objects.filter(workspace=workspace).values_list("table", flat=True).distinct())


def still_holds(step: Step, *, tables: frozenset[str], of: Mapping[str, Any]) -> bool:
    """Would the step compute what it computed the last time? `of`: what it depends on besides these tables. Says so in the log."""
    last = computed_before(step, of)
    if last is None or tables & changed_tables(step.workspace):
        return False
    step.count(last.rows)
    step.say(COUNTED)
    return True


def computed_before(step: Step, of: Mapping[str, Any]) -> ErpPhase | None:
    """The last time the step was done, if it was of the same; and what it is of now is kept for the next time."""
    of = {"rules": RULES, **of}
    step.phase.cursor = {**step.phase.cursor, "of": of}
    last = last_done(step)
    return last if last is not None and last.cursor.get("of") == of else None


def last_done(step: Step) -> ErpPhase | None:
    """The last time the step was done."""
    done = ErpPhase.objects.filter(workspace=step.workspace, name=step.phase.name, status=PhaseStatus.DONE)
    return done.order_by("-run_id").first()
