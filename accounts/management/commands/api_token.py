from __future__ import annotations

import datetime as dt
from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from accounts.domain.errors import Refused
from accounts.domain.tokens import allowed_scopes, create_token
from accounts.enums import TokenScope
from accounts.models import Membership
from crmsync.commands import JsonCommand


class Command(JsonCommand):
    help = "Make an API token of a member and print it, this once."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL", help="the member the token acts for")
        parser.add_argument("--workspace", metavar="SLUG", required=True, help="the workspace it opens")
        scopes = ", ".join(TokenScope.values)
        parser.add_argument("--scopes", metavar="SCOPE", nargs="+", help=f"any of {scopes}; default: all that the member's role allows")
        parser.add_argument("--name", default="Command line", help="what uses it (default: Command line)")
        parser.add_argument("--days", type=int, help="days until it expires; default: no end")

    def run(self, *, email: str, workspace: str, scopes: list[str] | None, name: str, days: int | None, **_options: Any) -> dict[str, Any]:
        member = _member(email.strip().lower(), slug=workspace)
        wanted = _scopes(scopes) if scopes else [str(scope) for scope in allowed_scopes(member)]
        try:
            token, text = create_token(member, name=name[:80], scopes=wanted, expires_at=_expiry(days))
        except Refused as error:
            raise CommandError(error.message) from error
        return {"token": text, "id": token.pk, "prefix": token.prefix, "scopes": token.scopes, "workspace": workspace, "user": email}

    def say(self, result: dict[str, Any]) -> str:
        return str(result["token"])


def _member(email: str, *, slug: str) -> Membership:
    found = Membership.objects.select_related("user", "workspace").filter(user__email=email, workspace__slug=slug).first()
    if found is None:
        raise CommandError(f"{email} is not a member of a workspace {slug}.")
    return found


def _scopes(given: Iterable[str]) -> list[str]:
    """As words or separated by commas."""
    wanted = [scope for text in given for scope in text.split(",") if scope]
    unknown = sorted(set(wanted) - set(TokenScope.values))
    if unknown:
        raise CommandError(f"There is no scope {', '.join(unknown)}: use {', '.join(TokenScope.values)}.")
    return wanted


def _expiry(days: int | None) -> dt.datetime | None:
    if days is None:
        return None
    if not 0 < days <= 3650:
        raise CommandError("--days is a number from 1 to 3650.")
    return timezone.now() + dt.timedelta(days=days)
