"""F13: PostgreSQL has no room. The ERP is told to come back later, nothing is half stored, and what it sends again is stored once."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from accounts.scoping import workspace_tx
from contacts.models import Contact
from erp_history.domain import night
from erp_history.models import CompanyFigures, Empresa, ErpRequest, ErpRun
from tests.disk import no_room_for
from tests.erp_history.makers import TODAY, company, counts, note, post, push, run_night
from tests.fixtures import Cast

ROWS = [company(f"C{number}") for number in range(40)]


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "monday"}], ids=["plain", "with a key"])
def test_a_batch_without_room_is_answered_with_come_back_later(cast: Cast, erp: Client, headers: dict[str, str]) -> None:
    with no_room_for(Empresa):
        answer = post(erp, "empresa", ROWS, **headers)

    assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")
    assert int(answer["Retry-After"]) > 0
    with workspace_tx(cast.workspace):
        assert not Empresa.objects.exists()
        [kept] = ErpRequest.objects.all()
        assert (kept.status, kept.inserted) == (503, 0)
    assert counts(post(erp, "empresa", ROWS, **headers).json()) == [40, 40, 0, 0, 0, 0]


def test_when_not_even_the_history_can_be_written_it_is_still_come_back_later(cast: Cast, erp: Client) -> None:
    with no_room_for(ErpRequest):
        answer = post(erp, "empresa", ROWS)

    assert (answer.status_code, int(answer["Retry-After"]) > 0) == (503, True)
    with workspace_tx(cast.workspace):
        assert not Empresa.objects.exists(), "rows without their line in the history would be half a story"
    assert counts(push(erp, "empresa", ROWS)) == [40, 40, 0, 0, 0, 0]


@pytest.mark.parametrize("model", [Contact, CompanyFigures])
def test_a_night_without_room_goes_on_at_its_step(cast: Cast, erp: Client, model: Any) -> None:
    push(erp, "empresa", [company("C1")])
    push(erp, "nota", [note("N1", "C1", "10.00")])
    night.request_run(cast.workspace, today=TODAY)
    with no_room_for(model), pytest.raises(OperationalError, match="No space left"):
        night.advance(cast.workspace, until=float("inf"))
    with workspace_tx(cast.workspace):
        [run] = ErpRun.objects.all()
        assert (run.status, run.lease) == ("running", ""), "no failure of the data: the next ring tries the same step"
        assert not model.objects.exists()

    run_night(cast.workspace)

    with workspace_tx(cast.workspace):
        assert ErpRun.objects.count() == Contact.objects.count() == 1
        assert CompanyFigures.objects.get().revenue == 10
