from __future__ import annotations

from typing import NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe

from accounts.domain.workspaces import remember
from accounts.registry import FirstStep, first_steps, home_panels
from accounts.views.guards import membership_of


class Step(NamedTuple):
    step: FirstStep
    url: str
    done: bool


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    member = membership_of(request)
    remember(member.user, member.workspace)
    steps = _steps(request)
    context = {"steps": steps, "steps_left": sum(not step.done for step in steps), "panels": _panels(request)}
    return render(request, "accounts/home.html", context)


def _steps(request: HttpRequest) -> list[Step]:
    """First steps that this member can take and whose page exists."""
    member = membership_of(request)
    found = []
    for step in first_steps():
        url = _url(step.url_name, slug=member.workspace.slug)
        if url and (member.is_admin or not step.admin_only):
            found.append(Step(step, url, step.done(request)))
    return found


def _url(name: str, *, slug: str) -> str:
    try:
        return reverse(name, kwargs={"slug": slug})
    except NoReverseMatch:
        return ""


def _panels(request: HttpRequest) -> list[SafeString]:
    return [mark_safe(html) for panel in home_panels() if (html := panel.render(request))]  # noqa: S308  templates of our own apps
