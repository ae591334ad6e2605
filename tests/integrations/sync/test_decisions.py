"""A person decides: preview, confirmation, mass change, undo, cancel."""

from __future__ import annotations

import pytest

from integrations.domain.attention import choose, ignore
from integrations.domain.runs import cancel, confirm
from integrations.domain.undo import CannotUndo, undo, undo_effect
from integrations.enums import RunKind
from integrations.models import Run
from tests.integrations.sync.world import World, address, counted


def go_on(world: World, run: Run) -> Run:
    with world.open():
        confirm(run, user=world.user)
    return world.settle()


def take_back(world: World, run: Run) -> Run:
    with world.open():
        return undo(run, user=world.user)


def test_a_preview_writes_nothing_and_says_what_the_sync_then_does(world: World) -> None:
    world.sandbox.control(reset=True, clients=12, suppliers=3, invoices=9)
    world.connect(suppliers="import")
    changed, deleted = world.contact("Bluebell Joinery"), world.contact("Saltmarsh Books")
    world.put(1002, email="new@bluebell.example")
    world.delete(deleted)
    world.new(name="Quite New Ltd", billingAddress=address())
    world.new(name="")
    twins = [world.new(name="Twins Ltd") for _ in range(2)]
    before, there = world.snapshot(), world.clients()
    world.forget_log()
    preview = world.preview()
    assert preview.outcome == "success"
    assert world.snapshot() == before
    assert world.clients() == there
    assert world.writes() == []
    assert {row["name"] for row in preview.plan["first"]["create"]} == {"Quite New Ltd"}
    assert world.refreshed().last_success_at is not None
    run = world.sync()
    expected = {name: count for name, count in preview.counters.items() if name not in {"gone", "pushed"}}
    assert {name: run.counters[name] for name in expected} == expected
    assert (run.counters["held"], run.counters["failed"], run.counters["created"], run.counters["updated"]) == (2, 1, 2, 1)
    assert world.again(changed).first_email == "new@bluebell.example"
    assert len(twins) == 2


def test_show_me_first_waits_for_a_person(world: World) -> None:
    world.connect(preview_first=True)
    run = world.last_run()
    assert (run.status, run.outcome, run.reason["code"]) == ("DECIDING", "needs_decision", "preview_ready")
    assert run.plan["counts"]["created"] == 12
    assert world.contacts() == []
    assert world.links() == []
    run = go_on(world, run)
    counted(run, seen=12, created=12)
    assert len(world.contacts()) == 12


def test_show_me_first_and_then_no(world: World) -> None:
    world.connect(preview_first=True)
    with world.open():
        cancel(world.last_run(), user=world.user)
    world.settle()
    assert world.last_run().outcome == "cancelled"
    assert world.contacts() == []


def many(world: World) -> None:
    world.sandbox.control(reset=True, clients=60, suppliers=0, invoices=0)
    world.connect()


@pytest.mark.parametrize("way", ["overwritten", "unlinked"])
def test_a_mass_change_stops_and_asks(world: World, way: str) -> None:
    """F21."""
    many(world)
    for pk in range(1001, 1031):
        if way == "overwritten":
            world.put(pk, name=f"Company {pk}")
        else:
            world.drop(pk)
    if way == "unlinked":
        assert world.sync().outcome == "success", "lacking once is no loss yet"
    before = world.snapshot()
    run = world.sync()
    assert (run.status, run.outcome, run.reason["code"]) == ("DECIDING", "needs_decision", "mass_change")
    assert int(run.reason["params"][way]) == 30
    assert world.snapshot() == before
    run = go_on(world, run)
    assert run.outcome in {"success", "partial"}
    assert world.snapshot() != before


def test_a_change_within_the_measure_is_no_question(world: World) -> None:
    many(world)
    for pk in range(1001, 1021):
        world.put(pk, email="the-same@for-all.example")
    assert world.sync().outcome == "success"


def test_an_empty_list_is_a_fault_and_no_mass_delete(world: World) -> None:
    world.connect()
    before = world.snapshot()
    world.fail("empty_list", path="/clients/clients")
    for _ in range(3):
        run = world.sync()
        assert (run.outcome, run.reason["code"]) == ("failed", "empty_list")
    assert world.snapshot() == before
    world.repair()
    counted(world.sync(), seen=12, unchanged=12)


