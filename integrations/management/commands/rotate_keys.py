"""Encrypt all stored secrets with the first key of FIELD_KEYS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from accounts.domain import seeds
from accounts.domain.keys import key_ring
from accounts.models import Workspace
from crmsync.commands import JsonCommand
from crmsync.lib.crypto import SecretError
from integrations.domain.rotation import rotate


class Command(JsonCommand):
    help = "Encrypt the secrets of connections, ERP databases and log-ins with the first key of FIELD_KEYS; then the other keys can go."

    def run(self, **_options: Any) -> dict[str, Any]:
        try:
            counts = [rotate(workspace) for workspace in Workspace.objects.order_by("pk").iterator()]
            return {"key": key_ring().current, "workspaces": len(counts), "rotated": sum(counts) + seeds.rotate()}
        except SecretError as error:
            raise CommandError(f"A secret cannot be read, so the keys stay as they are: {error}") from error

    def say(self, result: dict[str, Any]) -> str:
        return f"{result['rotated']} secrets were encrypted anew; all use the key {result['key']} now."
