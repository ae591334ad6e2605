from __future__ import annotations

import os

import pytest
from pytest_django import Settings

from tests.fixtures import Cast
from tests.integrations.sync.world import World
from tests.sandboxes import Sandbox, crunch_sandbox

__all__ = ["crunch_sandbox", "world"]


@pytest.fixture
def world(cast: Cast, crunch_sandbox: Sandbox, settings: Settings) -> World:
    """Alice's workspace and a Crunch with 12 clients and no invoices, not connected yet."""
    settings.ENVIRON = {**os.environ, **crunch_sandbox.env}
    crunch_sandbox.control(reset=True, clients=12, suppliers=3, invoices=0)
    return World(workspace=cast.workspace, user=cast.alice, sandbox=crunch_sandbox)
