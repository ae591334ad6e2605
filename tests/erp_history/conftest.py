from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import psycopg
import pytest
from django.test import Client
from psycopg.conninfo import conninfo_to_dict

from tests.accounts.api_client import api_client
from tests.erp_history import mariadb as mariadb_server
from tests.erp_history.door import Door
from tests.erp_history.view_mode import Erp
from tests.fixtures import Cast


@pytest.fixture
def erp(cast: Cast) -> Client:
    """Alice's ERP, which may push and nothing else."""
    return api_client(cast.alice, cast.workspace, scopes=["erp"])


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[mariadb_server.MariaDb]:
    """The server of an ERP that stands on MariaDB. Without one these tests fail: View mode is not proven then."""
    try:
        server = mariadb_server.start(tmp_path_factory.mktemp("mariadb"))
    except mariadb_server.NoServer as error:
        pytest.fail(str(error), pytrace=False)
    yield server
    server.stop()


@pytest.fixture
def erp_database() -> Iterator[Erp]:
    """The ERP's own database, and how to reach it."""
    parts = conninfo_to_dict(os.environ["DATABASE_URL"])
    name = f"erp_{uuid.uuid4().hex[:12]}"
    admin = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
    admin.execute(f'CREATE DATABASE "{name}"')  # type: ignore[call-overload]  # a name of our own
    host = str(parts["host"])
    door = Door(f"{host}/.s.PGSQL.{parts.get('port') or 5432}") if host.startswith("/") else None
    connection = psycopg.connect(os.environ["DATABASE_URL"], dbname=name, autocommit=True)
    secrets = {"host": "127.0.0.1" if door else host, "port": door.port if door else parts.get("port") or 5432, "database": name,
               "user": parts.get("user"), "password": parts.get("password") or "x", "tls": False, "door": door}  # fmt: skip
    yield connection, secrets
    connection.close()
    if door:
        door.close()
    admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')  # type: ignore[call-overload]  # the same
    admin.close()
