from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from invoices.domain.rows import Row, rows
from invoices.domain.summarise import Line
from invoices.enums import InvoiceKind, Status
from invoices.models import Invoice


class InvoiceSerializer(serializers.Serializer[Row]):
    """`status` is the badge of today (null for quotes); amounts are decimals as text, in `currency`."""

    id = serializers.IntegerField(source="invoice.id")
    kind = serializers.ChoiceField(source="invoice.kind", choices=InvoiceKind.choices)
    number = serializers.CharField(source="invoice.number")
    status = serializers.SerializerMethodField()
    days_overdue = serializers.SerializerMethodField()
    currency = serializers.CharField(source="invoice.currency")
    amount = serializers.DecimalField(source="invoice.gross", max_digits=20, decimal_places=4)
    outstanding = serializers.DecimalField(source="invoice.outstanding", max_digits=20, decimal_places=4)
    issued_on = serializers.DateField(source="invoice.issued_on", allow_null=True)
    due_on = serializers.DateField(source="invoice.due_on", allow_null=True)
    paid_on = serializers.DateField(source="invoice.paid_on", allow_null=True)
    url = serializers.CharField(source="invoice.url")
    contact = serializers.IntegerField(source="invoice.contact_id", allow_null=True)
    connection = serializers.IntegerField(source="invoice.connection_id")

    @extend_schema_field(serializers.ChoiceField(choices=Status.choices, allow_null=True))
    def get_status(self, row: Row) -> str | None:
        return None if row.is_quote else row.status.value

    def get_days_overdue(self, row: Row) -> int:
        return row.days if row.is_overdue and row.days else 0


class LineSerializer(serializers.Serializer[Line]):
    """Totals of one currency."""

    currency = serializers.CharField()
    invoices = serializers.IntegerField(source="bills")
    outstanding = serializers.DecimalField(max_digits=24, decimal_places=4)
    overdue = serializers.DecimalField(max_digits=24, decimal_places=4)
    overdue_count = serializers.IntegerField()
    paid_12m = serializers.DecimalField(max_digits=24, decimal_places=4)
    credit = serializers.DecimalField(max_digits=24, decimal_places=4)
    quotes = serializers.DecimalField(max_digits=24, decimal_places=4)
    quotes_count = serializers.IntegerField()


class ContactInvoicesSerializer(serializers.Serializer[dict[str, object]]):
    results = InvoiceSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    totals = LineSerializer(many=True)
    today = serializers.DateField()


def totals(lines: tuple[Line, ...], today: date) -> dict[str, object]:
    return {"totals": [LineSerializer(line).data for line in lines], "today": today.isoformat()}


def invoices_as_json(invoices: Iterable[Invoice], today: date) -> list[Any]:
    return [InvoiceSerializer(row).data for row in rows(invoices, today)]


class InvoicePageSerializer(serializers.Serializer[Invoice]):
    results = InvoiceSerializer(many=True)
    next = serializers.URLField(allow_null=True)
