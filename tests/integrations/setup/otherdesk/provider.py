"""Another helpdesk: Movidesk under another name."""

from __future__ import annotations

from dataclasses import replace

from integrations.engine.provider import Provider
from integrations.kit.context import ProviderContext
from integrations.providers.movidesk import provider as movidesk

MANIFEST = replace(movidesk.MANIFEST, key="otherdesk", label="Other desk")


def connect(context: ProviderContext) -> Provider:
    return movidesk.connect(context)
