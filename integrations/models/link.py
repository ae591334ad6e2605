from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from accounts.scoping import WorkspaceModel
from contacts.models import Contact
from integrations.enums import LinkState
from integrations.models.connection import Connection
from integrations.models.quickjson import QuickJSONField


class Link(WorkspaceModel):
    """What we know of one record of a provider, linked to a contact or not (then `reason` says why)."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="links", db_index=False)
    contact = models.ForeignKey(Contact, on_delete=models.SET_NULL, null=True, related_name="links", db_index=False)
    remote_kind = models.CharField(max_length=30)
    remote_id = models.CharField(max_length=100)
    remote_name = models.CharField(max_length=300, blank=True)
    match_key = models.CharField(max_length=300, blank=True, db_collation="C")  # the name under the exact-name rule
    remote_url = models.CharField(max_length=500, blank=True)
    state = models.CharField(max_length=8, choices=LinkState.choices)
    hidden_state = models.CharField(max_length=8, blank=True)  # state before the integration went off
    base_ours = QuickJSONField(default=dict)
    base_theirs = QuickJSONField(default=dict)
    version = models.CharField(max_length=64, blank=True)  # "" = look at the record again whatever its version
    reason = QuickJSONField(default=dict)  # {code, params}
    detail = models.TextField(blank=True)  # the provider's own words
    candidates = QuickJSONField(default=list)
    conflicts = QuickJSONField(default=list)
    tries = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    merged_from_id = models.BigIntegerField(null=True)  # whose it was before a merge, so that the merge can be undone
    missed = models.PositiveSmallIntegerField(default=0)  # complete pulls in a row that lacked it
    synced_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "connection", "remote_kind", "remote_id"], name="link_remote"),
            models.UniqueConstraint(
                fields=["workspace", "connection", "contact", "remote_kind"], name="link_contact", condition=Q(contact__isnull=False)
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["workspace", "connection", "state", "id"], name="link_state", condition=~Q(state="LINKED")),
            models.Index(fields=["workspace", "connection", "match_key"], name="link_match_key"),
            models.Index(fields=["contact"], name="link_of_contact"),
            models.Index(fields=["workspace", "connection"], name="link_missed", condition=Q(missed__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.remote_kind} {self.remote_id}"
