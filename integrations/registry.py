"""Which providers there are. The settings list their folders; everything else asks here by key and never imports one."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from importlib import import_module
from types import ModuleType

from django.conf import settings

from integrations.engine.provider import Manifest, Provider
from integrations.kit.context import ProviderContext


class UnknownProvider(LookupError):
    """No provider of that key is installed."""


@cache
def _modules() -> dict[str, ModuleType]:
    found = [import_module(f"{path}.provider") for path in settings.CRMSYNC_PROVIDERS]
    return {module.MANIFEST.key: module for module in found}


def manifests() -> dict[str, Manifest]:
    """Every provider's manifest by its key, in the order of the settings."""
    return {key: module.MANIFEST for key, module in _modules().items()}


def is_installed(key: str) -> bool:
    return key in _modules()


def installed(key: str) -> Manifest:
    """The manifest of a provider that is asked for by name. Raises UnknownProvider."""
    if not is_installed(key):
        raise UnknownProvider(key)
    return manifests()[key]


def manifest(key: str) -> Manifest:
    """The manifest of a stored connection's provider. The operator may have taken that one away: then it has a name and can do nothing."""
    return manifests().get(key) or _withdrawn(key)


def _withdrawn(key: str) -> Manifest:
    return Manifest(
        key=key,
        label=key.capitalize(),
        tagline="",
        colour="",
        letter=key[:1].upper(),
        auth=None,
        settings=(),
        resources=(),
        fields=(),
        capabilities=frozenset(),
        cadence=timedelta(days=1),
    )


def connect(key: str, context: ProviderContext) -> Provider:
    """Open the provider for one connection. Raises UnknownProvider."""
    installed(key)
    provider: Provider = _modules()[key].connect(context)
    return provider
