from __future__ import annotations

import os
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.test import Client
from pytest_django import Settings

from accounts.enums import Role
from accounts.models import Membership, Workspace
from accounts.scoping import workspace_tx
from integrations.enums import ConnectionStatus, RunKind
from integrations.models import Connection, Run
from tests.caches import forget_cached
from tests.fixtures import Cast
from tests.integrations import rows
from tests.sandboxes import Sandbox, crunch_sandbox

__all__ = ["crunch_sandbox"]
SETUP = "/w/hartwell/settings/integrations/crunch/"
ANSWERS = {"suppliers": "ignore", "team": "", "deleted_here": "bring_back", "conflict": "crm"}


@pytest.fixture
def vendor(crunch_sandbox: Sandbox, settings: Settings) -> Sandbox:
    settings.ENVIRON = {**os.environ, **crunch_sandbox.env}
    forget_cached()
    return crunch_sandbox


def enable(alice: Client, workspace: Workspace) -> Connection:
    assert alice.post(SETUP, ANSWERS).status_code == 302
    with workspace_tx(workspace):
        return Connection.objects.get()


def consent_url(client: Client, connection: Connection) -> str:
    return str(client.post(f"/w/hartwell/integrations/{connection.pk}/connect/")["Location"])


def decided(vendor: Sandbox, address: str, decision: str = "allow") -> str:
    """What the consent page sends the browser back to."""
    query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    target = address.partition("?")[0]
    answer = requests.post(target, data={**query, "answer": decision, "company": "northlight"}, allow_redirects=False, timeout=90)
    assert answer.status_code in {302, 303}, answer.text
    parts = urlsplit(answer.headers["Location"])
    return f"{parts.path}?{parts.query}"


def test_questions_come_before_anything_else(alice: Client, bob: Client, charlie: Client, workspace: Workspace) -> None:
    page = alice.get(SETUP).text
    for words in ("Suppliers", "Default team", "Bring it back at the next sync", "Ask me", "Show me first what will happen"):
        assert words in page, words
    assert bob.get(SETUP).status_code == 403
    assert charlie.get(SETUP).status_code == 404
    assert alice.get("/w/hartwell/settings/integrations/nobody/").status_code == 404
    assert alice.post(SETUP, ANSWERS | {"conflict": "war"}).status_code == 422
    with workspace_tx(workspace):
        assert Connection.objects.count() == 0


def test_enabled_but_not_connected(alice: Client, bob: Client, workspace: Workspace) -> None:
    connection = enable(alice, workspace)
    address = f"/w/hartwell/integrations/{connection.pk}/"
    assert "Connect to Crunch" in alice.get(address).text
    assert "An administrator of the workspace has to connect it" in bob.get(address).text
    assert alice.get(SETUP)["Location"] == address


def test_connecting_starts_the_first_sync(alice: Client, cast: Cast, workspace: Workspace, vendor: Sandbox) -> None:
    connection = enable(alice, workspace)
    back = decided(vendor, consent_url(alice, connection))
    after = alice.get(back, follow=True)
    assert "The first sync has started" in after.text
    assert "First sync is running" in after.text
    with workspace_tx(workspace):
        connection.refresh_from_db()
        assert (connection.status, connection.connected_by) == (ConnectionStatus.ACTIVE, cast.alice)
        assert Run.objects.get().kind == RunKind.INITIAL


def test_refusal_is_a_clear_page(alice: Client, workspace: Workspace, vendor: Sandbox) -> None:
    connection = enable(alice, workspace)
    page = alice.get(decided(vendor, consent_url(alice, connection), "deny"))
    assert page.status_code == 400
    assert "Not connected to Crunch" in page.text
    assert "Nothing was stored" in page.text
    assert f"/w/hartwell/integrations/{connection.pk}/" in page.text
    assert_untouched(workspace)


@pytest.mark.parametrize("query", ["", "?state=wrong&code=x", "?code=x", "?state=%00&code=x", "?error=access_denied"])
def test_made_up_states(alice: Client, workspace: Workspace, vendor: Sandbox, query: str) -> None:
    enable(alice, workspace)
    page = alice.get(f"/connect/crunch/callback/{query}")
    assert page.status_code == 400
    assert "Not connected to Crunch" in page.text
    assert_untouched(workspace)


def test_a_state_works_once(alice: Client, workspace: Workspace, vendor: Sandbox) -> None:
    back = decided(vendor, consent_url(alice, enable(alice, workspace)))
    assert alice.get(back).status_code == 302
    assert alice.get(back).status_code == 400


def test_a_state_of_another_person(alice: Client, bob: Client, cast: Cast, workspace: Workspace, vendor: Sandbox) -> None:
    Membership.objects.filter(user=cast.bob).update(role=Role.ADMIN)
    back = decided(vendor, consent_url(alice, enable(alice, workspace)))
    assert bob.get(back).status_code == 400
    assert_untouched(workspace)


def test_a_state_of_another_browser(alice: Client, cast: Cast, workspace: Workspace, vendor: Sandbox) -> None:
    back = decided(vendor, consent_url(alice, enable(alice, workspace)))
    elsewhere = Client()
    elsewhere.force_login(cast.alice)
    assert elsewhere.get(back).status_code == 400
    assert_untouched(workspace)


def test_nobody_comes_back_without_logging_in(client: Client, vendor: Sandbox) -> None:
    assert client.get("/connect/crunch/callback/?state=x").status_code == 302
    assert client.get("/connect/nobody/callback/").status_code in {302, 404}


def test_without_renewal_it_says_until_when(alice: Client, workspace: Workspace, vendor: Sandbox) -> None:
    vendor.control(switches={"refresh_tokens": False})
    connection = enable(alice, workspace)
    alice.get(decided(vendor, consent_url(alice, connection)))
    assert "needed by" in alice.get(f"/w/hartwell/integrations/{connection.pk}/").text


def test_a_server_without_addresses_says_so(alice: Client, workspace: Workspace, settings: Settings) -> None:
    settings.ENVIRON = {}
    connection = enable(alice, workspace)
    after = alice.post(f"/w/hartwell/integrations/{connection.pk}/connect/", follow=True)
    assert "is not set up on this server" in after.text


def test_the_connection_is_tried_with_one_call(alice: Client, workspace: Workspace, vendor: Sandbox) -> None:
    connection = enable(alice, workspace)
    alice.get(decided(vendor, consent_url(alice, connection)))
    address = f"/w/hartwell/integrations/{connection.pk}/test/"
    assert "It works" in alice.post(address, headers={"HX-Request": "true"}).text
    vendor.control(revoke=True)
    assert "does not accept the permission" in alice.post(address, headers={"HX-Request": "true"}).text


def test_an_integration_that_was_off_says_that_links_come_back(alice: Client, cast: Cast, workspace: Workspace) -> None:
    with workspace_tx(workspace):
        rows.connection(workspace, cast.alice, status=ConnectionStatus.OFF)
    assert "was connected before" in alice.get(SETUP).text


def assert_untouched(workspace: Workspace) -> None:
    with workspace_tx(workspace):
        connection = Connection.objects.get()
        assert (connection.status, connection.secrets) == (ConnectionStatus.SETUP, "")
        assert Run.objects.count() == 0
