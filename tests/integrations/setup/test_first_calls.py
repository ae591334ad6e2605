"""F51: the vendor calls the very moment he is told the address. Our own row is there by then."""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connections
from django.test import Client
from pytest_django import Settings
from requests import PreparedRequest

from accounts.scoping import workspace_tx
from integrations.domain.attend import attend
from integrations.domain.hooks import root_of
from integrations.kit.http import Http
from integrations.models import Hint, Link
from tests.integrations.setup.place import Place

pytestmark = pytest.mark.django_db(transaction=True)


def call(address: str, answers: list[int]) -> None:
    answers.append(Client().get(f"{urlsplit(address).path}?new=3").status_code)
    connections.close_all()


def test_a_call_before_anything_was_read_is_kept(alice: Client, books: Place, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PUBLIC_URL = "https://crm.example.com"
    exchange, answers = Http._exchange, list[int]()

    def and_calls(http: Http, prepared: PreparedRequest) -> Any:
        answer = exchange(http, prepared)
        if prepared.method == "POST" and (prepared.url or "").endswith("/webhooks"):
            caller = threading.Thread(target=call, args=[root_of(books.connection()), answers])
            caller.start()
            caller.join()
        return answer

    monkeypatch.setattr(Http, "_exchange", and_calls)
    books.send(alice, preview_first=None)
    books.connect(alice)
    assert answers
    assert set(answers) == {200}
    with workspace_tx(books.workspace):
        assert [hint.remote_id for hint in Hint.objects.all()] == ["3"]

    connection = books.connection()
    while attend(books.workspace, connection.pk):
        pass

    with workspace_tx(books.workspace):
        assert Link.objects.get(remote_kind="customer", remote_id="3").state == "LINKED"
        assert not Hint.objects.exists()


def test_a_call_to_an_address_that_is_not_kept_yet_is_for_nobody(client: Client, books: Place) -> None:
    assert client.get("/hooks/economic/not-written-yet-at-all/?new=3").status_code == 404
    with workspace_tx(books.workspace):
        assert not Hint.objects.exists()
