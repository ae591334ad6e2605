"""Stored reasons as sentences in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext

from integrations import registry
from integrations.engine import reasons
from integrations.engine.types import Reason


def sentence(stored: Mapping[str, Any], provider: str, **words: str) -> str:
    """What happened, in words; "" when there is nothing to say. `words` are what the reason does not carry, such as the name."""
    return reasons.sentence(_reason(stored), gettext, vendor=_label(provider), **words) if stored.get("code") else ""


def hint(stored: Mapping[str, Any], provider: str) -> str:
    """What a person can do about it; "" when nothing."""
    return reasons.fix_hint(_reason(stored), gettext, vendor=_label(provider)) if stored.get("code") else ""


def say(reason: Reason, provider: str) -> str:
    return reasons.sentence(reason, gettext, vendor=_label(provider))


def _reason(stored: Mapping[str, Any]) -> Reason:
    return Reason(stored["code"], stored.get("params") or {})


def _label(provider: str) -> str:
    return registry.manifest(provider).label
