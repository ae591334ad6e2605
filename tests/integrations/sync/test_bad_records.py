"""What a vendor may put into a list: the record is named, the others go on."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from invoices.models import Invoice
from tests.integrations.sync.world import World, address, counted


def invoice(world: World, **body: Any) -> None:
    world.sandbox.control(add_invoices=[{"customer": {"id": 1001}, "currency": "GBP", "grossAmount": 10, "outstandingBalance": 10, **body}])


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Nul\x00 Ltd", "Nul Ltd"),
        ("Back\\u0000slash Ltd", "Back\\u0000slash Ltd"),
        ("Tail\\", "Tail\\"),
        ("\U0001f680 Rockets Ltd", "\U0001f680 Rockets Ltd"),
        ("\u202eright to left", "\u202eright to left"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ],
)
def test_odd_names_arrive_whole(world: World, name: str, kept: str) -> None:
    client = world.new(name=name, billingAddress=address())
    world.connect()
    link = world.link(client)
    assert link.contact_id is not None
    assert link.contact_id in {c.pk for c in world.contacts(name=kept)}
    counted(world.sync(), seen=13, unchanged=13)


def test_a_record_that_is_too_long_fails_by_itself(world: World) -> None:
    client = world.new(name="L" * 2000)
    world.connect()
    link = world.link(client)
    assert (link.state, link.reason["code"], link.contact_id) == ("FAILING", "too_long", None)
    assert link.reason["params"]["field"] == "Name"
    run = world.last_run()
    assert run.outcome == "partial"
    counted(run, seen=13, created=12, failed=1)
    assert [line.remote_id for line in world.lines(run, action="fail")] == [str(client)]
    world.put(client, name="Short enough Ltd")
    counted(world.sync(), seen=13, unchanged=12, created=1)


def test_a_linked_record_that_becomes_too_long_keeps_its_contact(world: World) -> None:
    world.connect()
    contact = world.contact("Bluebell Joinery")
    world.put(1002, email="x" * 300 + "@long.example")
    world.sync()
    assert (world.link(1002).state, world.link(1002).contact_id) == ("FAILING", contact.pk)
    assert world.again(contact).emails == contact.emails
    world.put(1002, email="fine@bluebell.example")
    world.sync()
    assert world.again(contact).first_email == "fine@bluebell.example"
    assert world.link(1002).state == "LINKED"


def test_a_record_without_a_name_fails_by_itself(world: World) -> None:
    client = world.new(name=None)
    world.connect()
    assert world.link(client).reason["code"] == "no_name"
    counted(world.last_run(), seen=13, created=12, failed=1)


def test_entries_that_are_no_records_are_counted_and_named_by_their_place(world: World) -> None:
    world.sandbox.vendor.books["northlight"].clients[9] = {"name": "no id"}  # type: ignore[attr-defined]
    world.sandbox.vendor.books["northlight"].touch()  # type: ignore[attr-defined]
    world.connect()
    run = world.last_run()
    counted(run, seen=13, created=12, failed=1)
    [line] = world.lines(run, action="fail")
    assert line.reason["code"] == "bad_record"


def test_nulls_everywhere(world: World) -> None:
    world.sandbox.control(reset=True, clients=12, suppliers=3, invoices=9)
    world.connect(suppliers="import")
    before = world.snapshot()["contacts_contact"]
    world.fail("nulls", path="/clients/clients")
    run = world.sync()
    assert run.outcome in {"needs_decision", "success", "partial"}
    after = world.snapshot()["contacts_contact"]
    assert {row["name"] for row in after.values()} == {row["name"] for row in before.values()}


def test_unknown_fields_are_kept_and_harmless(world: World) -> None:
    world.put(1002, surprise={"deep": [1, {"x": None}]}, vat=None)
    world.connect()
    world.edit(world.contact("Bluebell Joinery"), emails=[])
    world.settle()
    assert world.last_run().outcome == "success"


def test_ids_as_text_and_very_long_ids(world: World) -> None:
    clients = world.sandbox.vendor.books["northlight"].clients  # type: ignore[attr-defined]
    clients[2] = {"id": "9007199254740993", "name": "Sixty-four bits"}
    clients[3] = {"id": 9007199254740995, "name": "Sixty-four more bits"}
    clients[4] = {"id": "x" * 500, "name": "Id without end"}
    world.sandbox.vendor.books["northlight"].touch()  # type: ignore[attr-defined]
    world.connect()
    assert world.link("9007199254740993").state == "LINKED"
    assert world.link(9007199254740995).state == "LINKED"
    run = world.last_run()
    assert run.counters["created"] >= 14
    assert run.counters["seen"] == 15
    counted(world.sync(), seen=15, unchanged=run.counters["created"], failed=run.counters["failed"])


def test_money_as_float_text_and_nonsense(world: World) -> None:
    invoice(world, grossAmount=0.1 + 0.2, outstandingBalance=0.3)
    invoice(world, grossAmount="12.50", outstandingBalance="-2.50")
    invoice(world, grossAmount="much")
    invoice(world, currency="")
    invoice(world, issuedDate="0000-00-00", dueDate="1969-12-31")
    world.connect()
    run = world.last_run()
    assert run.counters["invoices"] == 5
    assert run.counters["failed"] == 0, "an invoice is no contact record"
    with world.open():
        found = list(Invoice.objects.filter(workspace=world.workspace).order_by("remote_id").values_list("gross", "outstanding"))
    assert found == [(Decimal("0.30"), Decimal("0.30")), (Decimal("12.50"), Decimal("-2.50")), (Decimal(10), Decimal(10))]
    assert len(world.lines(run, action="fail")) == 2
    assert run.outcome == "partial"


def test_the_same_record_twice_in_one_page(world: World) -> None:
    """F18: a list that served one twice is read once more; then it is what it is."""
    world.fail("duplicate_ids", path="/clients/clients", times=2)
    world.connect()
    assert len(world.links()) == len(world.contacts()) == 12
    run = world.last_run()
    assert run.counters["seen"] == 12


def test_drift_while_paging_is_read_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """F18: a record deleted at the front moves another one over the page's border."""
    world.small_pages(monkeypatch, 4)
    world.connect(run=False)
    world.fail("drift", path="/clients/clients", times=1, skip=1)
    run = world.settle()
    assert len(world.clients()) == 11
    assert run.outcome == "success"
    counted(run, seen=11, created=11)
    assert len(world.contacts()) == 11, "what was deleted before the second reading does not come in"


