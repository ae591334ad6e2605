from __future__ import annotations

from django.conf import settings
from django.db import models

from accounts.scoping import WorkspaceModel


class AuditEvent(WorkspaceModel):
    """Who did what to settings, members, tokens and connections. Never holds a secret."""

    at = models.DateTimeField(auto_now_add=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    action = models.CharField(max_length=60)
    target = models.CharField(max_length=120, blank=True)
    data = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["workspace", "-at"], name="audit_recent"),
            models.Index(fields=["workspace", "target", "-at"], name="audit_target"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.target}"
