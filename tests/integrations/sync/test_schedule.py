"""When runs start, who works on them, and what ends them."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts.models import Workspace
from accounts.scoping import workspace_tx
from integrations.domain import advance as advancing
from integrations.domain import attend as attending
from integrations.domain.advance import advance
from integrations.domain.attend import attend
from integrations.domain.leases import LEASE, LeaseLost, claim, page_tx, save_progress
from integrations.domain.runs import origin_of, request_run
from integrations.domain.wake import claim_due
from integrations.enums import RunKind, RunStatus
from integrations.models import Connection, Run, Wake
from integrations.tasks import attend_connection, tidy
from tests.fixtures import Cast
from tests.integrations.sync.crashes import Crash
from tests.integrations.sync.world import World, counted, full_contact


def due(world: World) -> list[tuple[int, int]]:
    return [pair for pair in claim_due() if pair[1] == world.connection.pk]


def tick(world: World) -> None:
    """What beat and a worker do every minute, as far as it concerns this connection."""
    for workspace_id, connection_id in due(world):
        while attend(Workspace.objects.get(pk=workspace_id), connection_id):
            pass


def runs(world: World) -> list[Run]:
    with world.open():
        return list(Run.objects.filter(connection=world.connection).order_by("pk"))


def test_one_run_at_a_time(world: World) -> None:
    world.connect(run=False)
    with world.open():
        first = world.last_run()
        again, is_new = request_run(world.connection, kind=RunKind.MANUAL, user=world.user)
    assert (again.pk, is_new) == (first.pk, False)


def test_about_every_two_hours(world: World) -> None:
    world.connect()
    start = timezone.now()
    with time_machine.travel(start) as clock:
        for _ in range(24 * 60):
            clock.shift(timedelta(minutes=1))
            tick(world)
    scheduled = [run for run in runs(world) if run.kind == RunKind.SCHEDULED]
    assert 11 <= len(scheduled) <= 13
    slots = [run.slot for run in scheduled]
    gaps = [later - sooner for sooner, later in itertools.pairwise(slots) if later and sooner]
    assert all(timedelta(minutes=100) <= gap <= timedelta(minutes=140) for gap in gaps)
    assert {run.outcome for run in scheduled} == {"success"}


def test_after_three_hours_without_beat_one_run_catches_up(world: World) -> None:
    """F9."""
    world.connect()
    before = len(runs(world))
    with time_machine.travel(timezone.now() + timedelta(hours=7)) as clock:
        tick(world)
        clock.shift(timedelta(seconds=61))
        tick(world)
        assert len(runs(world)) == before + 1
        assert world.refreshed().next_due_at > timezone.now() + timedelta(minutes=90)  # type: ignore[operator]


def test_two_beats_ring_once_and_two_bells_make_one_run(world: World) -> None:
    """F9: the wake row is taken by one of them; and should the bell ring twice, the slot is taken once."""
    world.connect()
    before = len(runs(world))
    with time_machine.travel(timezone.now() + timedelta(hours=3)):
        assert len(due(world)) == 1
        assert due(world) == []
        attend_connection(workspace_id=world.workspace.pk, connection_id=world.connection.pk)
        attend_connection(workspace_id=world.workspace.pk, connection_id=world.connection.pk)
    assert len(runs(world)) == before + 1


def test_a_slot_is_answered_once_whoever_asks(world: World) -> None:
    world.connect()
    slot = timezone.now()
    with world.open():
        first, is_new = request_run(world.connection, kind=RunKind.SCHEDULED, slot=slot)
        assert is_new
    world.settle()
    with world.open():
        again, is_new = request_run(world.connection, kind=RunKind.SCHEDULED, slot=slot)
    assert (again.pk, is_new) == (first.pk, False)


def test_an_edit_is_due_at_once(world: World) -> None:
    world.connect()
    assert due(world) == []
    world.edit(world.contact("Bluebell Joinery"), emails=[])
    assert len(due(world)) == 1


def test_an_edit_in_the_last_moment_of_a_look_is_due_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker has counted what waits, and is about to say when to look again."""
    world.connect()
    edited: list[bool] = []
    backlog = attending.backlog

    def meanwhile(connection: Connection) -> Any:
        found = backlog(connection)
        if not edited:
            edited.append(True)
            world.edit(world.contact("Bluebell Joinery"), emails=[])
        return found

    monkeypatch.setattr(attending, "backlog", meanwhile)
    attend(world.workspace, world.connection.pk)
    assert edited
    assert len(due(world)) == 1


