from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.scoping import WorkspaceModel
from integrations.models.connection import Connection


class PageMark(WorkspaceModel):
    """A page of a vendor's list as it was last read: when its bytes are the same, its records need not be parsed to be compared."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="+", db_index=False)
    resource = models.CharField(max_length=30)
    place = models.CharField(max_length=32)  # digest of the cursor it was read with
    digest = models.CharField(max_length=32)  # of the answer's bytes
    ids = ArrayField(models.CharField(max_length=100))
    versions = ArrayField(models.CharField(max_length=64))
    next = models.JSONField(null=True)
    number = models.PositiveIntegerField()
    pages = models.PositiveIntegerField(null=True)
    total = models.PositiveIntegerField(null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "connection", "resource", "place"], name="pagemark_once")
        ]

    def __str__(self) -> str:
        return f"{self.resource} {self.number}"
