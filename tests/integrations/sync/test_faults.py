"""The vendor fails while we read: nothing is lost, nothing is written twice, the run says what was wrong and goes on where it stood."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar

import pytest
import time_machine
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection as database
from django.utils import timezone
from pytest_django import Settings

from integrations.domain.access import open_access
from integrations.domain.attend import attend
from integrations.domain.health import health
from integrations.domain.vault import read_secrets
from integrations.engine.errors import Reconnect
from integrations.models import Exchange
from tests.ground.processes import wait_until
from tests.integrations.sync.world import World, counted

ONCE = {"path": "/clients/clients", "times": 1, "skip": 2}  # on the third page


@pytest.fixture
def paged(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Three clients to a page, and a client of ours that tries once."""
    world.connect(run=False)
    world.small_pages(monkeypatch, 3)
    world.impatient(monkeypatch, 20.0)
    return world


def pages(world: World) -> list[int]:
    return [int(one["query"]["page"]) for one in world.requests("GET", path="/clients/clients") if one["query"]["size"] == "3"]


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("500", "vendor_down"),
        ("503", "vendor_down"),
        ("reset", "connection_lost"),
        ("html", "not_json"),
        ("cut", "bad_answer"),
        ("empty_body", "bad_answer"),
        ("redirect", "redirected"),
        ("404", "bad_answer"),
        ("slow", "timeout"),
        ("loris", "too_slow"),
        ("repeat_page", "loop"),
        ("429", "rate_limited"),
    ],
)
def test_a_fault_in_the_middle_costs_one_page(paged: World, monkeypatch: pytest.MonkeyPatch, kind: str, code: str) -> None:
    """F14-F17, F20: the cursor stands, the worker is freed, and the run goes on at the page where it stood."""
    paged.fail(kind, **ONCE, seconds=60 if kind == "slow" else 0.05)
    if kind in ("slow", "loris"):
        paged.impatient(monkeypatch, 3.0)
    run = paged.settle()
    paged.repair()
    if kind == "slow":  # the sandbox logs a request when it has answered it
        wait_until(lambda: [one for one in paged.sandbox.log() if one["fault"] == "slow"])
    assert (run.status, run.reason["code"], run.lease) == ("WAITING", code, "")
    assert run.resume_at is not None
    assert run.resume_at > timezone.now()
    assert paged.contacts() == []
    asked = pages(paged)
    paged.settle()
    assert pages(paged) == asked, "no request before its time"
    with paged.open():
        assert health(paged.refreshed()).sentence
        assert Exchange.objects.filter(connection_id=paged.connection.pk).exists()
    paged.now_due()
    run = paged.settle()
    assert run.outcome == "success"
    counted(run, seen=12, created=12)
    assert sorted(pages(paged)) == ([0, 0, 1, 1, 1, 2, 3] if kind == "repeat_page" else [0, 1, 2, 2, 3])


def test_a_list_without_end_fails_the_run_and_harms_nothing(paged: World) -> None:
    """F20."""
    paged.settle()
    before = paged.snapshot()
    paged.fail("repeat_page", path="/clients/clients")
    paged.sync()
    for _ in range(6):
        paged.now_due()
        run = paged.settle()
    assert (run.outcome, run.reason["code"]) == ("failed", "loop")
    assert paged.snapshot() == before


def test_429_with_a_time_is_obeyed_by_everything_of_the_connection(paged: World) -> None:
    """F14: neither the run nor an edit asks before the time that the vendor named."""
    paged.settle()
    paged.fail("429", path="/v1/", retry_after="120")
    run = paged.sync()
    assert run.resume_at is not None
    assert timedelta(seconds=110) < run.resume_at - timezone.now() <= timedelta(seconds=120)
    paged.repair()
    paged.forget_log()
    paged.edit(paged.contact("Bluebell Joinery"), emails=[])
    paged.settle()
    assert paged.sandbox.log() == []
    [row] = paged.outbox()
    assert (row.state, row.reason["code"]) == ("WAITING", "rate_limited")
    paged.forget_pace()
    paged.settle()
    assert paged.sandbox.log() == [], "Redis forgot the pause, the database did not"
    paged.now_due()
    paged.settle()
    assert paged.clients()[1002]["email"] is None


