from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission

from accounts.api.requests import ApiRequest
from accounts.domain.tokens import effective_scopes
from accounts.enums import TokenScope


class WorkspacePermission(BasePermission):
    """A token, of the scope the view asks for, of a member whose role allows it."""

    def has_permission(self, request: ApiRequest, view: Any) -> bool:  # type: ignore[override]  # all of ours are
        if request.auth is None:
            return False
        needed = needed_scope(view, str(request.method))
        if needed == TokenScope.ADMIN and not request.membership.is_admin:
            raise PermissionDenied(_("Only owners and administrators may do this."), code="role_too_low")
        if needed not in effective_scopes(request.auth.scopes, is_admin=request.membership.is_admin):
            raise PermissionDenied(_("This API token lacks the scope “%(scope)s”.") % {"scope": needed}, code="scope_missing")
        return True


def needed_scope(view: Any, method: str) -> str:
    """`admin_only` and `admin_methods` ask for the admin scope and role; else `read_scope` or `write_scope` of the view."""
    if view.admin_only or method in view.admin_methods:
        return TokenScope.ADMIN
    scope: str = view.read_scope if method in SAFE_METHODS else view.write_scope
    return scope
