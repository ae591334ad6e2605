from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client

from tests.accounts.api_client import api_client
from tests.erp_history import mariadb as mariadb_server
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
