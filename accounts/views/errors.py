"""What stands in for a page that cannot be shown: a problem for programs, a page for people."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.utils.translation import gettext as _
from django.views import defaults

from accounts.api.problems import Problem, plain_problem

API = "/api/"


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if request.path.startswith(API):
        return plain_problem(request, Problem(400, "bad_request", _("The request cannot be read.")))
    return HttpResponse(loader.render_to_string("400.html"), status=400)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if request.path.startswith(API):
        return plain_problem(request, Problem(404, "not_found", _("There is nothing here, or it is not yours to see.")))
    return defaults.page_not_found(request, exception or Exception())


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if request.path.startswith(API):
        return plain_problem(request, Problem(403, "permission_denied", _("Your role does not allow this.")))
    return defaults.permission_denied(request, exception or Exception())


def fault(request: HttpRequest, *_args: Any) -> HttpResponse:
    if request.path.startswith(API):
        text = _("Something failed on our side. Nothing was changed. It has been noted; try again in a while.")
        return plain_problem(request, Problem(500, "fault", text))
    return HttpResponse(loader.render_to_string("500.html"), status=500)