def test_a_worker_that_dies_while_it_looks_is_missed_after_a_minute(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.connect()
    world.edit(world.contact("Bluebell Joinery"), emails=[])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attending, "drain", dies)
        with pytest.raises(Crash):
            attend(world.workspace, world.connection.pk)
    assert due(world) == []
    with time_machine.travel(timezone.now() + timedelta(seconds=61)):
        tick(world)
    assert not world.clients()[1002]["email"]


def dies(*args: Any, **kwargs: Any) -> None:
    raise Crash


def test_the_second_worker_goes_away(world: World) -> None:
    """F8."""
    world.connect(run=False)
    run = world.last_run()
    assert claim(run)
    assert not advance(world.last_run())
    world.forget_log()
    world.settle()
    assert world.sandbox.log() == []
    assert world.last_run().lease == run.lease


def test_a_worker_that_lost_its_lease_writes_nothing(world: World) -> None:
    world.connect(run=False)
    slow = world.last_run()
    assert claim(slow)
    with time_machine.travel(timezone.now() + LEASE + timedelta(seconds=1)):
        quick = world.last_run()
        assert claim(quick)
        assert quick.lease != slow.lease
        with pytest.raises(LeaseLost), page_tx(slow, origin=origin_of(slow)):
            save_progress(slow, done=99)
        with page_tx(quick, origin=origin_of(quick)):
            save_progress(quick, done=1)
    assert world.last_run().done == 1


def test_a_lease_that_is_lost_in_the_middle_of_a_batch_rolls_the_batch_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.connect(run=False)
    apply_batch = advancing.apply_batch

    def slowly(run: Run, *args: Any, **kwargs: Any) -> Any:
        applied = apply_batch(run, *args, **kwargs)
        Run.objects.filter(pk=run.pk).update(lease="taken over")
        return applied

    with monkeypatch.context() as patch:
        patch.setattr(advancing, "apply_batch", slowly)
        attend(world.workspace, world.connection.pk)
    assert world.contacts() == []
    assert world.links() == []
    with time_machine.travel(timezone.now() + LEASE + timedelta(seconds=1)):
        counted(world.settle(), seen=12, created=12)


