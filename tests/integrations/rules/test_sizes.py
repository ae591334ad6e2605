"""What is asked of everybody at once does not grow with the square of their number, however little PostgreSQL knows of them yet."""

from __future__ import annotations

from django.db import connection as database

from contacts.models import Contact
from integrations.domain.by_rule import queue_all, queue_unsaid
from integrations.models import Link, Outbox
from tests.integrations.rules.places import DeskPlace

MANY = 6000
LIMIT = "SET LOCAL statement_timeout TO 4000"  # row by row: more than ten times that
CONTACTS = """
INSERT INTO contacts_contact (workspace_id, kind, name, first_name, last_name, legal_name, trade_name, tax_id, website, job_title, notes,
  life_cycle, emails, phones, addresses, tags, custom, exact_name, sort_name, version, created_at, updated_at)
SELECT %s, 'organisation', 'C' || n, '', '', '', '', '', '', '', '', 'client', '[]', '[]', '[]', '{}', '{}', 'c' || n, 'c' || n, 1, now(),
  now() FROM generate_series(1, %s) n
"""
LINKS = """
INSERT INTO integrations_link (workspace_id, connection_id, contact_id, remote_kind, remote_id, remote_name, match_key, remote_url, state,
  hidden_state, base_ours, base_theirs, version, reason, detail, candidates, conflicts, tries, missed, synced_at, created_at)
SELECT workspace_id, %s, id, 'company', id::text, name, exact_name, '', 'LINKED', '', '{}', '{}', '1', '{}', '', '[]', '[]', 0, 0,
  now() - interval '1 day', now() FROM contacts_contact WHERE workspace_id = %s
"""


def test_edits_that_nothing_was_sent_of_are_found_at_once(desk: DeskPlace) -> None:
    connection = desk.connect()
    with desk.open(), database.cursor() as cursor:
        cursor.execute(LIMIT)
        cursor.execute(CONTACTS, [desk.workspace.pk, MANY])
        cursor.execute(LINKS, [connection.pk, desk.workspace.pk])
        assert queue_unsaid(connection) == MANY
        assert Outbox.objects.count() == MANY
        assert queue_all(connection) == 0


def test_joining_row_by_row_is_allowed_again_afterwards(desk: DeskPlace) -> None:
    connection = desk.connect()
    with desk.open(), database.cursor() as cursor:
        queue_unsaid(connection)
        cursor.execute("SHOW enable_nestloop")
        assert cursor.fetchone()[0] == "on"
        assert Contact.objects.count() == Link.objects.count() == 0
