"""The Excel file of the history: asked for, watched, cancelled, downloaded."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST, require_safe

from accounts.middleware import WorkspaceRequest
from accounts.views.guards import admin_required
from crmsync.lib.sheets import safe_filename
from erp_history.domain import exports
from erp_history.domain.tables import TABLES
from erp_history.models import ErpExport
from erp_history.tasks import ring_export_after_commit
from erp_history.views.asking import asked_of
from erp_history.views.pages import back_to
from erp_history.views.ranges import ranged_file

RECENT = 5


def recent_exports(request: WorkspaceRequest) -> list[dict[str, Any]]:
    found = ErpExport.objects.filter(workspace=request.workspace).select_related("requested_by").order_by("-id")[:RECENT]
    return [_shown(export) for export in found]


def _shown(export: ErpExport) -> dict[str, Any]:
    part = TABLES[export.part].label if export.part in TABLES else ""
    return {
        "export": export,
        "part": part,
        "has_file": exports.file_of(export) is not None,
        "gone_at": export.finished_at + exports.KEPT if export.finished_at else None,
        "is_all": len(export.tables) == len(TABLES),
    }


@require_POST
@admin_required
def create(request: WorkspaceRequest) -> HttpResponse:
    """One file of what the list shows now."""
    asked = asked_of(request, request.POST)
    _export, is_new = exports.request_export(
        request.workspace,
        user=request.user,
        first=asked.first,
        last=asked.last,
        tables=asked.tables or list(TABLES),
        outcome=asked.outcome,
        key=asked.key,
    )
    if is_new:
        ring_export_after_commit(request.workspace)
        messages.info(request, _("The Excel file is being made. You can go on working meanwhile."))
    else:
        messages.warning(request, _("An Excel file is being made already. Wait for it or cancel it."))
    return back_to(request, "settings_history")


@require_GET
@never_cache
@admin_required
def live(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """One line of the list, asked for again and again while the file is made."""
    return render(request, "erp_history/_export.html", {"each": _shown(_export_or_404(request, pk)), "slug": request.workspace.slug})


@require_POST
@admin_required
def cancel(request: WorkspaceRequest, pk: int) -> HttpResponse:
    export = _export_or_404(request, pk)
    if export.is_open:
        exports.cancel(export)
        messages.info(request, _("The Excel file is cancelled. Nothing of it is kept."))
    return back_to(request, "settings_history")


@require_safe
@admin_required
def download(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """The file, whole or from where a download was broken off."""
    export = _export_or_404(request, pk)
    path = exports.file_of(export)
    if path is None:
        raise Http404
    days = f"{export.first.isoformat()} {export.last.isoformat()}"
    name = safe_filename(f"ERP {request.workspace.slug} {days}", ".xlsx")
    return ranged_file(request, path, name=name, etag=f"{export.pk}-{path.stem[-16:]}-{export.size}")


def _export_or_404(request: WorkspaceRequest, pk: int) -> ErpExport:
    return get_object_or_404(ErpExport.objects.select_related("requested_by"), workspace=request.workspace, pk=pk)
