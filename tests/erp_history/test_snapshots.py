from __future__ import annotations

from typing import Any

from django.test import Client

from tests.accounts.api_client import api_client
from tests.erp_history.makers import company, counts, post, push
from tests.fixtures import Cast


def begin(client: Client, table: str) -> str:
    answer = client.post("/api/v1/erp/snapshots/", {"table": table}, content_type="application/json")
    assert answer.status_code == 201, answer.content
    return str(answer.json()["id"])


def end(client: Client, snapshot: str, rows: int, **more: Any) -> Any:
    return client.post(f"/api/v1/erp/snapshots/{snapshot}/end/", {"rows": rows, **more}, content_type="application/json")


def receivable(code: str, **values: Any) -> dict[str, Any]:
    return {"codigo_erp": code, "codigo_empresa": "C1", "data_vencimento": "2026-09-01", "valor": 10, "saldo": 10, **values}


def gone(client: Client, table: str) -> dict[str, bool]:
    return {row["key"]: row["gone_at"] is not None for row in client.get(f"/api/v1/erp/{table}/").json()["results"]}


def test_what_does_not_come_in_a_complete_load_is_closed_and_comes_back(erp: Client) -> None:
    push(erp, "fatura", [receivable("F1"), receivable("F2"), receivable("F3")])
    snapshot = begin(erp, "fatura")
    push(erp, "fatura", [receivable("F1")], **{"X-Snapshot": snapshot})
    push(erp, "fatura", [receivable("F2", valor="bad")], **{"X-Snapshot": snapshot})
    assert gone(erp, "fatura") == {"F1": False, "F2": False, "F3": False}
    answer = end(erp, snapshot, 2)

    assert (answer.status_code, answer.json()["closed"], answer.json()["status"]) == (200, 1, "closed")
    assert gone(erp, "fatura") == {"F1": False, "F2": False, "F3": True}
    assert counts(push(erp, "fatura", [receivable("F3")])) == [1, 0, 1, 0, 0, 0]
    assert gone(erp, "fatura")["F3"] is False


def test_a_wrong_number_of_rows_closes_nothing(erp: Client) -> None:
    push(erp, "fatura", [receivable("F1"), receivable("F2")])
    snapshot = begin(erp, "fatura")
    push(erp, "fatura", [receivable("F1")], **{"X-Snapshot": snapshot})
    answer = end(erp, snapshot, 2)

    assert (answer.status_code, answer.json()["type"].endswith("row_count")) == (409, True)
    assert gone(erp, "fatura") == {"F1": False, "F2": False}
    assert end(erp, snapshot, 1).status_code == 200


def test_an_empty_snapshot_after_a_full_one_asks_first(erp: Client) -> None:
    push(erp, "empresa", [company("C1")])
    snapshot = begin(erp, "empresa")
    answer = end(erp, snapshot, 0)

    assert (answer.status_code, answer.json()["type"].endswith("empty_snapshot")) == (409, True)
    assert end(erp, snapshot, 0, confirm=True).json()["closed"] == 1
    assert end(erp, snapshot, 0).status_code == 409


def test_most_of_a_table_does_not_go_unasked(erp: Client) -> None:
    push(erp, "empresa", [company(f"C{n}") for n in range(50)])
    snapshot = begin(erp, "empresa")
    push(erp, "empresa", [company("C1")], **{"X-Snapshot": snapshot})

    assert end(erp, snapshot, 1).json()["type"].endswith("mass_deletion")
    assert not any(gone(erp, "empresa").values())


def test_a_snapshot_is_of_one_table_and_of_one_workspace(cast: Cast, erp: Client) -> None:
    snapshot = begin(erp, "fatura")
    assert post(erp, "empresa", [], **{"X-Snapshot": snapshot}).status_code == 409
    charlie = api_client(cast.charlie, cast.elsewhere)
    assert post(charlie, "fatura", [], **{"X-Snapshot": snapshot}).status_code == 409
    assert end(charlie, snapshot, 0).status_code == 404
    assert erp.post("/api/v1/erp/snapshots/", {"table": "x"}, content_type="application/json").status_code == 400
