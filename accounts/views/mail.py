from __future__ import annotations

import logging

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from accounts.models import Invitation

log = logging.getLogger(__name__)


def invitation_url(invitation: Invitation, *, secret: str) -> str:
    return settings.PUBLIC_URL + reverse("accounts:join", kwargs={"slug": invitation.workspace.slug, "token": secret})


def send_invitation(invitation: Invitation, *, secret: str) -> bool:
    """False when the mail server does not take it; the place stays open."""
    context = {"invitation": invitation, "url": invitation_url(invitation, secret=secret)}
    with translation.override(invitation.workspace.language):
        subject = render_to_string("accounts/email/invitation_subject.txt", context).strip()
        text = render_to_string("accounts/email/invitation_message.txt", context)
    try:
        send_mail(" ".join(subject.split()), text, None, [invitation.email])
    except OSError:  # smtplib's errors are among them
        log.exception("the invitation %s could not be sent", invitation.pk)
        return False
    return True
