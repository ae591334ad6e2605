"""Give contacts the address of what another system has about them, in a custom field that a person chose for it."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings as deployment

from accounts.domain.bulk import set_wise
from accounts.scoping import Origin
from contacts.domain.store import update_contacts
from contacts.enums import CustomFieldKind
from contacts.models import CustomField
from integrations import registry
from integrations.domain.outgoing import offline, pushes, writable_kinds
from integrations.engine.capabilities import LinksBack
from integrations.engine.types import Ref
from integrations.enums import LinkState
from integrations.models import Connection, Link

AT_ONCE = 1000


def write_back_links(connection: Connection, *, everywhere: bool = False) -> int:
    """Write the address where it lacks; `everywhere`: also where it is another one. Gives how many contacts were written.

    A few statements per thousand contacts. Contacts that somebody edits at this moment get theirs the next time.
    """
    manifest = registry.manifest(connection.provider)
    field = _field(connection, str(connection.settings.get(manifest.link_back) or "")) if manifest.link_back else None
    provider = offline(connection)
    if field is None or not isinstance(provider, LinksBack) or not pushes(connection):
        return 0
    links = Link.objects.filter(
        workspace_id=connection.workspace_id,
        connection=connection,
        state=LinkState.LINKED,
        remote_kind__in=writable_kinds(manifest),
        contact__deleted_at=None,
    )
    links = links.filter(contact__kind=field.applies_to) if field.applies_to else links.exclude(contact=None)
    with set_wise():
        ids = list((links if everywhere else links.exclude(contact__custom__has_key=field.key)).values_list("pk", flat=True))
    return sum(_write(connection, provider, field.key, ids[start : start + AT_ONCE]) for start in range(0, len(ids), AT_ONCE))


def _field(connection: Connection, key: str) -> CustomField | None:
    fields = CustomField.objects.filter(workspace_id=connection.workspace_id, key=key, enabled=True, kind=CustomFieldKind.URL)
    return fields.first() if key else None


def _write(connection: Connection, provider: LinksBack, key: str, ids: Sequence[int]) -> int:
    changes, expected = {}, {}
    with set_wise():
        links = list(Link.objects.select_related("contact").filter(workspace_id=connection.workspace_id, pk__in=ids))
    for link in links:
        contact = link.contact
        if contact is None:
            continue
        address = provider.link_back(Ref(link.remote_kind, link.remote_id)) or _own_page(connection, contact.pk)
        if contact.custom.get(key) != address:
            changes[contact.pk], expected[contact.pk] = {"custom": {**contact.custom, key: address}}, contact.version
    origin = Origin(kind="sync", label=registry.manifest(connection.provider).label)
    return len(update_contacts(connection.workspace, changes, origin=origin, expected=expected).updated) if changes else 0


def _own_page(connection: Connection, contact_id: int) -> str:
    """Where the contact's tickets are shown here."""
    return f"{deployment.PUBLIC_URL}/w/{connection.workspace.slug}/contacts/{contact_id}/integrations/{connection.pk}/tickets/"
