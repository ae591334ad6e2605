from __future__ import annotations

from django.conf import settings
from django.db import models

from accounts.scoping import WorkspaceModel


class IdempotentAnswer(WorkspaceModel):
    """The answer to a POST with an Idempotency-Key, kept for seven days. Without `status` it is still being worked on."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=200)
    target = models.CharField(max_length=300)
    body_digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    # Rendered JSON: escapes that jsonb refuses (NUL) are kept as they were sent.
    body = models.TextField(default="")
    headers = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "user", "key"], name="idempotent_key")]
        indexes = [models.Index(fields=["workspace", "created_at"], name="idempotent_age")]

    def __str__(self) -> str:
        return f"{self.target} {self.status}"
