"""Read the environment. A value that is needed and missing says so in one line; keys of a local trial run are made once and kept."""

from __future__ import annotations

import base64
import json
import os
import secrets
from pathlib import Path

import environ

ROOT = Path(__file__).resolve().parent.parent.parent
env = environ.Env()


def data_dir() -> Path:
    """Where embedded services and local files live."""
    return Path(os.environ.get("CRMSYNC_DATA_DIR", ROOT / ".data")).resolve()


def secret(name: str) -> str:
    """The secret `name`: from the environment, else (never in production) one made for this data directory."""
    value = os.environ.get(name, "")
    if value or env.bool("PRODUCTION", default=False):
        return value or str(env(name))
    return _local_secrets()[name]


def _local_secrets() -> dict[str, str]:
    path = data_dir() / "secrets.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = {
            "SECRET_KEY": secrets.token_urlsafe(50),
            "FIELD_KEYS": "local:" + base64.b64encode(secrets.token_bytes(32)).decode(),
        }
        _write_once(path, json.dumps(made))
    loaded: dict[str, str] = json.loads(path.read_text())
    return loaded


def _write_once(path: Path, text: str) -> None:
    """Two processes may start at the same time: the first file to get the name stays."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_text(text)
    part.chmod(0o600)
    try:
        os.link(part, path)
    except FileExistsError:
        return
    finally:
        part.unlink()