def test_a_run_that_kills_its_workers_is_given_up(world: World) -> None:
    """F2: five slices in a row that died; the next sync starts anew."""
    world.connect(run=False)
    for _ in range(5):
        assert claim(world.last_run())
        with world.open():
            Run.objects.filter(pk=world.last_run().pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    run = world.settle()
    assert (run.status, run.outcome, run.reason["code"]) == ("DONE", "failed", "worker_lost")
    counted(world.sync(), seen=12, created=12)


def test_a_run_that_was_given_up_after_its_connection_went_off_ends_quietly(world: World) -> None:
    world.connect(run=False)
    run = world.last_run()
    with world.open():
        Run.objects.filter(pk=run.pk).update(attempts=9)
        Connection.objects.filter(pk=world.connection.pk).update(status="PAUSED")
    assert not advance(run)
    assert world.last_run().status == RunStatus.DONE


def test_a_row_of_slices_that_got_on_is_no_row_of_deaths(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.connect(run=False)
    world.small_pages(monkeypatch, 1)
    monkeypatch.setattr("integrations.domain.fetch.FLUSH_AT", 1)
    for _ in range(9):
        assert attend(world.workspace, world.connection.pk, budget=0.0)
    assert world.last_run().attempts <= 1
    assert world.settle().outcome == "success"


@pytest.mark.django_db(transaction=True)
def test_a_workspace_deleted_in_the_middle_ends_everything(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """F57."""
    world.connect(run=False)
    world.small_pages(monkeypatch, 2)
    pair = {"workspace_id": world.workspace.pk, "connection_id": world.connection.pk}
    world.when(monkeypatch, "GET", "page=2", lambda: remove(world))
    attend_connection(**pair)
    assert not Workspace.objects.filter(pk=pair["workspace_id"]).exists()
    assert not Wake.objects.filter(connection_id=pair["connection_id"]).exists()
    attend_connection(**pair)


def remove(world: World) -> None:
    with workspace_tx(world.workspace):
        Workspace.objects.get(pk=world.workspace.pk).delete()


def test_a_connection_of_another_workspace_is_not_attended(world: World, cast: Cast) -> None:
    """F57: a task that mixes up ids finds nothing."""
    world.connect(run=False)
    world.forget_log()
    attend_connection(workspace_id=cast.elsewhere.pk, connection_id=world.connection.pk)
    assert world.sandbox.log() == []
    assert world.last_run().status == RunStatus.QUEUED


def test_a_long_sync_leaves_edits_their_turn(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """F58, and an edit here is there within a minute even while a long sync runs."""
    world.connect()
    for name in ("Bluebell Joinery", "Saltmarsh Books", "Northgate Dental Practice"):
        world.edit(world.contact(name), emails=[])
    world.small_pages(monkeypatch, 1)
    monkeypatch.setattr("integrations.domain.fetch.FLUSH_AT", 1)
    with world.open():
        request_run(world.connection, kind=RunKind.MANUAL, user=world.user)
    assert attend(world.workspace, world.connection.pk, budget=0.0)
    assert world.last_run().status == RunStatus.RUNNING
    assert len(world.writes()) == 3


def test_a_row_whose_worker_died_is_sent_by_another(world: World) -> None:
    world.connect()
    contact = world.add("Brand New Ltd", **full_contact())
    world.export(contact)
    with world.open():
        row = world.outbox()[0]
        row.state, row.sending_since, row.tries = "SENDING", timezone.now(), 1
        row.save()
    world.settle()
    assert world.named("Brand New Ltd") == []
    with world.open():
        assert Wake.objects.get(connection=world.connection).at < timezone.now() + timedelta(minutes=6)
    with time_machine.travel(timezone.now() + timedelta(minutes=6)):
        tick(world)
    assert len(world.named("Brand New Ltd")) == 1


def test_a_worker_that_was_too_slow_does_not_send_what_another_has_taken(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The look-up took longer than the row is kept: the row was given to another worker, who sent it."""
    world.connect()
    contact = world.add("Brand New Ltd", **full_contact())
    world.fail("lost", method="POST", path="/v1/", times=1)
    world.export(contact)
    world.settle()
    world.drop(world.named("Brand New Ltd")[0]["id"])
    world.now_due()

    def overtaken() -> None:
        with world.open():
            row = world.outbox()[0]
            row.sending_since = timezone.now() - timedelta(minutes=6)
            row.save()
        world.settle()

    world.when(monkeypatch, "GET", "/clients/clients", overtaken)
    world.settle()
    world.now_due()
    world.settle()
    assert len(world.named("Brand New Ltd")) == 1
    assert world.outbox() == []


def test_housekeeping_forgets_old_exchanges_and_logs(world: World) -> None:
    world.connect()
    run = world.last_run()
    assert world.lines(run)
    with time_machine.travel(timezone.now() + timedelta(days=100)):
        tidy(workspace_id=world.workspace.pk)
    assert world.lines(run) == []
    assert len(world.contacts()) == 12
