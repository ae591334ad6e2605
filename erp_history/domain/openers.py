"""Opening the ERP's own database to read it: through the guard that every outgoing request passes, read only, and with time limits.

The drivers of PostgreSQL and MySQL are always there; the others are extras of the package. All are imported when a source names them.
"""

from __future__ import annotations

import contextlib
import importlib
import queue
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from django.conf import settings
from django.utils.translation import gettext as _

from erp_history.domain.complaints import SLOW, CannotRead, kind_of, unreadable
from erp_history.domain.drivers import Reader
from erp_history.enums import Engine
from integrations.kit.guard import BlockedAddress, Guard, Unencrypted

CONNECT_SECONDS = 10
STATEMENT_SECONDS = 120
PORTS = {Engine.POSTGRESQL: 5432, Engine.MYSQL: 3306, Engine.SQLSERVER: 1433, Engine.ORACLE: 1521}
MODULES = {Engine.POSTGRESQL: "psycopg", Engine.MYSQL: "pymysql", Engine.SQLSERVER: "pymssql", Engine.ORACLE: "oracledb"}
UNKNOWN_VARIABLE = 1193
# Servers of these send a client on to another address in their answer to the log-in, and the drivers go there by themselves, with no
# option against it: past the guard. They are used only where the installation names them.
UNGUARDED = (Engine.SQLSERVER, Engine.ORACLE)


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to call, and how."""

    engine: Engine
    host: str
    port: int
    database: str
    user: str
    password: str
    tls: bool
    ca: str  # certificates (PEM) that the server's must come from; empty: any is taken
    seconds: int  # for a statement


@contextlib.contextmanager
def open_reader(engine: str, secrets: Mapping[str, Any], *, schema: str = "", seconds: int = STATEMENT_SECONDS) -> Iterator[Reader]:
    """Connect, read only. Raises CannotRead."""
    target = _target(Engine(engine), secrets, seconds)
    if target.engine not in usable_engines():
        raise CannotRead(_("%(name)s is switched off on this server (ERP_UNGUARDED_ENGINES).") % {"name": target.engine.label})
    driver = _driver(target.engine)
    errors = (driver.Error, OSError, UnicodeError)
    with checked_socket(target) as opened:
        try:
            connection = OPENERS[target.engine](driver, target, opened)
        except errors as error:
            raise _silent() if kind_of(target.engine, error) == SLOW else unreadable(target.engine, error) from error
        with contextlib.closing(connection):
            yield Reader(connection, target.engine, errors, schema)


def usable_engines() -> list[Engine]:
    return [engine for engine in Engine if engine not in UNGUARDED or engine in settings.ERP_UNGUARDED_ENGINES]


def _target(engine: Engine, secrets: Mapping[str, Any], seconds: int) -> Target:
    host, database, user, password, ca = (str(secrets.get(name) or "") for name in ("host", "database", "user", "password", "ca"))
    port = int(secrets.get("port") or PORTS[engine])
    tls = bool(secrets.get("tls"))
    return Target(engine, host, port, database, user, password, tls=tls, ca=ca if tls else "", seconds=seconds)


def _driver(engine: Engine) -> Any:
    try:
        return importlib.import_module(MODULES[engine])
    except ImportError as error:
        raise CannotRead(_("The driver %(name)s is not installed on this server.") % {"name": MODULES[engine]}) from error


def checked_socket(target: Target) -> socket.socket:
    """A connection to the address that the name stands for now, allowed by the guard."""
    host, port = target.host, target.port
    if not host or host.startswith(("/", "@")):
        raise CannotRead(_("Give the name of a host."))
    guard = Guard(allow_private=settings.OUTBOUND_ALLOW_PRIVATE)
    try:
        return guard.open(host, port, timeout=CONNECT_SECONDS, secure=target.tls)
    except Unencrypted as error:
        raise CannotRead(_("%(host)s is on the internet: switch the encrypted connection (TLS) on.") % {"host": host}) from error
    except BlockedAddress as error:
        raise CannotRead(_("This host may not be reached: %(error)s") % {"error": error}) from error
    except (socket.gaierror, UnicodeError) as error:
        raise CannotRead(_("There is no host of the name %(host)s.") % {"host": host}) from error
    except TimeoutError as error:
        raise _silent() from error
    except ConnectionRefusedError as error:
        raise CannotRead(_("The host does not answer on port %(port)s: no database listens there.") % {"port": port}) from error
    except OSError as error:
        raise CannotRead(_("The host does not answer: %(error)s") % {"error": error}) from error


def _silent() -> CannotRead:
    return CannotRead(_("The host does not answer: nothing came within %(count)s seconds.") % {"count": CONNECT_SECONDS})


def _address(opened: socket.socket) -> str:
    """Drivers that bring sockets of their own go to the address that was checked, and to no other."""
    address = str(opened.getpeername()[0])
    opened.close()
    return address


def _postgresql(_driver: Any, target: Target, opened: socket.socket) -> Any:
    with _certificates(target) as tls:
        return psycopg.connect(
            host=target.host, hostaddr=_address(opened), port=target.port, dbname=target.database, user=target.user,
            password=target.password, connect_timeout=CONNECT_SECONDS, autocommit=True, **tls,
            options=f"-c default_transaction_read_only=on -c statement_timeout={target.seconds * 1000}",
        )  # fmt: skip


@contextlib.contextmanager
def _certificates(target: Target) -> Iterator[dict[str, Any]]:
    """PostgreSQL's library reads them from a file."""
    if not target.ca:
        yield {"sslmode": "require" if target.tls else "prefer"}
        return
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(target.ca)
        file.flush()
        yield {"sslmode": "verify-full", "sslrootcert": file.name}


