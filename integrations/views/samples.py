"""An example for the Fields tab: the values of one linked contact that the reader may see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.models import Membership
from contacts.domain.visibility import visible_to
from contacts.models import Contact
from integrations.domain.parties import local_of
from integrations.enums import LinkState
from integrations.models import Connection, Link

LINES = ("line1", "line2", "city", "region", "postcode", "country")


@dataclass(frozen=True, slots=True)
class Sample:
    contact: Contact | None = None
    values: Mapping[str, str] = field(default_factory=dict)


def sample_values(connection: Connection, membership: Membership) -> Sample:
    linked = Link.objects.filter(workspace_id=connection.workspace_id, connection=connection, state=LinkState.LINKED).order_by("-synced_at")
    contact = visible_to(membership).filter(pk__in=linked.values("contact")[:200]).first()
    if contact is None:
        return Sample()
    return Sample(contact=contact, values={name: shown_value(value) for name, value in local_of(contact).fields.items()})


def shown_value(value: Any) -> str:
    """A canonical value as one line of text."""
    if isinstance(value, Mapping):
        return ", ".join(str(value[line]) for line in LINES if value.get(line))
    return str(value or "")
