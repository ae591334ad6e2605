from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.scoping import WorkspaceModel
from contacts.models import Contact
from invoices.enums import InvoiceKind, VendorState


class Invoice(WorkspaceModel):
    """An invoice or quote as the provider last told it. Read only here; `connection_id` names the connection that feeds it."""

    connection_id = models.BigIntegerField()
    remote_kind = models.CharField(max_length=30)
    remote_id = models.CharField(max_length=100)
    customer_kind = models.CharField(max_length=30, blank=True)
    customer_id = models.CharField(max_length=100, blank=True)
    contact = models.ForeignKey(Contact, on_delete=models.SET_NULL, null=True, related_name="invoices", db_index=False)
    version = models.CharField(max_length=64)
    kind = models.CharField(_("kind"), max_length=12, choices=InvoiceKind.choices)
    state = models.CharField(max_length=12, choices=VendorState.choices)
    number = models.CharField(_("number"), max_length=100)
    currency = models.CharField(_("currency"), max_length=3)
    gross = models.DecimalField(_("amount"), max_digits=20, decimal_places=4)
    outstanding = models.DecimalField(_("outstanding"), max_digits=20, decimal_places=4)
    issued_on = models.DateField(_("issued"), null=True)
    due_on = models.DateField(_("due"), null=True)
    paid_on = models.DateField(_("paid"), null=True)
    url = models.CharField(max_length=500, blank=True)
    hidden = models.BooleanField(default=False)  # its integration is off

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["workspace", "connection_id", "remote_kind", "remote_id"], name="invoice_remote")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["workspace", "contact", "-issued_on"], name="invoice_of_contact", condition=Q(hidden=False)),
            models.Index(fields=["workspace", "-issued_on", "-id"], name="invoice_recent", condition=Q(hidden=False)),
            models.Index(fields=["workspace", "due_on", "id"], name="invoice_open", condition=Q(hidden=False, outstanding__gt=0)),
            models.Index(fields=["workspace", "connection_id", "customer_kind", "customer_id"], name="invoice_customer"),
        ]

    def __str__(self) -> str:
        return self.number
