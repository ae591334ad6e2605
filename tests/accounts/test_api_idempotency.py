"""The same POST twice is done once and answered twice."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from accounts.models import IdempotentAnswer, Team
from accounts.scoping import workspace_tx
from tests.accounts.api_client import api_client
from tests.accounts.things import assert_problem, post, teams
from tests.fixtures import Cast

pytestmark = pytest.mark.urls("tests.accounts.things")


@pytest.fixture
def api(cast: Cast) -> Client:
    return api_client(cast.alice, cast.workspace)


@pytest.mark.parametrize("url", ["/api/v1/things/", "/api/v1/outside/"])
def test_the_same_key_is_done_once_and_answered_twice(api: Client, cast: Cast, url: str) -> None:
    first, second = post(api, key="k1", url=url), post(api, key="k1", url=url)

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json() == {"id": "Sales", "count": 1}
    assert second["Location"] == "/there"
    assert ("Idempotency-Replayed" in first, second["Idempotency-Replayed"]) == (False, "true")
    assert teams(cast) == ["Sales"]


@pytest.mark.parametrize("url", ["/api/v1/things/", "/api/v1/outside/"])
@pytest.mark.parametrize(("name", "status"), [("", 400), ("refused", 409)])
def test_refusals_are_answered_again_too_and_leave_nothing(api: Client, cast: Cast, url: str, name: str, status: int) -> None:
    first, second = post(api, name, key="k1", url=url), post(api, name, key="k1", url=url)

    assert first.status_code == second.status_code == status
    assert first.content == second.content
    assert second["Content-Type"] == "application/problem+json"
    assert teams(cast) == []


def test_another_body_or_address_with_the_key_is_a_422(api: Client) -> None:
    post(api, key="k1")

    assert_problem(post(api, "Other", key="k1"), 422, "idempotency_key_reused")
    assert_problem(post(api, key="k1", url="/api/v1/outside/"), 422, "idempotency_key_reused")


def test_keys_of_two_people_are_two_keys(api: Client, cast: Cast) -> None:
    assert post(api, key="k1").status_code == 201
    assert post(api_client(cast.bob, cast.workspace), "Bobs", key="k1").status_code == 201
    assert post(api_client(cast.charlie, cast.elsewhere), "Other", key="k1").json()["count"] == 1


@pytest.mark.parametrize("url", ["/api/v1/things/", "/api/v1/outside/"])
@pytest.mark.parametrize("name", ["fault", "busy"])
def test_faults_and_come_back_later_are_not_kept(api: Client, cast: Cast, url: str, name: str) -> None:
    api.raise_request_exception = False
    assert post(api, name, key="k1", url=url).status_code in {500, 429}

    with workspace_tx(cast.workspace):
        assert not IdempotentAnswer.objects.exists()


@pytest.mark.parametrize("key", ["", "x" * 201, "café", "a b"])
def test_a_key_must_be_plain(api: Client, key: str) -> None:
    response = api.post("/api/v1/things/", "{}", content_type="application/json", headers={"Idempotency-Key": key})

    assert_problem(response, 400, "bad_idempotency_key")


def test_a_key_is_forgotten_after_seven_days(api: Client, cast: Cast, time_machine: Any) -> None:
    time_machine.move_to("2026-08-01T12:00:00Z")
    post(api, key="k1")
    time_machine.move_to("2026-08-08T11:59:00Z")
    assert "Idempotency-Replayed" in post(api, key="k1")
    time_machine.move_to("2026-08-08T12:01:00Z")
    assert post(api, "Other", key="k1").status_code == 201


def test_a_view_that_died_outside_a_transaction_is_taken_over(api: Client, cast: Cast, time_machine: Any) -> None:
    time_machine.move_to("2026-08-01T12:00:00Z")
    post(api, key="k1", url="/api/v1/outside/")
    with workspace_tx(cast.workspace):
        IdempotentAnswer.objects.update(status=None)
        Team.objects.all().delete()
    busy = post(api, key="k1", url="/api/v1/outside/")
    assert_problem(busy, 409, "in_flight")
    assert busy["Retry-After"] == "1"

    time_machine.move_to("2026-08-01T12:11:00Z")
    assert post(api, key="k1", url="/api/v1/outside/").status_code == 201
    assert teams(cast) == ["Sales"]


@pytest.mark.django_db(transaction=True)
def test_the_same_key_at_the_same_moment_is_done_once(cast: Cast) -> None:
    statuses: list[int] = []
    clients = [api_client(cast.alice, cast.workspace) for _ in range(4)]
    barrier = threading.Barrier(4)

    def press(client: Client) -> None:
        barrier.wait()
        statuses.append(post(client, key="k1").status_code)
        connections.close_all()

    threads = [threading.Thread(target=press, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert teams(cast) == ["Sales"]
    assert set(statuses) <= {201, 409}
    assert 201 in statuses
