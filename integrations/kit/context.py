"""What a provider is given to work with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from integrations.kit.http import Http


@dataclass(frozen=True, slots=True)
class ProviderContext:
    """One connection as its provider sees it.

    `settings` are the connection's settings by FieldSpec key, `env` the deployment's variables (CRUNCH_...),
    `token` what the token reply told besides the tokens themselves (some vendors name the account only there),
    `services` the doors to the further hosts of `Manifest.services`, by their keys.
    """

    settings: Mapping[str, Any]
    http: Http
    env: Mapping[str, str]
    token: Mapping[str, Any] = field(default_factory=dict)
    services: Mapping[str, Http] = field(default_factory=dict)
