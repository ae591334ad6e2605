from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.domain.errors import Refused
from accounts.domain.teams import add_team, delete_effect, delete_team, rename_team
from accounts.forms import TeamForm
from accounts.models import Membership, Team
from accounts.views.guards import admin_required, membership_of


@require_safe
@admin_required
def teams(request: HttpRequest) -> HttpResponse:
    workspace = membership_of(request).workspace
    members = list(Membership.objects.filter(workspace=workspace).values_list("team_ids", flat=True))
    found = Team.objects.filter(workspace=workspace).order_by("name", "pk")[:500]
    rows = [{"team": team, "members": sum(team.pk in team_ids for team_ids in members)} for team in found]
    return render(request, "accounts/settings_teams.html", {"rows": rows})


@require_http_methods(["GET", "HEAD", "POST"])
@admin_required
def team_create(request: HttpRequest) -> HttpResponse:
    actor = membership_of(request)
    form = TeamForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            add_team(actor.workspace, name=form.cleaned_data["name"], actor=actor.user)
        except Refused as error:
            form.refuse(error)
        else:
            return redirect("accounts:settings_teams", slug=actor.workspace.slug)
    return render(request, "accounts/settings_team.html", {"form": form, "team": None}, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@admin_required
def team(request: HttpRequest, pk: int) -> HttpResponse:
    actor = membership_of(request)
    found = _team(request, pk)
    form = TeamForm(request.POST or None, initial={"name": found.name})
    if request.method == "POST" and form.is_valid():
        try:
            rename_team(found, name=form.cleaned_data["name"], actor=actor.user)
        except Refused as error:
            form.refuse(error)
        else:
            return redirect("accounts:settings_teams", slug=actor.workspace.slug)
    return render(request, "accounts/settings_team.html", {"form": form, "team": found}, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@admin_required
def team_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Say first what will happen."""
    actor = membership_of(request)
    found = _team(request, pk)
    if request.method != "POST":
        return render(request, "accounts/settings_team_delete.html", {"team": found, "effect": delete_effect(found)})
    delete_team(found, actor=actor.user)
    messages.success(request, _("The team “%(name)s” is deleted.") % {"name": found.name})
    return redirect("accounts:settings_teams", slug=actor.workspace.slug)


def _team(request: HttpRequest, pk: int) -> Team:
    workspace = membership_of(request).workspace
    found = get_object_or_404(Team, workspace=workspace, pk=pk)
    found.workspace = workspace
    return found
