"""What a contact's page asks a provider for once it is open: the same or not, tickets, totals. Remembered for a while, never stored.

Call these outside a transaction: they talk to the provider. Each answer says when it was given. A refusal is only shown here:
what it means for the connection is settled by the next sync.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.core.cache import cache
from django.utils import timezone
from redis.exceptions import RedisError

from accounts.scoping import workspace_tx
from contacts.models import Contact
from crmsync.lib.crypto import digest
from integrations.domain.access import Access
from integrations.domain.asking import asking
from integrations.domain.comparing import CannotCompare, comparison, link_of, read_record
from integrations.domain.settling import OPEN
from integrations.engine.capabilities import ShowsTickets, ShowsTotals, Total
from integrations.engine.errors import ProviderError, Retry
from integrations.engine.types import Reason, Ref, Ticket
from integrations.models import Connection, Link

MINUTE = 60
TICKETS_FOR = 5 * MINUTE
STALE_FOR = 24 * 60 * MINUTE  # tickets that are shown, marked as old, while the provider does not answer
NEWEST = 20
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Status:
    """`state`: not_there, same, different, gone, unreachable, or unasked while the connection rests."""

    state: str
    at: datetime
    different: int = 0
    reason: Reason | None = None
    again_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TicketList:
    """`reason`: why these are not the newest, or why there are none to show; `again_at`: when the provider may be asked again."""

    tickets: Sequence[Ticket] = field(default_factory=tuple)
    at: datetime | None = None
    reason: Reason | None = None
    again_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    currency: str = ""
    totals: Sequence[Total] = field(default_factory=tuple)
    at: datetime | None = None
    reason: Reason | None = None


def status_of(connection: Connection, contact: Contact, *, fresh: bool = False) -> Status:
    """Whether both sides say the same. One call at most, remembered for a minute or until either side is written from here."""
    with workspace_tx(connection.workspace):
        link = link_of(connection, contact)
    if link is None:
        return Status("not_there", timezone.now())
    key = _key("status", connection, contact.pk, contact.version, link.pk, link.synced_at)
    known: Status | None = None if fresh else _recall(key)
    if known is not None:
        return known
    found = _asked_status(connection, contact, link)
    if found.state != "unasked":
        _keep(key, found, MINUTE)
    return found


def _asked_status(connection: Connection, contact: Contact, link: Link) -> Status:
    try:
        with asking(connection) as access:
            record = read_record(access, connection, link)
            with workspace_tx(connection.workspace):
                shown = comparison(access, connection, contact, record)
    except CannotCompare as refused:
        return Status("gone", timezone.now(), reason=refused.reason)
    except ProviderError as error:
        if error.reason.code == "not_connected":
            return Status("unasked", timezone.now(), reason=error.reason)
        return Status("unreachable", timezone.now(), reason=error.reason, again_at=_again_at(error))
    number = len(shown.different)
    return Status("different" if number else "same", shown.at, different=number)


def tickets_of(connection: Connection, contact: Contact, *, fresh: bool = False) -> TicketList:
    """The newest tickets. When the provider cannot be asked now, those of before with the reason."""
    with workspace_tx(connection.workspace):
        ref = _ref_of(connection, contact)
    if ref is None:
        return TicketList()
    key = _key("tickets", connection, ref.kind, ref.id)
    known: TicketList | None = _recall(key)
    if known is not None and known.at is not None and not fresh and known.at > timezone.now() - timedelta(seconds=TICKETS_FOR):
        return known
    try:
        found = TicketList(_called(connection, lambda access: _tickets(access, ref)), timezone.now())
    except ProviderError as error:
        return TicketList(known.tickets if known else (), known.at if known else None, error.reason, _again_at(error))
    _keep(key, found, STALE_FOR)
    return found


def totals_of(connection: Connection, contact: Contact, *, fresh: bool = False) -> Totals:
    """The sums of the provider's own books, remembered for a minute."""
    with workspace_tx(connection.workspace):
        link = link_of(connection, contact)
    if link is None:
        return Totals()
    key = _key("totals", connection, link.pk)
    known: Totals | None = None if fresh else _recall(key)
    if known is not None:
        return known
    try:
        currency, totals = _called(connection, lambda access: _totals(access, Ref(link.remote_kind, link.remote_id)))
    except ProviderError as error:
        return Totals(reason=error.reason)
    found = Totals(currency, tuple(totals), timezone.now())
    _keep(key, found, MINUTE)
    return found


def _tickets(access: Access, ref: Ref) -> tuple[Ticket, ...]:
    return tuple(access.provider.tickets(ref, limit=NEWEST)) if isinstance(access.provider, ShowsTickets) else ()


def _totals(access: Access, ref: Ref) -> tuple[str, Sequence[Total]]:
    return access.provider.totals(ref) if isinstance(access.provider, ShowsTotals) else ("", ())


def _called(connection: Connection, ask: Callable[[Access], Answer]) -> Answer:
    with asking(connection) as access:
        return ask(access)


def _ref_of(connection: Connection, contact: Contact) -> Ref | None:
    links = Link.objects.filter(workspace_id=connection.workspace_id, connection=connection, contact=contact, state__in=OPEN)
    link = links.order_by("pk").first()
    return Ref(link.remote_kind, link.remote_id) if link else None


def _again_at(error: ProviderError) -> datetime | None:
    return timezone.now() + timedelta(seconds=error.after) if isinstance(error, Retry) and error.after else None


def _key(what: str, connection: Connection, *parts: object) -> str:
    """Another permission may be another account; ids of vendors may be anything."""
    return f"{what}:{connection.workspace_id}:{connection.pk}:{digest(repr((connection.connected_at, *parts)))}"


def _recall(key: str) -> Any:
    try:
        return cache.get(key)
    except RedisError:
        return None


def _keep(key: str, value: object, seconds: int) -> None:
    with suppress(RedisError):
        cache.set(key, value, timeout=seconds)
