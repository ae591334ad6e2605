"""How the log-in library fits in here: sign-up makes a workspace, links use our own address, seeds are encrypted, words are ours."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib import messages
from django.contrib.sites.requests import RequestSite
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.shortcuts import redirect
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from accounts.domain.seeds import seal, unseal
from accounts.domain.workspaces import create_workspace
from accounts.models import User

log = logging.getLogger(__name__)


class AccountAdapter(DefaultAccountAdapter):
    error_messages = DefaultAccountAdapter.error_messages | {
        "cannot_remove_primary_email": _("You cannot remove your main e-mail address."),
        "duplicate_email": _("This e-mail address is on your account already."),
        "email_password_mismatch": _("The e-mail address or the password is not right."),
        "email_taken": _("There is an account with this e-mail address already."),
        "unverified_primary_email": _("Confirm your main e-mail address first."),
    }

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """The person, the workspace and the place in it, or nothing."""
        user.name = form.cleaned_data["name"]
        user.language = language_of(request)
        try:
            with transaction.atomic():
                saved: User = super().save_user(request, user, form, commit=True)
                create_workspace(form.cleaned_data["workspace_name"], owner=saved, language=saved.language)
        except IntegrityError as error:  # a double click, or somebody else at this moment: the form found the address free
            messages.error(request, str(self.error_messages["email_taken"]))
            raise ImmediateHttpResponse(redirect("account_login")) from error
        return saved

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Never trust the Host header in a link. A mail server that is down must not stop a sign-up."""
        ours = {key: self._at_public_url(value) for key, value in context.items()}
        ours["current_site"] = PublicSite()
        try:
            super().send_mail(template_prefix, email, ours)
        except OSError:  # smtplib's errors are among them
            log.exception("mail %s could not be sent", template_prefix)

    def format_email_subject(self, subject: str) -> str:
        """Without the host name that the library puts in front."""
        return subject

    def _at_public_url(self, value: Any) -> Any:
        root = self.request.build_absolute_uri("/") if self.request is not None else ""
        if not root or not isinstance(value, str) or not value.startswith(root):
            return value
        return f"{settings.PUBLIC_URL}/{value.removeprefix(root)}"


class TwoStepAdapter(DefaultMFAAdapter):
    error_messages = DefaultMFAAdapter.error_messages | {
        "add_email_blocked": _("With two-step log-in on, no e-mail address can be added."),
        "unverified_email": _("Confirm your e-mail address first, then switch on two-step log-in."),
    }

    def encrypt(self, text: str) -> str:
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text)


class PublicSite(RequestSite):
    """What allauth calls the site: our name and our public address."""

    def __init__(self) -> None:
        self.domain = urlsplit(settings.PUBLIC_URL).netloc
        self.name = "crmsync"


def language_of(request: HttpRequest) -> str:
    """The language that this request was answered in, as far as we speak it."""
    asked = translation.get_language() or getattr(request, "LANGUAGE_CODE", "en")
    known = dict(settings.LANGUAGES)
    return next((code for code in (asked, asked.partition("-")[0]) if code in known), "en")
