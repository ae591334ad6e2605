"""Decisions about Crunch's records: what is the same name, what an invoice's state is, what a new client needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from crmsync.lib.text import exact_name
from integrations.engine.provider import Missing, gettext_noop
from integrations.engine.types import InvoiceState
from integrations.providers.crunch.records import SalesInvoice

# Crunch refuses a client without these.
REQUIRED = (
    ("name", "name", gettext_noop("Name")),
    ("line1", "address.line1", gettext_noop("Address line 1")),
    ("line2", "address.line2", gettext_noop("Address line 2 or town")),
    ("country", "address.country", gettext_noop("Country")),
)
_SETTLED = {"SETTLED", "PAID"}


def same_name(one: str, other: str) -> bool:
    """Equal after NFC, trimming and collapsing of blanks; case counts."""
    return exact_name(one) == exact_name(other)


def missing(payload: Mapping[str, Any]) -> Sequence[Missing]:
    """What Crunch would refuse the payload for."""
    values = {**payload.get("billingAddress", {}), "name": payload.get("name")}
    return [Missing(field, label) for key, field, label in REQUIRED if not values.get(key)]


def invoice_state(invoice: SalesInvoice) -> InvoiceState:
    """Crunch's word counts for drafts and write-offs; otherwise the numbers decide."""
    if invoice.state == "DRAFT":
        return InvoiceState.DRAFT
    if invoice.state == "WRITTEN_OFF":
        return InvoiceState.WRITTEN_OFF
    if 0 < invoice.gross <= invoice.credited:
        return InvoiceState.CREDITED
    return InvoiceState.PAID if outstanding(invoice) <= 0 else InvoiceState.OPEN


def outstanding(invoice: SalesInvoice) -> Decimal:
    """What is still to be paid; worked out where Crunch does not say."""
    if invoice.state == "WRITTEN_OFF":
        return Decimal(0)
    if invoice.outstanding is not None:
        return invoice.outstanding
    return Decimal(0) if invoice.state in _SETTLED else invoice.gross - invoice.paid - invoice.credited
