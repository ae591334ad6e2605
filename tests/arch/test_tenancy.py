"""The wall of the database: every table of a workspace is shut, and shut for the role that serves."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.db.models import Model
from django_scopes import ScopeError

from accounts.models import ApiToken, Membership, Team, User, Workspace
from accounts.scoping import AnotherWorkspace, Origin, WorkspaceModel, workspace_tx
from erp_history.models import ErpDue
from integrations.models import HookDoor, Wake
from tests.arch.samples import fill, our_models, workspace_models
from tests.fixtures import Cast

# Models without the wall, each with the reason.
OPEN: dict[type[Model], str] = {
    User: "a person may belong to several workspaces",
    Workspace: "it is the tenant; read through memberships",
    Membership: "log-in and the switcher read it before a workspace is chosen",
    ApiToken: "found by its prefix before the workspace is known",
    ErpDue: "the scheduler asks for all workspaces at once; it holds ids and times only",
    HookDoor: "a vendor's call knows no workspace yet; it holds ids and a digest only",
    Wake: "the scheduler asks for all workspaces at once; it holds ids and times only",
}


def sql(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def count(model: type[Model]) -> int:
    return int(sql(f'SELECT count(*) FROM "{model._meta.db_table}"')[0][0])


def test_the_serving_role_is_neither_superuser_nor_beyond_row_security(db: None) -> None:
    assert sql("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user") == [(False, False)]


def test_every_model_is_behind_the_wall_or_listed_with_a_reason() -> None:
    outside = {model for model in our_models() if not issubclass(model, WorkspaceModel)}

    assert outside == set(OPEN)


@pytest.mark.parametrize("model", workspace_models(), ids=lambda model: model._meta.label)
def test_row_security_is_enabled_forced_and_bound_to_the_session(db: None, model: type[Model]) -> None:
    table = model._meta.db_table
    flags = sql("SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = to_regclass(%s)", f'"{table}"')
    policies = sql("SELECT cmd, permissive, qual, with_check FROM pg_policies WHERE tablename = %s AND schemaname = 'public'", table)

    assert flags == [(True, True)]
    assert [policy[:2] for policy in policies] == [("ALL", "PERMISSIVE")]
    for rule in policies[0][2:]:
        assert "workspace_id" in rule
        assert "app.workspace_id" in rule


def test_no_other_table_of_ours_holds_a_workspace(db: None) -> None:
    """History tables, staging tables: whatever has a column workspace_id has the wall."""
    rows = sql(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'workspace_id' AND NOT a.attisdropped"
        " WHERE c.relkind IN ('r', 'p') AND n.nspname = 'public' AND NOT (c.relrowsecurity AND c.relforcerowsecurity)"
    )

    assert {name for (name,) in rows} == {model._meta.db_table for model in OPEN if model not in {User, Workspace}}


def test_no_row_of_another_workspace_is_seen_through_raw_sql_or_the_base_manager(cast: Cast) -> None:
    fill(cast.workspace, user=cast.alice)

    for model in workspace_models():
        assert count(model) == 0, f"{model._meta.label} is open outside of a workspace"
        assert model._base_manager.count() == 0
        with workspace_tx(cast.elsewhere):
            assert count(model) == 0, f"{model._meta.label} is open to another workspace"
            assert model._base_manager.count() == 0
        with workspace_tx(cast.workspace):
            assert count(model) >= 1


def test_no_row_of_another_workspace_is_changed_or_deleted(cast: Cast) -> None:
    fill(cast.workspace, user=cast.alice)

    with workspace_tx(cast.elsewhere):
        assert Team._base_manager.update(name="Mine now") == 0
        assert Team._base_manager.all().delete() == (0, {})
    with workspace_tx(cast.workspace):
        assert Team.objects.get().name == "sample"


def test_no_row_is_written_into_another_workspace(cast: Cast) -> None:
    with workspace_tx(cast.elsewhere), pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
        Team.objects.create(workspace=cast.workspace, name="Spies", slug="spies")
    with workspace_tx(cast.elsewhere):
        mine = Team.objects.create(workspace=cast.elsewhere, name="Mine", slug="mine")
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            Team._base_manager.filter(pk=mine.pk).update(workspace=cast.workspace)


def test_a_query_outside_of_a_scope_raises(cast: Cast) -> None:
    with pytest.raises(ScopeError):
        Team.objects.count()


def test_one_transaction_speaks_for_one_workspace(cast: Cast) -> None:
    with workspace_tx(cast.workspace), pytest.raises(AnotherWorkspace), workspace_tx(cast.elsewhere):
        pass


def test_the_scope_inside_is_the_one_outside_with_another_origin(cast: Cast) -> None:
    with workspace_tx(cast.workspace, origin=Origin(kind="web", actor_id=1)):
        with workspace_tx(cast.workspace, origin=Origin(kind="sync", run_id=9)):
            assert sql("SELECT current_setting('app.origin'), current_setting('app.run_id')") == [("sync", "9")]
        assert sql("SELECT current_setting('app.origin'), current_setting('app.actor_id')") == [("web", "1")]


class Upset(Exception):
    """Something went wrong in the middle of a request."""


def _disturb(workspace: Workspace, *, dice: random.Random) -> None:
    """One unit of work that ends well, badly, or with a broken transaction."""
    with workspace_tx(workspace):
        assert sql("SELECT DISTINCT workspace_id FROM accounts_team") == [(workspace.pk,)]
        match dice.randrange(4):
            case 0:
                raise Upset
            case 1:
                sql("SELECT 1/0")
            case 2:
                with transaction.atomic():
                    raise Upset


def _left_behind() -> list[tuple[Any, ...]]:
    return [*sql("SELECT 1 WHERE coalesce(current_setting('app.workspace_id', true), '') <> ''"), *sql("SELECT id FROM accounts_team")]


@pytest.fixture
def lasting_connections() -> Iterator[None]:
    before = connections.settings["default"]["CONN_MAX_AGE"]
    connections.settings["default"]["CONN_MAX_AGE"] = 600
    yield
    connections.settings["default"]["CONN_MAX_AGE"] = before


@pytest.mark.django_db(transaction=True)
def test_nothing_stays_on_a_connection_that_is_used_again_after_errors(cast: Cast, lasting_connections: None) -> None:
    for workspace in (cast.workspace, cast.elsewhere):
        with workspace_tx(workspace):
            Team.objects.create(workspace=workspace, name="Sales", slug="sales")
    faults: list[Any] = []

    def work(seed: int) -> None:
        dice = random.Random(seed)
        for _ in range(60):
            try:
                _disturb(dice.choice([cast.workspace, cast.elsewhere]), dice=dice)
            except (Upset, DatabaseError):
                pass
            except AssertionError as error:
                faults.append(error)
            faults.extend(_left_behind())
        connections.close_all()

    threads = [threading.Thread(target=work, args=[seed]) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert faults == []


def test_after_the_block_the_transaction_speaks_for_nobody(cast: Cast) -> None:
    with transaction.atomic():
        with workspace_tx(cast.workspace):
            Team.objects.create(workspace=cast.workspace, name="Sales", slug="sales")
        assert _left_behind() == []
        with pytest.raises(DatabaseError, match="division"), workspace_tx(cast.workspace):
            sql("SELECT 1/0")
        assert _left_behind() == []


def test_an_error_inside_comes_out_as_itself_and_the_outer_block_goes_on(cast: Cast) -> None:
    with workspace_tx(cast.workspace, origin=Origin(kind="web", actor_id=1)):
        with pytest.raises(DatabaseError, match="division"), workspace_tx(cast.workspace, origin=Origin(kind="sync", run_id=2)):
            sql("SELECT 1/0")
        assert sql("SELECT current_setting('app.origin'), current_setting('app.workspace_id')") == [("web", str(cast.workspace.pk))]
