"""Both sides of one contact, field by field, as they are at this moment; and whether they are the same.

The calls to the provider stand by themselves, so that no transaction is open while it is spoken to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from accounts.domain.keys import key_ring
from contacts.domain.custom import fields_of as custom_fields_of
from contacts.models import Contact
from crmsync.lib.crypto import SecretError
from integrations import registry
from integrations.domain.access import Access
from integrations.domain.asking import readable, remember_calls
from integrations.domain.parties import local_of
from integrations.domain.settling import OPEN
from integrations.engine.capabilities import ReusesIds
from integrations.engine.compare import CompareField, Compares, our_values, same
from integrations.engine.errors import Gone, SkipRecord
from integrations.engine.provider import Manifest
from integrations.engine.types import RawRecord, Reason, Ref
from integrations.models import Connection, Link

MOBILES = ("mobil", "cell", "celular")  # parts of the label of a phone that is one


class CannotCompare(Exception):
    """There is nothing at the other side, or nothing that may be looked at: `reason` has the sentence."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.code)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Row:
    """One field of both sides. `ours` None: there is no place for it here."""

    field: CompareField
    ours: str | None
    theirs: str

    @property
    def key(self) -> str:
        return self.field.key

    @property
    def differs(self) -> bool:
        return self.ours is not None and not same(self.field.kind, self.ours, self.theirs)

    @property
    def can_give(self) -> bool:
        """Our value may be written there."""
        return self.differs and self.field.writable and not (self.field.required and not self.ours)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a person was shown, with all that is needed to notice later that it is not so any more."""

    version: int  # of the contact
    record: RawRecord
    rows: tuple[Row, ...]
    at: datetime

    @property
    def different(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.differs)

    @property
    def ours(self) -> dict[str, str]:
        return {row.key: row.ours for row in self.rows if row.ours is not None}


def comparable(manifest: Manifest, links: list[Link]) -> Link | None:
    """The link whose record has a compare page."""
    found = (link for link in links if link.remote_kind == manifest.export_kind and link.state in OPEN)
    return next(found, None) if manifest.compare else None


def link_of(connection: Connection, contact: Contact) -> Link | None:
    rows = Link.objects.filter(workspace_id=connection.workspace_id, connection=connection, contact=contact).order_by("pk")
    return comparable(registry.manifest(connection.provider), list(rows))


def read_record(access: Access, connection: Connection, link: Link) -> RawRecord:
    """Ask the provider for the record. Raises ProviderError and CannotCompare; outside a transaction."""
    provider = access.provider
    try:
        with readable(connection):
            record = provider.get(Ref(link.remote_kind, link.remote_id))
            if isinstance(provider, ReusesIds) and link.base_theirs and provider.is_another(record, link.base_theirs):
                theirs = str(provider.remote(record).party.fields.get("name") or "")
                raise CannotCompare(Reason("number_reused", {"id": link.remote_id, "name": theirs}))
    except (Gone, SkipRecord) as error:
        raise CannotCompare(error.reason) from error
    finally:
        remember_calls(access, connection)
    return record


def comparison(access: Access, connection: Connection, contact: Contact, record: RawRecord) -> Comparison:
    """Put both sides beside each other. Inside a transaction; no call is made. Raises BadAnswer."""
    provider = access.provider
    if not isinstance(provider, Compares):
        raise CannotCompare(Reason("not_supported"))
    with readable(connection):
        theirs = provider.compared(record)
    ours = ours_of(connection, contact)
    rows = tuple(Row(each, ours.get(each.key), theirs.get(each.key, "")) for each in registry.manifest(connection.provider).compare)
    return Comparison(version=contact.version, record=record, rows=rows, at=timezone.now())


def ours_of(connection: Connection, contact: Contact) -> dict[str, str]:
    """Our values by row key."""
    fields: dict[str, Any] = dict(local_of(contact).fields)
    fields["emails"] = " ".join(each["email"] for each in contact.emails)
    mobile = mobile_of(contact)
    fields["mobile"] = mobile["number"] if mobile else ""
    places = custom_fields_of(contact.workspace, kind=contact.kind)
    custom = {field.key: contact.custom.get(field.key) for field in places}
    return our_values(registry.manifest(connection.provider).compare, fields, custom)


def mobile_of(contact: Contact) -> Mapping[str, str] | None:
    """The first phone that is labelled as a mobile one."""
    return next((each for each in contact.phones if is_mobile(each.get("label", ""))), None)


def is_mobile(label: str) -> bool:
    return any(word in label.lower() for word in MOBILES)


def seal(connection: Connection, contact_id: int, shown: Comparison) -> str:
    """What was shown, for the page to bring back; nobody can read or change it on the way."""
    kept = {
        "version": shown.version,
        "ours": shown.ours,
        "kind": shown.record.ref.kind,
        "id": shown.record.ref.id,
        "body": shown.record.body,
        "record": shown.record.version,
        "at": shown.at.isoformat(),
    }
    return key_ring().encrypt(json.dumps(kept), _place(connection, contact_id))


def unseal(access: Access, connection: Connection, contact_id: int, text: str) -> Comparison | None:
    """None when it was made for another page, or is damaged."""
    try:
        kept = json.loads(key_ring().decrypt(text, _place(connection, contact_id)))
    except SecretError:
        return None
    provider, manifest = access.provider, registry.manifest(connection.provider)
    record = RawRecord(Ref(kept["kind"], kept["id"]), kept["body"], kept["record"])
    theirs = provider.compared(record) if isinstance(provider, Compares) else {}
    rows = tuple(Row(each, kept["ours"].get(each.key), theirs.get(each.key, "")) for each in manifest.compare)
    return Comparison(version=kept["version"], record=record, rows=rows, at=datetime.fromisoformat(kept["at"]))


def _place(connection: Connection, contact_id: int) -> str:
    return f"{connection.workspace_id}|compare|{connection.pk}|{contact_id}"
