from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.scoping import WorkspaceModel


class Exchange(WorkspaceModel):
    """A call to a provider and its answer, secrets taken out, bodies clipped; kept for some days."""

    connection_id = models.BigIntegerField()
    run_id = models.BigIntegerField(null=True)
    at = models.DateTimeField()
    method = models.CharField(max_length=8)
    url = models.TextField()
    status = models.PositiveSmallIntegerField(null=True)
    milliseconds = models.PositiveIntegerField(default=0)
    request = models.TextField(blank=True)
    response = models.TextField(blank=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["workspace", "connection_id", "-id"], name="exchange_recent")]

    def __str__(self) -> str:
        return f"{self.method} {self.status}"
