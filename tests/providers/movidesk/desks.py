"""A running helpdesk and connections to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from integrations.engine.types import RawRecord
from integrations.kit.budget import BudgetPace
from integrations.kit.context import ProviderContext
from integrations.kit.credentials import authorise_with
from integrations.kit.http import Http
from integrations.kit.sandbox import Running
from integrations.providers.movidesk.provider import MANIFEST, Movidesk
from integrations.providers.movidesk.sandbox import FIRST_TOKEN
from integrations.providers.movidesk.sandbox import Movidesk as Vendor
from tests.kit.servers import door
from tests.sandboxes import Sandbox

NO_LIMITS = {"per_minute": 0, "failure_blocks": "off"}


@contextmanager
def helpdesk(*, clients: int = 12, **switches: Any) -> Iterator[Sandbox]:
    """With limits only as given: `per_minute=10`."""
    vendor = Vendor(clients=clients)
    vendor.switches |= {**NO_LIMITS, **switches}
    with Running({"movidesk": vendor}) as server:
        yield Sandbox("movidesk", vendor, server.url)


def connected(
    sandbox: Sandbox, *, pace: BudgetPace | None = None, token: str = FIRST_TOKEN, env: dict[str, str] | None = None, **settings: Any
) -> Movidesk:
    http = Http(
        sandbox.api,
        authorise=authorise_with(MANIFEST.credentials, lambda _key: token, {}),
        pace=pace,
        record=pace.note if pace else None,
        allow_private=True,
        attempts=1,
        sleep=lambda seconds: None,
    )
    return Movidesk(ProviderContext(settings, http, env or {}))


def everything(provider: Movidesk, resource: str) -> list[RawRecord]:
    found: list[RawRecord] = []
    cursor: Any = None
    while True:
        page = provider.page(resource, cursor)
        found += page.records
        if page.next is None:
            return found
        cursor = page.next


@pytest.fixture
def desk() -> Iterator[Sandbox]:
    with helpdesk() as sandbox:
        yield sandbox


@pytest.fixture
def movidesk(desk: Sandbox) -> Movidesk:
    return connected(desk, tenant="acme")


def scripted(url: str) -> Movidesk:
    """A connection to a server that says what it is told to."""
    return Movidesk(ProviderContext({}, door(url, attempts=1), {}))
