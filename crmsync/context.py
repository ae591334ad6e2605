"""What every page knows: the shell (workspace, navigation, menus) and the theme. Lazy: a fragment that shows no shell costs no query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, Workspace
from accounts.scoping import workspace_reading
from crmsync import nav

THEMES = ("auto", "light", "dark")


@dataclass(frozen=True, slots=True)
class AddNew:
    label: str | Promise
    icon: str
    url: str
    is_dialog: bool = False


class Shell:
    """The frame around a page of one request."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self.languages = settings.LANGUAGES

    @cached_property
    def membership(self) -> Membership | None:
        """The open workspace's; on pages outside a workspace (profile, password) the one last visited, so that the rail stays."""
        user = self._request.user
        if here := getattr(self._request, "membership", None):
            return here
        if not user.is_authenticated or user.last_workspace_id is None:
            return None
        return Membership.objects.select_related("workspace").filter(user_id=user.pk, workspace_id=user.last_workspace_id).first()

    @property
    def workspace(self) -> Workspace | None:
        return self.membership.workspace if self.membership else None

    @property
    def _inside(self) -> bool:
        return getattr(self._request, "workspace", None) is not None

    @property
    def slug(self) -> str:
        return self.workspace.slug if self.workspace else ""

    @property
    def role(self) -> str:
        return self.membership.role if self.membership else ""

    @cached_property
    def workspaces(self) -> list[tuple[Workspace, str]]:
        """The person's other workspaces with their addresses."""
        if not self._request.user.is_authenticated:
            return []
        mine = Workspace.objects.filter(memberships__user_id=self._request.user.pk).exclude(slug=self.slug).order_by("name")[:20]
        return [(other, nav.link("accounts:home", slug=other.slug)) for other in mine]

    @cached_property
    def main(self) -> list[nav.NavLink]:
        return self._group("main")

    @cached_property
    def connection_pages(self) -> list[nav.NavLink]:
        """The pages about connections in general; a connection that is open is the current entry instead of them."""
        pages = self._group("connections")
        return [replace(page, current=False) for page in pages] if any(item.current for item in self.connections) else pages

    @cached_property
    def account(self) -> list[nav.NavLink]:
        return self._group("account")

    @property
    def bottom(self) -> list[nav.NavLink]:
        """The four entries of the bar on phones; the fifth opens the rest."""
        known = (*self.main, *self._group("connections"), *self.account)
        return sorted(known, key=lambda item: not item.bottom)[:4]

    @cached_property
    def connections(self) -> Sequence[nav.ConnectionItem]:
        if self.workspace is None or not self._inside or nav.connections_provider is None:
            return []
        with workspace_reading(self.workspace):
            return list(nav.connections_provider(self._request))

    @property
    def attention(self) -> int:
        """Records of all connections that wait for a person."""
        return sum(item.count for item in self.connections)

    @cached_property
    def unread(self) -> int:
        if self.workspace is None or not self._inside or nav.notifications_provider is None:
            return 0
        with workspace_reading(self.workspace):
            return nav.notifications_provider(self._request)

    @cached_property
    def add_new(self) -> list[AddNew]:
        create = self.url("contacts:create")
        if not create:
            return []
        quick = self.url("contacts:quick")
        return [
            *([AddNew(_("Quick add"), "plus", quick, is_dialog=True)] if quick else []),
            AddNew(_("Person"), "user-plus", f"{create}?kind=person"),
            AddNew(_("Organisation"), "building", f"{create}?kind=organisation"),
        ]

    @cached_property
    def urls(self) -> dict[str, str]:
        """Addresses for the templates, "" where a page is missing."""
        inside = {
            "home": "accounts:home",
            "people": "contacts:list",
            "notifications": "accounts:notifications",
            "settings": "accounts:settings",
        }
        outside = {
            "create_workspace": "accounts:workspace_create",
            "profile": "accounts:profile",
            "security": "mfa_index",
            "password": "account_change_password",
            "email": "account_email",
            "sessions": "usersessions_list",
            "login": "account_login",
            "logout": "account_logout",
            "set_language": "set_language",
        }
        return {key: self.url(name) for key, name in inside.items()} | {key: nav.link(name) for key, name in outside.items()}

    @property
    def account_tabs(self) -> list[dict[str, Any]]:
        """The pages of a person's own account."""
        pages = {
            "profile": _("Profile"),
            "email": _("E-mail"),
            "password": _("Password"),
            "security": _("Security"),
            "sessions": _("Sessions"),
        }
        path = self._request.path
        reach = {key: self.urls[key] for key in pages if self.urls[key]}
        inside = {"security": "/2fa/", "password": "/password/"}
        return [{"label": pages[key], "url": url, "active": path == url or inside.get(key, "\0") in path} for key, url in reach.items()]

    def url(self, name: str) -> str:
        return nav.link(name, slug=self.slug) if self.slug else ""

    def _group(self, group: str) -> list[nav.NavLink]:
        if self.workspace is None:
            return []
        with workspace_reading(self.workspace):
            return nav.links(self._request, slug=self.slug, role=self.role, group=group)


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context processor."""
    theme = request.COOKIES.get("theme", "auto")
    return {"shell": Shell(request), "theme": theme if theme in THEMES else "auto"}
