"""A row of every table for one workspace, all with one id: whatever a route's number means, it means something of Alice's."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from graphlib import TopologicalSorter
from typing import Any

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Field, ForeignKey, Model

from accounts.models import User, Workspace
from accounts.scoping import WorkspaceModel, workspace_tx

OUR_APPS = ("accounts", "contacts", "invoices", "integrations", "erp_history")
SAMPLE_ID = 777_001
NOW = dt.datetime(2026, 8, 1, 12, tzinfo=dt.UTC)
# Kwargs of routes that are no numbers; a new one is added here.
TEXTS = {"row_id": f"link:{SAMPLE_ID}", "provider": "crunch", "token": "secret", "table": "empresa", "key": "K1", "slug": "hartwell"} | {
    "state": "s",
    "code": "consent_refused",
    "workspace": "hartwell",
    "rest": "x",
}
# Values that a constraint asks for.
ASKED: dict[str, dict[str, Any]] = {"contacts.duplicate": {"second_id": SAMPLE_ID + 1}}
# Models that need a second row for the sake of the others.
TWINS = {"contacts.contact"}
BY_TYPE: tuple[tuple[type[Field[Any, Any]], Any], ...] = (
    (models.EmailField, "sample@example.com"),
    (models.CharField, "sample"),
    (models.TextField, "sample"),
    (models.BooleanField, False),
    (models.DateTimeField, NOW),
    (models.DateField, NOW.date()),
    (models.TimeField, NOW.time()),
    (models.DecimalField, Decimal(1)),
    (models.IntegerField, 1),
    (models.FloatField, 1.0),
    (models.UUIDField, uuid.UUID(int=SAMPLE_ID)),
    (models.JSONField, {}),
    (models.BinaryField, b"sample"),
    (models.DurationField, dt.timedelta(1)),
    (ArrayField, []),
)


def our_models() -> list[type[Model]]:
    """Every model of our apps that has a table, the ones Django makes for many-to-many too."""
    return [model for model in apps.get_models(include_auto_created=True) if model._meta.app_label in OUR_APPS and model._meta.managed]


def workspace_models() -> list[type[Model]]:
    return [model for model in our_models() if issubclass(model, WorkspaceModel)]


def fill(workspace: Workspace, *, user: User) -> dict[type[Model], int]:
    """One row in every table of a workspace; gives its id, or the first of its key (SAMPLE_ID unless the id is another row's)."""
    graph = {model: _needs(model) for model in workspace_models()}
    made = {}
    with workspace_tx(workspace):
        for model in TopologicalSorter(graph).static_order():
            if model in graph:
                made[model] = _insert(model, workspace=workspace, user=user)
    return made


def _needs(model: type[Model]) -> set[type[Model]]:
    targets = {field.related_model for field in model._meta.concrete_fields if isinstance(field, ForeignKey) and not field.null}
    return {target for target in targets if isinstance(target, type) and target is not model}


def _insert(model: type[Model], *, workspace: Workspace, user: User) -> int:
    values = {field.attname: _value(field, workspace=workspace, user=user) for field in model._meta.concrete_fields if _is_wanted(field)}
    values |= ASKED.get(model._meta.label_lower, {})
    rows = [model(**values), *([model(**values | {"id": SAMPLE_ID + 1})] if model._meta.label_lower in TWINS else [])]
    key = model._base_manager.bulk_create(rows)[0].pk
    return int(key[0] if isinstance(key, tuple) else key)


def _is_wanted(field: Field[Any, Any]) -> bool:
    if field.primary_key or field.name == "workspace":
        return True
    return not field.null and not field.has_default() and not getattr(field, "generated", False)


def _value(field: Field[Any, Any], *, workspace: Workspace, user: User) -> Any:
    if isinstance(field, ForeignKey):
        return {Workspace: workspace.pk, User: user.pk}.get(field.related_model, SAMPLE_ID)
    if field.primary_key:
        return SAMPLE_ID
    if field.choices:
        return field.flatchoices[0][0]
    if isinstance(field, models.IntegerField) and field.name.endswith("_id"):
        return SAMPLE_ID
    value = next(value for kind, value in BY_TYPE if isinstance(field, kind))
    return value[: field.max_length] if isinstance(value, str) else value
