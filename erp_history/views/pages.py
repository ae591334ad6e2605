"""What all of the administrator's ERP pages share: who may open them, their head, their tabs, their lists."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.domain.keyset import BadCursor, Page, keyset_page
from accounts.middleware import WorkspaceRequest
from accounts.views.requests import is_swap, with_query
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


def part_or_page(request: WorkspaceRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    """The moving part of a list when htmx asks for it."""
    return render(request, f"erp_history/{'_' if is_swap(request) else ''}{name}.html", context)


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
