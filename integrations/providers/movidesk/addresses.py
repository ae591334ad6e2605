"""A Brazilian address between Movidesk's parts and the two lines of the CRM.

First line "street, number"; second line "complement - district". A second line without a dash is the district, unless it begins like
a complement ("Sala 201"). What this cannot tell apart is told apart by leaving alone what did not change.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from crmsync.lib.countries import country_code, country_name
from crmsync.lib.text import fold
from integrations.kit.values import text

_NUMBER = re.compile(r"(?P<street>.*\S)\s*,\s*(?P<number>\d[\w./-]*|s/?n[º°]?)", re.IGNORECASE)
_COMPLEMENT = re.compile(
    r"(?:sala|sl|apto?|apartamento|bloco|bl|andar|conjunto|cj|conj|loja|lj|casa|fundos|lote|quadra|qd|torre|unidade|galpao|edificio|ed"
    r"|sobreloja|terreo|cobertura|box|km|suite|unit|flat)\b|\d+\s*[oºª]?\s*andar"
)
_country = lru_cache(maxsize=512)(country_code)


def address_here(theirs: Mapping[str, Any]) -> dict[str, str]:
    """Filled parts only."""
    part = {key: text(theirs.get(key)) for key in ("street", "number", "complement", "district", "city", "state", "postalCode", "country")}
    found = {
        "line1": _joined(", ", part["street"], part["number"]),
        "line2": _joined(" - ", part["complement"], part["district"]),
        "city": part["city"],
        "region": part["state"],
        "postcode": part["postalCode"],
        "country": _country(part["country"]),
    }
    return {key: value for key, value in found.items() if value}


def address_there(ours: Mapping[str, Any]) -> dict[str, str]:
    """All parts, empty ones too."""
    given = {key: str(ours.get(key) or "").strip() for key in ("line1", "line2", "city", "region", "postcode", "country")}
    return {
        **first_line(given["line1"]),
        **second_line(given["line2"]),
        "city": given["city"],
        "state": given["region"],
        "postalCode": given["postcode"],
        "country": country_name(_country(given["country"]) or given["country"], "pt_BR"),
    }


def changed_address(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    """Their entry with our values put in; parts that say the same already stay as Movidesk has them."""
    before = address_here(theirs)
    fresh = address_there(ours)
    kept = [parts for line, parts in _PARTS.items() if str(ours.get(line) or "").strip() == before.get(line, "")]
    untouched = {part for parts in kept for part in parts}
    return {**theirs, **{part: value for part, value in fresh.items() if part not in untouched}}


_PARTS = {
    "line1": ("street", "number"),
    "line2": ("complement", "district"),
    "city": ("city",),
    "region": ("state",),
    "postcode": ("postalCode",),
    "country": ("country",),
}


def first_line(line: str) -> dict[str, str]:
    found = _NUMBER.fullmatch(line)
    return {"street": found["street"], "number": found["number"]} if found else {"street": line, "number": ""}


def second_line(line: str) -> dict[str, str]:
    complement, dash, district = (part.strip() for part in line.rpartition(" - "))
    if dash and complement and district:
        return {"complement": complement, "district": district}
    if _COMPLEMENT.match(fold(line)):
        return {"complement": line, "district": ""}
    return {"complement": "", "district": line}


def _joined(glue: str, *parts: str) -> str:
    return glue.join(part for part in parts if part)
