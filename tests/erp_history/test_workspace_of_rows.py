"""Rows written by the thousand have no foreign key to their workspace; the database sees to it all the same, once per statement."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models
from django.test import Client
from django.utils import timezone

from accounts.models import Workspace
from accounts.scoping import ManyRows, workspace_tx
from contacts.models import Contact
from erp_history.models import BrandDay, CompanyDay, ContactFigures, Empresa, Vendedor
from tests.at_once import meanwhile
from tests.deferred import checked_now
from tests.erp_history.makers import company, push
from tests.fixtures import Cast

GONE = 999_999_999
MANY = [model for model in apps.get_models() if issubclass(model, ManyRows)]


def a_row(model: type[ManyRows], workspace: Workspace) -> ManyRows:
    """With something in what has to be filled."""
    fillings: dict[type[models.Field], object] = {
        models.DateField: timezone.now(),
        models.DateTimeField: timezone.now(),
        models.BigIntegerField: 1,
        models.CharField: "x",
    }
    asked = [field for field in model._meta.concrete_fields if not (field.null or field.has_default() or field.is_relation or field.blank)]
    values = {field.name: fillings[type(field)] for field in asked if type(field) in fillings}
    if model is ContactFigures:
        contact = a_row(Contact, workspace)
        contact.save()
        values["contact"] = contact
    return model(workspace=workspace, **values)


@pytest.mark.django_db
@pytest.mark.parametrize("model", MANY)
def test_no_row_is_written_for_a_workspace_that_is_not_there(model: type[ManyRows]) -> None:
    nobody = Workspace(pk=GONE, name="Gone", slug="gone")
    with pytest.raises(IntegrityError, match="workspace of the rows is not there"), workspace_tx(nobody):
        a_row(model, nobody).save(force_insert=True)


@pytest.mark.django_db
@pytest.mark.parametrize("model", MANY)
def test_a_workspace_does_not_leave_its_rows_behind(model: type[ManyRows]) -> None:
    workspace = Workspace.objects.create(name="Short-lived", slug="short-lived")
    with workspace_tx(workspace):
        a_row(model, workspace).save(force_insert=True)
    with pytest.raises(IntegrityError, match="still belong to the workspace"), checked_now(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM accounts_workspace WHERE id = %s", [workspace.pk])


@pytest.mark.django_db
def test_a_workspace_goes_with_its_rows(cast: Cast, erp: Client) -> None:
    push(erp, "vendedor", [{"codigo_erp": "V1", "nome": "Ana"}])
    push(erp, "empresa", [company("C1")])
    with workspace_tx(cast.workspace):
        for model in (CompanyDay, BrandDay):  # of no request
            a_row(model, cast.workspace).save(force_insert=True)
    with checked_now(), workspace_tx(cast.workspace):
        Workspace.objects.get(pk=cast.workspace.pk).delete()
    with workspace_tx(cast.workspace):
        assert not Vendedor.objects.exists()
        assert not Empresa.objects.exists()
        assert not CompanyDay.objects.exists()
        assert not BrandDay.objects.exists()


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
