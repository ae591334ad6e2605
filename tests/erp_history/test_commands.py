from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django.live_server_helper import LiveServer

from accounts.scoping import workspace_tx
from erp_history.models import Empresa, ErpRequest, Fatura
from tests.fixtures import Cast


def run(*arguments: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command(*arguments, "--json", stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


@pytest.mark.django_db(transaction=True)
def test_a_made_up_distributor_comes_in_through_http_and_has_its_night(cast: Cast, live_server: LiveServer) -> None:
    sample = [
        "erp_sample",
        "--workspace",
        "hartwell",
        "--companies",
        "20",
        "--months",
        "3",
        "--url",
        live_server.url,
        "--today",
        "2026-08-31",
    ]
    first = run(*sample)
    again = run(*sample)

    assert (first["inserted"], first["rejected"], first["received"]) == (first["received"], 0, sum(first["tables"].values()))
    assert (again["unchanged"], again["closed"]) == (first["received"], 0)
    result = run("erp_nightly", "--workspace", "hartwell", "--today", "2026-08-31")
    assert (result["outcome"], len(result["phases"])) == ("success", 8)
    with workspace_tx(cast.workspace):
        assert Empresa.objects.count() == 20
        assert Fatura.objects.filter(gone_at=None).count() == first["tables"]["fatura"]
        assert ErpRequest.objects.filter(status=200).count() > 12


def test_unknown_workspaces_and_days_are_one_clear_line(cast: Cast) -> None:
    for arguments in (["erp_nightly", "--workspace", "nobody"], ["erp_nightly", "--workspace", "hartwell", "--today", "x"],
                      ["erp_sample", "--workspace", "nobody"]):  # fmt: skip
        with pytest.raises(CommandError):
            call_command(*arguments)
