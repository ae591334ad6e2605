"""What htmx asks for, and addresses of the same page with other parameters."""

from __future__ import annotations

from django.http import HttpRequest

from accounts.middleware import WorkspaceRequest


def is_swap(request: WorkspaceRequest) -> bool:
    """htmx asks for a part of the page."""
    return bool(request.htmx) and not request.htmx.boosted and not request.htmx.history_restore_request


def with_query(request: HttpRequest, **changes: str | int | None) -> str:
    """This page with other parameters; None takes one out."""
    query = request.GET.copy()
    for name, value in changes.items():
        if value in (None, ""):
            query.pop(name, None)
        else:
            query[name] = str(value)
    text = query.urlencode()
    return f"{request.path}?{text}" if text else request.path
