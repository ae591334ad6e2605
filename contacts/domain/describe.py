"""Say a change in words: which field, the old value, the new one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from babel.dates import format_date
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from accounts.models import Team, User
from contacts.domain.custom import apart
from contacts.domain.visibility import visible_to
from contacts.enums import CustomFieldKind, Kind, LifeCycle
from contacts.models import Contact, ContactChange, CustomField
from crmsync.lib.text import clip

LONG = 160
REFERENCES = ("organisation_id", "owner_id", "team_id")
HIDDEN = frozenset(["merged_into_id", "workspace_id", "id"])
LABELS: dict[str, str | Promise] = {
    "kind": gettext_lazy("Kind"),
    "name": gettext_lazy("Name"),
    "first_name": gettext_lazy("First name"),
    "last_name": gettext_lazy("Last name"),
    "legal_name": gettext_lazy("Legal name"),
    "trade_name": gettext_lazy("Trade name"),
    "tax_id": gettext_lazy("Tax id"),
    "website": gettext_lazy("Website"),
    "job_title": gettext_lazy("Job title"),
    "notes": gettext_lazy("About"),
    "life_cycle": gettext_lazy("Life cycle"),
    "emails": gettext_lazy("E-mail"),
    "phones": gettext_lazy("Phone"),
    "addresses": gettext_lazy("Address"),
    "tags": gettext_lazy("Tags"),
    "custom": gettext_lazy("Custom fields"),
    "organisation_id": gettext_lazy("Organisation"),
    "owner_id": gettext_lazy("Owner"),
    "team_id": gettext_lazy("Team"),
}
ADDRESS_LABELS: dict[str, str | Promise] = {
    "line1": gettext_lazy("Address line 1"),
    "line2": gettext_lazy("Address line 2"),
    "city": gettext_lazy("City"),
    "region": gettext_lazy("Region"),
    "postcode": gettext_lazy("Postcode"),
    "country": gettext_lazy("Country"),
    "label": gettext_lazy("Address label"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One field of a change; "" = empty before or after. In a list, old is what was taken out and new what was put in."""

    label: str
    old: str
    new: str
    is_list: bool = False


@dataclass(slots=True)
class Names:
    """What the ids in a page of changes mean."""

    references: dict[tuple[str, int], str] = field(default_factory=dict)
    custom: dict[str, CustomField] = field(default_factory=dict)


def _line(column: str, values: Iterable[str], *, label: str = "", is_list: bool = False) -> Line:
    old, new = (clip(value, LONG) for value in values)
    return Line(label or str(LABELS.get(column, column)), old, new, is_list)


def names_for(membership: Any, changes: Sequence[ContactChange]) -> Names:
    """Look up every id that these changes speak of: one query per kind of thing."""
    workspace = membership.workspace
    wanted = {column: _ids(changes, column) for column in REFERENCES}
    found = Names()
    sources = {
        "organisation_id": visible_to(membership),
        "owner_id": User.objects.filter(memberships__workspace=workspace),
        "team_id": Team.objects.filter(workspace=workspace),
    }
    for column, ids in wanted.items():
        if ids:
            found.references |= {(column, row.pk): str(row) for row in sources[column].filter(pk__in=ids)}
    if any("custom" in change.changes for change in changes):
        found.custom = {item.key: item for item in CustomField.objects.filter(workspace=workspace)}
    return found


def _ids(changes: Iterable[ContactChange], column: str) -> set[int]:
    return {value for change in changes for value in change.changes.get(column, ()) if isinstance(value, int)}


def lines(change: ContactChange, names: Names) -> list[Line]:
    """The fields of one change, in the order of the form."""
    found: list[Line] = []
    for column in [*LABELS, *(set(change.changes) - set(LABELS))]:
        if column in change.changes and column not in HIDDEN:
            old, new = change.changes[column]
            found += LINES.get(column, _plain)(column, old, new, names)
    return found


def _plain(column: str, old: Any, new: Any, _names: Names) -> Iterator[Line]:
    yield _line(column, (str(value or "") for value in (old, new)))


