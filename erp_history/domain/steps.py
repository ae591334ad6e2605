from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils import timezone

from accounts.models import Workspace
from accounts.scoping import Origin
from erp_history.domain.run_log import line
from erp_history.models import ErpPhase, ErpRun, ErpSource

# Sorts and groups of one workspace fit into this.
MEMORY = "SET LOCAL work_mem TO '32MB'"
# The policy of row-level security repeats the condition on the workspace, so the planner multiplies its selectivity with itself and
# takes big sets for small ones; and tables that were filled a moment ago have no statistics yet. What is meant is said instead.
# Look-ups for the rows of a page are all different: remembering them costs more than it saves.
PLANS = {
    "sets": "SET LOCAL enable_nestloop TO off; SET LOCAL enable_seqscan TO on; SET LOCAL enable_hashjoin TO on;"
    " SET LOCAL enable_mergejoin TO on; SET LOCAL enable_sort TO on",
    "sums": "SET LOCAL enable_nestloop TO off; SET LOCAL enable_seqscan TO on; SET LOCAL enable_hashjoin TO on;"
    " SET LOCAL enable_mergejoin TO off; SET LOCAL enable_sort TO off",
    "lookups": "SET LOCAL enable_nestloop TO on; SET LOCAL enable_seqscan TO off; SET LOCAL enable_hashjoin TO off;"
    " SET LOCAL enable_mergejoin TO off; SET LOCAL enable_sort TO DEFAULT; SET LOCAL enable_memoize TO off",
    "in order": "SET LOCAL enable_nestloop TO on; SET LOCAL enable_seqscan TO off; SET LOCAL enable_hashjoin TO off;"
    " SET LOCAL enable_mergejoin TO off; SET LOCAL enable_sort TO off",
    "default": "SET LOCAL enable_nestloop TO DEFAULT; SET LOCAL enable_seqscan TO DEFAULT; SET LOCAL enable_hashjoin TO DEFAULT;"
    " SET LOCAL enable_mergejoin TO DEFAULT; SET LOCAL enable_sort TO DEFAULT; SET LOCAL enable_memoize TO DEFAULT",
}


class StepFailed(Exception):
    """A step cannot be done; the text is for the person in charge."""


@dataclass(slots=True)
class Step:
    """What a step of the night is given, and where it leaves its count and its words."""

    workspace: Workspace
    source: ErpSource
    run: ErpRun
    phase: ErpPhase
    origin: Origin
    fetched: Any = None  # what was read for it outside of the transaction
    new_rows: int = 0

    def count(self, rows: int, **counters: int) -> None:
        self.new_rows += rows
        self.phase.rows += rows
        for name, value in counters.items():
            self.phase.counters[name] = self.phase.counters.get(name, 0) + value

    def say(self, code: str, **values: Any) -> None:
        """Add a line to the log, by its code in `run_log`."""
        self.phase.log = [*self.phase.log, line(code, values, at=timezone.now())][-500:]

    def plan(self, name: str) -> None:
        """Say how the statements of this transaction are meant.

        "sets" are joined whole, "sums" are grouped without sorting besides, "lookups" go row by row through indexes;
        "in order" are look-ups too, along the index that has the order of the page.
        """
        with connection.cursor() as cursor:
            cursor.execute(f"{PLANS[name]}; {MEMORY}")

    def execute(self, statement: str, values: Mapping[str, Any] | None = None) -> int:
        """Run one statement with the workspace and the day as parameters; gives the number of rows."""
        with connection.cursor() as cursor:
            cursor.execute(statement, {"workspace": self.workspace.pk, "today": self.run.today, **(values or {})})
            return max(cursor.rowcount, 0)

    def fetch(self, statement: str, values: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(statement, {"workspace": self.workspace.pk, "today": self.run.today, **(values or {})})
            return cursor.fetchall()
