"""Tab "General information": how the ERP data are, with live values."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.middleware import WorkspaceRequest
from accounts.views.guards import admin_required
from erp_history.domain.onboarding import checklist
from erp_history.domain.sources import overview, source_of
from erp_history.views.pages import page_context


@require_GET
@admin_required
def settings(request: WorkspaceRequest) -> HttpResponse:
    source = source_of(request.workspace)
    context = page_context(request, "settings") | {
        "source": source,
        "overview": overview(source, request.workspace),
        "checklist": checklist(request.workspace),
    }
    return render(request, "erp_history/settings.html", context)
