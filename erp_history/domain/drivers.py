"""Reading the ERP's own database: one small dialect per engine. The host passes the same guard as every outgoing request.

PostgreSQL's driver is always there; those of other engines are extras of the package and are imported when a source names them.
"""

from __future__ import annotations

import contextlib
import importlib
import re
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from django.conf import settings
from django.utils.translation import gettext as _

from erp_history.enums import Engine
from integrations.kit.guard import BlockedAddress, Guard

CONNECT_SECONDS = 10
STATEMENT_SECONDS = 120
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$]{0,62}")
PORTS = {Engine.POSTGRESQL: 5432, Engine.MYSQL: 3306, Engine.SQLSERVER: 1433, Engine.ORACLE: 1521}


class CannotRead(Exception):
    """The ERP's database cannot be read; the text is for the person in charge and holds no secret."""


@dataclass(frozen=True, slots=True)
class Dialect:
    quotes: tuple[str, str]
    placeholder: str
    limit: str
    module: str


DIALECTS = {
    Engine.POSTGRESQL: Dialect(('"', '"'), "%s", "LIMIT {limit}", "psycopg"),
    Engine.MYSQL: Dialect(("`", "`"), "%s", "LIMIT {limit}", "pymysql"),
    Engine.SQLSERVER: Dialect(("[", "]"), "%s", "OFFSET 0 ROWS FETCH NEXT {limit} ROWS ONLY", "pymssql"),
    Engine.ORACLE: Dialect(('"', '"'), ":{n}", "FETCH NEXT {limit} ROWS ONLY", "oracledb"),
}


@dataclass(slots=True)
class Reader:
    """An open connection and how its engine speaks."""

    connection: Any
    dialect: Dialect
    schema: str

    def columns(self, view: str) -> list[str] | None:
        """The names of a view's columns; None when there is no such view."""
        cursor = self.connection.cursor()
        try:
            cursor.execute(f"SELECT * FROM {self._name(view)} WHERE 1 = 0")
        except Exceptions as error:
            self.connection.rollback()
            if _is_missing(error):
                return None
            raise _unreadable(error) from error
        return [str(item[0]) for item in cursor.description]

    def rows(self, view: str, columns: Sequence[str], *, order: Sequence[str], after: Sequence[Any], since: Any, limit: int) -> list[Any]:
        """The rows behind `after` in the given order; with `since` only those whose first order column is not before it."""
        conditions, values = self._conditions(order, after, since)
        names = ", ".join(self._quoted(name) for name in columns)
        ordered = ", ".join(self._quoted(name) for name in order)
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        text = f"SELECT {names} FROM {self._name(view)}{where} ORDER BY {ordered} {self.dialect.limit.format(limit=limit)}"
        cursor = self.connection.cursor()
        try:
            cursor.execute(text, values)
            return list(cursor.fetchall())
        except Exceptions as error:
            raise _unreadable(error) from error

    def _conditions(self, order: Sequence[str], after: Sequence[Any], since: Any) -> tuple[list[str], list[Any]]:
        conditions: list[str] = []
        values: list[Any] = []
        if since is not None:
            values.append(since)
            conditions.append(f"{self._quoted(order[0])} >= {self._placeholder(len(values))}")
        alternatives = []
        for position in range(len(after)):
            parts = []
            for index in range(position + 1):
                values.append(after[index])
                sign = ">" if index == position else "="
                parts.append(f"{self._quoted(order[index])} {sign} {self._placeholder(len(values))}")
            alternatives.append(f"({' AND '.join(parts)})")
        if alternatives:
            conditions.append(f"({' OR '.join(alternatives)})")
        return conditions, values

    def _placeholder(self, number: int) -> str:
        return self.dialect.placeholder.format(n=number)

    def _quoted(self, name: str) -> str:
        if not NAME.fullmatch(name):
            raise CannotRead(_("%(name)s is not a name of a column or view.") % {"name": name[:60]})
        return f"{self.dialect.quotes[0]}{name}{self.dialect.quotes[1]}"

    def _name(self, view: str) -> str:
        return f"{self._quoted(self.schema)}.{self._quoted(view)}" if self.schema else self._quoted(view)


