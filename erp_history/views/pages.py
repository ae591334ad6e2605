"""What all of the administrator's ERP pages share: who may open them, their head, their tabs, their lists."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.domain.keyset import BadCursor, Page, keyset_page
from accounts.middleware import WorkspaceRequest
from erp_history.enums import LinkState
from erp_history.models import ErpLink

PAGE = 50


def url_of(request: WorkspaceRequest, name: str, **more: Any) -> str:
    return reverse(f"erp_history:{name}", kwargs={"slug": request.workspace.slug, **more})


def back_to(request: WorkspaceRequest, name: str, **more: Any) -> HttpResponse:
    return redirect(url_of(request, name, **more))


def page_context(request: WorkspaceRequest, active: str) -> dict[str, Any]:
    """The head of the page and its tabs."""
    return {"slug": request.workspace.slug, "tabs": _tabs(request, active), "tab": active}


def _tabs(request: WorkspaceRequest, active: str) -> list[dict[str, Any]]:
    listed = [
        ("settings", _("General information")),
        ("settings_history", _("History")),
        ("settings_connection", _("Connection")),
        ("settings_rules", _("Rules and formats")),
        ("settings_decisions", _("To decide")),
    ]
    held = held_count(request)
    return [
        {
            "label": label,
            "url": url_of(request, name),
            "active": name == active,
            "count": held if name == "settings_decisions" else 0,
            "tone": "amber",
        }
        for name, label in listed
    ]


def held_count(request: WorkspaceRequest) -> int:
    return ErpLink.objects.filter(workspace=request.workspace, state=LinkState.HELD).count()


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


def page_of(request: WorkspaceRequest, found: QuerySet[Any], *, order: tuple[str, ...] = ("-id",), limit: int = PAGE) -> dict[str, Any]:
    """A page of a list, and the way on and back; an address that was cut short shows the first page."""
    cursor = request.GET.get("cursor")
    try:
        page: Page[Any] = keyset_page(found, order=order, cursor=cursor, limit=limit)
    except BadCursor:
        page = keyset_page(found, order=order, cursor=None, limit=limit)
    return {
        "rows": page.rows,
        "next_url": with_query(request, cursor=page.next_cursor) if page.next_cursor else "",
        "first_url": with_query(request, cursor=None) if cursor else "",
    }
