from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from accounts.scoping import WorkspaceModel
from integrations.enums import Level, Outcome, Phase, RunKind, RunStatus
from integrations.models.connection import Connection
from integrations.models.quickjson import QuickJSONField


class Run(WorkspaceModel):
    """One sync of one connection. This row is the truth; the Celery message is only the bell that says: look at it."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="runs", db_index=False)
    kind = models.CharField(max_length=10, choices=RunKind.choices)
    status = models.CharField(max_length=10, choices=RunStatus.choices, default=RunStatus.QUEUED)
    outcome = models.CharField(max_length=16, choices=Outcome.choices, blank=True)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    phase = models.CharField(max_length=6, choices=Phase.choices, default=Phase.FETCH)
    cursor = models.JSONField(default=dict)  # resource, page cursor, position in the staged records
    counters = models.JSONField(default=dict)
    plan = models.JSONField(default=dict)  # preview: counts and first rows; guard: what it stopped
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    page = models.PositiveIntegerField(default=0)
    pages = models.PositiveIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)  # slices that died in a row
    reason = models.JSONField(default=dict)
    detail = models.TextField(blank=True)
    confirmed = models.BooleanField(default=False)  # a person let the mass change through
    cancel_requested = models.BooleanField(default=False)
    undone_by = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="undoes")
    lease = models.CharField(max_length=40, blank=True)
    lease_until = models.DateTimeField(null=True)
    resume_at = models.DateTimeField(null=True)
    slot = models.DateTimeField(null=True)  # the due time a scheduled run answers: one run per slot, whoever beats
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["workspace", "connection"], condition=~Q(status="DONE") & ~Q(kind="preview"), name="run_one_at_a_time"
            ),
            # A preview writes nothing, so it need not wait for a run.
            models.UniqueConstraint(
                fields=["workspace", "connection"], condition=~Q(status="DONE") & Q(kind="preview"), name="run_one_preview_at_a_time"
            ),
            models.UniqueConstraint(fields=["workspace", "connection", "slot"], condition=Q(slot__isnull=False), name="run_once_per_slot"),
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["workspace", "connection", "-id"], name="run_recent")]

    def __str__(self) -> str:
        return f"run {self.pk}"

    @property
    def is_over(self) -> bool:
        return self.status == RunStatus.DONE


class RunLine(WorkspaceModel):
    """The run's log: one line per record that was touched or could not be, and per event of the run itself."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="lines", db_index=False)
    at = models.DateTimeField()
    level = models.CharField(max_length=8, choices=Level.choices, default=Level.INFO)
    action = models.CharField(max_length=12)
    remote_kind = models.CharField(max_length=30, blank=True)
    remote_id = models.CharField(max_length=100, blank=True)
    name = models.CharField(max_length=300, blank=True)
    contact_id = models.BigIntegerField(null=True)
    fields = models.JSONField(default=list)  # names of the fields written
    reason = models.JSONField(default=dict)
    detail = models.TextField(blank=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["workspace", "run", "id"], name="line_of_run")]

    def __str__(self) -> str:
        return f"{self.action} {self.remote_id}"


class Staged(WorkspaceModel):
    """A record that a run has read and has something to decide about: it is new, or not the version that is stored."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="staged", db_index=False)
    round = models.PositiveSmallIntegerField(default=1)  # a list that moved under our feet is read again
    resource = models.CharField(max_length=30)
    remote_kind = models.CharField(max_length=30)
    remote_id = models.CharField(max_length=100)
    version = models.CharField(max_length=64)
    match_key = models.CharField(max_length=300, db_collation="C")
    keys = ArrayField(models.TextField(), null=True)  # the provider's other keys: tax id, e-mail within the organisation
    body = QuickJSONField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "run", "remote_kind", "remote_id"], name="staged_once")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["workspace", "run", "resource", "id"], name="staged_todo"),
            # Each batch asks who else has its names; without it that is every record of the pull for each batch of it.
            models.Index(fields=["workspace", "run", "match_key"], name="staged_named"),
        ]

    def __str__(self) -> str:
        return f"{self.remote_kind} {self.remote_id}"


class Seen(WorkspaceModel):
    """The ids of the records that a run has read, one row per flush: what is lacking here after a complete pull is gone over there."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="seen", db_index=False)
    round = models.PositiveSmallIntegerField(default=1)
    resource = models.CharField(max_length=30)
    remote_kind = models.CharField(max_length=30)
    ids = ArrayField(models.CharField(max_length=100))

    class Meta:
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["workspace", "run", "resource"], name="seen_of_run")]

    def __str__(self) -> str:
        return f"{len(self.ids)} {self.remote_kind}"