# Drivers of other engines raise their own classes, all of them OSError or named so; psycopg's are known.
Exceptions: tuple[type[BaseException], ...] = (psycopg.Error, OSError)
MISSING = ("UndefinedTable", "InvalidSchemaName")


def _is_missing(error: BaseException) -> bool:
    return type(error).__name__ in MISSING or getattr(error, "args", (None,))[0] in {1146, 208, 942}


def _unreadable(error: BaseException) -> CannotRead:
    return CannotRead(_("The ERP's database answered: %(error)s") % {"error": str(error).strip()[:500]})


@contextlib.contextmanager
def open_reader(engine: str, secrets: dict[str, Any], *, schema: str = "") -> Iterator[Reader]:
    """Connect, read only. Raises CannotRead."""
    host, tls = str(secrets.get("host", "")), bool(secrets.get("tls"))
    kind = Engine(engine)
    port = int(secrets.get("port") or PORTS[kind])
    address = checked_address(host, port, tls=tls)
    connection = _connect(kind, secrets, host=host, address=address, port=port, tls=tls)
    try:
        yield Reader(connection, DIALECTS[kind], schema)
    finally:
        connection.close()


def checked_address(host: str, port: int, *, tls: bool) -> str:
    """The address that the name stands for now, allowed by the guard: the connection goes to it and to no other."""
    if not host or host.startswith(("/", "@")):
        raise CannotRead(_("Give the name of a host."))
    guard = Guard(allow_private=settings.OUTBOUND_ALLOW_PRIVATE)
    try:
        opened = guard.open(host, port, timeout=CONNECT_SECONDS, secure=tls)
    except BlockedAddress as error:
        raise CannotRead(_("This host may not be reached: %(error)s") % {"error": error}) from error
    except (OSError, socket.gaierror) as error:
        raise CannotRead(_("The host does not answer: %(error)s") % {"error": error}) from error
    with opened:
        return str(opened.getpeername()[0])


def _connect(kind: Engine, secrets: dict[str, Any], *, host: str, address: str, port: int, tls: bool) -> Any:
    user, password, database = (str(secrets.get(name, "")) for name in ("user", "password", "database"))
    if kind == Engine.POSTGRESQL:
        try:
            return psycopg.connect(
                host=host, hostaddr=address, port=port, dbname=database, user=user, password=password,
                sslmode="require" if tls else "prefer", connect_timeout=CONNECT_SECONDS,
                options=f"-c default_transaction_read_only=on -c statement_timeout={STATEMENT_SECONDS * 1000}",
            )  # fmt: skip
        except psycopg.Error as error:
            raise _unreadable(error) from error
    try:
        driver = importlib.import_module(DIALECTS[kind].module)
    except ImportError as error:
        name = DIALECTS[kind].module
        raise CannotRead(_("The driver %(name)s is not installed on this server.") % {"name": name}) from error
    return _other(kind, driver, address=address, port=port, user=user, password=password, database=database)


def _other(kind: Engine, driver: Any, *, address: str, port: int, user: str, password: str, database: str) -> Any:
    try:
        if kind == Engine.ORACLE:
            return driver.connect(user=user, password=password, dsn=f"{address}:{port}/{database}")
        if kind == Engine.SQLSERVER:
            return driver.connect(
                server=address, port=str(port), user=user, password=password, database=database, timeout=STATEMENT_SECONDS
            )
        return driver.connect(
            host=address, port=port, user=user, password=password, database=database, charset="utf8mb4",
            connect_timeout=CONNECT_SECONDS, read_timeout=STATEMENT_SECONDS,
        )  # fmt: skip
    except driver.Error as error:
        raise _unreadable(error) from error
