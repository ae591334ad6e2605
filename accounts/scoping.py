"""The two walls between workspaces.

1. django-scopes: a query on a workspace's model outside a scope raises.
2. PostgreSQL row-level security, forced: the session sees only rows of `app.workspace_id`, whatever the query says.

Both are opened by `workspace_tx`, for one transaction; nothing stays behind on a pooled connection.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connection, models, transaction
from django.db.migrations.operations.base import Operation
from django_scopes import ScopedManager, scope

if TYPE_CHECKING:
    from accounts.models import Workspace

POLICY_ROW = "workspace_id = nullif(current_setting('app.workspace_id', true), '')::bigint"


@dataclass(frozen=True, slots=True)
class Origin:
    """Who or what writes: `label` is the person's or the connection's name as the history shows it."""

    kind: str = "system"  # web | api | sync | system
    actor_id: int | None = None
    run_id: int | None = None
    label: str = ""


SYSTEM = Origin()
_current: ContextVar[tuple[int, Origin] | None] = ContextVar("workspace", default=None)


class WorkspaceModel(models.Model):
    """A row that belongs to one workspace. Its table needs `RowSecurity` in the migration (a test walks all models)."""

    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, db_index=False, related_name="+")

    objects = ScopedManager(workspace="workspace")

    class Meta:
        abstract = True


class ManyRows(WorkspaceModel):
    """Rows that are written by the thousand: their table asks for the workspace once per statement, by a trigger (docs/adr/0014)."""

    workspace = models.ForeignKey("accounts.Workspace", on_delete=models.CASCADE, db_index=False, db_constraint=False, related_name="+")

    class Meta:
        abstract = True


def current_origin() -> Origin:
    """Who writes in the open transaction."""
    found = _current.get()
    return found[1] if found else SYSTEM


@contextlib.contextmanager
def workspace_tx(workspace: Workspace, *, origin: Origin = SYSTEM) -> Iterator[None]:
    """Open scope, transaction and row-level security for one workspace. Re-entrant; raises when another workspace's is open."""
    outer = _current.get()
    if outer is not None and connection.in_atomic_block:
        _refuse_other(outer[0], workspace)
        if origin == SYSTEM or origin == outer[1]:
            with scope(workspace=workspace), transaction.atomic():
                yield
            return
    nested = connection.in_atomic_block
    with scope(workspace=workspace), transaction.atomic():
        token = _current.set((workspace.pk, origin))
        _tell_database(workspace.pk, origin)
        try:
            yield
        finally:
            _current.reset(token)
        if nested:
            # The settings last to the end of the transaction, not of this block. (After an error the savepoint takes them back.)
            _tell_database(*(outer or (None, SYSTEM)))


def workspace_reading(workspace: Workspace) -> contextlib.AbstractContextManager[None]:
    """For reads: inside a transaction of this workspace nothing is opened again, since reads need no savepoint."""
    outer = _current.get()
    is_open = outer is not None and outer[0] == workspace.pk and connection.in_atomic_block
    return contextlib.nullcontext() if is_open else workspace_tx(workspace)


class AnotherWorkspace(RuntimeError):
    """Code of one workspace tried to open another one inside the same transaction."""


def _refuse_other(open_id: int, workspace: Workspace) -> None:
    if open_id != workspace.pk:
        raise AnotherWorkspace(f"workspace {open_id} is open, {workspace.pk} asked for")


def _tell_database(workspace_id: int | None, origin: Origin) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('app.workspace_id', %s, true), set_config('app.origin', %s, true), set_config('app.actor_id', %s, true),"
            " set_config('app.run_id', %s, true), set_config('app.label', %s, true)",
            [str(workspace_id or ""), origin.kind, str(origin.actor_id or ""), str(origin.run_id or ""), origin.label],
        )


class RowSecurity(Operation):
    """Migration operation: force row-level security on a model's table."""

    reduces_to_sql = True
    reversible = True

    def __init__(self, model_name: str) -> None:
        self.model_name = model_name

    def state_forwards(self, app_label: str, state: Any) -> None:
        return

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        table = to_state.apps.get_model(app_label, self.model_name)._meta.db_table
        for statement in (
            f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY',
            f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY',
            f'CREATE POLICY workspace ON "{table}" USING ({POLICY_ROW}) WITH CHECK ({POLICY_ROW})',
        ):
            schema_editor.execute(statement)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        table = to_state.apps.get_model(app_label, self.model_name)._meta.db_table
        schema_editor.execute(f'DROP POLICY workspace ON "{table}"')
        schema_editor.execute(f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY')

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return ("RowSecurity", [self.model_name], {})

    def describe(self) -> str:
        return f"Force row-level security on {self.model_name}"
