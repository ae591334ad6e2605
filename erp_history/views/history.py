"""Tab "History": every request that the endpoints received or a View run made, with its answer."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from accounts.middleware import WorkspaceRequest
from accounts.views.guards import admin_required
from accounts.views.requests import is_swap
from crmsync.lib.text import row_number
from erp_history.domain.export_sheets import counter_labels
from erp_history.domain.history import search
from erp_history.domain.ingest import COUNTERS
from erp_history.domain.tables import TABLES
from erp_history.models import ErpRequest
from erp_history.views.asking import asked_of
from erp_history.views.exports import recent_exports
from erp_history.views.pages import page_context, page_of
from integrations.kit.redact import redact


@require_GET
@admin_required
def history(request: WorkspaceRequest) -> HttpResponse:
    asked = asked_of(request, request.GET)
    found = search(request.workspace, first=asked.first, last=asked.last, tables=asked.tables, outcome=asked.outcome, key=asked.key)
    run = row_number(request.GET.get("run"))
    if run is not None:
        found = found.filter(run_id=run)
    context = page_context(request, "settings_history") | page_of(request, found.select_related("user").defer("answer", "sample"))
    for row in context["rows"]:
        row.words = row.table or redact(row.path.partition("?")[0].removeprefix("/api/v1/erp"))
    context |= {"asked": asked, "run_id": run or "", "is_narrowed": bool(asked.tables or asked.outcome or asked.key or run)}
    if is_swap(request):
        return render(request, "erp_history/_history.html", context)
    context |= {"tables": TABLES.values(), "exports": recent_exports(request)}
    return render(request, "erp_history/history.html", context)


@require_GET
@admin_required
def detail(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The request and its answer."""
    found: ErpRequest = get_object_or_404(ErpRequest.objects.select_related("user"), workspace=request.workspace, pk=pk)
    answer = _in_order(found.answer) if isinstance(found.answer, dict) else {}
    context = page_context(request, "settings_history") | {
        "row": found,
        "path": redact(f"{found.method} {found.path}"),
        "table": TABLES.get(found.table),
        "counters": [(label, getattr(found, name)) for name, label in counter_labels()],
        "errors": _remarks(answer, "errors"),
        "warnings": _remarks(answer, "warnings"),
        "sample": redact(found.sample),
        "is_cut": found.size > len(found.sample.encode()),
        "answer": redact(json.dumps(answer, ensure_ascii=False, indent=2)),
    }
    return render(request, "erp_history/request.html", context)


def _in_order(answer: dict[str, Any]) -> dict[str, Any]:
    """As it was sent: the database keeps no order."""
    return {name: answer[name] for name in (*COUNTERS, "warning_count", "errors", "warnings") if name in answer} | answer


def _remarks(answer: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [remark for remark in answer.get(kind) or [] if isinstance(remark, dict)]
