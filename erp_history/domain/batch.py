"""Check a batch against the contract: columns that are ready to be merged, and exactly what was wrong with which row."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, compress
from operator import methodcaller
from typing import Any

from django.utils.translation import gettext as _

from erp_history.domain.formats import BadValue, Formats, has_absent, read_column
from erp_history.domain.reading import Rows
from erp_history.domain.tables import Column, Table, joined_key

NEEDED = {"filial": "", "excluido": "f"}  # never NULL
MOST_LISTED = 1000  # warnings; errors are all listed


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing wrong, or doubtful, in one row."""

    index: int | None
    key: str
    field: str
    code: str
    message: str

    def as_json(self) -> dict[str, Any]:
        return {"index": self.index, "key": self.key, "field": self.field, "code": self.code, "message": self.message}


@dataclass(slots=True)
class Batch:
    """Rows that may be merged, by column (None: absent; a column that no row has is left out), each key once."""

    table: Table
    received: int
    columns: dict[str, list[str | None]] = field(default_factory=dict)
    size: int = 0
    repeated: int = 0  # earlier versions of a key that comes again later in the batch
    has_deletions: bool = False
    rejected_keys: list[dict[str, str]] = field(default_factory=list)
    errors: list[Remark] = field(default_factory=list)
    warnings: list[Remark] = field(default_factory=list)
    warning_count: int = 0

    @property
    def rejected(self) -> int:
        return len({error.index for error in self.errors})


@dataclass(slots=True)
class _Checking:
    table: Table
    rows: Rows
    values: dict[str, list[str | None]] = field(default_factory=dict)
    errors: list[tuple[int, str, BadValue]] = field(default_factory=list)
    warnings: list[tuple[int, str, BadValue]] = field(default_factory=list)
    is_one_branch: bool = False  # no row names a filial

    def bad(self, indices: Iterable[int], column: str, code: str, message: str) -> None:
        self.errors += [(index, column, BadValue(code, message)) for index in indices]


def check_batch(table: Table, rows: Rows, formats: Formats) -> Batch:
    """Read every column, then the rules over columns. Rows with an error are left out; the others stay."""
    work = _Checking(table, rows)
    batch = Batch(table, received=len(rows.rows))
    if not rows.rows:
        return batch
    sent, present = _by_column(table, rows.rows)
    for column in table.columns:
        _read(work, column, sent.get(column.name), formats)
    work.is_one_branch = "filial" not in present
    for index, fault in rows.faults.items():
        work.errors = [error for error in work.errors if error[0] != index]
        work.errors.append((index, fault.field, BadValue(fault.code, fault.message)))
    _check_required(work)
    _finish(work, batch, present)
    return batch


def _by_column(table: Table, rows: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Sequence[Any]], Collection[str]]:
    """The values of the columns, and every name that any row has.

    Rows mostly name the same columns in the same order: then one walk takes them all.
    """
    names = list(rows[0])
    if list(chain.from_iterable(rows)) == names * len(rows):
        values = list(chain.from_iterable(map(methodcaller("values"), rows)))
        return {name: values[position :: len(names)] for position, name in enumerate(names)}, names
    present = set().union(*rows)
    return {name: [row.get(name) for row in rows] for name in table.names if name in present}, present


def _read(work: _Checking, column: Column, values: Sequence[Any] | None, formats: Formats) -> None:
    name = column.name
    if values is None:
        if name in NEEDED or column.required or column.is_key or name in work.table.one_of:
            work.values[name] = [None] * len(work.rows.rows)
        return
    read = read_column(column, values, formats)
    work.values[name] = read.values
    work.errors += [(index, name, error) for index, error in read.errors.items()]
    work.warnings += [(index, name, warning) for index, warning in read.warnings.items()]


def _check_required(work: _Checking) -> None:
    """A row that only says that it is deleted needs its key and nothing else."""
    faulty = {(index, name) for index, name, _error in work.errors}
    whole = {index for index, fault in work.rows.faults.items()}
    deleted = work.values["excluido"]
    message = _("This field is needed.")
    for column in work.table.columns:
        values = work.values.get(column.name, [])
        if not column.required or not has_absent(values):
            continue
        missing = [index for index, value in enumerate(values) if value is None and (column.is_key or deleted[index] != "t")]
        work.bad([i for i in missing if (i, column.name) not in faulty and i not in whole], column.name, "required", message)
    if work.table.one_of:
        _check_one_of(work, faulty, whole)


