"""Decisions about what is brought over from NectarCRM."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import orjson

from crmsync.lib.text import fold
from integrations.engine.types import CustomField, Reason
from integrations.kit.values import amount, day, identity, rows, text
from integrations.providers.nectar import records

# `constante` -> life cycle here. Who was discarded has none, and a tag.
LIFE_CYCLES = {0: "client", 1: "prospect", 2: "suspect", 3: "lead", 4: "related", 5: ""}
DISCARDED_TAG, INACTIVE_TAG, CONFIDENTIAL_TAG = "Descartado", "Inativo", "Sigiloso"
_KINDS = {0: "number", 2: "date", 3: "number", 4: "boolean", 5: "choice", 7: "choice", 8: "url", 12: "number"}
_YES, _NO = {"true", "sim", "s", "1", "yes"}, {"false", "nao", "n", "0", "no"}


def why_left_out(body: Mapping[str, Any], *, name: str, settings: Mapping[str, Any]) -> Reason | None:
    """By default confidential and inactive contacts are left out: everybody in the workspace would see the ones, and work on the others."""
    if body.get("sigiloso") is True and settings.get("confidential", "leave_out") == "leave_out":
        return Reason("confidential_there", {"name": name})
    if records.cycle(body) == records.DISCARDED and settings.get("discarded", "import") == "leave_out":
        return Reason("discarded_there", {"name": name})
    if body.get("ativo") is False and settings.get("inactive", "leave_out") == "leave_out":
        return Reason("inactive_there", {"name": name})
    return None


def life_cycle(body: Mapping[str, Any]) -> str:
    found = records.cycle(body)
    return LIFE_CYCLES[found] if found is not None else ""


def marks(body: Mapping[str, Any]) -> list[str]:
    """Tags for what has no field here."""
    facts = {
        DISCARDED_TAG: records.cycle(body) == records.DISCARDED,
        INACTIVE_TAG: body.get("ativo") is False,
        CONFIDENTIAL_TAG: body.get("sigiloso") is True,
    }
    return [tag for tag, holds in facts.items() if holds]


def key_of(label: str) -> str:
    """The key of a custom field here: its label in small letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", fold(label)).strip("-")[:40].strip("-")


def custom_field(entry: Mapping[str, Any]) -> CustomField | None:
    """None for fields of other things than contacts, and for those without a usable name."""
    label = text(entry.get("nome"))
    related = fold(text(entry.get("relacionado")))
    if not key_of(label) or related not in ("", "contato", "contatos", "1"):
        return None
    number = identity(entry.get("tipo"))
    choices = tuple(dict.fromkeys(filter(None, (text(one) for one in _options(entry.get("opcoes"))))))
    kind = _KINDS.get(int(number), "text") if number.isdigit() and len(number) < 4 else "text"
    return CustomField(key_of(label), label[:80], "text" if kind == "choice" and not choices else kind, choices if kind == "choice" else ())


def custom_value(field: CustomField, value: Any) -> Any:
    """A value as the field takes it here; None for what it cannot hold."""
    if isinstance(value, list):
        value = ", ".join(filter(None, map(text, value)))
    plain = value if isinstance(value, bool) else text(value)
    if field.kind == "choice":
        return plain if plain in field.choices else None
    read: Callable[[Any], Any] = _READ.get(field.kind, _as_text)
    return read(plain)


def expires_at(secrets: Mapping[str, str]) -> datetime | None:
    """When the token runs out, as the token itself says (it is a JWT); None when it does not."""
    parts = str(secrets.get("token") or "").split(".")
    if len(parts) != 3:
        return None
    try:
        told = orjson.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return datetime.fromtimestamp(told["exp"], UTC)
    except (binascii.Error, ValueError, TypeError, KeyError, OverflowError, OSError):
        return None


def compact(number: str) -> str:
    """CPF or CNPJ without its mask; a mask that was never filled in ("__.___") is nothing."""
    found = re.sub(r"[\s.,/_\-]", "", number).upper()
    return found if any(char.isdigit() for char in found) else ""


def _options(value: Any) -> list[Any]:
    if isinstance(value, list):
        return [one.get("nome") or one.get("valor") if isinstance(one, dict) else one for one in value]
    return text(value).split(";") if text(value) else [row.get("nome") for row in rows(value)]


def _as_text(value: Any) -> str | None:
    return ("Sim" if value else "Não") if isinstance(value, bool) else str(value)[:2000] or None


def _as_number(value: Any) -> str | None:
    """Numbers, and Brazilian ones: 1.530,75."""
    plain = str(value).replace("R$", "").strip()
    if "," in plain:
        plain = plain.replace(".", "").replace(",", ".")
    found = None if isinstance(value, bool) else amount(plain)
    return f"{found.normalize():f}" if found is not None else None


def _as_date(value: Any) -> str | None:
    """ISO dates, and Brazilian ones: 31/12/2026."""
    plain = str(value)
    if found := re.match(r"(\d{2})/(\d{2})/(\d{4})$", plain):
        plain = f"{found[3]}-{found[2]}-{found[1]}"
    found_day: date | None = day(plain)
    return found_day.isoformat() if found_day else None


def _as_boolean(value: Any) -> bool | None:
    word = fold(str(value))
    return True if word in _YES else False if word in _NO else None


def _as_url(value: Any) -> str | None:
    plain = str(value)
    if re.match(r"https?://\S+$", plain):
        return plain[:500]
    return f"https://{plain}"[:500] if re.match(r"[\w-]+(\.[\w-]+)+(/\S*)?$", plain) else None


_READ: dict[str, Callable[[Any], Any]] = {"number": _as_number, "date": _as_date, "boolean": _as_boolean, "url": _as_url}
