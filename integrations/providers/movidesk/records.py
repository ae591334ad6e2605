"""What Movidesk sends, read with tolerance: fields may be null, missing or of another type; only a missing id makes a record unusable."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from integrations.engine.types import BadRecord, RawRecord, Ref, Ticket, TicketState
from integrations.kit.entries import bad_record
from integrations.kit.fingerprint import fingerprint
from integrations.kit.values import identity, rows, table, text

COMPANY, PERSON = "company", "person"
TYPES = {"1": PERSON, "2": COMPANY}
TYPE_OF = {PERSON: 1, COMPANY: 2}
# The parts of an entry that may be sent back; all others are read-only.
EMAIL = ("emailType", "email", "isDefault")
CONTACT = ("contactType", "contact", "isDefault")
ADDRESS = ("addressType", "country", "postalCode", "state", "city", "district", "street", "number", "complement", "reference", "isDefault")
RELATIONSHIP = (
    "id", "slaAgreement", "forceChildrenToHaveSomeAgreement", "allowAllServices", "includeInParents", "loadChildOrganizations", "services",
)  # fmt: skip
ARRAYS = {"emails": EMAIL, "contacts": CONTACT, "addresses": ADDRESS, "relationships": RELATIONSHIP}
_SERVICE = ("id", "copyToChildren")
_TEXTS = ("businessName", "corporateName", "cpfCnpj", "observations")
_YEARS = (1900, 2999)
_STATES = {
    "new": TicketState.NEW,
    "inattendance": TicketState.IN_PROGRESS,
    "inattention": TicketState.IN_PROGRESS,  # a misprint of one of their pages
    "stopped": TicketState.WAITING,
    "canceled": TicketState.CANCELLED,
    "resolved": TicketState.RESOLVED,
    "closed": TicketState.CLOSED,
}


@dataclass(frozen=True, slots=True)
class Listing:
    """The records of a list that are of the kinds asked for, how many entries came, and the latest change among them."""

    records: Sequence[RawRecord]
    bad: Sequence[BadRecord]
    ids: Sequence[str]
    count: int
    latest: str


def kind_of(body: Mapping[str, Any]) -> str:
    """ "" for departments and what does not say."""
    return TYPES.get(identity(body.get("personType")), "")


def raw_record(body: Mapping[str, Any], *, kind: str) -> RawRecord | None:
    """None when the entry has no id."""
    id = identity(body.get("id"))
    return RawRecord(Ref(kind, id), body, version(body)) if id else None


def version(body: Mapping[str, Any]) -> str:
    """Digest of what we understand: lists and single reads differ in the rest, and the time of the change may lag."""
    plain = {key: text(body.get(key)) for key in _TEXTS}
    lists = {key: [without_read_only(key, entry) for entry in rows(body.get(key))] for key in ARRAYS}
    facts = {"id": identity(body.get("id")), "active": is_active(body), "type": identity(body.get("personType"))}
    return fingerprint({**plain, **lists, **facts})


def is_active(body: Mapping[str, Any]) -> bool:
    """Only what says so is active."""
    return body.get("isActive") is True


def without_read_only(key: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of an array as it may be sent back."""
    kept = {part: entry[part] for part in ARRAYS[key] if entry.get(part) is not None}
    if isinstance(kept.get("services"), list):
        kept["services"] = [{part: one[part] for part in _SERVICE if one.get(part) is not None} for one in rows(kept["services"])]
    return kept


def entries_of(body: Any) -> list[Any] | None:
    """The entries of a list; None when the answer is none."""
    if isinstance(body, dict):
        body = body.get("value")
    return body if isinstance(body, list) else None


def listing(entries: Sequence[Any], *, kinds: Sequence[str], clock: str = "") -> Listing:
    """Entries of another kind are left out. An entry that does not tell its kind is of the only kind asked for."""
    records: list[RawRecord] = []
    bad: list[BadRecord] = []
    for position, entry in enumerate(entries):
        body = table(entry)
        kind = kind_of(body) or (kinds[0] if len(kinds) == 1 and body.get("personType") is None else "")
        record = raw_record(body, kind=kind)
        if record is None:
            bad.append(bad_record(position, entry))
        elif kind in kinds:
            records.append(record)
    ids = [identity(table(entry).get("id")) for entry in entries]
    latest = max((changed_at(record.body, clock=clock) for record in records), default="")
    return Listing(records, bad, ids, len(entries), latest)


def changed_at(body: Mapping[str, Any], *, clock: str = "") -> str:
    """The stamp of the last change; "" where there is none, and for one that lies a day and more ahead of their own clock."""
    found = max(stamp(moment(body.get("changedDate"))), stamp(moment(body.get("createdDate"))))
    return "" if clock and found[:10] > clock[:10] else found


def moment(value: Any) -> datetime | None:
    """A time of theirs: in UTC, whether it says so or not. The first and last years are .NET's way to say that there is none."""
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d", value.strip()):
        return None
    try:
        found = datetime.fromisoformat(value.strip().upper())
        utc = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return utc if _YEARS[0] <= utc.year <= _YEARS[1] else None


def stamp(found: datetime | None) -> str:
    """A time as text that sorts like times, and as their filters want it; "" for none."""
    return f"{found:%Y-%m-%dT%H:%M:%S}.{found.microsecond // 1000:03d}Z" if found and found.year >= 1000 else ""


def clock_of(headers: Mapping[str, str]) -> str:
    """Their time when they answered."""
    try:
        found = parsedate_to_datetime(headers.get("Date") or "")
    except (ValueError, IndexError):
        return ""
    return stamp(found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC))


def organisations_of(body: Mapping[str, Any]) -> list[str]:
    """Ids of the organisations that a person belongs to; only the last part of `Parent/Child` counts, and nobody belongs to itself."""
    ids = (identity(one.get("id")).rpartition("/")[2].strip() for one in rows(body.get("relationships")))
    own = identity(body.get("id"))
    return list(dict.fromkeys(id for id in ids if id and id != own))


def ticket(entry: Any, *, url: str) -> Ticket | None:
    """None for an entry without id. `url` has a place for it."""
    body = table(entry)
    id = identity(body.get("id"))
    if not id:
        return None
    owner = table(body.get("owner"))
    base = re.sub(r"[^a-z]", "", text(body.get("baseStatus")).lower())
    return Ticket(
        id=id,
        subject=text(body.get("subject")),
        status=text(body.get("status")) or text(body.get("baseStatus")),
        state=_STATES.get(base, TicketState.UNKNOWN),
        owner=text(owner.get("businessName")),
        created_at=moment(body.get("createdDate")),
        updated_at=moment(body.get("lastUpdate")),
        url=url.replace("{id}", id) if id.isalnum() else "",
    )