def _check_one_of(work: _Checking, faulty: set[tuple[int, str]], whole: set[int]) -> None:
    first, second = work.table.one_of
    if not has_absent(work.values[first]):
        return
    deleted = work.values["excluido"]
    pairs = zip(work.values[first], work.values[second], deleted, strict=True)
    missing = [index for index, (one, other, gone) in enumerate(pairs) if one is None and other is None and gone != "t"]
    named = {index for index, name in faulty if name in work.table.one_of}
    message = _("Give %(first)s or %(second)s.") % {"first": first, "second": second}
    work.bad([i for i in missing if i not in named and i not in whole], first, "required", message)


def _finish(work: _Checking, batch: Batch, present: Collection[str]) -> None:
    table, values = work.table, work.values
    for name, default in NEEDED.items():
        if has_absent(values[name]):
            values[name] = [value or default for value in values[name]]
    batch.errors = [_remark(work, *error) for error in sorted(work.errors, key=lambda error: (error[0], error[1]))]
    batch.warning_count = len(work.warnings)
    batch.warnings = [_remark(work, *warning) for warning in sorted(work.warnings, key=lambda warning: warning[0])[:MOST_LISTED]]
    unknown = _unknown_columns(work, present)
    batch.warnings += unknown
    batch.warning_count += len(unknown)
    bad = {index for index, _name, _error in work.errors}
    batch.rejected_keys = [{name: values[name][index] or "" for name in table.key} for index in sorted(bad)]
    keep = _winners(work, bad, batch)
    batch.columns = values if keep is None else {name: list(compress(column, keep)) for name, column in values.items()}
    batch.size = len(batch.columns[table.key[0]])
    batch.has_deletions = "t" in batch.columns["excluido"]


def _winners(work: _Checking, bad: set[int], batch: Batch) -> list[bool] | None:
    """Of one key sent twice the last row counts. None: all rows count."""
    parts = [work.values[name] for name in work.table.key if name != "filial" or not work.is_one_branch]
    # Texts are quicker to compare than tuples.
    if not bad and len(set(parts[0] if len(parts) == 1 else map("\t".join, zip(*parts, strict=True)))) == len(parts[0]):
        return None
    keys = list(zip(*parts, strict=True))
    last = {key: index for index, key in enumerate(keys) if index not in bad}
    batch.repeated = len(keys) - len(bad) - len(last)
    winners = set(last.values())
    return [index in winners for index in range(len(keys))]


def _unknown_columns(work: _Checking, present: Collection[str]) -> list[Remark]:
    known = set(work.table.names)
    found = []
    for name in sorted(set(present) - known)[:50]:
        index = next(i for i, row in enumerate(work.rows.rows) if name in row)
        found.append(Remark(index, _key(work, index), name[:60], "unknown_field", _("This field is not known, so it was left out.")))
    return found


def _remark(work: _Checking, index: int, name: str, value: BadValue) -> Remark:
    return Remark(index, _key(work, index), name, value.code, value.message)


def _key(work: _Checking, index: int) -> str:
    return joined_key([str(work.values[name][index] or "") for name in work.table.key])


def copy_text(columns: Sequence[Sequence[str | None]]) -> bytes:
    """Columns in the text format of COPY."""
    absent = [column.count(None) if has_absent(column) else 0 for column in columns]
    filled = [
        ["\\N" if value is None else value for value in column] if number else column
        for column, number in zip(columns, absent, strict=True)
    ]
    text = _lines(filled)
    size = len(columns[0])
    expected = {"\\": sum(absent), "\n": size, "\r": 0, "\t": size * (len(columns) - 1)}
    if any(text.count(sign) != number for sign, number in expected.items()):
        text = _lines([["\\N" if value is None else value.translate(ESCAPES) for value in column] for column in columns])
    return text.encode()


ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _lines(columns: Sequence[Sequence[Any]]) -> str:
    return "\n".join(map("\t".join, zip(*columns, strict=True))) + "\n"
