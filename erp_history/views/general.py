"""Tab "General information": how the ERP data are, with live values, and what is integrated."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.forms import ModelForm
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from accounts.domain.audit import record
from accounts.middleware import WorkspaceRequest
from accounts.views.guards import admin_required
from accounts.views.requests import is_swap
from erp_history.domain import alerts, ready, sources, stored
from erp_history.domain.onboarding import checklist, rule_in_words
from erp_history.enums import Deployment, Outcome, RunStatus
from erp_history.forms import GeneralForm
from erp_history.models import ErpRun, ErpSource
from erp_history.tasks import ring_ready_after_commit
from erp_history.views.pages import back_to, held_count, page_context, page_of
from erp_history.views.runs import progress_of, run_row
from integrations.views.words import duration

RUNS = 10


@require_http_methods(["GET", "POST"])
@admin_required
def settings(request: WorkspaceRequest) -> HttpResponse:
    source = sources.source_of(request.workspace)
    form = GeneralForm(request.POST or None, instance=source)
    if request.method == "POST" and form.is_valid():
        if source.active and not form.initial["active"]:
            source.active_since = timezone.now()
        save_source(request, form, "active_since")
        sources.plan_next(source, request.workspace)
        messages.success(request, _("Saved."))
        return back_to(request, "settings")
    if form.errors:
        source = ErpSource.objects.get(pk=source.pk)  # the form has put its values into the other one
    if is_swap(request):
        return render(request, "erp_history/_runs.html", page_context(request, "settings") | _runs(request))
    context = page_context(request, "settings") | _live(request, source) | _runs(request) | _whole(request, source) | {"form": form}
    return render(request, "erp_history/settings.html", context, status=422 if form.errors else 200)


def save_source(request: WorkspaceRequest, form: ModelForm[ErpSource], *more: str) -> None:
    """Keep what a form has put into the source, and who changed what."""
    source = form.instance
    source.save(update_fields=[*form.fields, *more])
    changes = {name: [str(form.initial[name]), str(getattr(source, name))] for name in form.changed_data}
    if changes:
        record(request.workspace, actor=request.user, action="erp.settings", target=str(source), data={"changes": changes})


@require_GET
@never_cache
@admin_required
def live(request: WorkspaceRequest) -> HttpResponse:
    """The moving part, asked for again and again. A run that ended loads the whole page anew."""
    context = page_context(request, "settings") | _live(request, sources.source_of(request.workspace))
    response = render(request, "erp_history/_live.html", context)
    if request.GET.get("run", "") != str(context["run"].pk if context["run"] else ""):
        response["HX-Refresh"] = "true"
    return response


def _live(request: WorkspaceRequest, source: ErpSource) -> dict[str, Any]:
    """What changes by itself; a fixed number of queries whatever there is."""
    workspace, now = request.workspace, timezone.now()
    run = ErpRun.objects.filter(workspace=workspace).exclude(status=RunStatus.DONE).prefetch_related("phases").first()
    last = ErpRun.objects.filter(workspace=workspace, status=RunStatus.DONE).order_by("-id").first()
    retry = sources.next_retry(source, workspace) if run is None and last and last.outcome == Outcome.FAILED else None
    return {
        "source": source,
        "run": run,
        "progress": progress_of(run) if run else None,
        "last": last,
        "retry_at": retry.at if retry else None,
        "is_silent": alerts.is_silent(source, now=now),
        "next_run_at": sources.next_run_at(source, workspace, now=now),
        "average": duration(sources.average_seconds(workspace)),
        "is_scheduled": sources.is_scheduled(source),
    }


def _whole(request: WorkspaceRequest, source: ErpSource) -> dict[str, Any]:
    """What does not move by itself. Many rows were counted after the night; what is out of date is counted in the background."""
    counted = stored.stored(request.workspace)
    arrivals = checklist(request.workspace, counted)
    if ready.is_due(request.workspace):
        ring_ready_after_commit(request.workspace)
    return {
        "rows_stored": sum(table.rows for table in counted),
        "data_bytes": sum(table.size for table in counted),
        "counted_at": min((table.counted_at for table in counted), default=None),
        "arrivals": arrivals,
        "arrived": sum(arrival.has_arrived for arrival in arrivals),
        "is_onboarding": source.deployment != Deployment.COMPLETED,
        "rule": rule_in_words(source),
        "held": held_count(request),
    }


def _runs(request: WorkspaceRequest) -> dict[str, Any]:
    found = ErpRun.objects.filter(workspace=request.workspace).select_related("requested_by").prefetch_related("phases")
    listed = page_of(request, found, limit=RUNS)
    return listed | {"rows": [run_row(run) for run in listed["rows"]]}
