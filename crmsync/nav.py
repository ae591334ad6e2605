"""What the side rail shows. Apps add their entries in AppConfig.ready(); an entry whose address does not resolve is left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise
RANKS = {"RESTRICTED": 0, "MEMBER": 1, "ADMIN": 2, "OWNER": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class NavItem:
    """One entry. `covers`: prefixes of view names that belong to it besides its own; the longest match is the current entry."""

    label: Text
    icon: str
    url_name: str
    group: str = "main"
    order: int = 50
    min_role: str = "RESTRICTED"
    covers: tuple[str, ...] = ()
    short: Text = ""
    bottom: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionItem:
    """One connection in the rail: its health in one word, and how many records wait for a person."""

    label: Text
    url: str
    status: str
    status_label: Text = ""
    count: int = 0
    current: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NavLink:
    """An entry as it is drawn for one request."""

    label: Text
    short: Text
    icon: str
    url: str
    url_name: str
    current: bool
    badge: int
    bottom: bool


Counter = Callable[[HttpRequest], int]

_items: list[NavItem] = [
    NavItem(label=_("Home"), icon="home", url_name="accounts:home", order=10, bottom=True),
    NavItem(
        label=_("People & organisations"),
        short=_("People"),
        icon="users",
        url_name="contacts:list",
        order=20,
        covers=("contacts:",),
        bottom=True,
    ),
    NavItem(label=_("Invoices"), icon="file-invoice", url_name="invoices:list", order=30, covers=("invoices:",), bottom=True),
    NavItem(label=_("Duplicates"), icon="copy", url_name="contacts:duplicates", order=40, covers=("contacts:duplicate",)),
    NavItem(
        label=_("All connections"),
        short=_("Connections"),
        icon="plug",
        url_name="integrations:list",
        group="connections",
        order=10,
        min_role="ADMIN",
        covers=("integrations:",),
        bottom=True,
    ),
    NavItem(
        label=_("Settings"),
        icon="settings",
        url_name="accounts:settings",
        group="account",
        order=90,
        min_role="ADMIN",
        covers=("accounts:settings", "contacts:settings"),
    ),
]
badges: dict[str, Counter] = {}
connections_provider: Callable[[HttpRequest], Sequence[ConnectionItem]] | None = None
notifications_provider: Counter | None = None


def register(item: NavItem) -> None:
    """Add an entry; a second one with the same address replaces the first."""
    _items[:] = [known for known in _items if known.url_name != item.url_name]
    _items.append(item)


def link(name: str, *, slug: str | None = None) -> str:
    """The address of a named page, or "" while there is none."""
    try:
        return reverse(name, kwargs={"slug": slug} if slug else None)
    except NoReverseMatch:
        return ""


def links(request: HttpRequest, *, slug: str, role: str, group: str) -> list[NavLink]:
    """The entries of one group that this role may open, in order."""
    current = _current(request)
    drawn = []
    for item in sorted((item for item in _items if item.group == group), key=lambda item: item.order):
        url = link(item.url_name, slug=slug)
        if url and RANKS.get(role, 0) >= RANKS[item.min_role]:
            drawn.append(_draw(item, url=url, request=request, current=current is item))
    return drawn


def _draw(item: NavItem, *, url: str, request: HttpRequest, current: bool) -> NavLink:
    count = badges.get(item.url_name) if getattr(request, "workspace", None) else None
    return NavLink(
        label=item.label,
        short=item.short or item.label,
        icon=item.icon,
        url=url,
        url_name=item.url_name,
        current=current,
        badge=count(request) if count else 0,
        bottom=item.bottom,
    )


def _current(request: HttpRequest) -> NavItem | None:
    view = request.resolver_match.view_name if request.resolver_match else ""
    matches = [(len(prefix), item) for item in _items for prefix in (item.url_name, *item.covers) if view.startswith(prefix)]
    return max(matches, key=lambda found: found[0])[1] if matches else None
