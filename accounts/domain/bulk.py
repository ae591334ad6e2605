"""Write many rows in one statement with one parameter: several times quicker than binding every value by itself. And join many."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import orjson
from django.db import connection, models

NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")  # an escaped NUL: PostgreSQL keeps none in text


@contextmanager
def set_wise() -> Iterator[None]:
    """Join whole sets in here, within a transaction: hashed, never row by row.

    Statistics lag behind what a first sync has just written. A plan that expects one row of a new workspace
    reads the workspace once more for each of its fifty thousand.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop TO off")
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop TO DEFAULT")


def reserve_ids(model: type[models.Model], number: int) -> list[int]:
    """Primary keys for rows about to be inserted."""
    # The name of the sequence is asked for once, not once per key.
    sql = "SELECT nextval((SELECT pg_get_serial_sequence(%s, 'id')::regclass)) FROM generate_series(1, %s)"
    with connection.cursor() as cursor:
        cursor.execute(sql, [model._meta.db_table, number])
        return [row[0] for row in cursor.fetchall()]


def insert_rows(
    model: type[models.Model], rows: Sequence[Mapping[str, Any]], *, unique: Sequence[str] = (), update: Sequence[str] = ()
) -> None:
    """Insert rows of column -> value, all with the same columns. With `unique` a row that is there already gets the `update` columns."""
    if not rows:
        return
    sql = _insert_sql(model, tuple(rows[0]), tuple(unique), tuple(update))
    with connection.cursor() as cursor:
        cursor.execute(sql, [as_json(rows)])


def insert_one_of_each(*rows: tuple[type[models.Model], Mapping[str, Any]]) -> None:
    """Insert a row of each model, all in one round trip."""
    sql = "; ".join(_insert_sql(model, tuple(row), (), ()) for model, row in rows)
    with connection.cursor() as cursor:
        cursor.execute(sql, [as_json([row]) for _model, row in rows])


@cache
def _insert_sql(model: type[models.Model], names: tuple[str, ...], unique: tuple[str, ...], update: tuple[str, ...]) -> str:
    """Put together once per process: a sync asks for the same few with every batch."""
    types = {field.column: field.db_type(connection) for field in model._meta.concrete_fields}
    columns = ", ".join(f'"{name}"' for name in names)
    record = ", ".join(f'"{name}" {_plain(types[name])}' for name in names)
    conflict = (
        f" ON CONFLICT ({', '.join(unique)}) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in update)}" if unique else ""
    )
    # Names come from the model, the values travel as one parameter.
    return f'INSERT INTO "{model._meta.db_table}" ({columns}) SELECT {columns} FROM json_to_recordset(%s::json) AS r({record}){conflict}'  # noqa: S608


def as_json(rows: Sequence[Mapping[str, Any]]) -> str:
    text = orjson.dumps(rows).decode()
    return NUL.sub(r"\1", text) if "\\u0000" in text else text


def _plain(db_type: str | None) -> str:
    return {"bigint": "bigint", "serial": "integer", "bigserial": "bigint"}.get(str(db_type), str(db_type).partition(" COLLATE ")[0])
