"""A night computes again what may have changed, and nothing else."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.scoping import workspace_tx
from contacts.models import Contact
from erp_history.domain import night
from erp_history.domain.steps import Step, StepFailed
from erp_history.enums import Phase
from erp_history.models import CompanyFigures, Empresa, ErpLink, ErpNews, ErpRun, ErpSource
from tests.erp_history.makers import TODAY, company, note, push, run_night
from tests.erp_history.test_snapshots import begin, end
from tests.fixtures import Cast


def lines_of(run: ErpRun) -> dict[str, list[str]]:
    return {phase.name: [line["code"] for line in phase.log] for phase in run.phases.all()}


def is_kept(run: ErpRun, phase: str) -> bool:
    """Did the step say that it had nothing to do?"""
    return lines_of(run)[phase][0] == "counted"


def revenue(cast: Cast) -> dict[str, Decimal]:
    with workspace_tx(cast.workspace):
        codes = dict(Empresa.objects.values_list("id", "codigo_erp"))
        return {codes[row.company_id]: row.revenue for row in CompanyFigures.objects.exclude(abc_class=None)}


@pytest.fixture
def sold(cast: Cast, erp: Client) -> Client:
    push(erp, "empresa", [company("C1"), company("C2")])
    push(erp, "nota", [note("N1", "C1", "10.00"), note("N2", "C2", "5.00")])
    push(erp, "itens_nota", [{"codigo_nota": "N1", "item": "1", "marca": "Kappa", "valor_total": "10.00"}])
    run_night(cast.workspace)
    return erp


def test_what_nobody_changed_is_not_computed_again(cast: Cast, sold: Client) -> None:
    push(sold, "nota", [note("N1", "C1", "10.00")])
    with workspace_tx(cast.workspace):
        assert not ErpNews.objects.exists()
    run = run_night(cast.workspace)
    assert is_kept(run, Phase.FIGURES)
    assert is_kept(run, Phase.ABC)
    assert [phase.rows for phase in run.phases.all() if phase.name in {Phase.DOCUMENTS, Phase.FIGURES, Phase.ABC}] == [2, 2, 2]


@pytest.mark.parametrize(
    ("table", "row", "figures", "curve"),
    [
        ("nota", note("N3", "C1", "1.00"), False, False),
        ("empresa", company("C3"), False, False),
        ("itens_nota", {"codigo_nota": "N1", "item": "2", "marca": "Brava", "valor_total": "1.00"}, True, False),
        ("cotacao", {"codigo_erp": "Q1", "codigo_empresa": "C1", "data": TODAY.isoformat()}, False, True),
        ("vendedor", {"codigo_erp": "V1", "nome": "Bob"}, True, True),
    ],
)
def test_a_change_is_computed_by_the_steps_that_read_its_table(
    cast: Cast, sold: Client, table: str, row: dict[str, Any], figures: bool, curve: bool
) -> None:
    push(sold, table, [row])
    run = run_night(cast.workspace)
    assert (is_kept(run, Phase.FIGURES), is_kept(run, Phase.ABC)) == (figures, curve)
    run = run_night(cast.workspace)
    assert is_kept(run, Phase.FIGURES)
    assert is_kept(run, Phase.ABC)


def test_another_day_and_another_rule_are_computed(cast: Cast, sold: Client) -> None:
    run = run_night(cast.workspace, today=TODAY + dt.timedelta(days=1))
    assert not is_kept(run, Phase.FIGURES)
    assert not is_kept(run, Phase.ABC)
    with workspace_tx(cast.workspace):
        ErpSource.objects.update(abc_a=50)
    run = run_night(cast.workspace, today=TODAY + dt.timedelta(days=1))
    assert is_kept(run, Phase.FIGURES)
    assert not is_kept(run, Phase.ABC)


def test_rows_that_a_snapshot_closed_are_news(cast: Cast, sold: Client) -> None:
    snapshot = begin(sold, "nota")
    push(sold, "nota", [note("N2", "C2", "5.00")], **{"X-Snapshot": snapshot})
    assert end(sold, snapshot, 1, confirm=True).status_code == 200
    run_night(cast.workspace)
    assert revenue(cast) == {"C2": 5}


def test_a_push_after_the_step_is_computed_by_the_next_night_also_when_this_one_succeeds(cast: Cast, sold: Client) -> None:
    night.request_run(cast.workspace, today=TODAY)

    def late(step: Step) -> None:
        if step.phase.name == Phase.ABC:
            push(sold, "nota", [note("N3", "C1", "90.00")])

    night.advance(cast.workspace, until=float("inf"), on_step=late)
    assert revenue(cast) == {"C1": 10, "C2": 5}
    run_night(cast.workspace)
    assert revenue(cast) == {"C1": 100, "C2": 5}


@pytest.mark.parametrize("name", [Phase.FIGURES, Phase.ABC, Phase.CATEGORIES])
def test_a_push_between_a_night_that_failed_and_the_one_that_goes_on_is_not_lost(
    cast: Cast, sold: Client, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def fail(_step: Step) -> bool:
        raise StepFailed("The disk is full.")

    push(sold, "nota", [note("N3", "C1", "1.00")])
    with monkeypatch.context() as patch:
        patch.setattr(night, "STEPS", {**night.STEPS, name: fail})
        night.request_run(cast.workspace, today=TODAY)
        night.advance(cast.workspace, until=float("inf"))
    push(sold, "nota", [note("N4", "C1", "100.00")])
    run_night(cast.workspace)
    run_night(cast.workspace)
    assert revenue(cast) == {"C1": 111, "C2": 5}
    with workspace_tx(cast.workspace):
        assert not ErpNews.objects.exists()


def test_a_link_that_somebody_moved_is_followed_without_news_of_the_erp(cast: Cast, sold: Client) -> None:
    with workspace_tx(cast.workspace):
        kept = Contact.objects.earliest("pk")
        ErpLink.objects.update(contact=kept)
    run = run_night(cast.workspace)
    assert is_kept(run, Phase.FIGURES)
    with workspace_tx(cast.workspace):
        assert {figures.contact_id for figures in CompanyFigures.objects.all()} == {kept.pk}


def test_what_waits_is_told_also_when_nothing_changed(cast: Cast, sold: Client) -> None:
    push(sold, "itens_nota", [{"codigo_nota": "unknown", "item": "1"}])
    told = [next(phase.counters for phase in run_night(cast.workspace).phases.all() if phase.name == Phase.DOCUMENTS) for _ in range(2)]
    assert told == [{"waiting": 1, "resolved": 0}] * 2
