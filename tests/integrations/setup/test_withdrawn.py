"""The operator takes a provider away while connections of it live: they are shown as what they are, and nothing breaks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.scoping import workspace_tx
from contacts.domain.store import update_contacts
from contacts.models import Contact
from integrations import registry
from integrations.domain import attention
from integrations.domain.attend import attend
from integrations.domain.connect import enable
from integrations.domain.health import health, rail
from integrations.enums import ConnectionStatus, Health, LinkState
from integrations.models import Connection, Link, Outbox, Run, Wake
from integrations.tasks import tick
from tests.accounts.api_client import api_client
from tests.fixtures import Cast
from tests.integrations import rows
from tests.invoices.builders import row, store

HERE = "/w/hartwell/integrations"


@pytest.fixture
def contact(cast: Cast) -> Contact:
    with workspace_tx(cast.workspace):
        return rows.organisation(cast.workspace, "Smith Joinery")


@pytest.fixture
def connection(cast: Cast, contact: Contact, settings: Settings) -> Iterator[Connection]:
    """A connection with a link, a held record, a refused send and a run, of a provider that is there no more."""
    with workspace_tx(cast.workspace):
        made = rows.connection(cast.workspace, cast.alice, next_due_at=timezone.now() - timedelta(minutes=1))
        rows.link(made, contact)
        rows.held(made, contact)
        rows.stuck(made, rows.organisation(cast.workspace, "Refused Ltd"))
        store(cast.workspace, row(number="INV-0231"), contact=contact, connection_id=made.pk)
        rows.line(rows.run(made, cursor={"shows_first": True}))
        Wake.objects.create(connection=made, workspace=cast.workspace, at=timezone.now() - timedelta(minutes=1))
    settings.CRMSYNC_PROVIDERS = [path for path in settings.CRMSYNC_PROVIDERS if not path.endswith(".crunch")]
    registry._modules.cache_clear()
    yield made
    registry._modules.cache_clear()


def test_every_page_says_so_and_none_breaks(alice: Client, bob: Client, connection: Connection, contact: Contact) -> None:
    run = f"{HERE}/{connection.pk}/runs/"
    pages = ["/w/hartwell/", "/w/hartwell/settings/integrations/", f"{HERE}/{connection.pk}/", f"/w/hartwell/contacts/{contact.pk}/"]
    for client in (alice, bob):
        for page in pages:
            answer = client.get(page)
            assert (page, answer.status_code) == (page, 200)
            assert "No longer available" in answer.text, page
    for page in ("settings/", "fields/", "attention/", "log/", "live/", "disable/"):
        assert alice.get(f"{HERE}/{connection.pk}/{page}").status_code == 200, page
    assert alice.get(run).status_code == 200
    assert "Smith Joinery" in alice.get("/w/hartwell/contacts/?linked_to=crunch").text
    card = alice.get(f"/w/hartwell/contacts/{contact.pk}/").text
    assert "INV-0231" in card
    assert "May be out of date" in card
    overview = alice.get(f"{HERE}/{connection.pk}/").text
    assert "Sync now" not in overview
    assert "Disable integration" in overview


def test_buttons_of_an_old_page_are_refused_in_words(alice: Client, cast: Cast, connection: Connection, contact: Contact) -> None:
    assert "nothing was started" in alice.post(f"{HERE}/{connection.pk}/sync/", follow=True).text
    assert "no longer available" in alice.post(f"{HERE}/{connection.pk}/test/", follow=True).text
    for path in ("preview/", "transfer/", "pause/", "resume/"):
        assert alice.post(f"{HERE}/{connection.pk}/{path}", follow=True).status_code == 200, path
    assert alice.get(f"/w/hartwell/contacts/{contact.pk}/integrations/{connection.pk}/export/").text.count("no longer available") == 1
    assert alice.get("/w/hartwell/settings/integrations/crunch/").status_code == 404


def test_nothing_runs_and_everything_stays(cast: Cast, connection: Connection, contact: Contact) -> None:
    assert attend(cast.workspace, connection.pk) is False
    with workspace_tx(cast.workspace):
        assert Wake.objects.get(connection=connection).at > timezone.now()
        update_contacts(cast.workspace, {contact.pk: {"name": "Smith & Sons"}}, origin=rows.SYSTEM)
        attention.retry(connection, "all", user=cast.alice)
    assert attend(cast.workspace, connection.pk) is False
    assert tick() == 0
    with workspace_tx(cast.workspace):
        assert not Run.objects.filter(started_at__gt=connection.connected_at, status="RUNNING").exists()
        assert Outbox.objects.filter(contact__name="Refused Ltd").exists()
        assert Link.objects.get(contact=contact).state == LinkState.LINKED
        assert health(connection).state == Health.WITHDRAWN
        assert [entry.health for entry in rail(cast.workspace)] == [Health.WITHDRAWN]
        with pytest.raises(registry.UnknownProvider):
            enable(cast.workspace, "crunch", settings={}, user=cast.alice)


def test_commands_say_it_in_a_line(connection: Connection) -> None:
    with pytest.raises(CommandError, match="Crunch is no longer available"):
        call_command("sync", str(connection.pk))
    with pytest.raises(CommandError, match="there is no provider 'crunch'"):
        call_command("connect", "crunch", "--workspace", "hartwell")


def test_the_api_tells_the_same(cast: Cast, connection: Connection, contact: Contact) -> None:
    api, base = api_client(cast.alice, cast.workspace), "/api/v1"
    (told,) = api.get(f"{base}/connections/").json()["results"]
    assert (told["health"], told["label"], told["name"]) == ("withdrawn", "Crunch", "Crunch")
    assert "no longer available" in told["health_text"]
    for path in ("runs/", f"connections/{connection.pk}/failures/", f"connections/{connection.pk}/matches/", f"contacts/{contact.pk}/"):
        assert api.get(f"{base}/{path}").status_code == 200, path
    for path in ("sync/", "preview/"):
        assert api.post(f"{base}/connections/{connection.pk}/{path}", {}, content_type="application/json").status_code == 409
    export = api.post(f"{base}/contacts/{contact.pk}/export/", {"connection": connection.pk}, content_type="application/json")
    assert (export.status_code, export.json()["type"].rpartition("-")[2]) == (409, "withdrawn")
    secrets = {"secrets": {"access_token": "x"}}
    assert api.patch(f"{base}/connections/{connection.pk}/", secrets, content_type="application/json").status_code == 400
    assert api.get(f"{base}/contacts/{contact.pk}/compare/{connection.pk}/").status_code == 404
    assert api.delete(f"{base}/connections/{connection.pk}/").status_code == 204


def test_it_can_be_disabled(alice: Client, cast: Cast, connection: Connection, contact: Contact) -> None:
    alice.post(f"{HERE}/{connection.pk}/disable/")
    with workspace_tx(cast.workspace):
        assert Connection.objects.get().status == ConnectionStatus.OFF
        assert Contact.objects.filter(pk=contact.pk, deleted_at=None).exists()
    assert alice.get("/w/hartwell/settings/integrations/").status_code == 200


def test_one_that_was_never_connected_can_be_disabled_too(alice: Client, cast: Cast, connection: Connection) -> None:
    with workspace_tx(cast.workspace):
        Connection.objects.update(status=ConnectionStatus.SETUP)
    page = alice.get(f"{HERE}/{connection.pk}/")
    assert (page.status_code, "Disable integration" in page.text) == (200, True)
