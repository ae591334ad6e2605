"""What pages of the settings area know without asking: its tabs."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject

from accounts.registry import SettingsEntry, settings_entries


def settings_tabs(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `settings_tabs`, for _partials/tabs.html."""
    return {"settings_tabs": SimpleLazyObject(lambda: _tabs(request))}


def _tabs(request: HttpRequest) -> list[dict[str, Any]]:
    workspace = getattr(request, "workspace", None)
    view = request.resolver_match.view_name if request.resolver_match else ""
    if workspace is None:
        return []
    reachable = [(entry, _url(entry, slug=workspace.slug)) for entry in settings_entries()]
    return [{"label": entry.label, "url": url, "active": _is_current(entry, view)} for entry, url in reachable if url]


def _is_current(entry: SettingsEntry, view: str) -> bool:
    return view == entry.url_name or view.startswith(entry.covers)


def _url(entry: SettingsEntry, *, slug: str) -> str:
    try:
        return reverse(entry.url_name, kwargs={"slug": slug})
    except NoReverseMatch:
        return ""
