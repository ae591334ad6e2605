"""The rows that ERP systems push have no foreign key to their workspace; the database sees to it all the same, once per statement."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import Workspace
from accounts.scoping import workspace_tx
from erp_history.models import Empresa, ErpRow, Vendedor
from tests.erp_history.makers import company, push
from tests.fixtures import Cast

GONE = 999_999_999


@contextmanager
def checked_now() -> Iterator[None]:
    """What is looked at when the transaction ends is looked at when the block ends."""
    with transaction.atomic(), connection.cursor() as cursor:
        yield
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.django_db
@pytest.mark.parametrize("model", ErpRow.__subclasses__())
def test_no_row_is_written_for_a_workspace_that_is_not_there(model: type[ErpRow]) -> None:
    nobody = Workspace(pk=GONE, name="Gone", slug="gone")
    with pytest.raises(IntegrityError, match="workspace of the rows is not there"), workspace_tx(nobody):
        model.objects.bulk_create([model(workspace_id=GONE, received_at=timezone.now(), request_id=1)])


@pytest.mark.django_db
@pytest.mark.parametrize("model", ErpRow.__subclasses__())
def test_a_workspace_does_not_leave_its_rows_behind(model: type[ErpRow]) -> None:
    workspace = Workspace.objects.create(name="Short-lived", slug="short-lived")
    with workspace_tx(workspace):
        model.objects.bulk_create([model(workspace=workspace, received_at=timezone.now(), request_id=1)])
    with pytest.raises(IntegrityError, match="rows of the ERP still belong"), checked_now(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM accounts_workspace WHERE id = %s", [workspace.pk])


@pytest.mark.django_db
def test_a_workspace_goes_with_its_rows(cast: Cast, erp: Client) -> None:
    push(erp, "vendedor", [{"codigo_erp": "V1", "nome": "Ana"}])
    push(erp, "empresa", [company("C1")])
    with checked_now(), workspace_tx(cast.workspace):
        Workspace.objects.get(pk=cast.workspace.pk).delete()
    with workspace_tx(cast.workspace):
        assert not Vendedor.objects.exists()
        assert not Empresa.objects.exists()


@pytest.mark.django_db
def test_the_open_workspace_stays_open(cast: Cast) -> None:
    other = Workspace.objects.create(name="Short-lived", slug="short-lived")
    with workspace_tx(cast.workspace):
        with checked_now(), connection.cursor() as cursor:
            cursor.execute("DELETE FROM accounts_workspace WHERE id = %s", [other.pk])
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('app.workspace_id')")
            assert cursor.fetchone() == (str(cast.workspace.pk),)


@pytest.mark.django_db(transaction=True)
def test_a_workspace_waits_for_a_push_that_is_under_way(cast: Cast) -> None:
    workspace = Workspace.objects.create(name="Short-lived", slug="short-lived")
    faults: list[str] = []

    def remove() -> None:
        try:
            with workspace_tx(workspace), connection.cursor() as cursor:
                cursor.execute("DELETE FROM accounts_workspace WHERE id = %s", [workspace.pk])
        except IntegrityError as error:
            faults.append(str(error))
        connections.close_all()

    with workspace_tx(workspace):
        Vendedor.objects.bulk_create([Vendedor(workspace=workspace, codigo_erp="V1", received_at=timezone.now(), request_id=1)])
        remover = threading.Thread(target=remove)
        remover.start()
        remover.join(0.5)
        assert remover.is_alive()
    remover.join(30)
    assert "rows of the ERP still belong" in faults[0]