def test_429_with_a_date(paged: World) -> None:
    moment = timezone.now() + timedelta(seconds=300)
    paged.fail("429", path="/v1/clients", times=1, retry_after=moment.strftime("%a, %d %b %Y %H:%M:%S GMT"))
    run = paged.settle()
    assert run.resume_at is not None
    assert abs(run.resume_at - moment) < timedelta(seconds=5)


def test_a_vendor_that_is_down_for_long_fails_the_run_and_the_next_one_comes_sooner(paged: World) -> None:
    """F15, F30."""
    paged.settle()
    paged.fail("503", path="/v1/")
    paged.sync()
    for _ in range(8):
        paged.now_due()
        run = paged.settle()
    assert (run.outcome, run.reason["code"]) == ("failed", "vendor_down")
    connection = paged.refreshed()
    assert connection.failures == 1
    assert connection.next_due_at is not None
    assert connection.next_due_at < timezone.now() + timedelta(hours=1)
    paged.repair()
    counted(paged.sync(), seen=12, unchanged=12)
    assert paged.refreshed().failures == 0


class MailServer(BaseEmailBackend):
    """Takes every mail, and notes whether somebody's transaction is open meanwhile."""

    taken: ClassVar[list[tuple[list[str], bool]]] = []

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        self.taken.extend((message.to, database.in_atomic_block) for message in messages)
        return len(messages)


@pytest.mark.django_db(transaction=True)
def test_trouble_is_mailed_once_and_its_end_once(paged: World, settings: Settings) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.MailServer"
    MailServer.taken.clear()
    paged.settle()
    paged.sandbox.control(revoke=True)
    paged.sync()
    paged.settle()
    paged.settle()
    assert MailServer.taken == [(["alice@example.com"], False)]
    paged.reconnect()
    paged.settle()
    paged.settle()
    assert MailServer.taken == [(["alice@example.com"], False)] * 2


