"""Saved lists: kept from the list of contacts, opened and removed there."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from contacts.domain import saved_lists
from contacts.domain.faults import Invalid
from contacts.views.common import address, membership_of


@require_POST
def save(request: HttpRequest) -> HttpResponse:
    membership = membership_of(request)
    try:
        kept = saved_lists.save(
            membership,
            name=request.POST.get("name", ""),
            query=request.POST.get("query", ""),
            is_shared=request.POST.get("is_shared") == "on",
        )
    except Invalid as faults:
        messages.error(request, faults.errors[0].message)
        return HttpResponseRedirect(address(request, "list"))
    messages.success(request, _("The list “%(name)s” is saved.") % {"name": kept.name})
    return HttpResponseRedirect(f"{address(request, 'list')}?{kept.query}")


@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(saved_lists.changed_by(membership_of(request)), pk=pk)
    found.delete()
    messages.success(request, _("The list “%(name)s” is removed; its contacts stay.") % {"name": found.name})
    return HttpResponseRedirect(address(request, "list"))
