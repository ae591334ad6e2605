"""Answers that stand at the vendor: loaded for the settings page, remembered for some minutes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from django.core.cache import cache
from redis.exceptions import RedisError

from integrations import registry
from integrations.domain.access import open_access
from integrations.domain.journal import reason_json
from integrations.engine.capabilities import OffersChoices
from integrations.engine.errors import ProviderError
from integrations.engine.provider import FieldType, Manifest
from integrations.models import Connection

KEEP = 300  # seconds


@dataclass(frozen=True, slots=True)
class Offered:
    """`choices`: setting -> (key, label) in the vendor's order; `trouble`: the reason why the vendor could not be asked."""

    choices: Mapping[str, list[tuple[str, str]]] = field(default_factory=dict)
    suggested: Mapping[str, str] = field(default_factory=dict)
    trouble: Mapping[str, Any] = field(default_factory=dict)


def asked_of_vendor(manifest: Manifest) -> list[str]:
    """The settings whose answers stand there."""
    return [spec.key for spec in manifest.settings if spec.type is FieldType.REMOTE_CHOICE]


def nothing_chosen(connection: Connection) -> bool:
    """Nobody has looked at these questions yet."""
    keys = asked_of_vendor(registry.manifest(connection.provider))
    return bool(keys) and not any(connection.settings.get(key) for key in keys)


def load_choices(connection: Connection) -> Offered:
    """Call it outside a transaction: it may talk to the vendor."""
    keys = asked_of_vendor(registry.manifest(connection.provider))
    if not keys:
        return Offered()
    known = remembered(connection)
    if known is not None:
        return known
    try:
        offered = _ask(connection, keys)
    except ProviderError as error:
        return Offered(trouble=reason_json(error.reason))
    with suppress(RedisError):
        cache.set(_key(connection), {"choices": offered.choices, "suggested": offered.suggested}, timeout=KEEP)
    return offered


def remembered(connection: Connection) -> Offered | None:
    """What was loaded lately."""
    try:
        found = cache.get(_key(connection))
    except RedisError:
        return None
    return Offered(found["choices"], found["suggested"]) if found else None


def forget_choices(connection: Connection) -> None:
    with suppress(RedisError):
        cache.delete(_key(connection))


def _ask(connection: Connection, keys: list[str]) -> Offered:
    provider = open_access(connection).provider
    if not isinstance(provider, OffersChoices):
        return Offered()
    choices = {key: [(each.key, each.label) for each in provider.choices(key)] for key in keys}
    return Offered(choices, dict(provider.suggested()))


def _key(connection: Connection) -> str:
    """Another permission may be another account."""
    since = connection.connected_at.timestamp() if connection.connected_at else 0
    return f"choices:{connection.workspace_id}:{connection.pk}:{since}"
