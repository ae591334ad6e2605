"""What the vendor tells us about is read again: soon, once however often it was told, and never believed."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import DataError
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Workspace
from integrations.domain import apply, hinted
from integrations.domain.inbox import drain_hints
from integrations.engine.errors import Retry
from integrations.engine.types import Reason
from integrations.enums import LinkState, RunKind
from integrations.models import Connection, Hint, Run
from integrations.providers.economic.provider import Economic
from tests.integrations.rules.places import BooksPlace


def waiting(books: BooksPlace) -> list[Hint]:
    with books.open():
        return list(Hint.objects.filter(connection=books.connection).order_by("pk"))


def drain(books: BooksPlace) -> None:
    while drain_hints(books.connection, until=time.monotonic() + 60):
        pass


def runs(books: BooksPlace) -> list[Run]:
    with books.open():
        return list(Run.objects.filter(connection=books.connection, kind=RunKind.WEBHOOK).order_by("pk"))


@pytest.fixture
def known(books: BooksPlace) -> BooksPlace:
    """Nordlys (1) and Havnen (2) are in sync."""
    books.customer(1, "Nordlys", corporateIdentificationNumber="10150817", email="hej@nordlys.example")
    books.customer(2, "Havnen", corporateIdentificationNumber="13585628")
    books.connect()
    books.forget_log()
    return books


def test_a_change_comes_in(known: BooksPlace) -> None:
    known.control(put_customers=[{"customerNumber": 1, "email": "ny@nordlys.example"}])
    known.hint("customer", 1)

    drain(known)

    assert known.contact("Nordlys").first_email == "ny@nordlys.example"
    assert waiting(known) == []
    (run,) = runs(known)
    assert (run.counters["updated"], run.counters["seen"], run.is_over) == (1, 1, True)
    assert known.history(known.contact("Nordlys"))[-1].run_id == run.pk


def test_a_hint_that_changes_nothing_leaves_no_trace(known: BooksPlace) -> None:
    before = known.snapshot()
    known.hint("customer", 1)

    drain(known)

    assert known.snapshot() == before
    assert (waiting(known), runs(known)) == ([], [])


def test_a_call_about_our_own_change_is_no_news(known: BooksPlace) -> None:
    """F31."""
    known.edit(known.contact("Nordlys"), emails=[{"label": "", "email": "ours@nordlys.example"}])
    known.settle()
    assert len(known.requests("PUT", "POST", path="/customers")) == 1
    before = known.snapshot()
    for _ in range(2):
        known.hint("customer", 1)
        drain(known)
    known.settle()

    assert len(known.requests("PUT", "POST", path="/customers")) == 1
    assert known.snapshot() == before
    assert known.outbox() == []


def test_a_new_customer_comes_with_its_people(known: BooksPlace) -> None:
    known.customer(3, "Fjorden")
    known.employee(3, "Åse Holm")
    known.hint("customer", 3)

    drain(known)

    assert known.contact("Åse Holm").organisation_id == known.contact("Fjorden").pk


def test_told_ten_times_read_once(known: BooksPlace) -> None:
    for _ in range(10):
        known.hint("customer", 1)
    known.forget_log()

    drain(known)

    assert len(known.requests("GET", path="/customers/1")) == 2  # itself and its people


def test_an_invoice(known: BooksPlace) -> None:
    (number,) = known.control(bill=[{"customer": 1, "net": 100.0}])["invoices"]
    known.hint("invoice", number)

    drain(known)

    with known.open(), database.cursor() as cursor:
        cursor.execute("SELECT contact_id FROM invoices_invoice WHERE remote_id = %s", [str(number)])
        assert cursor.fetchone() == (known.contact("Nordlys").pk,)


def test_a_renumbered_customer_keeps_its_contact(known: BooksPlace) -> None:
    nordlys = known.contact("Nordlys")
    known.control(renumber=[[1, 900]])
    known.hint("customer", 900, was=1)

    drain(known)

    assert known.link(900, kind="customer").contact_id == nordlys.pk
    assert [contact.name for contact in known.contacts(name="Nordlys")] == ["Nordlys"]
    assert known.links(remote_id="1") == []


def test_a_number_that_was_given_to_somebody_else_is_no_renumbering(known: BooksPlace) -> None:
    nordlys = known.contact("Nordlys")
    known.customer(900, "Somebody else", corporateIdentificationNumber="29403473")
    known.control(delete_customers=[1])
    known.hint("customer", 900, was=1)

    drain(known)

    assert known.link(900, kind="customer").contact_id == known.contact("Somebody else").pk
    assert known.link(1, kind="customer").contact_id == nordlys.pk


def test_both_numbers_in_use_is_no_renumbering(known: BooksPlace) -> None:
    known.customer(900, "Nordlys Filial")
    known.hint("customer", 900, was=1)

    drain(known)

    assert known.link(1, kind="customer").contact_id == known.contact("Nordlys").pk
    assert known.link(900, kind="customer").contact_id == known.contact("Nordlys Filial").pk


def test_a_number_that_leads_nowhere_is_gone_only_when_the_whole_lacks_it(known: BooksPlace) -> None:
    known.control(delete_customers=[1])
    known.hint("customer", 1)

    drain(known)
    assert known.link(1, kind="customer").state == LinkState.LINKED

    with known.open():
        row = Connection.objects.get(pk=known.connection.pk)
        row.history = {}
        row.save(update_fields=["history"])
    known.sync()
    assert known.link(1, kind="customer").state == LinkState.GONE
    assert known.contact("Nordlys")


def test_a_number_given_again_is_held(known: BooksPlace) -> None:
    known.control(delete_customers=[1])
    known.customer(1, "Somebody else", corporateIdentificationNumber="29403473")
    known.hint("customer", 1)

    drain(known)

    assert known.link(1, kind="customer").reason["code"] == "number_reused"
    assert known.contact("Nordlys").tax_id == "10150817"


@pytest.mark.parametrize(("kind", "id"), [("customer", "0"), ("customer", "-1"), ("customer", "x" * 100), ("nonsense", "1"), ("", "")])
def test_garbage_does_no_harm(known: BooksPlace, kind: str, id: str) -> None:
    before = known.snapshot()
    known.hint(kind, id)

    drain(known)

    assert known.snapshot() == before
    assert waiting(known) == []


def test_the_vendor_asks_for_patience(known: BooksPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2):
        known.control(put_customers=[{"customerNumber": number, "email": f"ny{number}@them.example"}])
        known.hint("customer", number)
    get, calls = Economic.get, [0]

    def patient(self: Economic, ref: Any) -> Any:
        calls[0] += 1
        if calls[0] == 2:
            raise Retry(Reason("rate_limited"), after=30.0)
        return get(self, ref)

    monkeypatch.setattr(Economic, "get", patient)

    drain(known)

    assert known.contact("Nordlys").first_email == "ny1@them.example", "what was read before is stored"
    (left,) = waiting(known)
    assert (left.remote_id, left.tries) == ("2", 0)
    assert left.not_before is not None
    assert timezone.now() + timedelta(seconds=20) < left.not_before < timezone.now() + timedelta(seconds=40)


def test_a_record_that_cannot_be_read_becomes_visible_at_last(known: BooksPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Economic, ref: Any) -> Any:
        raise ValueError("no number")

    monkeypatch.setattr(Economic, "get", broken)
    known.hint("customer", 1)
    for _ in range(6):
        drain(known)
        with known.open():
            Hint.objects.update(not_before=None)

    link = known.link(1, kind="customer")
    assert waiting(known) == []
    assert (link.state, link.reason["code"]) == (LinkState.FAILING, "bad_record")
    assert runs(known)[-1].counters["failed"] == 1


def test_one_poisons_and_the_others_are_stored(known: BooksPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, name in ((3, "Fjorden"), (4, "Poison"), (5, "Bakken")):
        known.customer(number, name)
        known.hint("customer", number)
    insert = apply.insert_contacts

    def refusing(workspace: Workspace, rows: Any, *, origin: Any) -> list[int]:
        if any(row["name"] == "Poison" for row in rows):
            raise DataError("no number")
        return insert(workspace, rows, origin=origin)

    monkeypatch.setattr(apply, "insert_contacts", refusing)

    drain(known)

    assert {contact.name for contact in known.contacts()} == {"Nordlys", "Havnen", "Fjorden", "Bakken"}
    assert known.link(4, kind="customer").state == LinkState.FAILING
    assert waiting(known) == []


def test_told_again_while_it_is_read(known: BooksPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    known.hint("customer", 1)
    keep = hinted.store

    def interrupted(*args: Any, **kwargs: Any) -> None:
        known.hint("customer", 1)
        keep(*args, **kwargs)

    monkeypatch.setattr("integrations.domain.inbox.store", interrupted)
    drain_hints(known.connection, until=time.monotonic())

    assert [hint.remote_id for hint in waiting(known)] == ["1"]


def test_a_worker_that_dies_costs_a_repetition(known: BooksPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    known.control(put_customers=[{"customerNumber": 1, "email": "ny@nordlys.example"}])
    known.hint("customer", 1)

    def dying(*args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("integrations.domain.inbox.store", dying)
        with pytest.raises(KeyboardInterrupt):
            drain(known)
    assert len(waiting(known)) == 1
    with known.open():
        Hint.objects.update(not_before=timezone.now())

    drain(known)

    assert known.contact("Nordlys").first_email == "ny@nordlys.example"
    assert waiting(known) == []


def test_before_the_first_sync_nothing_is_read(books: BooksPlace) -> None:
    books.customer(1, "Nordlys")
    books.connect(run=False)
    books.hint("customer", 1)

    drain(books)
    assert books.contacts() == []
    assert len(waiting(books)) == 1

    books.settle()
    assert waiting(books) == []


def test_a_worker_looks_by_itself(known: BooksPlace) -> None:
    known.control(put_customers=[{"customerNumber": 1, "email": "ny@nordlys.example"}])
    known.hint("customer", 1)

    known.settle()

    assert known.contact("Nordlys").first_email == "ny@nordlys.example"


def test_a_burst_is_drained_with_as_many_statements_whatever_its_size(known: BooksPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[int] = []
    keep = hinted.store

    def counting(*args: Any, **kwargs: Any) -> None:
        with CaptureQueriesContext(database) as queries:
            keep(*args, **kwargs)
        found.append(len(queries))

    monkeypatch.setattr("integrations.domain.inbox.store", counting)
    monkeypatch.setattr("integrations.domain.inbox.READING", 60.0)
    for first, size in ((1000, 10), (2000, 100)):
        known.control(add_customers=[{"customerNumber": first + n, "name": f"Customer {first + n}"} for n in range(size)])
        with known.open():
            now = timezone.now()
            rows = {"workspace": known.workspace, "connection": known.connection, "remote_kind": "customer", "at": now}
            Hint.objects.bulk_create([Hint(**rows, remote_id=str(first + n)) for n in range(size)])
        drain(known)
    assert len(known.contacts()) == 112
    assert len(found) == 2
    assert found[0] == found[1]
