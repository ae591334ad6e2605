from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.domain.audit import details_of, label_of, target_of
from accounts.domain.keyset import keyset_page
from accounts.domain.workspaces import change_workspace
from accounts.forms import WorkspaceForm
from accounts.models import AuditEvent
from accounts.views.guards import admin_required, membership_of
from crmsync.lib.paging import CursorError

ROWS = 50


@require_http_methods(["GET", "HEAD", "POST"])
@admin_required
def general(request: HttpRequest) -> HttpResponse:
    member = membership_of(request)
    if request.method != "POST":
        return render(request, "accounts/settings_general.html", {"form": WorkspaceForm.of(member.workspace)})
    form = WorkspaceForm(request.POST)
    if not form.is_valid():
        return render(request, "accounts/settings_general.html", {"form": form}, status=422)
    change_workspace(member.workspace, values=form.cleaned_data, actor=member.user)
    messages.success(request, _("Saved."))
    return redirect("accounts:settings", slug=member.workspace.slug)


@require_safe
@admin_required
def audit(request: HttpRequest) -> HttpResponse:
    workspace = membership_of(request).workspace
    events = AuditEvent.objects.filter(workspace=workspace).select_related("actor")
    cursor = request.GET.get("cursor", "")
    try:
        page = keyset_page(events, order=("-at", "-id"), cursor=cursor, limit=ROWS)
    except CursorError:
        return redirect("accounts:settings_audit", slug=workspace.slug)
    rows = [
        {"event": event, "label": label_of(event.action), "details": details_of(event.data), "target": target_of(event)}
        for event in page.rows
    ]
    context = {"rows": rows, "next_cursor": page.next_cursor, "first": not cursor}
    return render(request, "accounts/settings_audit.html", context)
