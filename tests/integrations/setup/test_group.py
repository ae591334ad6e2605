"""Of some kinds of systems a workspace has one at a time, also when two people press the button at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from django.db import connections
from django.test import Client
from pytest_django import Settings

from accounts.scoping import workspace_tx
from integrations import registry
from integrations.domain.connect import GroupTaken, disable, enable
from integrations.models import Connection
from tests.fixtures import Cast
from tests.integrations.setup.place import Place


@pytest.fixture
def other_desk(settings: Settings) -> Iterator[str]:
    """A second helpdesk is installed."""
    settings.CRMSYNC_PROVIDERS = [*settings.CRMSYNC_PROVIDERS, "tests.integrations.setup.otherdesk"]
    registry._modules.cache_clear()
    yield "otherdesk"
    registry._modules.cache_clear()


def test_the_second_is_refused_and_the_first_is_named(alice: Client, desk: Place, other_desk: str, cast: Cast) -> None:
    desk.send(alice)
    with pytest.raises(GroupTaken, match="disable Our desk first"), workspace_tx(desk.workspace):
        enable(desk.workspace, other_desk, settings={}, user=cast.alice)
    address = f"/w/hartwell/settings/integrations/{other_desk}/"
    assert "disable Our desk first" in alice.get(address).text
    assert alice.post(address, desk.answers()).status_code == 422
    gallery = alice.get("/w/hartwell/settings/integrations/").text
    assert "Only one of these at a time: Our desk is connected." in gallery
    assert len(desk.connections()) == 1
    with workspace_tx(desk.workspace):
        disable(desk.connection(), user=cast.alice)
        assert enable(desk.workspace, other_desk, settings={}, user=cast.alice).pk


def test_another_workspace_is_another_matter(alice: Client, desk: Place, other_desk: str, cast: Cast) -> None:
    desk.send(alice)
    with workspace_tx(cast.elsewhere):
        assert enable(cast.elsewhere, other_desk, settings={}, user=cast.charlie).pk


@pytest.mark.django_db(transaction=True)
def test_two_at_once(cast: Cast, other_desk: str) -> None:
    start = threading.Barrier(2)
    refused: list[str] = []

    def press(provider: str) -> None:
        start.wait()
        try:
            enable(cast.workspace, provider, settings={}, user=None)
        except GroupTaken:
            refused.append(provider)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=press, args=[key]) for key in ("movidesk", other_desk)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with workspace_tx(cast.workspace):
        assert Connection.objects.count() == 1
    assert len(refused) == 1
