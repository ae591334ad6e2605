"""The eight invariants (docs/architecture), each with its mechanism switched off: then the ledger must say so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import ProgrammingError, transaction
from django.db import connection as database
from django.utils import timezone

from accounts.scoping import workspace_tx
from integrations.domain import advance as advancing
from integrations.domain import apply, attention, batches, leases, outbox, push, settling
from integrations.domain.advance import advance
from integrations.domain.attend import attend
from integrations.domain.leases import LEASE
from integrations.engine import plan
from integrations.models import Connection, Link, Run
from tests.fixtures import Cast
from tests.integrations.sync.crashes import Crash, crash_at
from tests.integrations.sync.ledger import digest, missing, violations
from tests.integrations.sync.test_poisoned_sends import BAD, GOOD, edit_both, refuse_to_store
from tests.integrations.sync.world import World, address, full_contact

Break = Callable[[pytest.MonkeyPatch], None]


def no_lease(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(leases, "_check", lambda run: None)

    def take(run: Run) -> bool:
        with workspace_tx(run.workspace):
            leases.reload(run)
            Run.objects.filter(pk=run.pk).update(lease="anybody", lease_until=timezone.now() + LEASE, status="RUNNING")
            run.lease, run.status = "anybody", "RUNNING"
        return True

    patch.setattr(advancing, "claim", take)
    patch.setattr(advancing, "release", lambda run: None)


def no_look_up(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(push, "_look_up", lambda subject, access: None)


def no_base(patch: pytest.MonkeyPatch) -> None:
    known = batches.engine_link

    def forgetful(link: Link) -> Any:
        return plan.replace(known(link), base=None)

    patch.setattr(batches, "engine_link", forgetful)
    patch.setattr(push, "engine_link", forgetful)


def no_outbox(patch: pytest.MonkeyPatch) -> None:
    for module in (outbox, apply, attention, push, settling):
        patch.setattr(module, "enqueue", lambda *args, **kwargs: None)


def no_silence(patch: pytest.MonkeyPatch) -> None:
    """What came in is queued, and sent although there is nothing to say."""
    patch.setattr(outbox, "_is_echo", lambda connection, origin: False)
    patch.setattr(plan.PushPlan, "nothing_to_say", property(lambda self: False))


def no_overtaking(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(settling, "_overtake", lambda connection, record: None)


def no_quarantine(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(advancing, "POISON", ())


def no_quarantine_of_sends(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(push, "POISON", ())


@contextmanager
def switched_off(breaking: Break) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        breaking(patch)
        yield


def two_workers(world: World) -> list[str]:
    """A second worker takes the run while the first one is about to write."""
    world.connect(run=False)
    step = advancing._apply
    entered: list[bool] = []

    def overtaken(run: Run, *args: Any, **kwargs: Any) -> None:
        if not entered:
            entered.append(True)
            with time_machine.travel(timezone.now() + LEASE + timedelta(seconds=1)):
                advance(world.last_run(), budget=0.0)
        step(run, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(advancing, "_apply", overtaken)
        world.settle()
    world.settle()
    return violations(world)


def lost_answer(world: World) -> list[str]:
    world.connect()
    contact = world.add("Brand New Ltd", **full_contact())
    world.fail("lost", method="POST", path="/v1/", times=1)
    world.export(contact)
    world.settle()
    world.now_due()
    world.settle()
    world.sync()
    return violations(world, exported=[contact])


def edit_there(world: World) -> list[str]:
    world.connect()
    world.put(1002, email="new@bluebell.example")
    world.sync()
    world.settle()
    return [*violations(world), *missing(world, {(1002, "email"): "new@bluebell.example"})]


def edit_here(world: World) -> list[str]:
    world.connect()
    world.edit(world.contact("Bluebell Joinery"), emails=[{"label": "", "email": "new@bluebell.example"}])
    world.settle()
    return [*violations(world), *missing(world, {(1002, "email"): "new@bluebell.example"})]


def quiet(world: World) -> list[str]:
    """After an edit on each side and a pause nothing is written any more."""
    world.connect(conflict="remote")
    world.edit(world.contact("Bluebell Joinery"), emails=[{"label": "", "email": "new@bluebell.example"}])
    world.put(1003, name="Northgate Dentists")
    world.settle()
    world.sync()
    before = world.snapshot()
    world.sync()
    world.sync()
    echoes = [f"{one['method']} {one['path']}" for one in world.writes()][1:]
    return [*violations(world), *echoes, *([] if world.snapshot() == before else ["rows were written"])]


def push_during_a_pull(world: World) -> list[str]:
    """The pull has read a record, then our edit is sent: what was read before it must not undo it."""
    world.connect()
    world.put(1003, email="there@northgate.example")
    contact = world.contact("Bluebell Joinery")
    world.put(1002, name="Bluebell Joiners")
    value = [{"label": "", "email": "new@bluebell.example"}]
    with pytest.MonkeyPatch.context() as patch:
        to_apply = advancing._to_apply

        def pushed_first(run: Run) -> None:
            to_apply(run)
            world.edit(contact, emails=value)
            world.drain()

        patch.setattr(advancing, "_to_apply", pushed_first)
        world.sync()
    kept = world.again(contact).emails == value
    flapped = [change.changes["emails"] for change in world.history(contact) if "emails" in change.changes][1:]
    world.settle()
    return [*violations(world), *([] if kept and not flapped else ["the edit was undone by an old reading"])]


def poison(world: World) -> list[str]:
    world.connect(run=False)
    bad = world.new(name="Poison Ltd", billingAddress=address())
    with pytest.MonkeyPatch.context() as patch:
        world.poison(patch, bad)
        try:
            with transaction.atomic():
                world.settle()
        except Exception as error:  # noqa: BLE001  with the quarantine off anything may come through
            return [f"the record stopped everything: {error}"]
    return violations(world)


def poisoned_send(world: World) -> list[str]:
    world.connect()
    with pytest.MonkeyPatch.context() as patch:
        refuse_to_store(patch, world.link(BAD).remote_name)
        edit_both(world)
        try:
            with transaction.atomic():
                world.settle()
        except Exception as error:  # noqa: BLE001  with the quarantine off anything may come through
            return [f"the record stopped everything: {error}"]
    return missing(world, {(GOOD, "email"): f"new@c{GOOD}.example"})


CASES: list[tuple[str, Callable[[World], list[str]], Break]] = [
    ("1 nothing lost: an edit there", edit_there, no_base),
    ("1 nothing lost: an edit here", edit_here, no_outbox),
    ("1 nothing lost: an old reading", push_during_a_pull, no_overtaking),
    ("2 two workers are one", two_workers, no_lease),
    ("3 one export, one record", lost_answer, no_look_up),
    ("4 no echo", quiet, no_silence),
    ("5 one bad record", poison, no_quarantine),
    ("5 one bad record, sent", poisoned_send, no_quarantine_of_sends),
]
NAMES = [name for name, _case, _off in CASES]


@pytest.mark.parametrize(("name", "case", "off"), CASES, ids=NAMES)
def test_the_mechanism_holds(world: World, name: str, case: Callable[[World], list[str]], off: Break) -> None:
    assert case(world) == []


@pytest.mark.parametrize(("name", "case", "off"), CASES, ids=NAMES)
def test_without_its_mechanism_the_ledger_says_so(world: World, name: str, case: Callable[[World], list[str]], off: Break) -> None:
    with switched_off(off):
        assert case(world) != []


def test_6_after_both_sides_go_quiet_they_are_equal(world: World) -> None:
    world.connect(suppliers="import")
    expected: dict[tuple[int, str], Any] = {}
    for client in range(1001, 1007):
        world.put(client, name=f"Renamed there {client}")
        contact = world.link(client).contact_id
        with world.open():
            mine = world.link(client).contact
        assert contact is not None
        assert mine is not None
        world.edit(mine, emails=[{"label": "", "email": f"here{client}@us.example"}])
        expected |= {(client, "name"): f"Renamed there {client}", (client, "email"): f"here{client}@us.example"}
    world.sync()
    world.sync()
    assert violations(world) == []
    assert missing(world, expected) == []


def test_7_no_byte_of_another_workspace(world: World, cast: Cast) -> None:
    before = digest(cast.elsewhere)
    world.connect()
    world.sync()
    assert digest(cast.elsewhere) == before
    with workspace_tx(cast.elsewhere), database.cursor() as cursor:
        for table in ("integrations_connection", "integrations_link", "integrations_run", "integrations_runline", "integrations_exchange"):
            cursor.execute(f"SELECT count(*) FROM {table}")
            assert cursor.fetchone() == (0,), "a forgotten filter shows nothing"
        cursor.execute("UPDATE integrations_link SET state = 'GONE'")
        assert cursor.rowcount == 0
    with workspace_tx(cast.elsewhere), pytest.raises(ProgrammingError), transaction.atomic():
        Connection(workspace_id=world.workspace.pk, provider="crunch").save(force_insert=True)
    assert {link.state for link in world.links()} == {"LINKED"}


@pytest.mark.parametrize("after_commit", [False, True], ids=["before", "after"])
def test_8_a_crash_at_any_point_costs_one_page(world: World, monkeypatch: pytest.MonkeyPatch, after_commit: bool) -> None:
    world.connect(run=False)
    world.small_pages(monkeypatch, 5)
    monkeypatch.setattr("integrations.domain.fetch.FLUSH_AT", 5)
    monkeypatch.setattr(advancing, "BATCH", 5)
    moment, met = 1, True
    with time_machine.travel(timezone.now()) as clock:
        while met:
            world.sandbox.control(reset=True, clients=12, suppliers=0, invoices=3)
            with world.open():
                world.connection.links.all().delete()
            world.delete(*world.contacts())
            world.sync_soon()
            with pytest.MonkeyPatch.context() as patch:
                came = crash_at(patch, moment, after_commit=after_commit)
                try:
                    while attend(world.workspace, world.connection.pk):
                        pass
                except Crash:
                    assert came()
                met = came()
            clock.shift(LEASE + timedelta(seconds=1))
            run = world.settle()
            assert run.outcome == "success", moment
            assert run.counters["seen"] == run.counters["created"] == len(world.contacts()) == 12, moment
            assert violations(world) == [], moment
            moment += 1
    assert moment > 8
