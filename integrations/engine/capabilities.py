"""What some providers can do besides the calls that all of them have. Facts stand in the manifest; calls are protocols of their own.

Core code asks `isinstance(provider, ReadsChanges)` and the like; a provider has a capability by having its methods.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Protocol, runtime_checkable

from integrations.engine.types import Base, CustomField, Fields, Local, Page, Party, RawRecord, Reason, Ref, Ticket


class Place(enum.StrEnum):
    HEADER = "header"
    QUERY = "query"


@dataclass(frozen=True, slots=True)
class SecretIn:
    """Where a request carries a secret that is no OAuth token: one of the connection (`secret`) or of the deployment (`variable`)."""

    place: Place
    name: str
    secret: str = ""
    variable: str = ""


@dataclass(frozen=True, slots=True)
class Budget:
    """How many calls a vendor takes: `calls` in `per` seconds, of which we use `share`, since others may use the same token.

    `setting` and `quiet_setting` name settings of the connection: its own number of calls, and hours ("22:00-06:00") without any.
    After `failures` failed requests in a row the vendor blocks us for the next of `blocks` seconds. `attempts`: tries of one read.
    """

    calls: int
    per: float = 60.0
    share: float = 0.8
    setting: str = ""
    quiet_setting: str = ""
    failures: int = 0
    blocks: tuple[float, ...] = ()
    attempts: int = 3


@dataclass(frozen=True, slots=True)
class Incremental:
    """Changes can be read by themselves; the whole is still compared every `full_every`, at night.

    The provider goes back by `overlap` behind the watermark by itself.
    """

    overlap: timedelta
    full_every: timedelta = timedelta(days=1)
    resources: tuple[str, ...] = ()  # those that `changes` covers, the others being read whole every time; empty = all


@dataclass(frozen=True, slots=True)
class GrantToken:
    """A permission that is given on a page of the vendor, which sends the browser back with a token that lasts until it is withdrawn.

    No state comes back and no code is exchanged: the answer is bound to the browser by a cookie, or by a part of the return address.
    The token can be pasted as well. `secret` names it among `Manifest.secrets`; `app` is the variable with the public name of our
    app, which goes into the page's address as `app_parameter`; `shared` the variable with the app's own secret: when it is wrong,
    every connection is refused, so that a refusal is looked at on another connection before a person is asked to connect again.
    """

    secret: str
    url: str
    url_variable: str
    app: str
    app_parameter: str
    return_parameter: str
    token_parameter: str
    shared: str = ""


@dataclass(frozen=True, slots=True)
class Service:
    """A further host of the vendor, with the same secrets and the same limits. `variable` in the environment replaces `url`."""

    key: str
    url: str
    variable: str


@dataclass(frozen=True, slots=True)
class Directions:
    """Names of the boolean settings that switch each way; one of them must be on while the connection is.

    `create`: (setting, value) with which contacts that are not here are brought in; None = always.
    """

    pull: str
    push: str
    create: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class MatchBy:
    """One way in which a record without a link finds its contact, tried in the order given.

    `within_parent`: only among the people of the contact that the record's parent is linked to.
    """

    remote_kind: str
    field: str  # canonical; names compare exactly, all else without case
    within_parent: bool = False


@runtime_checkable
class SkipsSamePages(Protocol):
    """Pages whose bytes are those of last time need not be parsed. `page` tells their `digest`."""

    def page_unless(self, resource: str, cursor: Mapping[str, Any] | None, *, digest: str) -> Page | None:
        """The page at this cursor, or None when its bytes have this very digest."""


@runtime_checkable
class ReadsChanges(Protocol):
    """`Manifest.incremental`: records of every kind that changed since a watermark."""

    def changes(self, since: str, cursor: Mapping[str, Any] | None) -> Page:
        """One page, records of all resources mixed, parents not first. Raises FilterRefused when this account must be read whole."""


@runtime_checkable
class ReadsMany(Protocol):
    """Several records for the price of one call."""

    many: int  # how many at most

    def get_many(self, refs: Sequence[Ref]) -> Mapping[Ref, RawRecord]:
        """Those of the records that exist. May lag some minutes behind `get`."""


@runtime_checkable
class Eligibility(Protocol):
    """Rules about which records and contacts flow. None = it flows; the reasons are among `reasons.RULES`."""

    def why_not_in(self, raw: RawRecord, *, parents: Mapping[Ref, Reason | None]) -> Reason | None:
        """`parents`: what this very question was answered for each of `parents_of(raw)`; absent = there is no such record."""

    def why_not_out(self, local: Local, *, organisation: Local | None) -> Reason | None:
        """`organisation`: the live organisation of a person."""

    def parents_of(self, raw: RawRecord) -> Collection[Ref]:
        """The records that `why_not_in` must know about."""


@runtime_checkable
class UpdatesAgreed(Protocol):
    """The vendor keeps lists where we keep one value: which entry is ours is told by the agreement."""

    def update_agreed(self, current: RawRecord, changes: Fields, party: Party, *, agreed: Base) -> RawRecord:
        """As `Provider.update`, called in its place."""


@runtime_checkable
class LinksBack(Protocol):
    """`Manifest.link_back` names the setting that holds the key of the custom field which gets the address."""

    def link_back(self, ref: Ref) -> str:
        """An address at the vendor about this record; "" = use our own page of its tickets."""


@runtime_checkable
class ShowsTickets(Protocol):
    def tickets(self, ref: Ref, *, limit: int = 20) -> Sequence[Ticket]:
        """The newest tickets of a person or an organisation, newest first."""


@runtime_checkable
class KnowsCustomFields(Protocol):
    """`Party.custom` has values by the keys of these fields, which are made here before the records come in."""

    def custom_fields(self) -> Sequence[CustomField]:
        """The account's own fields for contacts."""

    def custom_value(self, field: CustomField, value: Any) -> Any:
        """A value of `Party.custom` as the field holds it here; None for what it cannot hold."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer to a setting of type REMOTE_CHOICE."""

    key: str
    label: str


@runtime_checkable
class OffersChoices(Protocol):
    """Settings whose answers are records of the vendor's account."""

    def choices(self, setting: str) -> Sequence[Choice]:
        """The answers that the account allows at the moment."""

    def suggested(self) -> Mapping[str, str]:
        """Answers to begin with, as far as the account tells its own defaults."""


@dataclass(frozen=True, slots=True)
class Total:
    """One sum of a customer's account. `count` or `amount` is None where the vendor does not tell."""

    key: str
    label: str
    count: int | None = None
    amount: Decimal | None = None


@runtime_checkable
class ShowsTotals(Protocol):
    """Sums as the vendor's own books say them."""

    def totals(self, ref: Ref) -> tuple[str, Sequence[Total]]:
        """The currency of the amounts, and the sums."""


@runtime_checkable
class HasChildren(Protocol):
    """Records that are part of another one (people of a customer)."""

    def children(self, ref: Ref) -> Sequence[RawRecord]:
        """All of them, in the version that lists and `get` give."""


@runtime_checkable
class ReusesIds(Protocol):
    """The vendor gives the id of a deleted record to a new one."""

    def is_another(self, raw: RawRecord, known: Fields) -> bool:
        """Whether the record shares nothing with what was agreed about the link of this id (`known`: the vendor's side)."""
