"""The list behind a figure: contacts by their place on a curve, by a migration, by a range of revenue, by their last purchase."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL
from django.utils.dateparse import parse_date
from django_scopes import get_scope

from accounts.models import Workspace
from contacts.models import Contact
from erp_history.domain import windows
from erp_history.domain.dashboard import last_night
from erp_history.domain.dashboard_moves import MOVERS
from erp_history.domain.sources import source_of

NONE, ANY = "none", "any"
CLASSES = ("A", "B", "C", NONE)
MOST_MONTHS = 120
NAMED = re.compile(r"%\((\w+)\)s")
MONEY = re.compile(r"\d{1,15}(\.\d{1,6})?")
ON_CURVE = "{ahead} SELECT contact_id FROM curve WHERE {wanted}"
Contacts = QuerySet[Contact]
# The customers that the dashboard counts, those with a class, those who owe.
CUSTOMERS = {
    "all": Q(erp_figures__isnull=False),
    "bought": Q(erp_figures__abc_class__isnull=False),
    "open": Q(erp_figures__open_receivables__gt=0),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A class of the curve of a window and a brand."""

    abc_class: str
    months: int
    brand: str = ""

    @property
    def text(self) -> str:
        return f"{self.abc_class}.{self.months}.{self.brand}"


@dataclass(frozen=True, slots=True)
class Change:
    """A migration since a day."""

    old: str | None
    new: str | None
    since: dt.date

    @property
    def text(self) -> str:
        return f"{self.old or NONE}-{self.new or NONE}.{self.since.isoformat()}"


def read_place(value: str) -> Place | None:
    abc_class, _dot, rest = value.partition(".")
    months, _dot, brand = rest.partition(".")
    is_number = months.isascii() and months.isdigit() and len(months) < 4
    if abc_class not in (*CLASSES, ANY) or not is_number or not 0 < int(months) <= MOST_MONTHS:
        return None
    return Place(abc_class, int(months), brand)


def read_change(value: str) -> Change | None:
    way, _dot, day = value.partition(".")
    old, _dash, new = way.partition("-")
    since = read_day(day)
    if old not in CLASSES or new not in CLASSES or since is None:
        return None
    return Change(None if old == NONE else old, None if new == NONE else new, since)


def read_day(value: str) -> dt.date | None:
    try:
        return parse_date(value)
    except ValueError:
        return None


def read_range(value: str) -> tuple[Decimal, Decimal] | None:
    low, _dash, high = value.partition("-")
    if not (MONEY.fullmatch(low) and MONEY.fullmatch(high)):
        return None
    return Decimal(low), Decimal(high)


def on_curve(contacts: Contacts, value: str) -> Contacts:
    """Contacts of a class on the curve of a window or a brand."""
    place, workspace = read_place(value), _workspace()
    run = last_night(workspace)
    if place is None or run is None:
        return contacts.none()
    source = source_of(workspace)
    ahead, values = windows.curve(source, run, months=place.months, brand=place.brand)
    wanted = "abc_class IS NOT NULL" if place.abc_class in (NONE, ANY) else "abc_class = %(class)s"
    chosen = _raw(ON_CURVE.format(ahead=ahead, wanted=wanted), values | {"class": place.abc_class})
    is_none = place.abc_class == NONE
    return contacts.filter(erp_figures__isnull=False).exclude(pk__in=chosen) if is_none else contacts.filter(pk__in=chosen)


def customers(contacts: Contacts, value: str) -> Contacts:
    return contacts.filter(CUSTOMERS[value]) if value in CUSTOMERS else contacts.none()


def moved(contacts: Contacts, value: str) -> Contacts:
    change = read_change(value)
    if change is None:
        return contacts.none()
    values = {"workspace": _workspace().pk, "since": change.since, "old": change.old, "new": change.new}
    return contacts.filter(pk__in=_raw(MOVERS, values))


def of_revenue(contacts: Contacts, value: str) -> Contacts:
    bounds = read_range(value)
    return contacts.filter(erp_figures__revenue_12m__range=bounds) if bounds else contacts.none()


def bought(lookup: str) -> Callable[[Contacts, str], Contacts]:
    """Contacts whose last purchase was before (or not before) a day; a text that is no day filters nothing."""

    def apply(contacts: Contacts, value: str) -> Contacts:
        day = read_day(value)
        return contacts.filter(**{f"erp_figures__last_purchase_on__{lookup}": day}) if day else contacts

    return apply


def _workspace() -> Workspace:
    found: Workspace = get_scope()["workspace"]
    return found


def _raw(sql: str, values: Mapping[str, Any]) -> RawSQL:
    """A statement with named values as an expression, which takes them by position."""
    names = NAMED.findall(sql)
    return RawSQL(NAMED.sub("%s", sql), [values[name] for name in names])  # noqa: S611  constants, values are parameters
