"""Small things that all screens of contacts share."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts.middleware import WorkspaceRequest
from accounts.scoping import Origin
from accounts.views.guards import membership_of
from crmsync.lib.text import row_number

__all__ = ["address", "membership_of", "origin_of", "picked", "say", "say_undoable", "undo_button"]


def origin_of(request: HttpRequest) -> Origin:
    return cast(WorkspaceRequest, request).origin


def address(request: HttpRequest, name: str, **kwargs: Any) -> str:
    """The address of a page of this app in the request's workspace."""
    return reverse(f"contacts:{name}", kwargs={"slug": membership_of(request).workspace.slug, **kwargs})


def picked(request: HttpRequest) -> list[int]:
    """The rows that are marked."""
    return [pk for pk in map(row_number, request.POST.getlist("picked")) if pk is not None]


def say(response: HttpResponse, text: str, *, tone: str = "green") -> HttpResponse:
    """Show a notice with a fragment."""
    response["HX-Trigger"] = json.dumps({"toast": {"text": text, "tone": tone}})
    return response


def say_undoable(request: HttpRequest, text: str, url: str, values: Iterable[tuple[str, Any]] = ()) -> None:
    """A notice with an Undo button on the next page."""
    messages.success(request, format_html("{} {}", text, undo_button(request, url, values)))


def undo_button(request: HttpRequest, url: str, values: Iterable[tuple[str, Any]] = ()) -> SafeString:
    hidden = format_html_join("", '<input type="hidden" name="{}" value="{}">', [("csrfmiddlewaretoken", get_token(request)), *values])
    button = format_html('<button type="submit" class="btn btn-sm">{}</button>', _("Undo"))
    return format_html('<form method="post" action="{}" class="inline-form">{}{}</form>', url, hidden, button)
