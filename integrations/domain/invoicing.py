"""Invoices of a pull: understood, tied to the contact of their customer, stored in one statement per batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from django.utils import timezone

from integrations.domain.batches import links_by_ref
from integrations.domain.journal import reason_json, write_lines
from integrations.engine.errors import SkipRecord
from integrations.engine.provider import Provider
from integrations.engine.types import Invoice, RawRecord, Ref
from integrations.enums import Level, LinkState
from integrations.models import Run, RunLine, Staged
from invoices.domain.store import InvoiceRow, store_invoices

LOOSE = frozenset({LinkState.HIDDEN, LinkState.IGNORED})


def apply_invoices(run: Run, provider: Provider, rows: Sequence[Staged]) -> Counter[str]:
    """Store a batch; an invoice that cannot be read is named in the log, the others go on."""
    read: list[tuple[Invoice, str]] = []
    for row in rows:
        raw = RawRecord(Ref(row.remote_kind, row.remote_id), row.body or {}, row.version)
        try:
            read.append((provider.invoice(raw), row.version))
        except SkipRecord as error:
            _log(run, row, error)
    customers = links_by_ref(run.connection, {invoice.customer for invoice, _version in read if invoice.customer})
    contacts = {(ref.kind, ref.id): link.contact_id for ref, link in customers.items() if link.contact_id and link.state not in LOOSE}
    store_invoices(run.workspace, run.connection_id, [_row(invoice, version) for invoice, version in read], contact_by_customer=contacts)
    return Counter()


def _row(invoice: Invoice, version: str) -> InvoiceRow:
    return InvoiceRow(
        remote_kind=invoice.ref.kind,
        remote_id=invoice.ref.id,
        version=version,
        kind=invoice.kind.value,
        state=invoice.state.value,
        number=invoice.number[:100],
        currency=invoice.currency,
        gross=invoice.gross,
        outstanding=invoice.outstanding,
        customer_kind=invoice.customer.kind if invoice.customer else "",
        customer_id=invoice.customer.id if invoice.customer else "",
        issued_on=invoice.issued_on,
        due_on=invoice.due_on,
        paid_on=invoice.paid_on,
        url=invoice.url[:500],
    )


def _log(run: Run, row: Staged, error: SkipRecord) -> None:
    write_lines(
        [
            RunLine(
                workspace_id=run.workspace_id,
                run=run,
                at=timezone.now(),
                level=Level.ERROR,
                action="fail",
                remote_kind=row.remote_kind,
                remote_id=row.remote_id,
                reason=reason_json(error.reason),
                detail=error.detail[:4000],
            )
        ]
    )
