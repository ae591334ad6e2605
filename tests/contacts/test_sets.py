"""Contacts written set-wise: with history, version, words and signal, all equal to what is written one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson
import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Workspace
from accounts.scoping import Origin, workspace_tx
from contacts.domain.sets import NEXT_ID, change_from, insert_from, update_from
from contacts.domain.store import create_contacts, insert_contacts, update_contacts
from contacts.models import Contact, ContactChange, ContactToken
from contacts.signals import contacts_changed
from tests.contacts.test_letters import TEXTS
from tests.fixtures import Cast

ORIGIN = Origin(kind="sync", label="ERP")
ROWS = "SELECT c.id, 'client' AS life_cycle, ARRAY['life_cycle'] AS names FROM contacts_contact c WHERE c.name <> %(not_this)s"
MANY = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
EMAILS = st.lists(st.fixed_dictionaries({"label": TEXTS, "email": st.builds("{}@{}.com".format, TEXTS, TEXTS)}), max_size=2)
PHONES = st.lists(st.fixed_dictionaries({"label": TEXTS, "number": TEXTS}), max_size=2)
OPTIONAL = {
    **dict.fromkeys(("first_name", "last_name", "legal_name", "trade_name", "tax_id", "website", "job_title", "notes"), TEXTS),
    "life_cycle": st.sampled_from(["", "client"]),
    "emails": EMAILS,
    "phones": PHONES,
    "addresses": st.lists(st.fixed_dictionaries({"line1": TEXTS, "country": st.just("BR")}), max_size=1),
    "tags": st.lists(TEXTS.filter(bool), max_size=2),
    "custom": st.dictionaries(st.sampled_from("ab"), TEXTS | st.booleans() | st.none(), max_size=2),
}
NAMES = {"kind": st.sampled_from(["person", "organisation"]), "name": TEXTS | st.just("w" * 300) | st.just("\u00df" * 200)}
CONTACTS = st.fixed_dictionaries(NAMES, optional=OPTIONAL)
CHANGES = st.fixed_dictionaries({}, optional={**NAMES, **OPTIONAL})
COLUMNS = (*NAMES, *OPTIONAL)
LISTS = ("emails", "phones", "addresses", "tags")
EMPTY = dict.fromkeys(OPTIONAL, "") | {name: [] for name in LISTS} | {"custom": {}}
GIVEN = f"""
SELECT {NEXT_ID} AS id, {", ".join(f"n.{name}" for name in COLUMNS)}
FROM jsonb_to_recordset(%(rows)s::jsonb) AS x(number int, changed jsonb), jsonb_to_record(x.changed)
AS n(kind text, name text, first_name text, last_name text, legal_name text, trade_name text, tax_id text, website text, job_title text,
  notes text, life_cycle text, emails jsonb, phones jsonb, addresses jsonb, tags text[], custom jsonb) ORDER BY x.number
"""
CHANGED = """
SELECT c.id, x.changed FROM jsonb_to_recordset(%(rows)s::jsonb) AS x(number int, changed jsonb)
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS number FROM contacts_contact) c ON c.number = x.number
"""


def numbered(rows: list[dict[str, Any]]) -> dict[str, str]:
    return {"rows": orjson.dumps([{"number": number, "changed": row} for number, row in enumerate(rows)]).decode()}


@contextmanager
def undone() -> Iterator[None]:
    """Each example begins with no contacts."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def heard(work: Callable[[], object]) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []

    def hear(**values: Any) -> None:
        told.append(values)

    contacts_changed.connect(hear)
    try:
        work()
    finally:
        contacts_changed.disconnect(hear)
    return told


def state(workspace: Workspace, told: list[dict[str, Any]]) -> list[Any]:
    """Every contact with all its fields, words, history, and what was told of it; without numbers and moments."""
    otherwise = {"id", "workspace_id", "created_at", "updated_at", "contact_id", "at"}

    def plain(row: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in row.items() if name not in otherwise}

    with workspace_tx(workspace):
        return [
            {
                "fields": plain(contact),
                "words": sorted(ContactToken.objects.filter(contact=contact["id"]).values_list("word", flat=True)),
                "history": [plain(row) for row in ContactChange.objects.filter(contact_id=contact["id"]).order_by("id").values()],
                "told": [(each["fresh"], each["fields"][contact["id"]]) for each in told if contact["id"] in each["contact_ids"]],
            }
            for contact in Contact.objects.order_by("id").values()
        ]


