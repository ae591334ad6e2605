"""Lay out the demo workspace, and connect it to the sandbox vendors."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from accounts.models import User
from crmsync import sandbox
from crmsync.commands import JsonCommand
from integrations import registry
from integrations.domain import demo
from integrations.domain.demo_vendors import connect_sandboxes
from integrations.engine import reasons
from integrations.engine.errors import ProviderError
from integrations.tasks import ring


class Command(JsonCommand):
    help = "Lay out the demo workspaces and tell the log-in. Doing it again changes nothing; refused in production."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--connect", action="store_true", help="also connect it to the sandbox vendors, which must run (SANDBOX=1)")

    def run(self, *, connect: bool, **_options: Any) -> dict[str, Any]:
        if settings.PRODUCTION:
            raise CommandError("The demo's password is known to everybody: not in production.")
        if connect and not sandbox.wanted():
            raise CommandError("The demo is connected to sandbox vendors only: set SANDBOX=1.")
        made = demo.lay_out()
        anna = User.objects.get(email=f"anna@{demo.DOMAIN}")
        base_url = f"http://127.0.0.1:{sandbox.port()}"
        return {
            "workspace": made.workspace.slug,
            "second_workspace": made.second.slug,
            "email": anna.email,
            "password": demo.PASSWORD,
            "made": made.made,
            **({"connected": _connected(made, anna, base_url=base_url), "books": _books(base_url)} if connect else {}),
        }

    def say(self, result: dict[str, Any]) -> str:
        if "connected" not in result:
            return f"Log in as {result['email']} with the password {result['password']}"
        new = [f"{registry.manifest(key).label} (sandbox) is connected; its first sync runs now." for key in result["connected"]]
        return "\n".join([*new, *(f"The books of {registry.manifest(key).label} (sandbox): {url}" for key, url in result["books"].items())])


def _connected(made: demo.Demo, anna: User, *, base_url: str) -> dict[str, int]:
    """New connections by provider; a worker is asked to start with them."""
    try:
        connections = connect_sandboxes(made.workspace, user=anna, base_url=base_url)
    except ProviderError as error:
        why = reasons.sentence(error.reason, vendor="The sandbox")
        raise CommandError(f"The sandbox at {base_url} cannot be connected: {why} {error.detail}".strip()) from None
    for connection in connections:
        ring(connection.workspace_id, connection.pk)
    return {connection.provider: connection.pk for connection in connections}


def _books(base_url: str) -> dict[str, str]:
    """The pages on which a person plays the vendor's side."""
    return {key: f"{base_url}/{key}/books" for key in registry.manifests()}
