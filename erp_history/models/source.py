from __future__ import annotations

import datetime as dt
from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.scoping import WorkspaceModel
from erp_history.enums import Deployment, Engine, IntegrationType, RequestSource, SnapshotStatus


class ErpSource(WorkspaceModel):
    """A workspace's ERP: how its data come in, how they are written, when the night runs, and the rules of curve and categories."""

    integration = models.CharField(_("integration type"), max_length=8, choices=IntegrationType.choices, default=IntegrationType.API)
    erp_name = models.CharField(_("ERP"), max_length=80, blank=True)
    erp_version = models.CharField(_("ERP version"), max_length=40, blank=True)
    deployment = models.CharField(_("deployment status"), max_length=12, choices=Deployment.choices, default=Deployment.NOT_STARTED)
    active = models.BooleanField(_("active"), default=True)
    note = models.TextField(_("business rule in your own words"), max_length=5000, blank=True)

    schedule_time = models.TimeField(_("schedule"), default=dt.time(0))
    max_silence_hours = models.PositiveSmallIntegerField(
        _("maximum time without success (hours)"), default=24, validators=[MinValueValidator(1), MaxValueValidator(720)]
    )
    retention_days = models.PositiveSmallIntegerField(
        _("days that requests are kept"), default=7, validators=[MinValueValidator(1), MaxValueValidator(90)]
    )

    date_format = models.CharField(_("dates"), max_length=12, default="iso")  # iso | dd/mm/yyyy | mm/dd/yyyy | yyyymmdd
    decimal_sign = models.CharField(_("decimal sign"), max_length=1, default=".")
    encoding = models.CharField(_("encoding"), max_length=20, default="utf-8")
    blocked_flag = models.CharField(_("1/2 flags"), max_length=12, default="one_is_true")  # one_is_true | one_is_false

    abc_months = models.PositiveSmallIntegerField(
        _("window (months)"), default=12, validators=[MinValueValidator(1), MaxValueValidator(60)]
    )
    abc_a = models.DecimalField(_("class A up to (%)"), max_digits=5, decimal_places=2, default=80)
    abc_b = models.DecimalField(_("class B up to (%)"), max_digits=5, decimal_places=2, default=95)
    new_days = models.PositiveSmallIntegerField(_("new: first purchase within (days)"), default=90)
    active_days = models.PositiveSmallIntegerField(_("active: last purchase within (days)"), default=180)
    risk_days = models.PositiveSmallIntegerField(_("at risk: last purchase within (days)"), default=365)
    prospect_days = models.PositiveSmallIntegerField(_("prospect: quote or activity within (days)"), default=90)

    engine = models.CharField(_("database"), max_length=12, choices=Engine.choices, default=Engine.POSTGRESQL)
    view_schema = models.CharField(_("schema"), max_length=63, blank=True)
    secrets = models.TextField(blank=True)  # encrypted address of the database, see erp_history.domain.vault
    watermarks = models.JSONField(default=dict)  # View: table -> newest data_alteracao that was read

    active_since = models.DateTimeField(auto_now_add=True)
    last_success_at = models.DateTimeField(null=True)
    alerted_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [models.UniqueConstraint(fields=["workspace"], name="erp_source_once")]

    def __str__(self) -> str:
        return self.erp_name or "ERP"


class ErpDue(models.Model):
    """When a workspace's ERP data want to be looked at next. It tells nothing of them, so the beat may read it across all workspaces."""

    workspace = models.OneToOneField("accounts.Workspace", on_delete=models.CASCADE, primary_key=True, related_name="+")
    at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.workspace_id} at {self.at}"


class ErpNews(WorkspaceModel):
    """Rows of a table have changed, and no good night has been since. `taken`: before the last night began."""

    table = models.CharField(max_length=20)
    taken = models.BooleanField(default=False)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["workspace", "table"], name="erp_news_of_table")]

    def __str__(self) -> str:
        return self.table


class ErpSnapshot(WorkspaceModel):
    """A complete load of one table: what did not come in it is gone from the ERP."""

    table = models.CharField(max_length=20)
    status = models.CharField(max_length=8, choices=SnapshotStatus.choices, default=SnapshotStatus.OPEN)
    rows = models.PositiveIntegerField(default=0)
    closed_rows = models.PositiveIntegerField(default=0)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["workspace", "table", "-id"], name="erp_snapshot_recent")]

    def __str__(self) -> str:
        return f"{self.table} {self.pk}"


class ErpSnapshotRow(WorkspaceModel):
    """A row that came in a snapshot that is still open."""

    snapshot_id = models.BigIntegerField()
    row_id = models.BigIntegerField()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["workspace", "snapshot_id", "row_id"], name="erp_snapshot_row")]

    def __str__(self) -> str:
        return f"{self.snapshot_id}/{self.row_id}"


class ErpRequest(WorkspaceModel):
    """A request to the endpoints and its answer, or a page that a View run read. Never holds a token."""

    source = models.CharField(max_length=4, choices=RequestSource.choices, default=RequestSource.API)
    at = models.DateTimeField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    token_name = models.CharField(max_length=80, blank=True)
    method = models.CharField(max_length=6)
    path = models.CharField(max_length=300)
    table = models.CharField(max_length=20, blank=True)
    snapshot_id = models.BigIntegerField(null=True)
    run_id = models.BigIntegerField(null=True)
    status = models.PositiveSmallIntegerField()
    milliseconds = models.PositiveIntegerField(default=0)
    size = models.PositiveIntegerField(default=0)
    received = models.PositiveIntegerField(default=0)
    inserted = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    superseded = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    warnings = models.PositiveIntegerField(default=0)
    sample = models.TextField(blank=True)  # the beginning of the body
    answer = models.JSONField(default=dict)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["workspace", "-id"], name="erp_request_recent"),
            models.Index(fields=["workspace", "table", "-id"], name="erp_request_of_table"),
            models.Index(fields=["workspace", "at"], name="erp_request_age"),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status}"
