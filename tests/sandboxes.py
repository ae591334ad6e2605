"""Sandbox vendors for tests: started on a free port in this process, reached over real HTTP.

`from tests.sandboxes import crunch_sandbox` makes the fixture known to a test module.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from integrations.kit.sandbox import Running
from integrations.kit.vendor import Vendor
from integrations.providers.crunch.sandbox import Crunch


@dataclass
class Sandbox:
    """A running vendor and its control API."""

    key: str
    vendor: Vendor
    url: str

    @property
    def api(self) -> str:
        return f"{self.url}/{self.key}{self.vendor.api_path}"

    @property
    def env(self) -> dict[str, str]:
        """The variables that lead a connection here."""
        prefix, base = self.key.upper(), f"{self.url}/{self.key}"
        return {
            f"{prefix}_API_URL": self.api,
            f"{prefix}_AUTHORIZE_URL": f"{base}/oauth/authorize",
            f"{prefix}_TOKEN_URL": f"{base}/oauth/token",
            f"{prefix}_CLIENT_ID": "sandbox",
            f"{prefix}_CLIENT_SECRET": "sandbox-secret",
        }

    def service(self, key: str) -> str:
        """The address of a further host of the vendor."""
        return f"{self.url}/{self.key}/{key}"

    def control(self, **commands: Any) -> dict[str, Any]:
        answer = requests.post(f"{self.url}/{self.key}/_control", json=commands, timeout=90)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def fail(self, kind: str, **more: Any) -> None:
        """Add one fault."""
        self.control(faults=[{"kind": kind, **more}])

    def state(self) -> dict[str, Any]:
        return dict(requests.get(f"{self.url}/{self.key}/_control/state", timeout=90).json())

    def log(self) -> list[dict[str, Any]]:
        return list(requests.get(f"{self.url}/{self.key}/_control/log", timeout=90).json()["log"])

    def token(self, **wish: Any) -> dict[str, Any]:
        """Tokens as from the token endpoint, without a browser."""
        return dict(self.control(token=wish or True)["token"])


@pytest.fixture
def crunch_sandbox() -> Iterator[Sandbox]:
    vendor = Crunch(clients=45)
    with Running({"crunch": vendor}) as server:
        yield Sandbox("crunch", vendor, server.url)
