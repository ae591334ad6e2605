"""Pages before or between workspaces: the start, the switcher, an invitation, one's own profile."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.domain.workspaces import create_workspace, home_of, remember
from accounts.forms import NewWorkspaceForm, ProfileForm
from accounts.models import Membership, User, Workspace

YEAR = int(dt.timedelta(days=365).total_seconds())


def person(request: HttpRequest) -> User:
    """The person who is logged in."""
    if not isinstance(request.user, User):
        raise Http404
    return request.user


@require_safe
@login_required
def start(request: HttpRequest) -> HttpResponse:
    """To the workspace that was open last."""
    workspace = home_of(person(request))
    return redirect("accounts:home", slug=workspace.slug) if workspace else redirect("accounts:workspaces")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def workspaces(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        chosen = get_object_or_404(Workspace, slug=request.POST.get("slug", "")[:60], memberships__user=person(request))
        remember(person(request), chosen)
        return redirect("accounts:home", slug=chosen.slug)
    mine = Membership.objects.filter(user=person(request)).select_related("workspace").order_by("workspace__name", "pk")[:100]
    return render(request, "accounts/workspaces.html", {"memberships": mine})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def workspace_create(request: HttpRequest) -> HttpResponse:
    form = NewWorkspaceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        workspace = create_workspace(form.cleaned_data["name"], owner=person(request), language=person(request).language)
        return redirect("accounts:home", slug=workspace.slug)
    return render(request, "accounts/workspace_create.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def profile(request: HttpRequest) -> HttpResponse:
    user = person(request)
    theme = request.COOKIES.get("theme", "auto")
    initial = {"name": user.name, "language": user.language, "time_zone": user.time_zone, "theme": theme}
    form = ProfileForm(request.POST or None, initial=initial)
    if request.method != "POST" or not form.is_valid():
        return render(request, "accounts/profile.html", {"form": form}, status=422 if form.errors else 200)
    _save_profile(user, form=form)
    translation.activate(user.language)
    messages.success(request, _("Saved."))
    response = redirect("accounts:profile")
    response.set_cookie(settings.LANGUAGE_COOKIE_NAME, user.language, max_age=YEAR, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE)
    if form.cleaned_data["theme"]:
        response.set_cookie("theme", form.cleaned_data["theme"], max_age=YEAR, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE)
    return response


@transaction.atomic
def _save_profile(user: User, *, form: ProfileForm) -> None:
    user.name, user.language, user.time_zone = (form.cleaned_data[name] for name in ("name", "language", "time_zone"))
    user.save(update_fields=["name", "language", "time_zone"])
