from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from accounts.scoping import ManyRows, WorkspaceModel
from contacts.models import Contact
from erp_history.enums import LinkKind, LinkState


class ErpLink(ManyRows):
    """A company or person of the ERP and the contact it is here. Several codes may be one contact.

    `base`: the values that the ERP last gave, so that a value edited here stays until the ERP's own changes.
    """

    kind = models.CharField(max_length=8, choices=LinkKind.choices)
    row_id = models.BigIntegerField()  # of Empresa or Contato
    contact = models.ForeignKey(Contact, on_delete=models.SET_NULL, null=True, related_name="erp_links", db_index=False)
    moved_from = models.BigIntegerField(null=True)  # the contact it was before a merge
    state = models.CharField(max_length=8, choices=LinkState.choices, default=LinkState.LINKED)
    reason = models.CharField(max_length=20, blank=True)  # several | same_name
    candidates = models.JSONField(default=list)
    base = models.JSONField(default=dict)
    request_id = models.BigIntegerField(default=0)  # of the version of the row that was taken over
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "kind", "row_id"], name="erp_link_once")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["workspace", "state", "id"], name="erp_link_held", condition=~Q(state="linked")),
            models.Index(fields=["contact", "workspace"], name="erp_link_of_contact"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.row_id}"


class ErpPending(WorkspaceModel):
    """A row whose parent has not come yet, and since when it waits. Renewed by every night."""

    table = models.CharField(max_length=20)
    row_id = models.BigIntegerField()
    field = models.CharField(max_length=30)
    code = models.CharField(max_length=80)
    since = models.DateTimeField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "table", "row_id", "field"], name="erp_pending_once")
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["workspace", "since", "id"], name="erp_pending_age")]

    def __str__(self) -> str:
        return f"{self.table}.{self.field} {self.code}"
