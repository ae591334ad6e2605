from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.core.validators import validate_email
from django.db import transaction

from accounts.domain.workspaces import create_workspace
from accounts.models import User, Workspace
from crmsync.commands import JsonCommand
from crmsync.lib.text import has_control


class Command(JsonCommand):
    help = "Create a workspace and, unless there is one, the account of its owner."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", help="name of the workspace")
        parser.add_argument("--owner", metavar="EMAIL", required=True, help="e-mail address of the owner")
        parser.add_argument("--password", metavar="P", help="password of a new account; needed unless the owner has an account")
        parser.add_argument("--owner-name", metavar="NAME", default="", help="name of the owner, for a new account")
        parser.add_argument(
            "--language",
            choices=[code for code, _name in settings.LANGUAGES],
            default="en",
            help="of the workspace and of a new account (default en)",
        )

    @transaction.atomic
    def run(self, *, name: str, owner: str, password: str | None, owner_name: str, language: str, **_options: Any) -> dict[str, Any]:
        user = _owner(_email(owner), password=password, name=owner_name, language=language)
        workspace = create_workspace(_name(name), owner=user, language=language)
        return {"id": workspace.pk, "slug": workspace.slug, "name": workspace.name, "owner": user.email}

    def say(self, result: dict[str, Any]) -> str:
        return f"Created the workspace {result['name']} ({result['slug']}) of {result['owner']}."


def _name(text: str) -> str:
    longest = Workspace._meta.get_field("name").max_length or 0
    if not text.strip() or len(text) > longest or has_control(text):
        raise CommandError(f"The name of a workspace is one line of 1 to {longest} characters.")
    return text.strip()


def _email(text: str) -> str:
    email = text.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise CommandError(f"{text!r} is not an e-mail address.") from error
    return email


def _owner(email: str, *, password: str | None, name: str, language: str) -> User:
    known = User.objects.filter(email=email).first()
    if known is None:
        return _new_owner(email, password=password, name=name, language=language)
    if password is not None and not known.check_password(password):
        raise CommandError(f"{email} has an account with another password. Leave --password out to use that account.")
    return known


def _new_owner(email: str, *, password: str | None, name: str, language: str) -> User:
    if not password:
        raise CommandError(f"{email} has no account yet: give a --password for it.")
    user = User.objects.create_user(email, password, name=name.strip()[:120], language=language)
    EmailAddress.objects.create(user=user, email=email, primary=True, verified=True)
    return user
