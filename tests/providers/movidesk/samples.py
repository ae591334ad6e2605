"""Payloads and records for the tests of this folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from integrations.engine.types import RawRecord
from integrations.providers.movidesk.records import COMPANY, raw_record


def payload(name: str) -> Any:
    return orjson.loads((Path(__file__).parent / "payloads" / f"{name}.json").read_bytes())


def record(body: dict[str, Any], kind: str = COMPANY) -> RawRecord:
    found = raw_record({"id": "EMP1", **body}, kind=kind)
    assert found is not None
    return found
