"""Which person and which workspace a request speaks for."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import SimpleTemplateResponse
from django.utils import timezone, translation
from django_htmx.middleware import HtmxDetails
from django_scopes import scope

from accounts.models import Membership, User, Workspace
from accounts.scoping import Origin, workspace_tx

View = Callable[..., HttpResponse]
Handler = Callable[[HttpRequest], HttpResponse]


AnyView = TypeVar("AnyView", bound=Callable[..., HttpResponseBase])


def outside_transaction(view: AnyView) -> AnyView:
    """Mark a view that talks to a vendor: it runs in the workspace's scope and opens `workspace_tx` itself, never across HTTP."""
    view.outside_transaction = True  # type: ignore[attr-defined]  # a mark that WorkspaceMiddleware reads
    return view


class WorkspaceRequest(HttpRequest):
    """A request of a page under /w/<slug>/, as WorkspaceMiddleware hands it to the view."""

    workspace: Workspace
    membership: Membership
    origin: Origin
    htmx: HtmxDetails
    user: User


class PersonMiddleware:
    """Speak the person's language and time zone."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if not user.is_authenticated:
            return self.get_response(request)
        if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
            translation.activate(user.language)
            request.LANGUAGE_CODE = translation.get_language() or "en"
        timezone.activate(zoneinfo.ZoneInfo(user.time_zone or "UTC"))
        response = self.get_response(request)
        timezone.deactivate()
        return response


class WorkspaceMiddleware:
    """Resolve `/w/<slug>/...` to a membership and run the view inside the workspace's walls; strangers get 404."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: View, args: Any, kwargs: dict[str, Any]) -> HttpResponse | None:
        match = request.resolver_match
        if match is None or not match.route.startswith("w/<slug:slug>/"):
            return None
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        membership = _membership(request, slug=kwargs.pop("slug"))
        if getattr(view, "outside_transaction", False):
            with scope(workspace=membership.workspace):
                return view(request, *args, **kwargs)
        with workspace_tx(membership.workspace, origin=request.origin):  # type: ignore[attr-defined]  # set just above
            response = view(request, *args, **kwargs)
            if isinstance(response, SimpleTemplateResponse) and not response.is_rendered:
                response.render()
            return response


def _membership(request: HttpRequest, *, slug: str) -> Membership:
    found = Membership.objects.select_related("workspace").filter(workspace__slug=slug, user_id=request.user.pk or 0).first()
    if found is None:
        raise Http404
    found.user = request.user  # type: ignore[assignment]  # authenticated above
    request.membership = found  # type: ignore[attr-defined]
    request.workspace = found.workspace  # type: ignore[attr-defined]
    request.origin = Origin(kind="web", actor_id=request.user.pk, label=str(request.user))  # type: ignore[attr-defined]
    if not request.user.time_zone:  # type: ignore[union-attr]
        timezone.activate(zoneinfo.ZoneInfo(found.workspace.time_zone))
    return found
