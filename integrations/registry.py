"""Which providers there are. The settings list their folders; everything else asks here by key and never imports one."""

from __future__ import annotations

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


def manifest(key: str) -> Manifest:
    """Raises UnknownProvider."""
    if key not in _modules():
        raise UnknownProvider(key)
    found: Manifest = _modules()[key].MANIFEST
    return found


def connect(key: str, context: ProviderContext) -> Provider:
    """Open the provider for one connection."""
    provider: Provider = _modules()[key].connect(context)
    return provider
