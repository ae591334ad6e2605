"""What a person does with one contact and one connection: export, sync this record, unlink."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.middleware import WorkspaceRequest
from accounts.views.guards import admin_required
from accounts.views.requests import is_swap
from contacts.domain.visibility import visible_or_404
from contacts.models import Contact
from integrations import registry
from integrations.domain import export as domain
from integrations.domain.links import unlink as untie
from integrations.models import Link
from integrations.tasks import ring_after_commit
from integrations.views.labels import sent_label
from integrations.views.pages import live_connection_or_404
from integrations.views.words import hint, manifest_text, sentence


@require_http_methods(["GET", "POST"])
def export(request: WorkspaceRequest, contact_id: int, pk: int) -> HttpResponse:
    """Shows exactly what will be sent and what is missing; sends it when asked to."""
    contact = visible_or_404(request.membership, contact_id)
    connection = live_connection_or_404(request, pk)
    manifest = registry.manifest(connection.provider)
    plan = domain.export_plan(contact, connection)
    if plan.contact.pk != contact.pk:
        visible_or_404(request.membership, plan.contact.pk)  # nobody exports, or reads here, an organisation that they may not see
    if request.method == "POST" and plan.possible:
        domain.export(contact, connection, user=request.user)
        ring_after_commit(connection)
        messages.success(request, _("%(name)s is on its way to %(vendor)s.") % {"name": plan.contact.name, "vendor": manifest.label})
        return redirect(_address(request, contact))
    why = {"code": plan.why.code, "params": dict(plan.why.params)} if plan.why else {}
    context: dict[str, Any] = {
        "contact": contact,
        "connection": connection,
        "manifest": manifest,
        "plan": plan,
        "payload": [(path, sent_label(path), value) for path, value in plan.payload],
        "missing": [(manifest_text(each.label), each.field) for each in plan.missing],
        "is_other": plan.contact.pk != contact.pk,
        "why": sentence(why, vendor=manifest.label),
        "why_hint": hint(why, vendor=manifest.label),
        "contact_url": _address(request, contact),
        "edit_url": reverse("contacts:update", kwargs={"slug": request.workspace.slug, "pk": plan.contact.pk}),
    }
    is_refused = request.method == "POST"
    return render(
        request, "integrations/_export.html" if is_swap(request) else "integrations/export.html", context, status=409 if is_refused else 200
    )


@require_POST
def resync(request: WorkspaceRequest, contact_id: int, pk: int) -> HttpResponse:
    contact = visible_or_404(request.membership, contact_id)
    connection = live_connection_or_404(request, pk)
    domain.resync(contact, connection)
    ring_after_commit(connection)
    messages.success(request, _("This record is compared and sent within a minute."))
    return redirect(_address(request, contact))


@require_POST
@admin_required
def unlink(request: WorkspaceRequest, contact_id: int, link_id: int) -> HttpResponse:
    contact = visible_or_404(request.membership, contact_id)
    link = Link.objects.select_related("connection").filter(workspace=request.workspace, contact=contact, pk=link_id).first()
    if link is None or not link.connection.is_live:
        raise Http404
    untie(link)
    vendor = registry.manifest(link.connection.provider).label
    messages.success(request, _("Unlinked. The record in %(vendor)s is left alone from now on.") % {"vendor": vendor})
    return redirect(_address(request, contact))


def _address(request: WorkspaceRequest, contact: Contact) -> str:
    return reverse("contacts:detail", kwargs={"slug": request.workspace.slug, "pk": contact.pk})
