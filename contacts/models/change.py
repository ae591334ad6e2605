from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from accounts.scoping import ManyRows
from contacts.enums import ChangeAction


class ContactChange(ManyRows):
    """One write of one contact: `changes` = {field: [old, new]}. Written by a database trigger, so no way of writing goes round it.

    `origin`, `actor`, `run_id` and `label` tell who: a person, or the run of a connection.
    """

    contact_id = models.BigIntegerField()
    at = models.DateTimeField()
    action = models.CharField(max_length=10, choices=ChangeAction.choices)
    changes = models.JSONField(default=dict)
    version = models.PositiveIntegerField(default=0)  # of the contact after this write
    origin = models.CharField(max_length=10, blank=True)
    label = models.CharField(max_length=200, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", db_constraint=False, db_index=False
    )
    run_id = models.BigIntegerField(null=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["workspace", "contact_id", "-id"], name="change_of_contact"),
            models.Index(fields=["workspace", "run_id", "id"], name="change_of_run", condition=models.Q(run_id__isnull=False)),
            models.Index(fields=["actor"], name="change_of_actor", condition=models.Q(actor__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.contact_id}"
