"""Pages that come in the bytes of last time are not parsed; what they say is taken from their marks, and it is the same."""

from __future__ import annotations

import pytest

from integrations.domain import fetch
from integrations.domain.connect import disable
from integrations.domain.marks import Mark
from integrations.engine.types import Page
from integrations.models import Link, PageMark
from tests.integrations.sync.ledger import violations
from tests.integrations.sync.world import World, counted


@pytest.fixture
def read(world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How each page of the contact lists was read."""
    world.small_pages(monkeypatch, 5)
    seen: list[str] = []
    page_of = fetch._page

    def noted(provider, resource, at, mark):  # type: ignore[no-untyped-def]
        found: Page | Mark = page_of(provider, resource, at, mark)
        if resource.key == "clients":
            seen.append("same" if isinstance(found, Mark) else "read")
        return found

    monkeypatch.setattr(fetch, "_page", noted)
    world.connect()
    seen.clear()
    return seen


def test_a_second_sync_parses_no_page_and_counts_the_same(world: World, read: list[str]) -> None:
    run = world.sync()
    assert read == ["same", "same", "same"]
    counted(run, seen=12, unchanged=12)
    assert violations(world) == []


def test_a_change_is_found_on_its_page_alone(world: World, read: list[str]) -> None:
    last = sorted(world.clients().values(), key=lambda client: client["name"])[-1]
    world.put(last["id"], email="changed@there.example")
    run = world.sync()
    assert read == ["same", "same", "read"]
    counted(run, seen=12, unchanged=11, updated=1)
    assert world.contact(last["name"]).first_email == "changed@there.example"
    read.clear()
    world.sync()
    assert read == ["same", "same", "same"]


@pytest.mark.parametrize("what", ["unlinked", "looked at again", "another version", "held"])
def test_a_record_that_is_not_as_it_was_here_has_its_page_read(world: World, read: list[str], what: str) -> None:
    first = sorted(world.clients().values(), key=lambda client: client["name"])[0]
    link = world.link(first["id"])
    with world.open():
        rows = Link.objects.filter(pk=link.pk)
        if what == "unlinked":
            rows.delete()
        else:
            changes = {"looked at again": {"version": ""}, "another version": {"version": "x"}, "held": {"state": "HELD"}}
            rows.update(**changes[what])
    run = world.sync()
    assert read == ["read", "same", "same"]
    assert run.counters["seen"] == 12
    assert world.link(first["id"]).state == "LINKED"
    assert violations(world) == []


def test_a_record_that_went_and_one_that_came_are_noticed(world: World, read: list[str]) -> None:
    first, *_others, last = sorted(world.clients().values(), key=lambda client: client["name"])
    world.drop(last["id"])
    world.new(name="AAA newcomer")
    world.sync()
    world.sync()
    assert world.link(last["id"]).state == "GONE"
    assert world.contact("AAA newcomer")
    assert world.link(first["id"]).state == "LINKED"


def test_marks_that_another_run_replaced_are_not_used(world: World, read: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look at the marks and the writing down of what was seen."""
    note = fetch.note_marked
    done: list[bool] = []

    def late(run, resource, marks):  # type: ignore[no-untyped-def]
        if not done:
            done.append(True)
            PageMark.objects.filter(connection=world.connection).update(digest="another")
        note(run, resource, marks)

    monkeypatch.setattr(fetch, "note_marked", late)
    run = world.sync()
    while run.status == "WAITING":
        world.now_due()
        run = world.settle()
    counted(run, seen=12, unchanged=12)


def test_marks_go_with_the_integration(world: World, read: list[str]) -> None:

    with world.open():
        assert PageMark.objects.exists()
    disable(world.connection, user=world.user)
    with world.open():
        assert not PageMark.objects.exists()
