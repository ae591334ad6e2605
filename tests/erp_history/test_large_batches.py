"""Batches of many rows, with few or many others stored between their keys: each is read in another way and answered alike."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from erp_history.domain.batch import copy_text
from erp_history.domain.merge import DENSE, PROBES, WORTH_ASKING
from erp_history.domain.tables import TABLES
from tests.erp_history.makers import company, counts, push

EACH = WORTH_ASKING // 4
BEFORE, STAMP, AFTER = (f"2026-08-0{day}T10:00:00Z" for day in (1, 2, 3))
# What a row says the second time, by what becomes of it.
SAID: dict[str, dict[str, Any]] = {
    "same": {"cidade": "A", "data_alteracao": STAMP},
    "changed": {"cidade": "B", "data_alteracao": STAMP},
    "older": {"cidade": "Old", "data_alteracao": BEFORE},
    "touched": {"cidade": "A", "data_alteracao": AFTER},
    "new": {"cidade": "New", "data_alteracao": STAMP},
}
CITIES = {"same": "A", "changed": "B", "older": "A", "touched": "A", "new": "New"}


def codes(kind: str) -> list[str]:
    return [f"C{number:03d}-{kind}" for number in range(EACH)]


def stored(erp: Client) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    address = "/api/v1/erp/empresa/?limit=200"
    while address:
        page = erp.get(address).json()
        found |= {row["key"]: row for row in page["results"]}
        address = page["next"]
    return found


@pytest.fixture(params=[0, (DENSE + 1) * EACH * len(SAID)], ids=["nothing else between", "most between does not come"])
def others(request: pytest.FixtureRequest, erp: Client) -> int:
    """The first load, and so many rows between its keys."""
    if request.param:
        push(erp, "empresa", [company(f"C001-x{number}") for number in range(request.param)])
    known = [kind for kind in SAID if kind != "new"]
    push(erp, "empresa", [company(code, cidade="A", data_alteracao=STAMP) for kind in known for code in codes(kind)])
    return int(request.param)


def test_what_is_new_changed_older_and_known_is_told_apart(erp: Client, others: int) -> None:
    # By kind, so not in the order of the keys.
    answer = push(erp, "empresa", [company(code, **said) for kind, said in SAID.items() for code in codes(kind)])

    assert counts(answer) == [5 * EACH, EACH, EACH, 2 * EACH, EACH, 0]
    cities = {key: row["cidade"] for key, row in stored(erp).items() if "-x" not in key}
    assert cities == {code: city for kind, city in CITIES.items() for code in codes(kind)}
    again = [company(code, **said) for kind, said in SAID.items() if kind != "older" for code in codes(kind)]
    assert counts(push(erp, "empresa", again)) == [4 * EACH, 0, 0, 4 * EACH, 0, 0]


def test_new_rows_between_those_stored_are_only_inserted(erp: Client, others: int) -> None:
    assert counts(push(erp, "empresa", [company(code) for code in reversed(codes("late"))])) == [EACH, EACH, 0, 0, 0, 0]
    assert counts(push(erp, "empresa", [company(f"{code}{part}") for part in range(5) for code in codes("more")])) == [
        5 * EACH,
        5 * EACH,
        0,
        0,
        0,
        0,
    ]
    assert len(stored(erp)) == others + 10 * EACH


def test_one_row_is_stored_where_no_probe_looks(erp: Client) -> None:
    rows = [company(f"C{number:03d}", cidade="A") for number in range(10 * PROBES)]
    push(erp, "empresa", [rows[1], rows[5] | {"cidade": "B"}])

    assert counts(push(erp, "empresa", rows)) == [len(rows), len(rows) - 2, 1, 1, 0, 0]
    assert counts(push(erp, "empresa", rows)) == [len(rows), 0, 0, len(rows), 0, 0]


def test_deleted_and_lost_rows_come_back_or_keep_what_is_known(erp: Client, others: int) -> None:
    gone = [{"codigo_erp": code, "excluido": "S"} for code in codes("same")]
    rest = [company(code, cidade="A", data_alteracao=STAMP) for kind in ("changed", "older", "touched") for code in codes(kind)]
    assert counts(push(erp, "empresa", [*gone, *rest])) == [4 * EACH, 0, EACH, 3 * EACH, 0, 0]
    row = stored(erp)[codes("same")[0]]
    assert (row["excluido"], row["cidade"]) == (True, "A")


def test_a_complete_load_closes_what_did_not_come(erp: Client, others: int) -> None:
    snapshot = erp.post("/api/v1/erp/snapshots/", {"table": "empresa"}, content_type="application/json").json()["id"]
    came = [company(code, cidade="A", data_alteracao=STAMP) for kind in ("same", "changed", "older", "new") for code in codes(kind)]
    assert counts(push(erp, "empresa", came, **{"X-Snapshot": str(snapshot)})) == [4 * EACH, EACH, 0, 3 * EACH, 0, 0]
    ended = erp.post(f"/api/v1/erp/snapshots/{snapshot}/end/", {"rows": 4 * EACH, "confirm": True}, content_type="application/json").json()

    assert ended["closed"] == EACH + others
    assert {key for key, row in stored(erp).items() if row["gone_at"] is None} == {row["codigo_erp"] for row in came}
    back = push(erp, "empresa", [company(code, cidade="A", data_alteracao=STAMP) for kind in SAID for code in codes(kind)])
    assert counts(back) == [5 * EACH, 0, EACH, 4 * EACH, 0, 0]


def test_branches_share_codes(erp: Client) -> None:
    rows = [company(f"C{number}", filial=branch) for number in range(WORTH_ASKING) for branch in ("02", "", "01")]

    assert counts(push(erp, "empresa", rows)) == [len(rows), len(rows), 0, 0, 0, 0]
    assert counts(push(erp, "empresa", rows)) == [len(rows), 0, 0, len(rows), 0, 0]
    assert counts(push(erp, "empresa", [company(f"C{number}") for number in range(WORTH_ASKING)])) == [
        WORTH_ASKING,
        0,
        0,
        WORTH_ASKING,
        0,
        0,
    ]


@pytest.mark.parametrize("sign", ["\\", "\t", "\n", "\r", "\\N"])
def test_a_sign_that_copy_reads_is_escaped_in_its_column_alone(sign: str) -> None:
    text = copy_text([["a", f"b{sign}", None], ["c", "d", "e"]]).decode()

    assert text.count("\t") == 3
    assert text.splitlines()[0] == "a\tc"
    assert text.endswith("\\N\te\n")


def test_a_text_longer_than_a_page_comes_back_whole(erp: Client) -> None:
    text = "Ação " * 5000 + "fim"
    short = [company("C1", cidade="Recife"), company("C2")]

    assert counts(push(erp, "empresa", short)) == [2, 2, 0, 0, 0, 0]
    assert counts(push(erp, "empresa", [company("C1", cidade="Recife", observacao=text)])) == [1, 0, 1, 0, 0, 0]
    assert erp.get("/api/v1/erp/empresa/C1/").json()["observacao"] == text
    assert counts(push(erp, "empresa", [company("C1", cidade="Recife", observacao=text)])) == [1, 0, 0, 1, 0, 0]
    assert counts(push(erp, "empresa", short)) == [2, 0, 1, 1, 0, 0]


def test_every_column_may_be_as_long_as_it_is_promised(erp: Client) -> None:
    """In the widest signs there are: a row must still fit where it comes in."""
    for table in TABLES.values():
        wide = {column.name: "😀" * column.size for column in table.columns if column.kind in ("text", "code") and column.size}
        plain = {"decimal": 1, "date": "2026-08-01"}
        rest = {column.name: plain[column.kind] for column in table.columns if column.kind in plain}
        assert counts(push(erp, table.name, [wide | rest])) == [1, 1, 0, 0, 0, 0], table.name
        assert counts(push(erp, table.name, [wide | rest])) == [1, 0, 0, 1, 0, 0], table.name
