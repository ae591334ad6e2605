"""The temporary tables that batches come in through.

PostgreSQL gives a table with long values a second one for them, with an index, and a commit empties all that a session ever made, used
or not: 0.3 ms each. So a batch whose rows fit on a page comes in through a table that stores its values plainly and has no second one.
"""

from __future__ import annotations

import functools
import zlib

from erp_history.domain.batch import NEEDED, Batch
from erp_history.domain.tables import TABLES

PAGE = 8000  # bytes, nearly


def staging_of(batch: Batch) -> str:
    return _name(batch.table.name, is_long=_may_be_long(batch))


def emptied(batch: Batch) -> str:
    """Makes it. Or empties it: this transaction may have merged another batch."""
    return _made(batch.table.name, is_long=_may_be_long(batch))


def _may_be_long(batch: Batch) -> bool:
    """May a row be too long for a page? Four bytes for a character; 32 for any other value, and for what a value costs besides."""
    columns = [column for column in batch.table.columns if column.name in batch.columns]
    return any(column.db_type == "text" for column in columns) or sum(32 + 4 * (column.size or 0) for column in columns) > PAGE


@functools.cache
def _made(table: str, *, is_long: bool) -> str:
    name, columns = _name(table, is_long=is_long), _columns(table, is_long=is_long)
    return f"CREATE TEMPORARY TABLE IF NOT EXISTS {name} ({columns}) ON COMMIT DELETE ROWS; DELETE FROM pg_temp.{name}"


@functools.cache
def _name(table: str, *, is_long: bool) -> str:
    """After its columns too: a session may outlive a migration."""
    return f"erp_in_{table}_{zlib.crc32(_columns(table, is_long=is_long).encode()):08x}{'_long' if is_long else ''}"


def _columns(table: str, *, is_long: bool) -> str:
    storage = "" if is_long else " STORAGE PLAIN"
    defaults = {name: f" DEFAULT '{value}'" for name, value in NEEDED.items()}
    return ", ".join(f"{column.name} {column.db_type}{storage}{defaults.get(column.name, '')}" for column in TABLES[table].columns)
