from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Workspace
from invoices.domain.store import attach, hide, known_versions, remove_unseen, repoint, show, store_invoices
from invoices.domain.summarise import shown
from invoices.models import Invoice
from tests.invoices.builders import CONNECTION, organisation, row, store


def test_new_version_is_written_and_old_one_left_alone(inside: Workspace) -> None:
    first, second = row(), row()
    assert store_invoices(inside, CONNECTION, [first, second], contact_by_customer={}) == (2, 0, 0)
    paid = replace(first, version="2", outstanding=Decimal(0), state="paid")
    sneaked = replace(second, outstanding=Decimal(1))
    assert store_invoices(inside, CONNECTION, [paid, sneaked], contact_by_customer={}) == (0, 1, 1)
    amounts = dict(Invoice.objects.values_list("remote_id", "outstanding"))
    assert amounts == {first.remote_id: 0, second.remote_id: 120}


def test_of_one_invoice_sent_twice_the_last_counts(inside: Workspace) -> None:
    first = row()
    store_invoices(inside, CONNECTION, [first, replace(first, number="B")], contact_by_customer={})
    assert Invoice.objects.get().number == "B"


def test_customer_found_later_moves_the_invoice_though_its_version_stays(inside: Workspace) -> None:
    contact, one = organisation(inside), row()
    store_invoices(inside, CONNECTION, [one], contact_by_customer={})
    assert store_invoices(inside, CONNECTION, [one], contact_by_customer={("client", "1"): contact.pk}).updated == 1
    assert Invoice.objects.get().contact_id == contact.pk


@pytest.mark.parametrize("size", [20, 200])
def test_statements_stay_the_same_whatever_the_batch(inside: Workspace, size: int) -> None:
    rows = [row() for _ in range(size)]
    with CaptureQueriesContext(connection) as seen:
        known_versions(inside, CONNECTION, [(each.remote_kind, each.remote_id) for each in rows])
        store_invoices(inside, CONNECTION, rows, contact_by_customer={})
        attach(inside, CONNECTION, {("client", "1"): None})
        remove_unseen(inside, CONNECTION, remote_kind="invoice", seen=[each.remote_id for each in rows])
    assert len(seen) == 4
    assert Invoice.objects.count() == size


def test_known_versions_leaves_unknown_ones_out(inside: Workspace) -> None:
    one = row(version="v9")
    store(inside, one)
    asked = [("invoice", one.remote_id), ("invoice", "nobody"), ("quote", one.remote_id)]
    assert known_versions(inside, CONNECTION, asked) == {("invoice", one.remote_id): "v9"}
    assert known_versions(inside, CONNECTION, []) == {}


def test_remove_unseen_spares_other_kinds_and_connections(inside: Workspace) -> None:
    seen, gone, quote = row(), row(), row(remote_kind="quote", kind="quote")
    store(inside, seen, gone, quote)
    store(inside, elsewhere := row(), connection_id=8)
    assert remove_unseen(inside, CONNECTION, remote_kind="invoice", seen=[seen.remote_id]) == 1
    assert set(Invoice.objects.values_list("remote_id", flat=True)) == {seen.remote_id, quote.remote_id, elsewhere.remote_id}


def test_remove_unseen_of_an_empty_pull_removes_all(inside: Workspace) -> None:
    store(inside, row(), row())
    assert remove_unseen(inside, CONNECTION, remote_kind="invoice", seen=[]) == 2


def test_attach_gives_and_takes(inside: Workspace) -> None:
    contact = organisation(inside)
    store(inside, row(customer_id="1"), row(customer_id="2"))
    assert attach(inside, CONNECTION, {("client", "1"): contact.pk, ("client", "2"): None}) == 1
    assert contact.invoices.count() == 1
    assert attach(inside, CONNECTION, {("client", "1"): None}) == 1
    assert attach(inside, CONNECTION, {}) == 0
    assert contact.invoices.count() == 0


def test_hidden_invoices_are_not_shown_until_they_come_back(inside: Workspace) -> None:
    store(inside, row())
    store(inside, row(), connection_id=8)
    assert hide(inside, CONNECTION) == 1
    assert shown(inside).count() == 1
    assert show(inside, CONNECTION) == 1
    assert shown(inside).count() == 2


def test_repoint_after_a_merge(inside: Workspace) -> None:
    kept, gone = organisation(inside), organisation(inside, "Bakerloo")
    store(inside, row(), row(), contact=gone)
    assert repoint(inside, gone.pk, kept.pk) == 2
    assert kept.invoices.count() == 2