def _reference(column: str, old: Any, new: Any, names: Names) -> Iterator[Line]:
    yield _line(column, (names.references.get((column, value), _("unknown")) if value else "" for value in (old, new)))


def _life_cycle(column: str, old: Any, new: Any, _names: Names) -> Iterator[Line]:
    yield _line(column, (str(LifeCycle(value).label) if value in LifeCycle.values and value else "" for value in (old, new)))


def _kind(column: str, old: Any, new: Any, _names: Names) -> Iterator[Line]:
    yield _line(column, (str(Kind(value).label) if value in Kind.values else "" for value in (old, new)))


def _rows(part: str) -> Callable[..., Iterator[Line]]:
    def told(column: str, old: Any, new: Any, _names: Names) -> Iterator[Line]:
        texts = [[_labelled(row, part) for row in rows or []] for rows in (old, new)]
        yield from _in_and_out(column, *texts)

    return told


def _in_and_out(column: str, old: Sequence[str], new: Sequence[str]) -> Iterator[Line]:
    """What left a list and what came in; with neither, only the order changed and both lists are told."""
    gone, come = [text for text in old if text not in new], [text for text in new if text not in old]
    pair = (gone, come) if gone or come else (old, new)
    yield _line(column, (", ".join(texts) for texts in pair), is_list=bool(gone or come))


def _labelled(row: Mapping[str, str], part: str) -> str:
    label = row.get("label", "")
    return f"{row.get(part, '')} ({label})" if label else row.get(part, "")


def _addresses(column: str, old: Any, new: Any, _names: Names) -> Iterator[Line]:
    """A single changed address is told part by part."""
    old, new = old or [], new or []
    changed = [(a, b) for a, b in zip(old, new, strict=False) if a != b]
    if len(old) == len(new) and len(changed) == 1:
        [(before, after)] = changed
        for part, label in ADDRESS_LABELS.items():
            if before.get(part, "") != after.get(part, ""):
                yield Line(str(label), before.get(part, ""), after.get(part, ""))
        return
    yield _line(column, ("; ".join(one_line_address(row) for row in rows) for rows in (old, new)))


def one_line_address(row: Mapping[str, str]) -> str:
    return ", ".join(filter(None, (row.get(part, "") for part in ("line1", "line2", "city", "region", "postcode", "country"))))


def _tags(column: str, old: Any, new: Any, _names: Names) -> Iterator[Line]:
    yield from _in_and_out(column, old or [], new or [])


def _custom(_column: str, old: Any, new: Any, names: Names) -> Iterator[Line]:
    old, new = old or {}, new or {}
    for key in dict.fromkeys([*old, *new]):
        if old.get(key) != new.get(key):
            item = names.custom.get(key)
            yield _line("custom", (custom_text(item, values.get(key)) for values in (old, new)), label=item.label if item else key)


def custom_text(item: CustomField | None, value: Any) -> str:
    """A custom value as people read it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if item is not None and item.kind == CustomFieldKind.DATE:
        language = (get_language() or "en").replace("-", "_")
        return format_date(dt.date.fromisoformat(value), format="d MMM y" if language.startswith("en") else "medium", locale=language)
    return str(value)


LINES: dict[str, Callable[..., Iterator[Line]]] = {
    **dict.fromkeys(REFERENCES, _reference),
    "life_cycle": _life_cycle,
    "kind": _kind,
    "emails": _rows("email"),
    "phones": _rows("number"),
    "addresses": _addresses,
    "tags": _tags,
    "custom": _custom,
}


def columns_of(contact: Contact, change: ContactChange) -> tuple[dict[str, tuple[Any, Any]], dict[str, Any]]:
    """({column: (old, new)}, today's values) of what a person could take back, the workspace's own fields one by one."""
    known = {column: values for column, values in change.changes.items() if column in LABELS}
    old, new = ({column: values[side] for column, values in known.items()} for side in (0, 1))
    today = {column: getattr(contact, column) for column in known}
    keys = {key for values in (old, new, today) for key in values.get("custom", ())}
    old, new, today = (apart(values, keys=keys) for values in (old, new, today))
    return {column: (old[column], new[column]) for column in old if old[column] != new[column]}, today
