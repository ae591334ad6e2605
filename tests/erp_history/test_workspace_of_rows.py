"""The rows that ERP systems push have no foreign key to their workspace; the database sees to it all the same, once per statement."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection
from django.test import Client
from django.utils import timezone

from accounts.models import Workspace
from accounts.scoping import workspace_tx
from erp_history.models import Empresa, ErpRow, Vendedor
from tests.at_once import meanwhile
from tests.deferred import checked_now
from tests.erp_history.makers import company, push
from tests.fixtures import Cast

GONE = 999_999_999


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

    def remove() -> None:
        with pytest.raises(IntegrityError, match="rows of the ERP still belong"), workspace_tx(workspace), connection.cursor() as cursor:
            cursor.execute("DELETE FROM accounts_workspace WHERE id = %s", [workspace.pk])

    row = Vendedor(workspace=workspace, codigo_erp="V1", received_at=timezone.now(), request_id=1)
    meanwhile(workspace, lambda: Vendedor.objects.bulk_create([row]), remove)
