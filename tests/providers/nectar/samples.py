"""Payloads, records, and a running account for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from integrations.engine.types import RawRecord
from integrations.kit.context import ProviderContext
from integrations.kit.credentials import authorise_with
from integrations.kit.http import Http
from integrations.kit.sandbox import Running
from integrations.providers.nectar.provider import MANIFEST, Nectar
from integrations.providers.nectar.records import COMPANY, raw_record
from integrations.providers.nectar.sandbox import FIRST_TOKEN
from integrations.providers.nectar.sandbox import Nectar as Vendor
from tests.sandboxes import Sandbox


def payload(name: str) -> Any:
    return orjson.loads((Path(__file__).parent / "payloads" / f"{name}.json").read_bytes())


def record(body: dict[str, Any], kind: str = COMPANY) -> RawRecord:
    found = raw_record({"id": 1, **body}, kind=kind)
    assert found is not None
    return found


@contextmanager
def account(*, clients: int = 12) -> Iterator[Sandbox]:
    vendor = Vendor(clients=clients)
    with Running({"nectar": vendor}) as server:
        yield Sandbox("nectar", vendor, server.url)


def connected(sandbox: Sandbox, *, token: str = FIRST_TOKEN, env: dict[str, str] | None = None, **settings: Any) -> Nectar:
    http = Http(
        sandbox.api,
        authorise=authorise_with(MANIFEST.credentials, lambda _key: token, {}),
        allow_private=True,
        sleep=lambda seconds: None,
    )
    return Nectar(ProviderContext(settings, http, env or {}))
