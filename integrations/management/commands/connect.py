"""Connect a provider without a browser, checked exactly as the form checks it."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from accounts.models import Workspace
from crmsync.commands import JsonCommand
from integrations import registry
from integrations.domain.connect import set_up
from integrations.domain.hooks import follow_setting
from integrations.domain.sentences import say
from integrations.domain.settings import InvalidSettings
from integrations.engine.errors import ProviderError
from integrations.engine.provider import FieldSpec, Manifest
from integrations.registry import UnknownProvider


class Command(JsonCommand):
    help = "Connect a provider to a workspace without a browser, checked as the form checks it; the first sync starts by itself."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.epilog = "Providers and their settings: " + "; ".join(map(_described, registry.manifests().values()))
        parser.add_argument("provider", metavar="PROVIDER", help=f"one of {', '.join(registry.manifests())}")
        parser.add_argument("--workspace", required=True, metavar="SLUG", help="the workspace that gets the connection")
        parser.add_argument(
            "--set", dest="chosen", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="a setting (see below)"
        )
        parser.add_argument(
            "--secret",
            dest="secrets",
            nargs="+",
            action="extend",
            default=[],
            metavar="KEY=VALUE",
            help="a secret, such as access_token=... or token=...",
        )
        parser.add_argument("--no-check", action="store_true", help="do not ask the provider whether the secrets work")

    def run(
        self, *, provider: str, workspace: str, chosen: list[str], secrets: list[str], no_check: bool, **_options: Any
    ) -> dict[str, Any]:
        place = Workspace.objects.filter(slug=workspace).first()
        if place is None:
            raise CommandError(f"there is no workspace {workspace!r}")
        try:
            manifest = registry.installed(provider)
        except UnknownProvider:
            raise CommandError(f"there is no provider {provider!r}; known: {', '.join(registry.manifests())}") from None
        known = _secrets(manifest, _pairs(secrets))
        try:
            connection = set_up(place, provider, settings=_pairs(chosen), secrets=known, user=None, check=not no_check)
            if not no_check:
                follow_setting(connection)
        except InvalidSettings as error:
            raise CommandError(str(error)) from None
        except ProviderError as error:
            raise CommandError(f"{say(error.reason, provider)} {error.detail}".strip()) from None
        return {
            "id": connection.pk,
            "provider": provider,
            "workspace": workspace,
            "status": connection.status,
            "account": connection.account_name,
        }


def _pairs(words: list[str]) -> dict[str, str]:
    wrong = [word for word in words if "=" not in word]
    if wrong:
        raise CommandError(f"{wrong[0]!r} is not KEY=VALUE")
    return dict(word.split("=", 1) for word in words)


def _secrets(manifest: Manifest, given: dict[str, str]) -> dict[str, Any]:
    known = {"access_token", "refresh_token", "expires_in", "scope"} if manifest.auth else {spec.key for spec in manifest.secrets}
    needed = {"access_token"} if manifest.auth else {spec.key for spec in manifest.secrets if spec.required}
    if given.keys() - known:
        raise CommandError(f"unknown secret {min(given.keys() - known)!r}; known: {', '.join(sorted(known))}")
    if needed - given.keys():
        raise CommandError(f"the secret {min(needed - given.keys())!r} is needed")
    found: dict[str, Any] = dict(given)
    seconds = found.pop("expires_in", None)
    if seconds is not None:
        if not seconds.isdigit():
            raise CommandError("expires_in must be a whole number of seconds")
        found["expires_at"] = (timezone.now() + timedelta(seconds=int(seconds))).isoformat()
    return found


def _described(manifest: Manifest) -> str:
    secrets = "".join(f" --secret {spec.key}=..." for spec in manifest.secrets)
    return f"{manifest.key}: {' '.join(map(_spec, manifest.settings))}{secrets}"


def _spec(spec: FieldSpec) -> str:
    choices = "|".join(key for key, _label in spec.choices)
    return f"{spec.key}={choices or spec.type.value}"
