"""Payloads, records and connections for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from integrations.engine.types import RawRecord
from integrations.kit.context import ProviderContext
from integrations.kit.credentials import authorise_with
from integrations.kit.http import Exchange, Http
from integrations.kit.sandbox import Running
from integrations.providers.economic.provider import MANIFEST, Economic
from integrations.providers.economic.records import CONTACT, CUSTOMER, NUMBER, raw_record
from integrations.providers.economic.sandbox import Economic as EconomicSandbox
from tests.kit.servers import door
from tests.sandboxes import Sandbox

SETTINGS = {"customer_group": "1", "payment_terms": "2", "vat_zone": "1", "currency": "DKK", "layout": "18", "create_when": "created"}
ENV = {"ECONOMIC_APP_SECRET_TOKEN": "sandbox"}


def payload(name: str) -> Any:
    return orjson.loads((Path(__file__).parent / "payloads" / f"{name}.json").read_bytes())


def record(body: dict[str, Any], kind: str = CUSTOMER) -> RawRecord:
    found = raw_record(kind, {NUMBER[kind]: 1, **body})
    assert found is not None
    return found


def contact(**fields: Any) -> RawRecord:
    return record({"customerNumber": 3, "name": "Åse Holm", **fields}, CONTACT)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    vendor = EconomicSandbox(clients=45)
    with Running({"economic": vendor}) as server:
        yield Sandbox("economic", vendor, server.url)


def opened(
    sandbox: Sandbox,
    *,
    token: str = "",
    settings: dict[str, Any] | None = None,
    exchanges: list[Exchange] | None = None,
    env: dict[str, str] | None = None,
) -> Economic:
    """A connection to the sandbox."""
    secret = token or sandbox.token()["grant_token"]
    known = ENV | (env or {})

    def http(url: str) -> Http:
        return Http(
            url,
            authorise=authorise_with(MANIFEST.credentials, lambda _key: secret, known),
            rest_after=MANIFEST.rest_after,
            record=exchanges.append if exchanges is not None else None,
            allow_private=True,
            sleep=lambda _seconds: None,
        )

    sandbox.control(clear_log=True)
    services = {"openapi": http(sandbox.service("openapi"))}
    return Economic(ProviderContext({**SETTINGS, **(settings or {})}, http(sandbox.api), known, services=services))


def scripted(url: str, **env: str) -> Economic:
    """A connection to one scripted server for both hosts."""
    return Economic(ProviderContext(SETTINGS, door(url), ENV | env, services={"openapi": door(url)}))
