from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from accounts.scoping import WorkspaceModel
from contacts.models.contact import Contact


class Merge(WorkspaceModel):
    """Two contacts made one, with what it takes to part them again: the kept one's old and new values and the people that moved over."""

    kept = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="+", db_index=False)
    gone = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="+")
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    people = models.JSONField(default=list)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["workspace", "kept", "-id"], name="merge_of_contact")]

    def __str__(self) -> str:
        return f"{self.gone_id} into {self.kept_id}"
