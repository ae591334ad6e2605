"""The door for a vendor's calls: quick, patient with garbage, closed for strangers."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Workspace
from accounts.scoping import workspace_tx
from contacts.models import Contact
from integrations.domain.access import open_access
from integrations.domain.connect import disable, pause
from integrations.domain.hinted import read_hint, store
from integrations.domain.hooks import root_of
from integrations.models import Connection, Hint, HookDoor, Link, Wake
from tests.fixtures import Cast
from tests.integrations.setup.place import ECONOMIC, Place


@pytest.fixture
def door(alice: Client, books: Place) -> str:
    """The address below which e-conomic calls."""
    books.connect(alice)
    with workspace_tx(books.workspace):
        Wake.objects.all().delete()
    return f"/hooks/economic/{books.connection().hook_key}/"


def hints(place: Place) -> list[tuple[str, str, str]]:
    with workspace_tx(place.workspace):
        return sorted(Hint.objects.values_list("remote_kind", "remote_id", "was_id"))


def is_awake(place: Place) -> bool:
    with workspace_tx(place.workspace):
        return Wake.objects.filter(connection=place.connection(), at__lte=timezone.now()).exists()


CALLS: list[tuple[str, dict[str, Any]]] = [
    ("?old=12&new=12", {"method": "get"}),
    ("?new=%5B12%5D", {"method": "get"}),
    ("", {"method": "post", "data": "customerNumber=12", "content_type": "application/x-www-form-urlencoded"}),
    ("", {"method": "post", "data": '{"event": "x", "NEWNUMBER": "12"}', "content_type": "application/json"}),
    ("old/12/new/12/", {"method": "put"}),
    ("new=12", {"method": "delete"}),
]


@pytest.mark.parametrize(("rest", "how"), CALLS)
def test_however_it_is_called_the_number_is_noted(client: Client, door: str, books: Place, rest: str, how: dict[str, Any]) -> None:
    how = dict(how)
    address = door.rstrip("/") if rest.startswith("?") else door  # people forget the stroke at the end
    answer = getattr(client, how.pop("method"))(address + rest, **how)
    assert (answer.status_code, answer.content) == (200, b"")
    assert "Set-Cookie" not in answer
    assert hints(books) == [("customer", "12", "")]
    assert is_awake(books)


def test_calls_about_one_record_become_one(client: Client, door: str, books: Place) -> None:
    for query in ("?old=7&new=8", "?new=8", "?new=8", "?invoice=30001"):
        assert client.get(door + query).status_code == 200
    assert hints(books) == [("customer", "8", "7"), ("invoice", "30001", "")], "a renumbering is not forgotten"


GARBAGE: list[dict[str, Any]] = [
    {"data": b"\x00\xff\xfe{{{", "content_type": "application/json"},
    {"data": b"[" * 5000, "content_type": "application/json"},
    {"data": b"%%%=&&&=;", "content_type": "application/x-www-form-urlencoded"},
    {"data": b"old=[OLDNUMBER]&new=[NEWNUMBER]", "content_type": "text/plain"},
    {"data": b"new=0", "content_type": "text/plain"},
    {"data": b"", "content_type": "multipart/form-data; boundary=x"},
    {"data": b"x" * 60_000, "content_type": "application/octet-stream"},
]


@pytest.mark.parametrize("call", GARBAGE)
def test_garbage_is_answered_and_only_brings_the_next_look_forward(client: Client, door: str, books: Place, call: dict[str, Any]) -> None:
    later = timezone.now() + timedelta(minutes=12)
    with workspace_tx(books.workspace):
        Connection.objects.update(next_due_at=later, last_attempt_at=None)
    assert client.generic("POST", door, **call).status_code == 200
    assert hints(books) == []
    due = books.connection().next_due_at
    assert due is not None
    assert due <= timezone.now()
    assert is_awake(books)


def test_calls_without_a_number_do_not_hurry_it_more_than_once_a_minute(client: Client, door: str, books: Place) -> None:
    now = timezone.now()
    with workspace_tx(books.workspace):
        Connection.objects.update(next_due_at=now + timedelta(minutes=12), last_attempt_at=now)
    client.get(door)
    due = books.connection().next_due_at
    assert due is not None
    assert now + timedelta(seconds=55) < due <= timezone.now() + timedelta(seconds=61)


def test_too_much_is_not_even_read(client: Client, door: str, books: Place) -> None:
    assert client.generic("POST", door, b"x" * 70_000).status_code == 413
    assert client.generic("POST", door, b"new=1", CONTENT_LENGTH="many").status_code == 413
    assert hints(books) == []


def test_strangers_learn_nothing(client: Client, door: str, books: Place) -> None:
    key = door.split("/")[3]
    wrong = [
        door.replace(key, "x" * 22),
        door.replace(key, key[:-1]),
        door.replace("economic", "crunch"),
        door.replace("economic", "nobody"),
    ]
    for address in [*wrong, "/hooks/economic/%00/", "/hooks/economic/é%ff/"]:
        answer = client.get(f"{address}?new=12")
        assert (answer.status_code, answer.content) == (404, b"404\n"), address
    assert hints(books) == []


def test_a_call_says_nothing_about_another_workspace(client: Client, door: str, books: Place, cast: Cast) -> None:
    client.get(f"{door}?new=12")
    with workspace_tx(cast.elsewhere):
        assert not Hint.objects.exists()


def test_paused_keeps_hints_and_off_closes_the_door(client: Client, door: str, books: Place, cast: Cast) -> None:
    with workspace_tx(books.workspace):
        pause(books.connection(), user=cast.alice)
    assert client.get(f"{door}?new=12").status_code == 200
    assert hints(books) == [("customer", "12", "")]
    with workspace_tx(books.workspace):
        disable(books.connection(), user=cast.alice)
    assert client.get(f"{door}?new=13").status_code == 404
    assert hints(books) == []
    assert not HookDoor.objects.exists()


def test_one_address_cannot_be_called_without_end(client: Client, door: str, books: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integrations.views.hooks.A_MINUTE", 2)
    assert [client.get(f"{door}?new=1").status_code for _ in range(3)] == [200, 200, 429]


def test_without_redis_it_is_answered_as_well(client: Client, door: str, books: Place, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert client.get(f"{door}?new=12").status_code == 200
    assert hints(books) == [("customer", "12", "")]


def test_a_burst_is_answered_with_little_work(
    client: Client, door: str, books: Place, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    seconds = []
    for number in range(1, 301):
        started = time.process_time()  # work, not waiting: the machine may be busy with something else (make bench takes the time)
        assert client.get(f"{door}?old={number}&new={number}").status_code == 200
        seconds.append(time.process_time() - started)
    assert statistics.quantiles(seconds, n=20)[-1] < 0.05
    assert len(hints(books)) == 300
    with django_assert_max_num_queries(10):
        client.get(f"{door}?new=1")


# The card on the settings page


def test_the_settings_page_shows_the_addresses(alice: Client, bob: Client, door: str, books: Place) -> None:
    page = alice.get(books.page("hooks/")).text
    root = root_of(books.connection())
    assert f'data-copy="{root}?old=[OLDNUMBER]&amp;new=[NEWNUMBER]"' in page
    assert "Customer updated" in page
    assert "only over https" in page
    assert "disabled" in page
    assert bob.get(books.page("hooks/")).status_code == 403


def subscriptions(place: Place) -> list[tuple[str, bool]]:
    state = place.sandbox.state()
    return sorted((str(each["url"]), bool(each.get("isDisabled"))) for each in state["webhooks"].values())


def test_they_are_entered_when_the_setting_says_so_and_taken_out_when_it_goes_off(
    alice: Client, books: Place, settings: Settings, workspace: Workspace
) -> None:
    settings.PUBLIC_URL = "https://crm.example.com"
    books.connect(alice)
    root = root_of(books.connection())
    assert subscriptions(books) == [(root, False), (root, False)]
    page = alice.get(books.page("hooks/")).text
    assert page.count("Calls at once") == 2
    assert alice.post(books.page("settings/"), {**ECONOMIC, "webhooks": ""}).status_code == 302
    assert [off for _url, off in subscriptions(books)] == [True, True]
    assert alice.get(books.page("hooks/")).text.count("Not entered") == 2
    alice.post(books.page("hooks/change/"), {"wish": "subscribe"})
    assert [off for _url, off in subscriptions(books)] == [False, False]
    alice.post(books.page("disable/"))
    assert [off for _url, off in subscriptions(books)] == [True, True]


def test_new_addresses_make_the_old_ones_worthless(alice: Client, client: Client, door: str, books: Place) -> None:
    alice.post(books.page("hooks/change/"), {"wish": "renew"})
    assert client.get(f"{door}?new=1").status_code == 404
    assert client.get(f"/hooks/economic/{books.connection().hook_key}/?new=1").status_code == 200


def test_a_permission_without_the_role_says_so_and_the_addresses_stay(alice: Client, books: Place, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://crm.example.com"
    confirm = alice.get(books.decided(books.begin(alice), superuser=""))["Location"]
    after = alice.post(confirm, {"answer": "yes"}, follow=True)
    assert books.connection().status == "ACTIVE"
    assert "does not allow" in after.text
    page = alice.get(books.page("hooks/")).text
    assert "You can enter the addresses by hand" in page
    assert page.count("data-copy=") == 2


@pytest.mark.parametrize("way", [pause, disable])
def test_what_was_asked_before_it_went_off_does_not_come_in(
    way: Callable[..., None], client: Client, door: str, books: Place, cast: Cast
) -> None:
    with workspace_tx(books.workspace):
        Connection.objects.update(last_success_at=timezone.now())
    assert client.get(f"{door}?new=1").status_code == 200
    connection = books.connection()
    with workspace_tx(books.workspace):
        hint = Hint.objects.get()
    provider = open_access(connection).provider
    told = read_hint(connection, provider, hint)
    assert told.records
    with workspace_tx(books.workspace):
        way(connection, user=cast.alice)
    store(connection, provider, [told])
    with workspace_tx(books.workspace):
        assert not Contact.objects.exists()
        assert not Link.objects.exists()
        assert Hint.objects.exists() == (way is pause)
