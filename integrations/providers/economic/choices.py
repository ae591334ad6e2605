"""What e-conomic demands of every new customer and we cannot guess: loaded from the agreement into selects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from integrations.engine.capabilities import Choice
from integrations.engine.errors import Denied, Gone, SkipRecord
from integrations.kit.values import identity, table, text
from integrations.providers.economic.client import Client
from integrations.providers.economic.openapi import OpenApi

_LISTS = {
    "customer_group": ("/customer-groups", "customerGroupNumber"),
    "payment_terms": ("/payment-terms", "paymentTermsNumber"),
    "vat_zone": ("/vat-zones", "vatZoneNumber"),
    "currency": ("/currencies", "code"),
    "layout": ("/layouts", "layoutNumber"),
}
_DOMESTIC = "1"  # what agreements usually number so; only ever a suggestion


def choices(client: Client, setting: str) -> Sequence[Choice]:
    """Nothing for a setting that is not chosen from e-conomic."""
    if setting not in _LISTS:
        return []
    return sorted(_choices(client, setting), key=lambda choice: (not choice.key.isdigit(), choice.key.zfill(9)))


def _choices(client: Client, setting: str) -> Iterator[Choice]:
    path, name = _LISTS[setting]
    for entry in client.entries(path):
        key = identity(entry.get(name))
        if key and entry.get("enabledForCustomer") is not False and entry.get("barred") is not True:
            label = text(entry.get("name"))
            yield Choice(key, f"{key} {label}".strip() if key != label else key)


def suggested(client: Client, openapi: OpenApi) -> dict[str, str]:
    """The agreement's own defaults; the only entry of a list; the zone that is usually the domestic one."""
    settings = table(client.agreement().get("settings"))
    setup = _tolerant(openapi.defaults)
    found = {
        "currency": text(settings.get("baseCurrency")).upper(),
        "payment_terms": _number(settings.get("defaultPaymentTerm"), "paymentTermsNumber"),
        "customer_group": _number(setup.get("defaultCustomerGroupNumber"), ""),
        "layout": _number(setup.get("defaultLayoutNumber"), ""),
        "vat_zone": "",
    }
    for setting in ("customer_group", "vat_zone"):
        keys = [] if found[setting] else [choice.key for choice in choices(client, setting)]
        if len(keys) == 1 or (setting == "vat_zone" and _DOMESTIC in keys):
            found[setting] = keys[0] if len(keys) == 1 else _DOMESTIC
    return {setting: key for setting, key in found.items() if key}


def _number(value: Any, name: str) -> str:
    found = identity(table(value).get(name)) if isinstance(value, dict) else identity(value)
    return found if found != "0" else ""


def _tolerant(read: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    """A suggestion is not worth an error."""
    try:
        return read()
    except (Denied, Gone, SkipRecord):
        return {}