def test_undo_restores_removes_and_leaves_alone(world: World) -> None:
    mine = world.add("Bluebell Joinery")
    world.connect()
    run = world.last_run()
    touched = world.contact("Saltmarsh Books")
    world.edit(touched, notes="I know them")
    with world.open():
        plan = undo_effect(run)
    assert len(plan.removed) == 10
    assert [(pk, why) for pk, _name, _field, why in plan.left] == [(touched.pk, "edited")]
    assert plan.restored.keys() == {mine.pk}
    world.forget_log()
    back = take_back(world, run)
    after = world.again(mine)
    assert (after.emails, after.addresses) == ([], [])
    assert {c.pk for c in world.contacts()} == {mine.pk, touched.pk}
    assert back.kind == RunKind.UNDO
    with world.open(), pytest.raises(CannotUndo):
        undo(Run.objects.get(pk=run.pk), user=world.user)


def test_nothing_is_sent_because_of_an_undo_and_the_next_sync_leaves_it_alone(world: World) -> None:
    mine = world.add("Bluebell Joinery")
    world.connect()
    there = world.clients()
    world.forget_log()
    take_back(world, world.last_run())
    world.sync()
    before = world.snapshot()
    for _ in range(2):
        run = world.sync()
        assert run.counters["created"] == run.counters["linked"] == run.counters["updated"] == run.counters["pushed"] == 0
    assert world.snapshot() == before
    assert world.clients() == there
    assert world.writes() == []
    assert world.again(mine).emails == []


def test_after_an_undo_a_new_edit_or_a_new_change_there_still_flows(world: World) -> None:
    mine = world.add("Bluebell Joinery")
    world.connect()
    take_back(world, world.last_run())
    world.put(1002, billingAddress=address(line1="2 New Street"))
    world.sync()
    after = world.again(mine)
    assert after.first_address["line1"] == "2 New Street"
    assert after.emails == []
    world.edit(mine, emails=[{"label": "", "email": "chosen@bluebell.example"}])
    world.settle()
    assert world.clients()[1002]["email"] == "chosen@bluebell.example"


def test_undo_of_a_later_run_takes_back_its_changes_alone(world: World) -> None:
    world.connect()
    contact, other = world.contact("Bluebell Joinery"), world.contact("Saltmarsh Books")
    world.put(1002, name="Bluebell Joiners", email="new@bluebell.example")
    world.put(1006, email="new@saltmarsh.example")
    run = world.sync()
    world.edit(contact, name="My name for them")
    world.settle()
    take_back(world, run)
    after = world.again(contact)
    assert (after.name, after.first_email) == ("My name for them", contact.first_email)
    assert world.again(other).first_email == other.first_email
    world.forget_log()
    world.sync()
    assert world.writes() == []


def test_cancel_stops_at_the_next_page_and_what_is_written_stays(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.connect(run=False)
    world.small_pages(monkeypatch, 2)

    def stop() -> None:
        with world.open():
            cancel(world.last_run(), user=world.user)

    world.when(monkeypatch, "GET", "page=2", stop)
    run = world.settle()
    assert (run.status, run.outcome) == ("DONE", "cancelled")
    assert len(world.requests("GET", path="/clients/clients")) <= 7
    counted(world.sync(), seen=12, created=12)


def test_cancel_of_a_run_that_waits_ends_it_at_once(world: World) -> None:
    world.connect()
    world.fail("429", path="/v1/", retry_after="3600")
    assert world.sync().status == "WAITING"
    with world.open():
        cancel(world.last_run(), user=world.user)
    assert world.last_run().outcome == "cancelled"


def test_a_person_chooses_the_contact_of_a_held_record(world: World) -> None:
    first, second = [world.add("Bluebell Joinery") for _ in range(2)]
    world.connect()
    with world.open():
        choose(world.connection, f"link:{world.link(1002).pk}", contact_id=second.pk, user=world.user)
    world.settle()
    world.sync()
    link = world.link(1002)
    assert (link.state, link.contact_id) == ("LINKED", second.pk)
    assert world.again(second).first_email == world.clients()[1002]["email"]
    assert world.again(first).emails == []


def test_a_person_brings_a_held_record_in_as_new(world: World) -> None:
    both = [world.add("Bluebell Joinery") for _ in range(2)]
    world.connect()
    with world.open():
        choose(world.connection, f"link:{world.link(1002).pk}", contact_id=None, user=world.user)
    world.settle()
    world.sync()
    link = world.link(1002)
    assert (link.state, link.contact_id in {c.pk for c in both}) == ("LINKED", False)
    assert len(world.contacts(name="Bluebell Joinery")) == 3


def test_a_person_leaves_a_held_record_alone(world: World) -> None:
    for _ in range(2):
        world.add("Bluebell Joinery")
    world.connect()
    with world.open():
        ignore(world.connection, f"link:{world.link(1002).pk}", user=world.user)
    run = world.sync()
    assert run.outcome == "success"
    counted(run, seen=12, unchanged=11, skipped=1)
