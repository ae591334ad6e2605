from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from integrations.kit.sandbox import Running
from integrations.providers.economic.sandbox import Economic
from integrations.providers.movidesk.sandbox import Movidesk
from tests.fixtures import Cast
from tests.integrations.screens.world import World
from tests.sandboxes import Sandbox

NO_LIMITS = {"per_minute": 0, "failure_blocks": "off"}


@pytest.fixture
def desk(cast: Cast, settings: Settings) -> Iterator[World]:
    """Alice's workspace and a Movidesk with 12 organisations, not connected yet."""
    vendor = Movidesk(clients=12)
    vendor.switches |= NO_LIMITS
    with Running({"movidesk": vendor}) as server:
        settings.ENVIRON = {**os.environ, "MOVIDESK_API_URL": f"{server.url}/movidesk{vendor.api_path}"}
        yield World(cast, Sandbox("movidesk", vendor, server.url))


@pytest.fixture
def books(cast: Cast, settings: Settings) -> Iterator[World]:
    """Alice's workspace and an e-conomic with 12 customers, not connected yet."""
    vendor = Economic(clients=12)
    with Running({"economic": vendor}) as server:
        base = f"{server.url}/economic"
        settings.ENVIRON = {
            **os.environ,
            "ECONOMIC_REST_URL": f"{base}/rest",
            "ECONOMIC_OPENAPI_URL": f"{base}/openapi",
            "ECONOMIC_APP_SECRET_TOKEN": "sandbox",
            "ECONOMIC_APP_PUBLIC_TOKEN": "sandbox",
        }
        yield World(cast, Sandbox("economic", vendor, server.url))
