"""A list of contacts as CSV that spreadsheets open without running anything in it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import Membership
from accounts.scoping import workspace_tx
from contacts.domain.custom import fields_of
from contacts.domain.describe import custom_text
from contacts.domain.queries import ListQuery, list_page
from contacts.models import Contact, CustomField
from crmsync.lib.sheets import guard

BOM = "\ufeff"
CHUNK = 1000
ROWS_OF = {"emails": ("email", 3), "phones": ("number", 3)}


def csv_lines(membership: Membership, query: ListQuery) -> Iterator[str]:
    """The lines of the file, a chunk of contacts at a time. Each is read in a transaction of its own: a slow reader holds up nothing."""
    with workspace_tx(membership.workspace):
        fields = fields_of(membership.workspace)
    yield BOM + _line(_heading(fields))
    after: str | None = ""
    while after is not None:
        with workspace_tx(membership.workspace):
            page = list_page(membership, query, after=after, limit=CHUNK)
            lines = [_line([safe(value) for value in _values(contact, fields)]) for contact in page.contacts]
        yield "".join(lines)
        after = page.after


def safe(text: str) -> str:
    """Spreadsheets take a cell that begins like a formula for one; an apostrophe in front makes it text. Numbers stay numbers."""
    return text if _is_number(text) else guard(text)


def _is_number(text: str) -> bool:
    return text[:1] in ("+", "-") and text[1:].replace(" ", "").replace(".", "", 1).isdigit()


def _line(values: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(values)
    return out.getvalue()


def _heading(fields: Sequence[CustomField]) -> list[str]:
    several = [f"{title} {number}" for title in (_("E-mail"), _("Phone")) for number in (1, 2, 3)]
    address = [_("Address line 1"), _("Address line 2"), _("City"), _("Region"), _("Postcode"), _("Country")]
    single = [_("Id"), _("Kind"), _("Name"), _("First name"), _("Last name"), _("Job title"), _("Organisation")]
    names = [_("Legal name"), _("Trade name"), _("Tax id"), _("Website"), _("Life cycle"), _("Tags"), _("Owner"), _("Team"), _("About")]
    return [*single, *several, *address, *names, *(field.label for field in fields)]


def _values(contact: Contact, fields: Sequence[CustomField]) -> list[str]:
    organisation = contact.seen_organisation  # type: ignore[attr-defined]  # set by queries.load
    address: Mapping[str, str] = contact.first_address
    several = [_nth(getattr(contact, name), part, index) for name, (part, number) in ROWS_OF.items() for index in range(number)]
    return [
        str(contact.pk), contact.get_kind_display(), contact.name, contact.first_name, contact.last_name, contact.job_title,
        organisation.name if organisation else "", *several,
        *(address.get(part, "") for part in ("line1", "line2", "city", "region", "postcode", "country")),
        contact.legal_name, contact.trade_name, contact.tax_id, contact.website,
        contact.get_life_cycle_display() if contact.life_cycle else "", ", ".join(contact.tags),
        str(contact.owner or ""), str(contact.team or ""), contact.notes,
        *(custom_text(field, contact.custom.get(field.key)) for field in fields),
    ]  # fmt: skip


def _nth(rows: Sequence[Mapping[str, Any]], part: str, index: int) -> str:
    return str(rows[index].get(part, "")) if index < len(rows) else ""
