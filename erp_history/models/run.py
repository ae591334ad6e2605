from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.scoping import WorkspaceModel
from erp_history.enums import Outcome, Phase, PhaseStatus, RunKind, RunStatus


class ErpRun(WorkspaceModel):
    """One night. This row is the truth; the Celery message is only the bell that says: look at it."""

    kind = models.CharField(max_length=10, choices=RunKind.choices)
    status = models.CharField(max_length=8, choices=RunStatus.choices, default=RunStatus.QUEUED)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, blank=True)
    today = models.DateField()  # the local day that figures and categories are of
    slot = models.DateTimeField(null=True)  # the due time a scheduled night answers: one per slot, whoever beats
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    cancel_requested = models.BooleanField(default=False)
    lease = models.CharField(max_length=120, blank=True)
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)  # starts that ended nowhere, in a row
    rows = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace"], condition=~Q(status="done"), name="erp_run_one_at_a_time"),
            models.UniqueConstraint(fields=["workspace", "slot"], condition=Q(slot__isnull=False), name="erp_run_once_per_slot"),
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["workspace", "-id"], name="erp_run_recent")]

    def __str__(self) -> str:
        return f"night {self.pk}"

    @property
    def is_over(self) -> bool:
        return self.status == RunStatus.DONE

    @property
    def seconds(self) -> float | None:
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


class ErpPhase(WorkspaceModel):
    """A step of a night: what it did in rows and seconds. A step that is done is not done again when the night goes on."""

    run = models.ForeignKey(ErpRun, on_delete=models.CASCADE, related_name="phases", db_index=False)
    name = models.CharField(max_length=12, choices=Phase.choices)
    position = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=8, choices=PhaseStatus.choices, default=PhaseStatus.WAITING)
    rows = models.PositiveIntegerField(default=0)
    seconds = models.FloatField(default=0)
    cursor = models.JSONField(default=dict)  # how far a step in pages has come
    counters = models.JSONField(default=dict)
    log = models.JSONField(default=list)  # lines {at, text}
    error = models.TextField(blank=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "run", "name"], name="erp_phase_once")
        ]
        ordering: ClassVar[list[str]] = ["position"]

    def __str__(self) -> str:
        return self.name
