"""Words that people go by: what is needed is not called optional, and a transfer is not called a sync."""

from __future__ import annotations

import pytest
from django.test import Client

from integrations import registry
from integrations.domain.choices import Offered
from integrations.domain.transfer import request_transfer
from integrations.forms import SettingsForm
from tests.integrations.rules.places import BooksPlace

GROUP = "customer_group"


@pytest.mark.parametrize(("create_when", "needed"), [("manual", False), ("client", True)])
def test_what_creating_needs_is_not_optional(books: BooksPlace, create_when: str, needed: bool) -> None:
    books.connect()
    with books.open():
        offered = Offered(choices={GROUP: [("1", "Domestic")]}, suggested={})
        known = {"create_when": create_when}
        form = SettingsForm(manifest=registry.manifest("economic"), workspace=books.workspace, offered=offered, known=known)
        shown = str(form[GROUP].as_field_group())

    assert ("optional" not in shown) is needed
    assert not form.fields[GROUP].required


def test_a_transfer_is_called_so(books: BooksPlace, client: Client) -> None:
    books.customer(1, "Nordlys")
    books.connect()
    request_transfer(books.connection, user=books.user)
    books.settle()
    client.force_login(books.user)
    pages = [client.get(f"/w/{books.workspace.slug}/integrations/{books.connection.pk}/{tail}") for tail in ("", "runs/")]

    assert [b"Transfer all customers" in page.content for page in pages] == [True, True]
    assert b"Sync now</a>" not in pages[1].content
