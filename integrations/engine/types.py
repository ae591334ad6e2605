"""The values that the synchroniser thinks in. All frozen; all JSON-able, so that a plan can be stored, shown and explained."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

# Canonical field -> value. Scalars are str ("" = empty); "address" maps line1 line2 city region postcode country (ISO 3166 alpha-2).
# Field names in use: name legal_name trade_name first_name last_name email phone website tax_id notes address life_cycle.
Fields = Mapping[str, Any]
Params = Mapping[str, Any]


class Kind(enum.StrEnum):
    PERSON = "person"
    ORGANISATION = "organisation"


@dataclass(frozen=True, slots=True)
class Ref:
    """Name of one record at the vendor: ids are unique per kind ("client", "supplier"), not across kinds."""

    kind: str
    id: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something did not simply flow: a code with a sentence in `engine.reasons`, and the words to fill it with."""

    code: str
    params: Params = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Party:
    """A contact as both sides can understand it. `tags`, `initial` and `custom` are given on creation only.

    Going out, `parent` is the record of the contact's organisation and `contact_id` the contact, for vendors who let us name records.
    `initial` may hold canonical fields (life_cycle, job_title) and further values: lists `emails` and `phones`, a `mobile` phone.
    """

    kind: Kind
    fields: Fields
    tags: tuple[str, ...] = ()
    parent: Ref | None = None
    contact_id: int | None = None
    initial: Fields = field(default_factory=dict)
    custom: Fields = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RawRecord:
    """A record as the vendor sent it. `version` changes whenever anything in it does (a digest of the body where the vendor has none)."""

    ref: Ref
    body: Mapping[str, Any]
    version: str


@dataclass(frozen=True, slots=True)
class BadRecord:
    """An entry of a page that is no record (no id, no object): named by its place, counted as failed, never fatal."""

    position: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a resource. `next` is the cursor of the page after it, None at the end. Totals only where the vendor tells them.

    `watermark` is the latest change among its records, `clock` the vendor's time of the answer: texts that sort like times, "" unknown.
    `gone` are records that the vendor lists as deleted. `digest` is of the answer's bytes, "" where nobody needs it.
    """

    records: Sequence[RawRecord]
    next: Mapping[str, Any] | None
    number: int
    pages: int | None = None
    total: int | None = None
    bad: Sequence[BadRecord] = ()
    watermark: str = ""
    clock: str = ""
    gone: Sequence[Ref] = ()
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Remote:
    """A vendor's record, understood."""

    ref: Ref
    party: Party
    version: str
    url: str = ""
    parent: Ref | None = None


@dataclass(frozen=True, slots=True)
class Local:
    """A contact of the CRM, in the canonical fields. `version` counts its writes.

    `brought_by` names the connection or import that made it; "" for what people, forms, lists and the API make. It is told to
    `why_not_out` of providers whose `Manifest.creates_new_only` is set, for contacts that are not there yet.
    """

    id: int
    kind: Kind
    fields: Fields
    version: int
    deleted: bool = False
    organisation_id: int | None = None
    brought_by: str = ""


class LinkState(enum.StrEnum):
    LINKED = "LINKED"
    HELD = "HELD"  # waits for a person's decision
    IGNORED = "IGNORED"  # a person or a rule said: leave it
    FAILING = "FAILING"  # tried and refused; tried again
    GONE = "GONE"  # deleted at the vendor
    HIDDEN = "HIDDEN"  # the integration is off


@dataclass(frozen=True, slots=True)
class Base:
    """Both sides' values when they last agreed. Two maps, since a vendor may store less than it was given."""

    ours: Fields
    theirs: Fields


@dataclass(frozen=True, slots=True)
class Link:
    """What the CRM knows of one vendor record."""

    ref: Ref
    state: LinkState
    contact_id: int | None = None
    base: Base | None = None
    version: str = ""


class Action(enum.StrEnum):
    CREATE = "create"  # new contact here
    LINK = "link"  # existing contact found; may also change it
    UPDATE = "update"  # remote change comes in
    RESTORE = "restore"  # the deleted contact comes back
    UNCHANGED = "unchanged"
    HOLD = "hold"
    SKIP = "skip"
    FAIL = "fail"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Conflict:
    """Both sides changed one field since they agreed. `winner` is "crm", "remote" or "ask"."""

    field: str
    ours: Any
    theirs: Any
    winner: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What will be done about one vendor record. Preview, log line and apply all read this one value.

    `changes` are canonical values to write here; `push` says that the vendor must be told afterwards;
    `base` is the agreement to store with the link (None keeps the stored one).
    """

    action: Action
    ref: Ref
    contact_id: int | None = None
    remote: Remote | None = None
    changes: Fields = field(default_factory=dict)
    push: bool = False
    base: Base | None = None
    conflicts: tuple[Conflict, ...] = ()
    reason: Reason | None = None
    candidates: tuple[int, ...] = ()


class InvoiceKind(enum.StrEnum):
    INVOICE = "invoice"
    QUOTE = "quote"
    CREDIT_NOTE = "credit_note"


class InvoiceState(enum.StrEnum):
    """States that the vendor decides; paid, due and overdue are derived from balance and day when shown."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    WRITTEN_OFF = "written_off"
    CREDITED = "credited"


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice or quote of the vendor. Amounts are exact decimals in `currency` (ISO 4217); dates are the vendor's days, no zone."""

    ref: Ref
    customer: Ref | None
    number: str
    kind: InvoiceKind
    state: InvoiceState
    currency: str
    gross: Decimal
    outstanding: Decimal
    issued_on: date | None = None
    due_on: date | None = None
    paid_on: date | None = None
    url: str = ""


class TicketState(enum.StrEnum):
    """Where a ticket stands, whatever the account calls it."""

    NEW = "new"
    IN_PROGRESS = "in_progress"
    WAITING = "waiting"
    RESOLVED = "resolved"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Ticket:
    """A request for help at the vendor, shown and never written. `status` is the account's own word."""

    id: str
    subject: str
    status: str
    state: TicketState
    owner: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    url: str = ""


@dataclass(frozen=True, slots=True)
class CustomField:
    """A field that an account added. `kind`: text number date choice boolean url."""

    key: str
    label: str
    kind: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """Whose books these are. `id` is "" where the vendor does not tell."""

    id: str = ""
    name: str = ""
