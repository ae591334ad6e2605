"""Where the sandbox vendors answer: every provider names its addresses in its own `sandbox.env`."""

import os
from collections.abc import MutableMapping
from pathlib import Path

from crmsync.embedded import ROOT, data_dir

DEFAULT_WEB_PORT = 8000


def wanted() -> bool:
    """Are sandbox vendors to be used in place of the real ones (SANDBOX=1)?"""
    return os.environ.get("SANDBOX", "").lower() in {"1", "true", "yes", "on"}


def port() -> int:
    """The port of the sandbox: SANDBOX_PORT, else the one of the running `serve`, else the web port + 1."""
    named = os.environ.get("SANDBOX_PORT") or _noted()
    return int(named) if named else int(os.environ.get("PORT") or DEFAULT_WEB_PORT) + 1


def note(chosen: int) -> None:
    """Tell commands that start later which port `serve` chose."""
    data_dir().mkdir(parents=True, exist_ok=True)
    _note_file().write_text(f"{chosen}\n", encoding="ascii")


def forget() -> None:
    """The sandbox of this data directory does not run any more."""
    _note_file().unlink(missing_ok=True)


def use(environment: MutableMapping[str, str], *, at_port: int) -> None:
    """Point every vendor address that is not set to the sandbox at this port."""
    base = f"http://127.0.0.1:{at_port}"
    environment.setdefault("OUTBOUND_ALLOW_PRIVATE", "1")
    for line in _lines():
        name, _, value = line.partition("=")
        environment.setdefault(name.strip(), value.strip().replace("{base}", base))


def _lines() -> list[str]:
    files = sorted((ROOT / "integrations" / "providers").glob("*/sandbox.env"))
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if "=" in line and not line.startswith("#")]


def _note_file() -> Path:
    return data_dir() / "sandbox.port"


def _noted() -> str:
    try:
        return _note_file().read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return ""
