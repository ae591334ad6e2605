"""A wrong secret of the installation looks like lost permissions: nobody is asked to connect again for it."""

from __future__ import annotations

from django.test import Client
from pytest_django import Settings

from accounts.scoping import workspace_tx
from integrations.domain.attend import attend
from integrations.domain.connect import set_up
from integrations.models import Run
from tests.fixtures import Cast
from tests.integrations.setup.place import Place


def other_workspace(cast: Cast, books: Place) -> None:
    token = books.sandbox.token(agreement=7654321)["grant_token"]
    set_up(cast.elsewhere, "economic", settings={}, secrets={"grant_token": token}, user=cast.charlie)


def last_run(place: Place) -> Run:
    return place.runs()[-1]


def test_when_everybody_is_refused_nobody_is_asked_to_connect_again(alice: Client, books: Place, cast: Cast, settings: Settings) -> None:
    books.connect(alice)
    other_workspace(cast, books)
    settings.ENVIRON = {**settings.ENVIRON, "ECONOMIC_APP_SECRET_TOKEN": "mistyped"}
    attend(books.workspace, books.connection().pk)
    run = last_run(books)
    assert (run.status, run.reason["code"]) == ("WAITING", "client_refused")
    assert books.connection().status == "ACTIVE"
    assert "Ask the operator" in alice.get(books.page()).text or "client id or secret" in alice.get(books.page()).text


def test_when_others_get_through_it_is_this_permission(alice: Client, books: Place, cast: Cast) -> None:
    books.connect(alice)
    mine = books.secrets()["grant_token"]
    other_workspace(cast, books)
    del books.sandbox.vendor.grants[mine]  # type: ignore[attr-defined]
    attend(books.workspace, books.connection().pk)
    assert last_run(books).outcome == "needs_reconnect"
    assert books.connection().status == "RECONNECT"


def test_alone_it_is_taken_for_the_permission(alice: Client, books: Place) -> None:
    books.connect(alice)
    books.sandbox.control(revoke=True)
    attend(books.workspace, books.connection().pk)
    with workspace_tx(books.workspace):
        assert books.connection().status == "RECONNECT"
