"""Payloads and records for the tests of this folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from integrations.engine.types import RawRecord
from integrations.providers.crunch.records import CLIENT, INVOICE, raw_record


def payload(name: str) -> Any:
    return orjson.loads((Path(__file__).parent / "payloads" / f"{name}.json").read_bytes())


def record(body: dict[str, Any], kind: str = CLIENT) -> RawRecord:
    found = raw_record(kind, {"id": 1, **body})
    assert found is not None
    return found


def invoice_record(**fields: Any) -> RawRecord:
    return record({"currency": "GBP", "grossAmount": 100.0, "outstandingBalance": 100.0, **fields}, INVOICE)
