from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.scoping import WorkspaceModel
from contacts.models import Contact
from integrations.enums import PairingWhy
from integrations.models.connection import Connection


class Pairing(WorkspaceModel):
    """A record on the matching screen that waits for a person to say which contact it is.

    A saved one becomes a Link; it stays behind until a sync has joined the two, so that exactly that Save can be taken back.
    """

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="pairings", db_index=False)
    remote_kind = models.CharField(max_length=30)
    remote_id = models.CharField(max_length=100)
    name = models.CharField(max_length=300)
    tax_id = models.CharField(max_length=30, blank=True)
    place = models.CharField(max_length=200, blank=True)  # city or the like, to tell namesakes apart
    contact = models.ForeignKey(Contact, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False)  # best suggestion
    why = models.CharField(max_length=6, choices=PairingWhy.choices, default=PairingWhy.NONE)
    score = models.PositiveSmallIntegerField(default=0)  # 0-100
    others = models.JSONField(default=list)  # further suggestions: [{"contact", "why", "score"}]
    saved_at = models.DateTimeField(null=True)  # the Save that it is part of; None = it waits

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "connection", "remote_kind", "remote_id"], name="pairing_once")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["workspace", "connection", "-score", "id"], name="pairing_best_first"),
            models.Index(fields=["contact"], name="pairing_of_contact"),
        ]

    def __str__(self) -> str:
        return self.name
