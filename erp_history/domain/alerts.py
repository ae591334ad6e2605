"""Tell owner and administrators once when the maximum time without success has passed, and once when it is well again."""

from __future__ import annotations

import datetime as dt
from functools import partial

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.enums import ADMIN_ROLES
from accounts.models import Membership, Workspace
from erp_history.domain.sources import is_scheduled, silent_at
from erp_history.models import ErpSource


def is_silent(source: ErpSource, *, now: dt.datetime) -> bool:
    return is_scheduled(source) and now >= silent_at(source)


def alert_if_needed(source: ErpSource, workspace: Workspace, *, now: dt.datetime) -> None:
    """Inside workspace_tx; the mails leave after its commit, so that no mail server holds it up and none is told of what is taken back."""
    silent = is_silent(source, now=now)
    if silent == (source.alerted_at is not None) or not is_scheduled(source):
        return
    changed = ErpSource.objects.filter(pk=source.pk, alerted_at__isnull=silent).update(alerted_at=now if silent else None)
    source.alerted_at = now if silent else None
    if changed:
        _mail(source, workspace, silent=silent)


def _mail(source: ErpSource, workspace: Workspace, *, silent: bool) -> None:
    people = Membership.objects.filter(workspace=workspace, role__in=ADMIN_ROLES, user__is_active=True).select_related("user")
    for member in people:
        with translation.override(member.user.language or workspace.language):
            subject, body = _words(source, workspace, silent=silent)
        mail = EmailMessage(subject, body, settings.DEFAULT_FROM_EMAIL, [member.user.email])
        transaction.on_commit(partial(mail.send, fail_silently=True))


def _words(source: ErpSource, workspace: Workspace, *, silent: bool) -> tuple[str, str]:
    words = {
        "workspace": workspace.name,
        "hours": source.max_silence_hours,
        "url": f"{settings.PUBLIC_URL}/w/{workspace.slug}/settings/erp/",
    }
    if silent:
        subject = ngettext(
            "ERP data of %(workspace)s: no success for %(hours)s hour",
            "ERP data of %(workspace)s: no success for %(hours)s hours",
            source.max_silence_hours,
        )
        body = ngettext(
            "The nightly job of the ERP data has not succeeded for %(hours)s hour. See its log: %(url)s",
            "The nightly job of the ERP data has not succeeded for %(hours)s hours. See its log: %(url)s",
            source.max_silence_hours,
        )
    else:
        subject = _("ERP data of %(workspace)s: working again")
        body = _("The nightly job of the ERP data has succeeded again: %(url)s")
    return subject % words, body % words + "\n"
