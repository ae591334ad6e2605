"""Several connections at once: the same keys, the same Idempotency-Key, a night in between. Nothing is lost, nothing is doubled."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from accounts.scoping import workspace_tx
from contacts.models import Contact
from erp_history.enums import LinkState
from erp_history.models import CompanyFigures, Empresa, ErpLink, Nota
from tests.accounts.api_client import api_client
from tests.erp_history.makers import company, note, post, push, run_night
from tests.fixtures import Cast

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(number: int, work: Callable[[int], Any]) -> list[Any]:
    found: list[Any] = [None] * number
    gate = threading.Barrier(number)

    def run(position: int) -> None:
        gate.wait()
        found[position] = work(position)
        connections.close_all()

    threads = [threading.Thread(target=run, args=[position]) for position in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def client_of(cast: Cast) -> Client:
    return api_client(cast.alice, cast.workspace, scopes=["erp"])


def test_the_same_keys_in_parallel_are_stored_once(cast: Cast) -> None:
    clients = [client_of(cast) for _ in range(6)]
    orders = [list(range(200)), list(range(199, -1, -1))]

    def work(position: int) -> dict[str, Any]:
        rows = [company(f"C{n}", cidade=f"City {position}") for n in orders[position % 2]]
        return push(clients[position], "empresa", rows)

    answers = at_once(6, work)
    assert sum(answer["inserted"] for answer in answers) == 200
    assert all(sum(answer[name] for name in ("inserted", "updated", "unchanged", "superseded")) == 200 for answer in answers)
    with workspace_tx(cast.workspace):
        assert Empresa.objects.count() == 200
        assert Empresa.objects.values("cidade").distinct().count() <= 6


def test_one_idempotency_key_in_parallel_is_one_request(cast: Cast) -> None:
    clients = [client_of(cast) for _ in range(10)]

    def work(position: int) -> tuple[int, bool]:
        answer = post(clients[position], "empresa", [company("C1")], **{"Idempotency-Key": "one"})
        return answer.status_code, answer.has_header("Idempotency-Replayed")

    found = at_once(10, work)
    assert found.count((200, False)) == 1
    assert set(found) <= {(200, False), (200, True), (409, False)}


def test_writers_and_a_night_side_by_side_lose_nothing(cast: Cast) -> None:
    clients = [client_of(cast) for _ in range(4)]
    push(clients[0], "empresa", [company(f"C{n}") for n in range(4)])

    def work(position: int) -> None:
        if position == 4:
            run_night(cast.workspace)
            return
        for batch in range(5):
            rows = [note(f"N{position}-{batch}-{n}", f"C{position}", "1.00") for n in range(20)]
            push(clients[position], "nota", rows)

    at_once(5, work)
    run_night(cast.workspace)
    with workspace_tx(cast.workspace):
        assert Nota.objects.count() == 400
        assert sorted(CompanyFigures.objects.values_list("revenue", flat=True)) == [100] * 4


def test_a_company_that_two_clicks_make_new_is_made_once(cast: Cast) -> None:
    push(client_of(cast), "empresa", [company("C1")])
    run_night(cast.workspace)
    with workspace_tx(cast.workspace):
        link = ErpLink.objects.get()
        ErpLink.objects.filter(pk=link.pk).update(state=LinkState.HELD, contact=None, reason="several")
        before = Contact.objects.count()
    clients = [Client() for _ in range(6)]
    for client in clients:
        client.force_login(cast.alice)
    page = f"/w/{cast.workspace.slug}/settings/erp/decisions/{link.pk}/"
    codes = at_once(6, lambda position: clients[position].post(page, {"contact": "new"}).status_code)
    assert sorted(codes) == [302, 404, 404, 404, 404, 404]
    with workspace_tx(cast.workspace):
        assert Contact.objects.count() == before + 1