@given(rows=st.lists(CONTACTS, min_size=1, max_size=6))
@MANY
def test_contacts_made_set_wise_are_those_made_one_by_one(cast: Cast, rows: list[dict[str, Any]]) -> None:
    filled = [EMPTY | row for row in rows]
    with undone():
        ours = heard(lambda: insert_from(cast.workspace, GIVEN, numbered(filled), columns=COLUMNS, origin=ORIGIN))
        theirs = heard(lambda: insert_contacts(cast.elsewhere, filled, origin=ORIGIN))
        assert state(cast.workspace, ours) == state(cast.elsewhere, theirs)


@given(rows=st.lists(st.tuples(CONTACTS, CHANGES), min_size=1, max_size=6))
@MANY
def test_contacts_changed_set_wise_are_those_changed_one_by_one(cast: Cast, rows: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    before, changes = [row for row, _change in rows], [change for _row, change in rows]
    with undone():
        insert_contacts(cast.workspace, before, origin=ORIGIN)
        ids = insert_contacts(cast.elsewhere, before, origin=ORIGIN)
        ours = heard(lambda: change_from(cast.workspace, CHANGED, numbered(changes), origin=ORIGIN))
        theirs = heard(lambda: update_contacts(cast.elsewhere, dict(zip(ids, changes, strict=True)), origin=ORIGIN))
        assert state(cast.workspace, ours) == state(cast.elsewhere, theirs)


def test_columns_are_written_with_history_version_and_signal(cast: Cast) -> None:
    [ours, other] = create_contacts(cast.workspace, [{"kind": "person", "name": name} for name in ("Ana", "Bia")], origin=ORIGIN)
    [theirs] = create_contacts(cast.elsewhere, [{"kind": "person", "name": "Caio"}], origin=ORIGIN)
    written: list[int] = []
    [told] = heard(lambda: written.extend(update_from(cast.workspace, ROWS, {"not_this": "Bia"}, columns=["life_cycle"], origin=ORIGIN)))
    assert written == [ours.pk]
    assert (told["contact_ids"], told["fields"], told["fresh"]) == ([ours.pk], {ours.pk: {"life_cycle"}}, False)
    with workspace_tx(cast.workspace):
        assert list(Contact.objects.order_by("pk").values_list("life_cycle", "version")) == [("client", 2), ("", 1)]
        change = ContactChange.objects.get(contact_id=ours.pk, version=2)
        assert (change.changes, change.origin, change.label) == ({"life_cycle": ["", "client"]}, "sync", "ERP")
        assert not ContactChange.objects.filter(contact_id=other.pk, version=2).exists()
    with workspace_tx(cast.elsewhere):
        assert Contact.objects.get(pk=theirs.pk).life_cycle == ""


def test_the_history_knows_every_column(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef('contacts_history_update'::regproc)")
        [definition] = cursor.fetchone()
    derived = {"id", "workspace_id", "exact_name", "sort_name", "version", "created_at", "updated_at", "deleted_at"}
    columns = {field.column for field in Contact._meta.concrete_fields} - derived
    assert {name for name in columns if f"n.{name} IS DISTINCT FROM o.{name}" not in definition} == set()


def test_what_is_searched_is_not_written_as_a_plain_column(cast: Cast) -> None:
    with pytest.raises(ValueError, match="tax_id"):
        update_from(cast.workspace, ROWS, {}, columns=["life_cycle", "tax_id"], origin=ORIGIN)


def test_a_contact_of_another_workspace_is_not_changed(cast: Cast) -> None:
    [theirs] = create_contacts(cast.elsewhere, [{"kind": "person", "name": "Caio"}], origin=ORIGIN)
    rows = 'SELECT %(id)s::bigint AS id, \'{"name": "Spy", "version": 9}\'::jsonb AS changed'
    assert change_from(cast.workspace, rows, {"id": theirs.pk}, origin=ORIGIN) == []
    with workspace_tx(cast.elsewhere):
        assert change_from(cast.elsewhere, rows, {"id": theirs.pk}, origin=ORIGIN) == [theirs.pk]
        assert Contact.objects.values_list("name", "version").get() == ("Spy", 2)
