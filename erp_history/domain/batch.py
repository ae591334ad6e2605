"""Check a batch against the contract: columns that are ready to be merged, and exactly what was wrong with which row."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from operator import itemgetter
from typing import Any, cast

from django.utils.translation import gettext as _

from erp_history.domain.formats import BadValue, Formats, has_absent, joined_texts, read_column
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
    unsent: frozenset[str] = frozenset()  # columns that no row has and that are never NULL: all at their default
    keys: list[str] = field(default_factory=list)  # of the rows, to be told apart and put in order by
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
    batch = Batch(table, received=rows.count)
    if not rows.count:
        return batch
    sent, present = (rows.columns, rows.columns) if rows.columns else _by_column(table, rows.rows)
    for column in table.columns:
        _read(work, column, sent.get(column.name), formats)
    work.is_one_branch = "filial" not in present
    batch.unsent = frozenset(NEEDED) - frozenset(present)
    for index, fault in rows.faults.items():
        work.errors = [error for error in work.errors if error[0] != index]
        work.errors.append((index, fault.field, BadValue(fault.code, fault.message)))
    _check_required(work)
    _finish(work, batch, present)
    return batch


def _by_column(table: Table, rows: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Sequence[Any]], Collection[str]]:
    """The values of the columns, and every name that any row has.

    Rows mostly have the same names: then one walk takes the values of all.
    """
    names = list(rows[0])
    if len(names) > 1 and set(map(len, rows)) == {len(names)}:
        try:
            return dict(zip(names, zip(*map(itemgetter(*names), rows), strict=True), strict=True)), names
        except KeyError:  # as many, but others
            pass
    present = set().union(*rows)
    return {name: [row.get(name) for row in rows] for name in table.names if name in present}, present


def _read(work: _Checking, column: Column, values: Sequence[Any] | None, formats: Formats) -> None:
    name = column.name
    if values is None:
        if name in NEEDED or column.required or column.is_key or name in work.table.one_of:
            work.values[name] = [NEEDED.get(name)] * work.rows.count
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
    if keep is not None:
        batch.keys = _texts(_key_columns(work, batch.columns))
    batch.size = len(batch.keys)
    batch.has_deletions = "excluido" not in batch.unsent and "t" in batch.columns["excluido"]


def _winners(work: _Checking, bad: set[int], batch: Batch) -> list[bool] | None:
    """Of one key sent twice the last row counts. None: all rows count."""
    parts = _key_columns(work, work.values)
    if not bad:
        # Texts are quicker to compare than tuples.
        batch.keys = _texts(parts)
        if len(set(batch.keys)) == len(batch.keys):
            return None
    keys = list(zip(*parts, strict=True))
    last = {key: index for index, key in enumerate(keys) if index not in bad}
    batch.repeated = len(keys) - len(bad) - len(last)
    winners = set(last.values())
    return [index in winners for index in range(len(keys))]


def _key_columns(work: _Checking, columns: Mapping[str, list[str | None]]) -> list[list[str | None]]:
    return [columns[name] for name in work.table.key if name != "filial" or not work.is_one_branch]


def _texts(parts: list[list[Any]]) -> list[str]:
    return parts[0] if len(parts) == 1 else list(map("\t".join, zip(*parts, strict=True)))


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
    return ("\n".join(map("\t".join, zip(*map(_as_copied, columns), strict=True))) + "\n").encode()


def _as_copied(column: Sequence[str | None]) -> Sequence[str]:
    joined = joined_texts(column)
    text = "".join(filter(None, column)) if joined is None else joined
    if any(sign in text for sign in ESCAPES):
        return ["\\N" if value is None else value.translate(TRANSLATED) for value in column]
    return cast(Sequence[str], column) if joined is not None else ["\\N" if value is None else value for value in column]


ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
TRANSLATED = str.maketrans(ESCAPES)
