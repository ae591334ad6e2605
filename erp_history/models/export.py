from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.scoping import WorkspaceModel
from erp_history.enums import ExportStatus


class ErpExport(WorkspaceModel):
    """An Excel file of the history that somebody asked for. This row is the truth; the file goes after a day."""

    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    language = models.CharField(max_length=10, default="en")  # of the sheets' names and heads
    first = models.DateField()
    last = models.DateField()
    tables = models.JSONField(default=list)
    outcome = models.CharField(max_length=10, blank=True)  # which requests, as in the list
    key = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=10, choices=ExportStatus.choices, default=ExportStatus.QUEUED)
    cancel_requested = models.BooleanField(default=False)
    lease = models.CharField(max_length=120, blank=True)
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    part = models.CharField(max_length=20, blank=True)  # the table it is at
    rows = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(null=True)
    file = models.CharField(max_length=120, blank=True)  # below MEDIA_ROOT
    size = models.PositiveBigIntegerField(default=0)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["workspace", "-id"], name="erp_export_recent"),
            models.Index(fields=["workspace", "id"], name="erp_export_open", condition=Q(status__in=["queued", "running"])),
        ]

    def __str__(self) -> str:
        return f"export {self.pk}"

    @property
    def is_open(self) -> bool:
        return self.status in {ExportStatus.QUEUED, ExportStatus.RUNNING}
