"""crmsync as a person starts it: `manage.py serve` on an empty data directory, with worker, scheduler and sandbox vendors."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from crmsync import embedded
from crmsync.processes import free_port
from tests.ground.processes import ended, environment, wait_until


@dataclass(frozen=True)
class Product:
    """Where it answers, where its vendors are, and what it has said."""

    url: str
    vendors: str
    output: Path

    @property
    def books(self) -> str:
        return self.books_of("crunch")

    def books_of(self, vendor: str) -> str:
        """The pages on which a person plays the other side."""
        return f"{self.vendors}/{vendor}/books"

    def steer_vendor(self, vendor: str = "crunch", **commands: Any) -> dict[str, Any]:
        """What cannot be done on the books' pages: answer slowly, for example."""
        answer = requests.post(f"{self.vendors}/{vendor}/_control", json=commands, timeout=30)
        answer.raise_for_status()
        return dict(answer.json())

    def hold_vendor(self) -> None:
        """The first pages take their time, so that a person can watch them, on a slow machine as well; who waits now goes on."""
        pages = {"kind": "slow", "path": "/v1/clients/clients", "times": 12, "seconds": 12}
        self.steer_vendor(clear_faults=True, faults=[pages])

    def let_vendor_go(self) -> None:
        self.steer_vendor(clear_faults=True)

    def kept_by(self, vendor: str) -> dict[str, Any]:
        """Every table of a vendor."""
        return dict(requests.get(f"{self.vendors}/{vendor}/_control/state", timeout=30).json())

    def said(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace")


@contextmanager
def running(directory: Path) -> Iterator[Product]:
    """Everything this starts is gone afterwards, services included."""
    web, vendors = free_port(), free_port()
    given = environment(
        directory / "data",
        SANDBOX="1",
        SANDBOX_PORT=str(vendors),
        PORT=str(web),
        # Small pages, so that a first sync has a way to go.
        CRUNCH_PAGE_SIZE="40",
    )
    product = Product(f"http://localhost:{web}", f"http://127.0.0.1:{vendors}", directory / "serve.log")
    try:
        with product.output.open("w") as output, ended(_serve(given, output)) as process:
            wait_until(lambda: process.poll() is not None or "is ready:" in product.said(), seconds=300)
            assert process.poll() is None, product.said()
            yield product
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=180)
    finally:
        embedded.stop(directory / "data")


def _serve(given: dict[str, str], output: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "manage.py", "serve"]
    return subprocess.Popen(command, env=given, cwd=embedded.ROOT, stdout=output, stderr=subprocess.STDOUT, text=True)
