"""Who may open a page. The walls between workspaces are the middleware's; these are the rules inside one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.account.decorators import reauthentication_required as allauth_reauthentication
from allauth.core.exceptions import ReauthenticationRequired
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.middleware import WorkspaceRequest
from accounts.models import Membership

View = Callable[..., HttpResponse]
AnyView = TypeVar("AnyView", bound=Callable[..., HttpResponseBase])

__all__ = ["admin_required", "login_required", "membership_of", "reauthentication_required"]


def membership_of(request: HttpRequest) -> Membership:
    """The member who asks, as WorkspaceMiddleware found it."""
    return cast(WorkspaceRequest, request).membership


def admin_required(view: AnyView) -> AnyView:
    """Owners and administrators; others get the 403 page."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not membership_of(request).is_admin:
            raise PermissionDenied(_("Only owners and administrators of the workspace can open this."))
        return view(request, *args, **kwargs)

    return cast(AnyView, guarded)


def reauthentication_required(view: View) -> View:
    """Ask for the password (or a code) again unless it was given a few minutes ago."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            _confirmed(request)
        except ReauthenticationRequired:
            return _ask(request)
        return view(request, *args, **kwargs)

    return guarded


@allauth_reauthentication
def _confirmed(request: HttpRequest) -> bool:
    """Nothing but the check: the library's own answer would lose the workspace."""
    return request.user.is_authenticated


def _ask(request: HttpRequest) -> HttpResponse:
    methods = get_adapter().get_reauthentication_methods(request.user)
    page = methods[0]["url"] if methods else reverse("account_login")
    return HttpResponseRedirect(f"{page}?{urlencode({'next': request.get_full_path()})}")
