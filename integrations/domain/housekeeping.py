"""What has had its time goes: exchanges, log lines, used consents, the contacts' trash."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from accounts.models import Workspace
from accounts.scoping import workspace_tx
from integrations.domain.exchanges import forget_old_exchanges
from integrations.models import OAuthAttempt, Run, RunLine

KEEP_RUNS = timedelta(days=90)
KEEP_CONSENTS = timedelta(days=1)


def tidy(workspace: Workspace) -> None:
    """One workspace at a time, each in its own transaction."""
    now = timezone.now()
    with workspace_tx(workspace):
        forget_old_exchanges()
        old = Run.objects.filter(workspace=workspace, finished_at__lt=now - KEEP_RUNS)
        RunLine.objects.filter(workspace=workspace, run__in=old.values("pk")).delete()
        OAuthAttempt.objects.filter(workspace=workspace, created_at__lt=now - KEEP_CONSENTS).delete()
