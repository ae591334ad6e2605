"""A disk that is full: PostgreSQL refuses to store rows of one table, with its own words, after it has taken them in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.models import Model


@contextmanager
def no_room_for(model: type[Model]) -> Iterator[None]:
    """The statement has written its rows when it fails, as it is when a file cannot grow."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(FULL.format(table=table))
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER no_room ON {table}")


FULL = """
CREATE OR REPLACE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
END $$;
CREATE TRIGGER no_room AFTER INSERT OR UPDATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION no_room()
"""
