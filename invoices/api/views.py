from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.paging import cursor_of, limit_of, page_response
from accounts.api.schema import PAGE_PARAMETERS
from accounts.api.views import WorkspaceAPIView
from contacts.domain.visibility import visible_or_404
from invoices.api.serializers import ContactInvoicesSerializer, InvoicePageSerializer, invoices_as_json, totals
from invoices.domain.queries import Filters, narrowed, page, seen_by
from invoices.domain.summarise import summary, today_of
from invoices.enums import InvoiceKind, Status

BIGGEST = 2**63 - 1


class InvoiceFilterSerializer(serializers.Serializer[Any]):
    q = serializers.CharField(required=False, max_length=100, trim_whitespace=True, allow_blank=True)
    status = serializers.ChoiceField(required=False, choices=Status.choices)
    kind = serializers.ChoiceField(required=False, choices=InvoiceKind.choices)
    currency = serializers.RegexField(r"^[A-Z]{3}$", required=False, error_messages={"invalid": _("A currency has three capital letters.")})
    contact = serializers.IntegerField(required=False, min_value=1, max_value=BIGGEST)
    connection = serializers.IntegerField(required=False, min_value=1, max_value=BIGGEST)


FILTERS = [
    OpenApiParameter("status", OpenApiTypes.STR, enum=Status.values, description="The badge of today."),
    OpenApiParameter("kind", OpenApiTypes.STR, enum=InvoiceKind.values, description="Invoices and credit notes unless asked for."),
    OpenApiParameter("currency", OpenApiTypes.STR),
    OpenApiParameter("contact", OpenApiTypes.INT),
    OpenApiParameter("connection", OpenApiTypes.INT),
    OpenApiParameter("q", OpenApiTypes.STR, description="Part of a number or of the customer's name."),
]


class InvoicesView(WorkspaceAPIView):
    @extend_schema(parameters=[*FILTERS, *PAGE_PARAMETERS], responses=InvoicePageSerializer)
    def get(self, request: Request) -> Response:
        """Invoices of the contacts that the token's member may see, newest first."""
        today = today_of(self.workspace)
        found = page(narrowed(seen_by(self.membership), _filters(request), today=today), cursor=cursor_of(request), limit=limit_of(request))
        return page_response(request, invoices_as_json(found.rows, today), next_cursor=found.next_cursor)


class ContactInvoicesView(WorkspaceAPIView):
    @extend_schema(parameters=[*FILTERS, *PAGE_PARAMETERS], responses=ContactInvoicesSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """Invoices of one contact with its totals per currency."""
        contact = visible_or_404(self.membership, pk)
        today = today_of(self.workspace)
        mine = seen_by(self.membership).filter(contact=contact)
        found = page(narrowed(mine, _filters(request), today=today), cursor=cursor_of(request), limit=limit_of(request))
        response = page_response(request, invoices_as_json(found.rows, today), next_cursor=found.next_cursor)
        response.data |= totals(summary(contact, today).lines, today)
        return response


def _filters(request: Request) -> Filters:
    asked = InvoiceFilterSerializer(data={name: value for name, value in request.query_params.items() if value})
    asked.is_valid(raise_exception=True)
    good = asked.validated_data
    return Filters(
        text=good.get("q", ""),
        status=good.get("status", ""),
        kind=good.get("kind", ""),
        currency=good.get("currency", ""),
        contact_id=good.get("contact"),
        connection_id=good.get("connection"),
    )