def test_a_list_that_never_stands_still_is_no_proof_of_a_deletion(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.connect()
    world.small_pages(monkeypatch, 4)
    for _ in range(2):
        world.fail("drift", path="/clients/clients", skip=1)
        run = world.sync()
        world.repair()
        assert run.outcome == "partial"
    assert {link.state for link in world.links()} == {"LINKED"}


def test_a_record_that_breaks_the_database_is_put_aside(world: World) -> None:
    """F12: whatever the fault is, the batch goes on without the record."""
    world.connect(run=False)
    poison = world.new(name="Poison Ltd")
    with pytest.MonkeyPatch.context() as patch:
        world.poison(patch, poison)
        run = world.settle()
    counted(run, seen=13, created=12, failed=1)
    link = world.link(poison)
    assert (link.state, link.reason["code"]) == ("FAILING", "bad_record")
    assert run.outcome == "partial"
    counted(world.sync(), seen=13, created=1, unchanged=12)


@pytest.mark.parametrize(
    ("broken", "name"),
    [
        (b'"Bluebell \\ud800 Joinery"', "Bluebell \ufffd Joinery"),
        (b'"Bluebell \xe9 Joinery"', "Bluebell \ufffd Joinery"),
        (b'"Bluebell Joinery", "paymentTermsDays": NaN', "Bluebell Joinery"),
        (b'"Bluebell Joinery", "paymentTermsDays": 1e999', "Bluebell Joinery"),
    ],
)
def test_one_broken_character_does_not_cost_the_page(world: World, monkeypatch: pytest.MonkeyPatch, broken: bytes, name: str) -> None:
    """Lone surrogates, Latin-1 in UTF-8, numbers that are none: the page is read, the others are not harmed."""
    world.rewrite_answers(monkeypatch, b'"Bluebell Joinery"', broken)
    world.connect()
    assert world.link(1002).state == "LINKED"
    assert len(world.contacts(name=name)) == 1
    counted(world.last_run(), seen=12, created=12)
    counted(world.sync(), seen=12, unchanged=12)
