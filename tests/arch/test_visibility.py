"""F59: who may see only some contacts. Every address is asked for; none shows a word of the others, and none changes them."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models
from django.test import Client

from accounts.enums import Role
from accounts.models import Membership, Team
from accounts.scoping import Origin, workspace_tx
from contacts.domain.store import create_contacts
from contacts.models import Contact
from integrations.models import Connection
from tests.accounts.api_client import api_client
from tests.arch.samples import SAMPLE_ID, fill
from tests.arch.test_routes import API_ROUTES, MEMBER_ROUTES, Route
from tests.fixtures import Cast

SECRET, BEGINNING = "Zanzibar", "zanz"
# What stands in these rows is about one contact.
ABOUT_A_CONTACT = ("contacts.Contact", "contacts.ContactChange", "integrations.Link", "integrations.RunLine", "invoices.Invoice")
WATCHED = ("contacts_contact", "contacts_contactchange", "integrations_link", "integrations_outbox", "invoices_invoice")


@pytest.fixture(params=[Role.RESTRICTED, Role.MEMBER])
def limited(cast: Cast, request: pytest.FixtureRequest) -> Cast:
    """Bob is in the team South; the sample contact, its links and its invoices belong to North."""
    fill(cast.workspace, user=cast.alice)
    with workspace_tx(cast.workspace):
        north, south = (Team.objects.create(workspace=cast.workspace, name=name, slug=name.lower()) for name in ("North", "South"))
        Connection.objects.update(provider="crunch", status="PAUSED", secrets="")
        for label in ABOUT_A_CONTACT:
            _name_everything(apps.get_model(label))
        Contact.objects.filter(pk__in=[SAMPLE_ID, SAMPLE_ID + 1]).update(
            team=north, owner=None, name=f"{SECRET} Ltd", emails=[{"label": "", "email": f"hello@{SECRET.lower()}.example"}]
        )
        create_contacts(cast.workspace, [{"kind": "organisation", "name": "Seen Ltd", "team_id": south.pk}], origin=Origin(kind="web"))
    Membership.objects.filter(workspace=cast.workspace, user=cast.bob).update(role=request.param, team_ids=[south.pk])
    return cast


def _name_everything(model: type[models.Model]) -> None:
    texts = [field for field in model._meta.concrete_fields if isinstance(field, models.CharField | models.TextField)]
    free = [field for field in texts if not field.choices and (field.max_length or 99) > 20 and not getattr(field, "generated", False)]
    model._base_manager.update(**{field.attname: SECRET for field in free})


def words(response: Any) -> str:
    raw: bytes = b"".join(response.streaming_content) if response.streaming else response.content
    return raw.decode("utf-8", errors="replace")


def rows(cast: Cast) -> list[Any]:
    with workspace_tx(cast.workspace), connection.cursor() as cursor:
        found = []
        for table in WATCHED:
            cursor.execute(f"SELECT * FROM {table} ORDER BY id")
            found.append(cursor.fetchall())
        return found


def asked(client: Client, route: Route) -> str:
    """The address as it is, and with the beginning of a word that a search would find."""
    return "".join(words(client.get(route.path(), query)) for query in ({}, {"q": BEGINNING, "typed": BEGINNING}))


def test_no_page_shows_a_word_of_it(limited: Cast, bob: Client) -> None:
    assert "Seen Ltd" in words(bob.get("/w/hartwell/contacts/"))
    assert [route.route for route in MEMBER_ROUTES if SECRET.lower() in asked(bob, route).lower()] == []


def test_no_answer_of_the_api_holds_a_word_of_it(limited: Cast) -> None:
    client = api_client(limited.bob, limited.workspace)
    assert [route.route for route in API_ROUTES if SECRET.lower() in asked(client, route).lower()] == []


def test_nothing_that_is_sent_changes_it(limited: Cast, bob: Client) -> None:
    before = rows(limited)
    api = api_client(limited.bob, limited.workspace)
    changing = [(bob, route) for route in MEMBER_ROUTES if route.has_id] + [(api, route) for route in API_ROUTES if route.has_id]
    for client, route in changing:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            client.generic(
                method, route.path(), "{}", content_type="application/json" if client is api else "application/x-www-form-urlencoded"
            )
        assert rows(limited) == before, str(route)


def test_the_owner_is_shown_it(limited: Cast, alice: Client) -> None:
    """Or the tests above would prove nothing."""
    shown = {route.name for route in MEMBER_ROUTES if SECRET in words(alice.get(route.path()))}
    assert {"contacts:list", "contacts:detail", "contacts:export", "invoices:list"} <= shown
    api = api_client(limited.alice, limited.workspace)
    assert len([route for route in API_ROUTES if SECRET in words(api.get(route.path()))]) >= 4
