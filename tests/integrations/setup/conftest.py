from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from accounts.models import Workspace
from integrations.kit.sandbox import Running
from integrations.kit.vendor import Vendor
from integrations.providers.economic.sandbox import Economic
from integrations.providers.movidesk.sandbox import Movidesk
from integrations.providers.nectar.sandbox import Nectar
from tests.integrations.setup.place import Place
from tests.sandboxes import Sandbox


def serving(key: str, vendor: Vendor, workspace: Workspace, settings: Settings) -> Iterator[Place]:
    with Running({key: vendor}) as server:
        sandbox = Sandbox(key, vendor, server.url)
        base = f"{server.url}/{key}"
        settings.ENVIRON = {
            **os.environ,
            f"{key.upper()}_API_URL": sandbox.api,
            "ECONOMIC_REST_URL": f"{base}/rest",
            "ECONOMIC_OPENAPI_URL": f"{base}/openapi",
            "ECONOMIC_GRANT_URL": f"{base}/secure/api1/requestaccess.aspx",
            "ECONOMIC_APP_SECRET_TOKEN": "sandbox",
            "ECONOMIC_APP_PUBLIC_TOKEN": "sandbox",
        }
        yield Place(workspace, sandbox)


@pytest.fixture
def desk(workspace: Workspace, settings: Settings) -> Iterator[Place]:
    vendor = Movidesk(clients=6)
    vendor.switches |= {"per_minute": 0, "failure_blocks": "off"}
    yield from serving("movidesk", vendor, workspace, settings)


@pytest.fixture
def books(workspace: Workspace, settings: Settings) -> Iterator[Place]:
    yield from serving("economic", Economic(clients=6), workspace, settings)


@pytest.fixture
def old_crm(workspace: Workspace, settings: Settings) -> Iterator[Place]:
    yield from serving("nectar", Nectar(clients=6), workspace, settings)