def test_a_token_that_expires_in_the_middle_is_renewed_once(paged: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """F27: the rotated refresh token is stored before the new access token is used."""
    stored: list[str] = []

    def look() -> None:
        stored.append(read_secrets(paged.refreshed())["refresh_token"])

    before = read_secrets(paged.refreshed())
    paged.when(monkeypatch, "GET", "page=1", lambda: paged.sandbox.control(expire_tokens=True))
    paged.when(monkeypatch, "GET", "page=3", look)
    run = paged.settle()
    counted(run, seen=12, created=12)
    after = read_secrets(paged.refreshed())
    assert before["access_token"] != after["access_token"]
    assert before["refresh_token"] != after["refresh_token"] == stored[0]
    assert len(paged.requests("POST", path="/oauth/token")) == 1


def test_a_token_about_to_expire_is_renewed_before_it_is_used(world: World) -> None:
    world.connect()
    with time_machine.travel(timezone.now() + timedelta(minutes=59, seconds=30)):
        assert world.sync().outcome == "success"
    assert [one for one in world.requests("GET") if one["status"] == 401] == []
    assert len(world.requests("POST", path="/oauth/token")) == 1


def test_a_token_that_lives_for_seconds_only_is_good_enough(world: World) -> None:
    world.sandbox.control(switches={"token_seconds": 30})
    world.connect()
    assert world.last_run().outcome == "success"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("shared", [True, False])
def test_five_threads_with_an_expired_token_renew_it_once(world: World, shared: bool) -> None:
    world.connect()
    world.sandbox.control(expire_tokens=True)
    world.forget_log()
    one = open_access(world.connection)
    barrier, outcomes = threading.Barrier(5), []

    def read() -> None:
        access = one if shared else open_access(world.connection)
        barrier.wait()
        outcomes.append(len(access.provider.page("clients", None).records))
        database.close()

    threads = [threading.Thread(target=read) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [12] * 5
    assert len(world.requests("POST", path="/oauth/token")) == 1


def test_a_token_endpoint_that_is_down_is_no_lost_permission(paged: World) -> None:
    paged.sandbox.control(expire_tokens=True)
    paged.fail("503", path="/oauth/token", times=1)
    run = paged.settle()
    assert (run.status, paged.refreshed().status) == ("WAITING", "ACTIVE")
    paged.now_due()
    assert paged.settle().outcome == "success"


def test_a_refresh_token_lost_in_a_crash_asks_for_a_reconnect(paged: World) -> None:
    """F27: the vendor rotated, we never stored it. No loop: one try, then a person is asked."""
    paged.settle()
    paged.sandbox.control(expire_tokens=True)
    paged.fail("lost", path="/oauth/token", times=1)
    paged.sync()
    paged.now_due()
    run = paged.settle()
    assert (run.outcome, paged.refreshed().status) == ("needs_reconnect", "RECONNECT")
    paged.forget_log()
    paged.settle()
    assert paged.sandbox.log() == []


def test_a_revoked_permission_is_one_exception_for_whoever_asks(world: World) -> None:
    world.connect()
    world.sandbox.control(revoke=True)
    with pytest.raises(Reconnect):
        open_access(world.connection).provider.check()


@pytest.mark.parametrize(("path", "key"), [("/expenses/suppliers", "suppliers"), ("/invoices", "invoices")])
def test_a_collection_that_is_refused_is_left_out_and_said(world: World, path: str, key: str) -> None:
    """F29: 403 on one list."""
    world.sandbox.control(reset=True, clients=12, suppliers=3, invoices=9)
    world.fail("403", path=path)
    world.connect(suppliers="import")
    run = world.last_run()
    assert run.outcome == "partial"
    assert run.counters["created"] == (12 if key == "suppliers" else 15)
    connection = world.refreshed()
    assert connection.denied[key]["code"] == "forbidden"
    with world.open():
        info = health(connection)
    assert (info.state, bool(info.sentence)) == ("attention", True)
    world.repair()
    world.forget_log()
    world.sync()
    assert world.requests("GET", path=path) == []
    world.reconnect()
    world.settle()
    assert world.requests("GET", path=path), "a new consent may allow it"
    assert world.refreshed().denied == {}


def test_writes_that_are_refused_go_off_and_the_pull_goes_on(world: World) -> None:
    """F29: reads may, writes may not."""
    world.connect()
    contact = world.contact("Bluebell Joinery")
    world.fail("403", method="PUT")
    world.edit(contact, emails=[{"label": "", "email": "waits@bluebell.example"}])
    world.settle()
    assert world.refreshed().denied["update"]["code"] == "forbidden"
    world.put(1003, email="new@northgate.example")
    assert world.sync().counters["updated"] == 1
    world.forget_log()
    world.edit(contact, name="Bluebell Joiners")
    world.settle()
    assert world.writes() == []
    [row] = world.outbox()
    assert (row.state, row.reason["code"]) == ("WAITING", "forbidden")
    world.repair()
    world.reconnect()
    world.now_due()
    world.settle()
    client = world.clients()[1002]
    assert (client["email"], client["name"]) == ("waits@bluebell.example", "Bluebell Joiners")


def test_creating_may_be_refused_while_changing_is_not(world: World) -> None:
    world.connect()
    world.fail("403", method="POST", path="/v1/")
    world.export(world.add("Brand New Ltd", emails=[], addresses=[{"label": "", "line1": "1 A St", "city": "Leeds", "country": "GB"}]))
    world.edit(world.contact("Bluebell Joinery"), emails=[{"label": "", "email": "goes@bluebell.example"}])
    world.settle()
    assert world.refreshed().denied.keys() == {"create"}
    assert world.clients()[1002]["email"] == "goes@bluebell.example"


def test_a_slow_vendor_does_not_hold_a_slice_for_ever(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """F16, F58: after its budget the worker is free, and the run goes on later at its page."""
    world.connect(run=False)
    world.small_pages(monkeypatch, 1)
    world.fail("slow", path="/clients/clients", seconds=0.25)
    world.forget_log()
    assert attend(world.workspace, world.connection.pk, budget=0.5)
    run = world.last_run()
    assert (run.status, run.lease) == ("RUNNING", "")
    world.repair()
    assert world.settle().counters["created"] == 12
    asked = [int(one["query"]["page"]) for one in world.requests("GET", path="/clients/clients")]
    assert sorted(asked) == list(range(12))
