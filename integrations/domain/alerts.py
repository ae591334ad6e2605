"""Tell owner and administrators once per incident, and once when it is well again."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.template.loader import render_to_string
from django.utils import timezone, translation

from accounts.enums import ADMIN_ROLES
from accounts.models import Membership
from integrations import registry
from integrations.domain.matches import waits_for_start
from integrations.domain.sentences import sentence
from integrations.domain.settings import name_of
from integrations.enums import ConnectionStatus
from integrations.models import Connection

FAILURES = 3
SILENCE = timedelta(hours=24)  # no success for so long


def is_in_trouble(connection: Connection) -> bool:
    """The permission is lost, several runs in a row failed, or nothing worked for a day."""
    if connection.status == ConnectionStatus.RECONNECT:
        return True
    if connection.status != ConnectionStatus.ACTIVE:
        return False
    since = connection.last_success_at or connection.connected_at
    silent = since is not None and since < timezone.now() - SILENCE
    return connection.failures >= FAILURES or (silent and not _waits_for_a_person(connection))


def _waits_for_a_person(connection: Connection) -> bool:
    """An import, and a first sync that comes after matching, wait for a person as long as that person likes."""
    return registry.manifest(connection.provider).one_time or waits_for_start(connection)


def alert_if_needed(connection: Connection) -> None:
    """Inside workspace_tx. The mail leaves after the commit: it is never sent twice, and no transaction waits for a mail server."""
    trouble = is_in_trouble(connection)
    if trouble and connection.alerted_at is None:
        _mark(connection, alerted=True)
        _mail(connection, "integrations/email/trouble.txt")
    elif not trouble and connection.alerted_at is not None and connection.status == ConnectionStatus.ACTIVE:
        _mark(connection, alerted=False)
        _mail(connection, "integrations/email/well_again.txt")


def _mark(connection: Connection, *, alerted: bool) -> None:
    connection.alerted_at = timezone.now() if alerted else None
    connection.save(update_fields=["alerted_at"])


def _mail(connection: Connection, template: str) -> None:
    people = Membership.objects.filter(workspace_id=connection.workspace_id, role__in=ADMIN_ROLES, user__is_active=True)
    rows = people.annotate(address=F("user__email"), language=Coalesce(F("user__language"), F("workspace__language")))
    for address, language in rows.values_list("address", "language"):
        with translation.override(language):
            text = render_to_string(template, _words(connection))
        subject, _sep, body = text.strip().partition("\n")
        mail = EmailMessage(subject.strip(), body.strip() + "\n", settings.DEFAULT_FROM_EMAIL, [address])
        transaction.on_commit(partial(mail.send, fail_silently=True))


def _words(connection: Connection) -> dict[str, str]:
    path = f"/w/{connection.workspace.slug}/integrations/{connection.pk}/"
    return {
        "provider": name_of(connection),
        "workspace": connection.workspace.name,
        "reason": sentence(connection.notice, connection.provider),
        "url": f"{settings.PUBLIC_URL}{path}",
    }
