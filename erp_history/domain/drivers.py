"""How the engines of ERP databases speak: names, conditions and pages of a view. Connections are opened in `openers`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from erp_history.domain.complaints import CannotRead, is_missing, unreadable
from erp_history.enums import Engine

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$]{0,62}")


@dataclass(frozen=True, slots=True)
class Dialect:
    quotes: tuple[str, str]
    placeholder: str
    limit: str
    nulls_first: bool  # in an ascending order
    never: str = "{name} IS NULL"  # a moment that was never set
    fold: Callable[[str], str] = field(default=str)  # how a name is written that was not quoted when it was made


DIALECTS = {
    Engine.POSTGRESQL: Dialect(('"', '"'), "%s", "LIMIT {limit}", nulls_first=False),
    Engine.MYSQL: Dialect(("`", "`"), "%s", "LIMIT {limit}", nulls_first=True, never="{name} IS NULL OR {name} = 0"),
    Engine.SQLSERVER: Dialect(("[", "]"), "%s", "OFFSET 0 ROWS FETCH NEXT {limit} ROWS ONLY", nulls_first=True),
    Engine.ORACLE: Dialect(('"', '"'), ":{n}", "FETCH NEXT {limit} ROWS ONLY", nulls_first=False, fold=str.upper),
}


@dataclass(slots=True)
class Reader:
    """An open connection and how its engine speaks."""

    connection: Any
    engine: Engine
    errors: tuple[type[BaseException], ...]  # what the driver raises
    schema: str = ""

    @property
    def dialect(self) -> Dialect:
        return DIALECTS[self.engine]

    def columns(self, view: str) -> list[str] | None:
        """The names of a view's columns; None when there is no such view."""
        cursor = self.connection.cursor()
        try:
            cursor.execute(f"SELECT * FROM {self._name(view)} WHERE 1 = 0")
            return [str(item[0]) for item in cursor.description]
        except self.errors as error:
            if not is_missing(self.engine, error):
                raise unreadable(self.engine, error) from error
            self.connection.rollback()
            return None

    def rows(self, view: str, columns: Sequence[str], *, order: Sequence[str], after: Sequence[Any], since: Any, limit: int) -> list[Any]:
        """The rows from `after` on (itself too) in the given order; with `since`, of the first order column, only those not before it."""
        conditions = _Conditions(self)
        if since is not None:
            conditions.since(order[0], since)
        if after:
            conditions.behind(order, after)
        names = ", ".join(map(self.quoted, columns))
        ordered = ", ".join(map(self.quoted, order))
        text = f"SELECT {names} FROM {self._name(view)}{conditions.where} ORDER BY {ordered} {self.dialect.limit.format(limit=int(limit))}"
        cursor = self.connection.cursor()
        try:
            cursor.execute(text, conditions.values)
            return list(cursor.fetchall())
        except self.errors as error:
            raise unreadable(self.engine, error) from error

    def quoted(self, name: str) -> str:
        if not NAME.fullmatch(name):
            raise CannotRead(_("%(name)s is not a name of a column or view.") % {"name": name[:60]})
        return f"{self.dialect.quotes[0]}{name}{self.dialect.quotes[1]}"

    def _name(self, view: str) -> str:
        names = [name for name in (self.schema, view) if name]
        return ".".join(self.quoted(self.dialect.fold(name)) for name in names)


class _Conditions:
    """The WHERE of a page, and its values in their order."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._texts: list[str] = []
        self.values: list[Any] = []

    @property
    def where(self) -> str:
        return f" WHERE {' AND '.join(f'({text})' for text in self._texts)}" if self._texts else ""

    def since(self, column: str, moment: Any) -> None:
        """Rows whose moment was never set count as changed: nobody can say."""
        name = self._reader.quoted(column)
        self._texts.append(f"{name} >= {self._value(moment)} OR {self._reader.dialect.never.format(name=name)}")

    def behind(self, order: Sequence[str], after: Sequence[Any]) -> None:
        """From the row `after` on. It is not left out, as what the database takes for equal may be several keys (c1, C1)."""
        alternatives = []
        for position in range(len(after)):
            parts = [self._same(order[index], after[index]) for index in range(position)]
            parts.append(self._beyond(order[position], after[position], is_last=position == len(after) - 1))
            alternatives.append(" AND ".join(parts))
        self._texts.append(" OR ".join(f"({text})" for text in alternatives))

    def _same(self, column: str, value: Any) -> str:
        name = self._reader.quoted(column)
        return f"{name} IS NULL" if value is None else f"{name} = {self._value(value)}"

    def _beyond(self, column: str, value: Any, *, is_last: bool) -> str:
        name, nulls_first = self._reader.quoted(column), self._reader.dialect.nulls_first
        if value is not None:
            text = f"{name} {'>=' if is_last else '>'} {self._value(value)}"
            return text if nulls_first else f"({text} OR {name} IS NULL)"
        if nulls_first:
            return "1 = 1" if is_last else f"{name} IS NOT NULL"
        return f"{name} IS NULL" if is_last else "1 = 0"

    def _value(self, value: Any) -> str:
        self.values.append(value)
        return self._reader.dialect.placeholder.format(n=len(self.values))
