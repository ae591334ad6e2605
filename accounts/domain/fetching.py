"""Rows of models by statements that are put together once per process: what every request of the API asks before anything else.

Django writes its statements anew each time, which takes longer than the database needs to answer those that find a row by its key.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.db import connection, models

Row = TypeVar("Row", bound=models.Model)
Converter = Callable[[Any, Any, Any], Any]


@functools.cache
def columns_of(model: type[models.Model], alias: str) -> str:
    """All columns of a model, to be selected for `built`."""
    return ", ".join(f'{alias}."{field.column}"' for field in model._meta.concrete_fields)


def built(model: type[Row], values: Sequence[Any]) -> Row:
    """The object of a row of `columns_of` the model."""
    names, converters = _shape(model)
    found = list(values)
    for index, convert in converters:
        found[index] = convert(found[index], None, connection)
    return model.from_db(connection.alias, names, found)


@functools.cache
def _shape(model: type[models.Model]) -> tuple[list[str], list[tuple[int, Converter]]]:
    fields = model._meta.concrete_fields
    converters = [(index, field.from_db_value) for index, field in enumerate(fields) if hasattr(field, "from_db_value")]
    return [field.attname for field in fields], converters


def fetch_built(sql: str, params: Sequence[Any], *of: type[models.Model]) -> list[Any] | None:
    """The objects of the one row that a statement finds, of each model in the order of its columns; None when it finds none."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        row = cursor.fetchone()
    if row is None:
        return None
    found, first = [], 0
    for model in of:
        last = first + len(model._meta.concrete_fields)
        found.append(built(model, row[first:last]))
        first = last
    return found