def _mysql(driver: Any, target: Target, opened: socket.socket) -> Any:
    # As bytes: the driver would write a password in Latin-1. An empty mode: zero dates are no errors, and quotes mean what they say.
    connection = driver.connect(
        host=target.host, port=target.port, user=target.user, password=target.password.encode(), database=target.database,
        charset="utf8mb4", sql_mode="", autocommit=True, defer_connect=True, read_timeout=CONNECT_SECONDS, write_timeout=CONNECT_SECONDS,
        init_command="SET SESSION TRANSACTION READ ONLY", ssl=_tls(target) if target.tls else None, ssl_disabled=not target.tls,
    )  # fmt: skip
    connection.connect(opened)
    _limit(driver, connection, target.seconds)
    connection._read_timeout = target.seconds + CONNECT_SECONDS  # longer only from here on: a host that says nothing is not a slow view
    return connection


def _limit(driver: Any, connection: Any, seconds: int) -> None:
    """MariaDB counts seconds, MySQL from 5.7 on milliseconds, older ones nothing: there the line's own limit holds."""
    is_mariadb = "mariadb" in connection.get_server_info().lower()
    text = f"SET SESSION max_statement_time = {seconds}" if is_mariadb else f"SET SESSION max_execution_time = {seconds * 1000}"
    try:
        connection.cursor().execute(text)
    except driver.Error as error:
        if error.args[0] != UNKNOWN_VARIABLE:
            raise


def _tls(target: Target) -> ssl.SSLContext:
    """Encrypted in any case; whose certificate it is can be checked when it is known who signed it."""
    context = ssl.create_default_context(cadata=target.ca or None)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # those that MySQL makes for itself are not strict
    if not target.ca:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _sqlserver(driver: Any, target: Target, opened: socket.socket) -> Any:
    if target.ca:
        raise CannotRead(_("For SQL Server no certificate can be given: the server's trust store decides."))
    return driver.connect(
        server=_address(opened), port=str(target.port), user=target.user, password=target.password, database=target.database,
        charset="UTF-8", timeout=target.seconds, login_timeout=CONNECT_SECONDS, autocommit=True,
        encryption="require" if target.tls else "request",
    )  # fmt: skip


def _oracle(driver: Any, target: Target, opened: socket.socket) -> Any:
    encrypted: dict[str, Any] = {}
    if target.tls:
        context = _tls(target)
        context.check_hostname = False  # it goes to an address, so there is no name to check
        encrypted = {"protocol": "tcps", "ssl_context": context, "ssl_server_dn_match": False}
    address = {"host": _address(opened), "port": target.port, "service_name": target.database, "tcp_connect_timeout": CONNECT_SECONDS}
    connection = _in_time(driver, user=target.user, password=target.password, **address, **encrypted)
    connection.call_timeout = target.seconds * 1000
    connection.cursor().execute("SET TRANSACTION READ ONLY")
    return connection


def _in_time(driver: Any, **options: Any) -> Any:
    """Oracle's driver waits for ever for a host that takes the call and says nothing: it waits alone then."""
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def work() -> None:
        try:
            answers.put(driver.connect(**options))
        except (driver.Error, OSError) as error:
            answers.put(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        found = answers.get(timeout=2 * CONNECT_SECONDS)
    except queue.Empty as error:
        raise TimeoutError from error
    if isinstance(found, Exception):
        raise found
    return found


OPENERS: Mapping[Engine, Callable[[Any, Target, socket.socket], Any]] = {
    Engine.POSTGRESQL: _postgresql,
    Engine.MYSQL: _mysql,
    Engine.SQLSERVER: _sqlserver,
    Engine.ORACLE: _oracle,
}
