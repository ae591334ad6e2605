"""Search words have no foreign key to their contact; the database sees to it all the same, once per statement."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.scoping import SYSTEM, workspace_tx
from contacts.domain.store import insert_contacts
from contacts.models import Contact, ContactToken
from tests.at_once import meanwhile
from tests.deferred import checked_now
from tests.fixtures import Cast

GONE = 999_999_999


def put(cast: Cast, *contact_ids: int) -> None:
    with workspace_tx(cast.workspace):
        ContactToken.objects.bulk_create([ContactToken(workspace=cast.workspace, contact_id=pk, word="word") for pk in contact_ids])


def test_no_word_is_written_for_a_contact_that_is_not_there_or_another_workspaces(cast: Cast) -> None:
    [ours] = insert_contacts(cast.workspace, [{"kind": "person", "name": "Ana"}], origin=SYSTEM)
    [theirs] = insert_contacts(cast.elsewhere, [{"kind": "person", "name": "Bia"}], origin=SYSTEM)
    for absent in (GONE, theirs):
        with pytest.raises(IntegrityError, match="the contact of search words is not there"), transaction.atomic():
            put(cast, ours, absent)
    put(cast, ours)
    with pytest.raises(IntegrityError, match="the contact of search words is not there"), workspace_tx(cast.workspace):
        ContactToken.objects.update(contact_id=theirs)


def test_a_contact_does_not_leave_its_words_behind(cast: Cast) -> None:
    [ours] = insert_contacts(cast.workspace, [{"kind": "person", "name": "Ana"}], origin=SYSTEM)
    with workspace_tx(cast.workspace), connection.cursor() as cursor:
        with pytest.raises(IntegrityError, match="search words still belong to the contact"), checked_now():
            cursor.execute("DELETE FROM contacts_contact WHERE id = %s", [ours])
        with checked_now():
            cursor.execute("DELETE FROM contacts_contacttoken WHERE contact_id = %s", [ours])
            cursor.execute("DELETE FROM contacts_contact WHERE id = %s", [ours])


def test_a_contact_goes_with_its_words(cast: Cast) -> None:
    insert_contacts(cast.workspace, [{"kind": "person", "name": "Ana"}], origin=SYSTEM)
    with workspace_tx(cast.workspace):
        with checked_now():
            Contact.objects.all().delete()
        assert not ContactToken.objects.exists()
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('app.workspace_id')")
            assert cursor.fetchone() == (str(cast.workspace.pk),)


@pytest.mark.django_db(transaction=True)
def test_a_contact_waits_for_words_that_are_under_way(cast: Cast) -> None:
    [ours] = insert_contacts(cast.workspace, [{"kind": "person", "name": "..."}], origin=SYSTEM)
    with workspace_tx(cast.workspace):
        ContactToken.objects.all().delete()

    def remove() -> None:
        with (
            pytest.raises(IntegrityError, match="search words still belong to the contact"),
            workspace_tx(cast.workspace),
            connection.cursor() as cursor,
        ):
            cursor.execute("DELETE FROM contacts_contact WHERE id = %s", [ours])

    meanwhile(cast.workspace, lambda: put(cast, ours), remove)
