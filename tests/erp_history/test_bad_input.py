"""Bodies that are no batches: refused as a whole with a clear 4xx, written down in the history, and nothing stored."""

from __future__ import annotations

import gzip
import zlib
from typing import Any

import orjson
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.scoping import workspace_tx
from erp_history.domain.reading import MAX_BYTES
from erp_history.models import Empresa, ErpRequest
from tests.accounts.api_client import api_client
from tests.erp_history.makers import company, counts, post, push
from tests.fixtures import Cast

JSON = "application/json"


@pytest.mark.parametrize(
    ("body", "kind", "headers", "status", "code"),
    [
        (b"{", JSON, {}, 400, "bad_json"),
        (b" ", JSON, {}, 400, "not_an_array"),
        (b'{"codigo_erp": "1"}', JSON, {}, 400, "not_an_array"),
        (b'[{"codigo_erp": "1", "limite_credito": NaN}]', JSON, {}, 400, "bad_json"),
        (b'[{"codigo_erp": "1", "limite_credito": Infinity}]', JSON, {}, 400, "bad_json"),
        (b'[{"codigo_erp": "\\ud800"}]', JSON, {}, 400, "bad_json"),
        ('[{"codigo_erp": "é"}]'.encode("latin-1"), JSON, {}, 400, "bad_charset"),
        (b"[" * 5000, JSON, {}, 400, "bad_json"),
        (b"[]", "application/xml", {}, 415, "unsupported_media_type"),
        (b"[]", JSON, {"Content-Encoding": "br"}, 415, "unsupported_encoding"),
        (b"[]", JSON, {"Content-Encoding": "gzip"}, 400, "bad_gzip"),
        (gzip.compress(b"[]")[:-4], JSON, {"Content-Encoding": "gzip"}, 400, "bad_gzip"),
        (b"[]", "application/json; charset=utf-7", {}, 415, "unknown_charset"),
        (b'a,b\n"x', "text/csv", {}, 400, "bad_csv"),
        (b"a,a\n1,2", "text/csv", {}, 400, "bad_csv"),
        (b"[]", JSON, {"X-Snapshot": "99"}, 409, "unknown_snapshot"),
    ],
)
def test_what_cannot_be_read_is_refused(
    cast: Cast, erp: Client, body: bytes, kind: str, headers: dict[str, str], status: int, code: str
) -> None:
    answer = post(erp, "empresa", body, kind=kind, **headers)

    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert answer.json()["type"].endswith(code)
    assert answer.json()["detail"]
    with workspace_tx(cast.workspace):
        assert not Empresa.objects.exists()
        [kept] = ErpRequest.objects.all()
        assert (kept.status, kept.table, kept.answer["status"]) == (status, "empresa", status)


def bomb(size: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return b"".join([packer.compress(b"[" + b" " * 2**20), *(packer.compress(b" " * 2**20) for _ in range(size)), packer.flush()])


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (bomb(65), {"Content-Encoding": "gzip"}),
        (b"[" + b" " * MAX_BYTES, {}),
        (b"[" + b",".join([b"{}"] * 50_001) + b"]", {}),
        (b"[" + b"[]," * 300_000 + b"[]]", {}),
    ],
    ids=["gzip bomb", "64 MiB", "rows", "brackets"],
)
def test_too_much_is_413(erp: Client, body: bytes, headers: dict[str, str]) -> None:
    assert post(erp, "empresa", body, **headers).status_code == 413


def test_a_body_beyond_django_s_limit_for_forms_is_taken(erp: Client) -> None:
    rows = [company(f"C{number}", observacao="x" * 4000) for number in range(1500)]

    assert counts(push(erp, "empresa", rows)) == [1500, 1500, 0, 0, 0, 0]


def test_gzip_and_a_byte_order_mark_are_read(erp: Client) -> None:
    body = gzip.compress(b"\xef\xbb\xbf" + orjson.dumps([company("C1")]))

    assert counts(push(erp, "empresa", body, **{"Content-Encoding": "gzip"})) == [1, 1, 0, 0, 0, 0]


def test_a_name_twice_in_one_row_rejects_that_row(erp: Client) -> None:
    body = b'[{"codigo_erp": "C1", "razao_social": "One", "razao_social": "Two"}, {"codigo_erp" : "C2", "razao_social": "x"}]'
    answer = push(erp, "empresa", body)

    assert counts(answer) == [2, 1, 0, 0, 0, 1]
    assert (answer["errors"][0]["index"], answer["errors"][0]["field"], answer["errors"][0]["code"]) == (
        0,
        "razao_social",
        "duplicate_field",
    )


def test_the_history_shows_every_request_and_its_answer_without_secrets(cast: Cast, erp: Client) -> None:
    push(erp, "empresa", [company("C1"), {"codigo_erp": "C2"}])
    post(erp, "clientes", [])
    requests = erp.get("/api/v1/erp/requests/").json()["results"]

    assert [(row["table"], row["status"], row["received"], row["rejected"]) for row in requests] == [
        ("clientes", 404, 0, 0),
        ("empresa", 200, 2, 1),
    ]
    assert requests[1]["answer"]["errors"][0]["key"] == "C2"
    assert "Company C1" in requests[1]["sample"]
    assert (requests[1]["token_name"], requests[1]["user"]) == ("Test", cast.alice.pk)
    assert "crm_" not in str(requests)
    assert len(erp.get("/api/v1/erp/requests/", {"rejected": "1"}).json()["results"]) == 1


def test_a_token_without_the_scope_is_written_down_too(cast: Cast, erp: Client) -> None:
    post(api_client(cast.alice, cast.workspace, scopes=["read"]), "empresa", [company("C1")])

    [kept] = erp.get("/api/v1/erp/requests/").json()["results"]
    assert (kept["status"], kept["token_name"], kept["user"]) == (403, "Test", cast.alice.pk)


def test_an_idempotency_key_stores_once_and_refuses_another_body(erp: Client) -> None:
    key = {"Idempotency-Key": "abc"}
    first = post(erp, "empresa", [company("C1")], **key)
    again = post(erp, "empresa", [company("C1")], **key)

    assert first.json() == again.json()
    assert again["Idempotency-Replayed"] == "true"
    assert post(erp, "empresa", [company("C2")], **key).status_code == 422
    assert len(erp.get("/api/v1/erp/empresa/").json()["results"]) == 1


def statements(client: Client, rows: list[dict[str, Any]]) -> int:
    with CaptureQueriesContext(connection) as found:
        push(client, "empresa", rows)
    return len(found)


def test_a_batch_costs_the_same_statements_whatever_its_size(erp: Client) -> None:
    push(erp, "empresa", [company("C0")])
    few = statements(erp, [company(f"A{n}") for n in range(3)])
    many = statements(erp, [company(f"B{n}") for n in range(300)])
    assert few == many
