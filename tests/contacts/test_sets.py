"""Plain columns of many contacts in one statement: with history and signal, and nothing that search words are made of."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.scoping import Origin, workspace_tx
from contacts.domain.sets import update_from
from contacts.domain.store import create_contacts
from contacts.models import Contact, ContactChange
from contacts.signals import contacts_changed
from tests.fixtures import Cast

ORIGIN = Origin(kind="sync", label="ERP")
ROWS = "SELECT c.id, 'client' AS life_cycle, ARRAY['life_cycle'] AS names FROM contacts_contact c WHERE c.name <> %(not_this)s"


def test_columns_are_written_with_history_version_and_signal(cast: Cast) -> None:
    told: list[dict[str, Any]] = []

    def hear(**values: Any) -> None:
        told.append(values)

    [ours, other] = create_contacts(cast.workspace, [{"kind": "person", "name": name} for name in ("Ana", "Bia")], origin=ORIGIN)
    [theirs] = create_contacts(cast.elsewhere, [{"kind": "person", "name": "Caio"}], origin=ORIGIN)
    contacts_changed.connect(hear)
    try:
        assert update_from(cast.workspace, ROWS, {"not_this": "Bia"}, columns=["life_cycle"], origin=ORIGIN) == [ours.pk]
    finally:
        contacts_changed.disconnect(hear)
    [heard] = told
    assert (heard["contact_ids"], heard["fields"], heard["fresh"]) == ([ours.pk], {ours.pk: {"life_cycle"}}, False)
    with workspace_tx(cast.workspace):
        assert list(Contact.objects.order_by("pk").values_list("life_cycle", "version")) == [("client", 2), ("", 1)]
        change = ContactChange.objects.get(contact_id=ours.pk, version=2)
        assert (change.changes, change.origin, change.label) == ({"life_cycle": ["", "client"]}, "sync", "ERP")
        assert not ContactChange.objects.filter(contact_id=other.pk, version=2).exists()
    with workspace_tx(cast.elsewhere):
        assert Contact.objects.get(pk=theirs.pk).life_cycle == ""


def test_what_is_searched_is_not_written_this_way(cast: Cast) -> None:
    with pytest.raises(ValueError, match="tax_id"):
        update_from(cast.workspace, ROWS, {}, columns=["life_cycle", "tax_id"], origin=ORIGIN)
