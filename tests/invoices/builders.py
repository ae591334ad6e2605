"""Rows for the tests of invoices."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from accounts.models import Workspace
from accounts.scoping import SYSTEM
from contacts.domain.store import create_contacts
from contacts.models import Contact
from invoices.domain.store import InvoiceRow, store_invoices
from invoices.models import Invoice

TODAY = date(2026, 11, 21)
CONNECTION = 7
_numbers = itertools.count(1)


def row(**changes: Any) -> InvoiceRow:
    number = next(_numbers)
    plain = InvoiceRow(
        remote_kind="invoice",
        remote_id=str(number),
        version="1",
        kind="invoice",
        state="open",
        number=f"INV-{number:04}",
        currency="GBP",
        gross=Decimal("120.00"),
        outstanding=Decimal("120.00"),
        customer_kind="client",
        customer_id="1",
        issued_on=date(2026, 11, 1),
        due_on=date(2026, 12, 1),
    )
    return replace(plain, **changes)


def organisation(workspace: Workspace, name: str = "Bakerloo Kitchens Ltd", **fields: Any) -> Contact:
    return create_contacts(workspace, [{"kind": "organisation", "name": name, **fields}], origin=SYSTEM)[0]


def store(workspace: Workspace, *rows: InvoiceRow, contact: Contact | None = None, connection_id: int = CONNECTION) -> list[Invoice]:
    owners = {(row.customer_kind, row.customer_id): contact.pk for row in rows} if contact else {}
    store_invoices(workspace, connection_id, rows, contact_by_customer=owners)
    ids = [row.remote_id for row in rows]
    found = {invoice.remote_id: invoice for invoice in Invoice.objects.filter(workspace=workspace, remote_id__in=ids)}
    return [found[each] for each in ids]
