"""Pages by "what comes after this row": every page costs the same, and rows added meanwhile shift nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, TypeVar

from django.db import models
from django.db.models import F, Model, Q, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan  # type: ignore[import-untyped]  # the stubs lack it
from django.utils import timezone

from crmsync.lib.paging import CursorError, decode_cursor, encode_cursor

Row = TypeVar("Row", bound=Model)
BadCursor = CursorError
KINDS: tuple[tuple[type[models.Field[Any, Any]], type], ...] = (
    (models.DateTimeField, dt.datetime),
    (models.DateField, dt.date),
    (models.DecimalField, Decimal),
    (models.BooleanField, bool),
    (models.IntegerField, int),
    (models.CharField, str),
    (models.TextField, str),
)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    rows: list[Row]
    next_cursor: str | None


def keyset_page(queryset: QuerySet[Row], *, order: Sequence[str], cursor: str | None, limit: int) -> Page[Row]:
    """`order` names columns that hold no NULL, the last one unique: ("-at", "-id"). Raises CursorError."""
    ordered = queryset.order_by(*order)
    if cursor:
        ordered = ordered.filter(_after(order, _values(cursor, order=order, model=queryset.model)))
    rows = list(ordered[: limit + 1])
    shown = rows[:limit]
    return Page(rows=shown, next_cursor=_cursor(shown[-1], order=order) if len(rows) > limit else None)


def _after(order: Sequence[str], values: Sequence[Any]) -> Q | TupleGreaterThan:
    """(a, b) after (x, y), as an index can use it: compared as rows, or, when one counts down, with a bound on the first column alone."""
    if len(order) > 1 and not any(name.startswith("-") for name in order):
        return TupleGreaterThan(Tuple(*map(F, order)), tuple(values))
    first, value = order[0], values[0]
    bound = Q(**{f"{first.lstrip('-')}__{'lte' if first.startswith('-') else 'gte'}": value})
    after = Q()
    for name, value in reversed(list(zip(order, values, strict=True))):
        column = name.lstrip("-")
        beyond = Q(**{f"{column}__{'lt' if name.startswith('-') else 'gt'}": value})
        after = beyond | (Q(**{column: value}) & after) if after else beyond
    return bound & after


def _cursor(row: Model, *, order: Sequence[str]) -> str:
    return encode_cursor([getattr(row, name.lstrip("-")) for name in order])


def _values(cursor: str, *, order: Sequence[str], model: type[Model]) -> tuple[Any, ...]:
    values = decode_cursor(cursor, *(_kind(model, name.lstrip("-")) for name in order))
    if any(isinstance(value, dt.datetime) and timezone.is_naive(value) for value in values):
        raise CursorError
    return values


def _kind(model: type[Model], name: str) -> type:
    field = model._meta.pk if name == "pk" else model._meta.get_field(name)
    return next(python for column, python in KINDS if isinstance(field, column))
