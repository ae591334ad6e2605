from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.scoping import WorkspaceModel
from contacts.models import Contact
from integrations.enums import OutboxOperation, OutboxState
from integrations.models.connection import Connection


class Outbox(WorkspaceModel):
    """A contact that a provider has to be told of. What is sent is computed at send time, so edits coalesce and an echo says nothing.

    `in_doubt`: a create was sent and its answer never came; the next try looks the record up first. For that a row in doubt
    is kept (IGNORED) when a person leaves it alone: nothing is done with it until the contact is to be created once more.
    """

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="outbox", db_index=False)
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="+", db_index=False)
    operation = models.CharField(max_length=8, choices=OutboxOperation.choices, default=OutboxOperation.UPDATE)
    state = models.CharField(max_length=8, choices=OutboxState.choices, default=OutboxState.WAITING)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    in_doubt = models.BooleanField(default=False)
    attempt_key = models.CharField(max_length=40, blank=True)
    sent = models.JSONField(default=dict)  # the contact's values as a create in doubt sent them
    sent_as = models.JSONField(default=dict)  # and as whom: {"kind", "contact", "parent": {"kind", "id"}}
    ahead = models.JSONField(default=dict)  # the record, read together with others: {"kind", "id", "version", "body", "at"}
    tries = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(null=True)
    sending_since = models.DateTimeField(null=True)
    reason = models.JSONField(default=dict)
    detail = models.TextField(blank=True)
    fields = models.JSONField(default=dict)  # canonical field -> the provider's words
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "connection", "contact"], condition=Q(state="WAITING"), name="outbox_one_waiting"),
            models.UniqueConstraint(fields=["workspace", "connection", "contact"], condition=Q(state="SENDING"), name="outbox_one_sending"),
            models.UniqueConstraint(fields=["workspace", "connection", "contact"], condition=Q(state="STUCK"), name="outbox_one_stuck"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["workspace", "state", "not_before", "id"], name="outbox_due"),
            models.Index(fields=["contact"], name="outbox_contact"),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.contact_id}"
