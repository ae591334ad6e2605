"""The log of a run: kept as codes and values, said in the language of whoever reads it."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client
from django.utils import translation

from accounts.scoping import workspace_tx
from crmsync.embedded import ROOT
from erp_history.domain import night
from erp_history.domain.run_log import COUNTED, SENTENCES, words_of
from erp_history.enums import IntegrationType
from erp_history.models import ErpPhase, ErpRun, ErpSource
from tests.erp_history.makers import TODAY, company, note, push, run_night
from tests.fixtures import Cast

LINE: dict[str, Any] = {
    "at": "2026-08-31T00:00:00+00:00",
    "code": "curve",
    "values": {"grouping": "brand", "lines": 1234, "written": 2, "gone": 0},
}


def test_every_line_is_a_code_that_has_words(cast: Cast, erp: Client) -> None:
    push(erp, "empresa", [company("C1")])
    push(erp, "nota", [note("N1", "C1", "10.00"), note("N2", "unknown", "10.00")])
    run_night(cast.workspace)
    with workspace_tx(cast.workspace):
        lines = [line for phase in ErpPhase.objects.all() for line in phase.log]

    assert len(lines) > 12
    assert all(line.keys() == {"at", "code", "values"} for line in lines)
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "erp_history").rglob("*.py"))
    said = set(re.findall(r"(?:\.say|\bline)\(\s*\"(\w+)\"", sources))
    assert said == set(SENTENCES)
    assert {line["code"] for line in lines} <= {*SENTENCES, COUNTED}


def test_it_is_said_in_the_reader_s_language_and_as_they_write_numbers() -> None:
    with translation.override("en"):
        assert words_of(LINE) == "Brand: lines 1,234, written 2, gone 0"
    with translation.override("pt-br"):
        assert words_of(LINE).startswith("Marca: linhas 1.234,")
    with translation.override("pt-br"):
        assert words_of({"code": COUNTED, "values": {"created": 1200}}).endswith(": 1.200")


def test_a_time_is_said_in_its_own_unit() -> None:
    with translation.override("en"):
        assert words_of({"code": "done", "values": {"rows": 1, "seconds": 0.0042}}) == "Rows: 1, in 4\u00a0ms"
        assert words_of({"code": "done", "values": {"rows": 1200, "seconds": 75.4}}) == "Rows: 1,200, in 1\u00a0min 15\u00a0s"


def test_lines_of_runs_before_there_were_codes_are_shown_as_they_are() -> None:
    assert words_of({"at": "2026-08-31T00:00:00+00:00", "text": "5 rows in 0.1 s"}) == "5 rows in 0.1 s"


def test_page_download_and_api_say_the_same(cast: Cast, erp: Client, alice: Client) -> None:
    push(erp, "empresa", [company("C1")])
    run = run_night(cast.workspace)
    with workspace_tx(cast.workspace):
        ErpPhase.objects.filter(run=run, name="abc").update(log=[LINE])
    cast.alice.language = "pt-br"
    cast.alice.save()

    page = f"/w/hartwell/settings/erp/runs/{run.pk}/"
    for shown in (alice.get(page), alice.get(f"{page}log.txt")):
        assert "Marca: linhas 1.234," in shown.content.decode()
    [listed] = erp.get("/api/v1/erp/runs/").json()["results"]
    [told] = next(phase["log"] for phase in listed["phases"] if phase["name"] == "abc")
    assert told.keys() == {"at", "text"}
    assert "1,234" in told["text"] or "1.234" in told["text"]


def test_what_went_wrong_is_said_in_the_workspace_s_language(cast: Cast, erp: Client) -> None:
    push(erp, "empresa", [company("C1")])
    cast.workspace.language = "pt-br"
    cast.workspace.save()
    with workspace_tx(cast.workspace):
        ErpSource.objects.update(integration=IntegrationType.VIEW)
    night.request_run(cast.workspace, today=TODAY)
    night.advance(cast.workspace, until=float("inf"))
    with workspace_tx(cast.workspace), translation.override("pt-br"):
        assert ErpRun.objects.get().error == f"vw_crm_vendedor: {translation.gettext('Give the name of a host.')}"
        assert translation.gettext("Give the name of a host.") != "Give the name of a host."
