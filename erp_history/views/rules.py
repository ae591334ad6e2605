"""Tab "Rules and formats": curve, categories, how the ERP writes its values, how long requests are kept."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.middleware import WorkspaceRequest
from accounts.views.guards import admin_required
from erp_history.domain.onboarding import rule_in_words
from erp_history.domain.sources import source_of
from erp_history.forms import RulesForm
from erp_history.models import ErpSource
from erp_history.views.general import save_source
from erp_history.views.pages import back_to, page_context

PARTS = (
    ("curve", ("abc_months", "abc_a", "abc_b")),
    ("categories", ("new_days", "active_days", "risk_days", "prospect_days")),
    ("formats", ("date_format", "decimal_sign", "encoding", "blocked_flag", "retention_days")),
)


@require_http_methods(["GET", "POST"])
@admin_required
def rules(request: WorkspaceRequest) -> HttpResponse:
    source = source_of(request.workspace)
    form = RulesForm(request.POST or None, instance=source)
    if request.method == "POST" and form.is_valid():
        save_source(request, form)
        messages.success(request, _("Saved. The next run computes with these rules."))
        return back_to(request, "settings_rules")
    shown = ErpSource.objects.get(pk=source.pk) if form.errors else source
    parts = {name: [form[field] for field in fields] for name, fields in PARTS}
    context = page_context(request, "settings_rules") | {"form": form, "parts": parts, "rule": rule_in_words(shown)}
    return render(request, "erp_history/rules.html", context, status=422 if form.errors else 200)
