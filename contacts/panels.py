"""Where apps above hang what they know on contacts' screens and API. They register in AppConfig.ready(); contacts never imports them.

Every callable runs inside `workspace_tx`. Those that take many contacts must need a fixed number of queries. HTML must be safe.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe

from accounts.models import Membership, Workspace
from contacts.models import Contact

Text = str | Promise
Html = str | None
Slot = Literal["main", "side", "badge", "action", "delete_warning", "merge_question", "home"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A piece of the contact page (or of the home page). `render` gives safe html, or None for "nothing to show".

    It is called as render(request, contact); in slot merge_question as render(request, kept, gone); in slot home as render(request).
    main, side: a whole card. badge: behind the name. action: an <a>/<button>/<form> inside the "More" menu (class dropdown-item).
    delete_warning: one sentence in the delete dialog. merge_question: form fields named `choice.<key>`, which `contacts_merged` gets
    as `choices`.
    """

    key: str
    slot: Slot
    render: Callable[..., Html]
    order: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of the list: {contact id: safe html} for one page of contacts."""

    key: str
    label: Text
    values: Callable[[Workspace, Sequence[Contact]], Mapping[int, str]]
    order: int = 50
    numeric: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A filter of list, export and API (`?<key>=value`), in the list a select of its `options` or, with `is_day`, a date.

    Without either it is reached by links and the API only; the list then names it with `words` and lets it be taken off. The options name
    nothing that the member may not see. `where`: in which workspaces the list offers it; filters that ask the same are asked once a page.
    """

    key: str
    label: Text
    apply: Callable[[QuerySet[Contact], str], QuerySet[Contact]]
    options: Callable[[Membership], Sequence[tuple[str, Text]]] | None = None
    is_day: bool = False
    where: Callable[[Workspace], bool] | None = None
    words: Callable[[str], str] | None = None
    order: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiField:
    """A read-only key in the JSON of a contact: {contact id: value} for one page; `empty` for the ones left out."""

    key: str
    values: Callable[[Workspace, Sequence[Contact]], Mapping[int, Any]]
    empty: Callable[[], Any] = list
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of the timeline: what happened (safe html), who did it, when."""

    at: dt.datetime
    html: str
    by: Text = ""
    tone: Literal["", "sync", "note", "warn"] = "sync"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineSource:
    """Entries of one contact older than `before`, newest first, at most `limit`."""

    key: str
    entries: Callable[[HttpRequest, Contact, dt.datetime | None, int], Sequence[Entry]]


@dataclass(frozen=True, slots=True)
class Remark:
    """What another system said about a stored value: `email`, `phone`, `address.postcode` mean the first of each, else a field's name."""

    field: str
    words: str


_panels: dict[tuple[str, str], Panel] = {}
_columns: dict[str, Column] = {}
_filters: dict[str, Filter] = {}
_api_fields: dict[str, ApiField] = {}
_sources: dict[str, TimelineSource] = {}
_name_holders: list[Callable[[Sequence[int]], set[int]]] = []
_field_remarks: list[Callable[[Contact], Sequence[Remark]]] = []
_run_urls: list[Callable[[HttpRequest, int], str]] = []


def register(panel: Panel) -> None:
    """Add a panel; the same slot and key again replaces it."""
    _panels[panel.slot, panel.key] = panel


def register_column(column: Column) -> None:
    _columns[column.key] = column


def register_filter(filter: Filter) -> None:
    _filters[filter.key] = filter


def register_api_field(field: ApiField) -> None:
    _api_fields[field.key] = field


def register_timeline(source: TimelineSource) -> None:
    _sources[source.key] = source


def register_name_holders(holders: Callable[[Sequence[int]], set[int]]) -> None:
    """Say which of some contacts have a name that another system knows by the letter: a one-click merge keeps that name."""
    _name_holders[:] = [holders]


def name_holders(contact_ids: Sequence[int]) -> set[int]:
    return _name_holders[0](contact_ids) if _name_holders else set()


def register_field_remarks(remarks: Callable[[Contact], Sequence[Remark]]) -> None:
    """Say what other systems refused about the stored values: shown beside the fields of the form until they are corrected."""
    _field_remarks[:] = [remarks]


def field_remarks(contact: Contact) -> Sequence[Remark]:
    return _field_remarks[0](contact) if _field_remarks else ()


def register_run_url(address: Callable[[HttpRequest, int], str]) -> None:
    """Give the timeline a link from "run 412" to that run's page."""
    _run_urls[:] = [address]


def run_url(request: HttpRequest, run_id: int) -> str:
    """The address of a run's page, "" when there is none."""
    return _run_urls[0](request, run_id) if _run_urls else ""


def rendered(slot: Slot, request: HttpRequest, *contacts: Contact) -> list[SafeString]:
    """The filled panels of one slot, in order."""
    found = [panel.render(request, *contacts) for panel in _ordered(panel for panel in _panels.values() if panel.slot == slot)]
    return [mark_safe(html) for html in found if html]  # noqa: S308  Panel.render gives safe html


def columns() -> list[Column]:
    return _ordered(_columns.values())


def filters() -> list[Filter]:
    return _ordered(_filters.values())


def offered_filters(workspace: Workspace) -> list[Filter]:
    """Those that a list of this workspace offers."""
    is_so = functools.cache(lambda where: where(workspace))
    return [item for item in filters() if (item.options or item.is_day) and (item.where is None or is_so(item.where))]


def api_fields() -> list[ApiField]:
    return list(_api_fields.values())


def timeline_sources() -> list[TimelineSource]:
    return list(_sources.values())


Placed = TypeVar("Placed", Panel, Column, Filter)


def _ordered(items: Iterable[Placed]) -> list[Placed]:
    return sorted(items, key=lambda item: (item.order, item.key))
